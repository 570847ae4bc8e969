/* notify.h - tells the service manager how we are (sd_notify(3), without its library). */
#ifndef CPNI_CPNID_NOTIFY_H
#define CPNI_CPNID_NOTIFY_H

/* "READY=1", "STOPPING=1". socket_path: $NOTIFY_SOCKET; NULL: nobody wants to know. */
void notify_send(const char *socket_path, const char *state);

#endif

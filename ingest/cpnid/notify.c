#include "ingest/cpnid/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *socket_path, const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = socket_path ? strlen(socket_path) : 0;
    if (n < 2 || n >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, socket_path, n);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0'; /* abstract: the name ends where the length says */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    /* Not telling is no reason to fail: the manager will time out and say so. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to, bytes);
    close(fd);
}

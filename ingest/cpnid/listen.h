/* listen.h - opens every descriptor of role_fds: state directory, sockets, channels. They
 * stay open in the parent for its whole life: a restarted role finds its datagrams and
 * connections where its predecessor left them. */
#ifndef CPNI_CPNID_LISTEN_H
#define CPNI_CPNID_LISTEN_H

#include "ingest/cpnid/role.h"

enum { CHANNEL_BUFFER_BYTES = 4 * 1024 * 1024, LISTEN_BACKLOG = 1024 };

/* Every descriptor to -1. */
void listen_none(struct role_fds *f);

/* Opens what the configuration names. ERR_CONFLICT: another daemon has the directory or the
 * address; ERR_NOTFOUND: no state directory; ERR_DENIED, ERR_NET. d->what says which; *who is
 * the setting ("listen_http"), for the log. On failure what was opened stays in *f. */
MUST_CHECK enum err listen_all(const struct config *c, struct role_fds *f, const char **who,
                               struct diag *d);
void listen_close(struct role_fds *f);

/* --- the parts --- */
/* Takes the lock that only one daemon can have; it is held until *out_lock is closed. */
MUST_CHECK enum err state_open(const char *path, int *out_dir, int *out_lock, struct diag *d);
MUST_CHECK enum err listen_udp(const struct config_address *a, bool shared, size_t receive_bytes,
                               int *out, struct diag *d);
MUST_CHECK enum err listen_tcp(const struct config_address *a, int *out, struct diag *d);
/* STATE/control.sock, mode 0660, replacing one that a crash left behind. */
MUST_CHECK enum err listen_control(int state_dir, int *out, struct diag *d);
MUST_CHECK enum err channel_open(int out[2], struct diag *d);

#endif

/* conn.h - a request to the vault and its answer, over control.sock. Blocking: one request
 * at a time, for a tool that has nothing else to do. */
#ifndef CPNI_CTL_CONN_H
#define CPNI_CTL_CONN_H

#include "vault/ctl/ctl.h"
#include "vault/vault.h"

struct conn_ops { /* any may be NULL; a false ends the run as CONTROL_FAILED */
    bool (*columns)(void *arg, struct span payload);
    bool (*row)(void *arg, struct span payload);
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
};

enum { CONN_TEXT_BYTES = 512 };
struct conn {
    struct vault_link *link; /* owned */
    const struct conn_ops *ops;
    uint32_t id;
    bool ended;
    enum control_status status;
    char text[CONN_TEXT_BYTES]; /* of END: constant words of the vault */
};

/* Says on stderr why it could not; CONTROL_DONE or CONTROL_UNREACHABLE. */
MUST_CHECK enum control_status conn_open(const struct ctl *c, struct conn *out);
void conn_close(struct conn *n);

/* Sends a REQUEST and gives its rows to ops until END: its status. What is not
 * CONTROL_DONE was told on stderr. */
MUST_CHECK enum control_status conn_ask(const struct ctl *c, struct conn *n, struct span request,
                                        const struct conn_ops *ops);

/* What conn_open() gives its link as callback, with the conn as argument. */
void conn_frame(void *conn, const struct frame *f);

#endif

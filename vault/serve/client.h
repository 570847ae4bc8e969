/* client.h - one client of the vault role: a seqpacket socket, its session, and the frames
 * that the socket had no room for. */
#ifndef CPNI_SERVE_CLIENT_H
#define CPNI_SERVE_CLIENT_H

#include "vault/local.h"

enum {
    /* Frames kept for a client that reads slowly; beyond it he is closed (I10). A listing
     * of a million customers fits; long reads of calls pause instead. */
    CLIENT_QUEUE_BYTES_MAX = 128 * 1024 * 1024,
    CLIENT_TURN_FRAMES = 64, /* frames read of one client before the next has its turn */
};

struct client {
    int fd; /* owned */
    uint32_t uid;
    struct session *session;
    struct queued *first, *last; /* frames not yet sent; owned */
    size_t queued_bytes;
    bool closed; /* to be freed at the end of the turn */
    struct client *next;
};

/* Takes fd on success and failure. */
MUST_CHECK enum err client_new(struct vault *v, int fd, const struct peer *p, struct client **out);
struct client *client_free(struct client *c); /* returns the next one */

/* Reads and handles what waits, up to CLIENT_TURN_FRAMES; nothing while earlier answers wait to
 * be read, so that one answer bounds what is kept for him. Sets closed on a bad frame or at the
 * end. ERR_STORE (and whatever else ends the process) is passed on. */
MUST_CHECK enum err client_read(struct client *c, uint8_t *frame, size_t frame_cap);
/* Sends what is queued, as far as the socket takes it. */
void client_write(struct client *c);
/* One frame from the vault itself (GREETING). */
void client_send(struct client *c, const struct frame *f);

#endif

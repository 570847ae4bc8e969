/* http_client.h - as much of HTTP/1.1 as a sender of CDRs and a reader of /metrics need: many posts
 * at once over connections that are kept, and one blocking GET. */
#ifndef CPNI_BENCH_HTTP_CLIENT_H
#define CPNI_BENCH_HTTP_CLIENT_H

#include "proto/core/buf.h"
#include "proto/core/diag.h"

struct http_response {
    unsigned status;
    struct span body;
    size_t used; /* bytes of the response */
};

/* A response with a Content-Length. ERR_MORE: incomplete. ERR_SYNTAX: none. */
MUST_CHECK enum err http_response_parse(struct span in, struct http_response *out);

/* The body of a 200, into b. ERR_NET, ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK enum err http_get(uint16_t port, const char *path, struct buf *b);

/* Sum of all samples of a metric: "cpnid_received_total" with whatever labels. */
uint64_t http_metric_sum(struct span text, const char *name);

/* --- posting --- */

struct poster;

struct poster_events {
    /* An answer other than 503 came for the document that was posted as `item`. */
    void (*answered)(void *arg, size_t item, unsigned status, uint64_t now_us);
    void *arg;
};

/* Connections to 127.0.0.1:port, made at once. ERR_NET, ERR_NOMEM. */
MUST_CHECK enum err poster_new(uint16_t port, size_t connections,
                               const struct poster_events *events, struct poster **out);
struct poster *poster_free(struct poster *p);

/* Posts it on a free connection; false: there is none. The document is borrowed until it has been
 * answered: after a 503 it is sent again when the daemon said. */
bool poster_put(struct poster *p, size_t item, struct span document);
/* Writes, reads, reports; waits for something to happen at most wait_us. ERR_NET: a connection is
 * gone. */
MUST_CHECK enum err poster_turn(struct poster *p, uint64_t wait_us);
uint64_t poster_refused(const struct poster *p); /* answers 503 so far */

#endif

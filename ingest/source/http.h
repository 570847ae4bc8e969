/* http.h - documents that switches post (feeds.md 2.1, 8): the only user of libmicrohttpd for
 * traffic. Knows requests, limits and answers; what a body means is the taker's business.
 *
 *   POST path, body -> route() before the body, post() behind it -> answer at once, or held back
 *   until http_settle() says that the ticket it was given is durable (I2): only then 200.
 *
 * Answers of its own: 413 over body_bytes_max; 503 with Retry-After when the bodies of all
 * connections together would pass http_bodies_bytes_max, when paused, or when a ticket is not
 * settled in wait_ms (sending again does no harm). Expect: 100-continue is answered when the
 * request may go on (RFC 9110 10.1.1). The Content-Type is not looked at: it lies.
 * The log has statuses, never a path or a body. */
#ifndef CPNI_SOURCE_HTTP_H
#define CPNI_SOURCE_HTTP_H

#include <uv.h>

#include "ingest/source/source.h"

enum { HTTP_TEXT_BYTES_MAX = 160, HTTP_BODIES_BYTES_MAX = 64 * 1024 * 1024 };

struct http_answer {
    unsigned status;                /* 200, 400, ... */
    uint64_t ticket;                /* 0: answer now; else behind http_settle(ticket) */
    char text[HTTP_TEXT_BYTES_MAX]; /* body: reason and offset, never a value */
};

struct http_options {
    int fd; /* listening, non-blocking; borrowed */
    unsigned connections_max;
    size_t body_bytes_max;
    uint32_t idle_s;
    uint32_t wait_ms; /* longest time an answer is held back */
    uint32_t retry_after_s;
    /* Is there a taker for this path, and room? Status 0: yes. Called before the body is read. */
    struct http_answer (*route)(void *arg, struct span path);
    /* The whole body; borrowed. */
    struct http_answer (*post)(void *arg, struct span path, struct span body);
    void (*answered)(void *arg, unsigned status); /* each answer, for metrics */
    void *arg;
};

struct http;

/* Begins serving. ERR_NOMEM, ERR_NET. */
MUST_CHECK enum err http_new(uv_loop_t *loop, const struct http_options *options,
                             struct http **out);
struct source *http_source(struct http *h);

/* All tickets up to this one are durable. */
void http_settle(struct http *h, uint64_t ticket);
size_t http_waiting(const struct http *h); /* answers that are held back */

#endif

/* ingestd.h - the ingest role: meets strangers' bytes and turns them into batches for the
 * vault. One process and one event loop a worker; no key, no database, and no file but
 * those whose directories were opened before.
 *
 * The parent (ingest/cpnid) fills the options before it forks; everything in them is
 * borrowed and must live as long as the process. A restarted worker is given the same
 * descriptors and the same options: the vault hands it back its cursors and its live
 * dialogs (vault/vault.h), so it needs no memory of its own.
 *
 * Which worker serves what: the descriptors decide. A file feed belongs to one worker
 * (dir_fd = -1 for the others). A listening TCP or HTTP socket may be shared. UDP sockets
 * are one a worker, bound with SO_REUSEPORT: the kernel then keeps each agent with one
 * worker, and so each of its calls. */
#ifndef CPNI_INGEST_INGESTD_H
#define CPNI_INGEST_INGESTD_H

#include "ingest/pipe/feed.h"

struct ingestd_options {
    const struct ingest_feed *feed;
    size_t feeds_count; /* at most FEEDS_MAX; all of them, the same list for every worker */
    unsigned worker;    /* 0..workers-1 */
    unsigned workers;   /* as configured */
    int vault_fd;       /* Unix seqpacket socket to the vault; taken */
    int http_fd;        /* listening, non-blocking, or -1 */
    int ready_fd;       /* one byte is written when the sources run, then it is closed; -1 = none */
    struct span npa;    /* bytes of deploy/npa.csv */
    struct metrics *metrics; /* NULL = none are published */

    uint32_t flush_ms;             /* a partial batch waits no longer; less if its sender does */
    uint32_t drain_ms;             /* SIGTERM: how long to wait for the last receipts */
    size_t dialogs_max;            /* of this worker; 0 = DIALOGS_MAX_DEFAULT */
    uint32_t checkpoint_ms;        /* unanswered calls younger than this die with the process */
    uint32_t tcp_connections_max;  /* of all HEP feeds of this worker */
    uint32_t tcp_idle_s;           /* a HEP connection without a byte is closed */
    uint32_t http_connections_max; /* further ones are refused */
    uint32_t http_body_bytes_max;  /* at most HTTP_BODY_BYTES_MAX; more is answered 413 */
    uint32_t http_idle_s;          /* a half-sent request is given up */
    uint32_t retry_after_s;        /* of a 503 */
    uint32_t file_poll_ms;         /* where no notification comes (network file systems) */
};

/* What is configured without further wishes; feeds have INGEST_FEED_DEFAULTS. */
#define INGESTD_DEFAULTS                                                                           \
    .workers = 1, .vault_fd = -1, .http_fd = -1, .ready_fd = -1, .flush_ms = 5, .drain_ms = 5000,  \
    .checkpoint_ms = 200, .tcp_connections_max = 1024, .tcp_idle_s = 600,                          \
    .http_connections_max = 256, .http_body_bytes_max = HTTP_BODY_BYTES_MAX, .http_idle_s = 30,    \
    .retry_after_s = 1, .file_poll_ms = 500

/* Runs until SIGTERM (0: drained, everything that was read has its receipt), until the
 * vault channel breaks or refuses a batch (1: to be restarted), or refuses the options (78:
 * not to be restarted; the reason is on stderr). Logs logfmt to stderr: feed names, reasons
 * and offsets, never content. */
int ingestd_run(const struct ingestd_options *options);

#endif

/* load.h - `cpnictl ingest FILE --feed NAME`: a capture or CDR file, parsed in the process of the
 * tool with the daemon's own front ends, and handed to the vault as an ingest worker does.
 * Blocking. Loading a file again changes nothing: the vault knows its records.
 *
 *     load_new(&options, &l, d) ... vault_link_connect(path, load_frame, l, &link)
 *     load_file(l, link, file, &result, d) ... load_free(l), vault_link_free(link)
 *
 * What a file is, its first bytes tell: pcap, pcapng (SIP, or HEP that carries it), JSON (a
 * document, an array, documents one behind the other), else CSV of Asterisk. It must be what the
 * feed is: a hep feed takes captures, and so on; a mapped one any text. Calls that are open at the
 * end of a capture are given out as incomplete. */
#ifndef CPNI_INGEST_LOAD_H
#define CPNI_INGEST_LOAD_H

#include "ingest/pipe/feed.h"
#include "vault/vault.h"

struct load_problem { /* one thing that was refused; constant strings, no value */
    const char *unit; /* "line", "document", "packet" */
    uint64_t number;  /* from 1 */
    const char *reason, *what;
    size_t at; /* byte in it */
};

struct load_options {
    /* Of the feed: name, number_plan, default_country, timezone, tzif, map as in the configuration
     * of the daemon. kind FEED_UNKNOWN: as the vault knows the feed. Descriptors are not used. */
    struct ingest_feed feed;
    struct span npa; /* bytes of the area code table; empty: no code is known */
    void (*progress)(void *arg, uint64_t bytes, uint64_t total); /* NULL = none */
    void (*problem)(void *arg, const struct load_problem *p);    /* NULL = none */
    void *arg;
};

struct load_result {
    uint64_t read;      /* records found, refused ones included */
    uint64_t accepted;  /* made durable now */
    uint64_t duplicate; /* were there already */
    uint64_t rejected;  /* malformed, or refused by the vault */
    uint64_t ignored;   /* traffic of a capture, or lines of a mapped file, that are no calls */
};

struct load;

/* Borrows what the options point to. ERR_NOMEM; else the configuration is wrong: d->what. */
MUST_CHECK enum err load_new(const struct load_options *options, struct load **out, struct diag *d);
struct load *load_free(struct load *l); /* returns NULL */

void load_frame(void *arg, const struct frame *f); /* the link's on_frame; arg is the load */

/* Returns when everything is durable. *out is also written when it fails midway.
 * ERR_NOTFOUND: no such file, or no such feed. ERR_CONFLICT: the file is not of the feed's kind.
 * ERR_SYNTAX: a damaged capture (what was before is loaded). ERR_DENIED: the vault closed the
 * connection at our HELLO. ERR_SHUTDOWN: it went away later; run it again. Else the status with
 * which it refused a batch. */
MUST_CHECK enum err load_file(struct load *l, struct vault_link *link, const char *path,
                              struct load_result *out, struct diag *d);

#endif

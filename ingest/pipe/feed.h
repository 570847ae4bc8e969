/* feed.h - a feed: what the configuration says of it, and what the pipe makes of that. */
#ifndef CPNI_PIPE_FEED_H
#define CPNI_PIPE_FEED_H

#include "proto/classify/derive.h"
#include "proto/core/limits.h"
#include "proto/record/cdr_map.h"
#include "proto/record/zone.h"

/* HEP chunks 0x000c and 0x000e: the key an agent must show. */
struct ingest_agent {
    uint32_t id;
    struct span key; /* not empty */
};

struct ingest_feed {
    const char *name; /* 1..FEED_NAME_BYTES_MAX bytes */
    enum feed_kind kind;
    const char *number_plan;     /* "nanp", "e164" or "raw" (proto/classify/number.h) */
    const char *default_country; /* digits of the country code for e164: "49"; NULL = none */

    /* Local times of the feed (asterisk_csv, mapped): "UTC", a fixed offset "+05:30", or a name
     * whose TZif bytes (RFC 8536) the parent has read from the zone database. */
    const char *timezone; /* NULL or "": none, which asterisk_csv minds, and a map of local times */
    struct span tzif;     /* empty for UTC and fixed offsets */

    struct span map; /* mapped: bytes of the mapping file (proto/record/cdr_map.h) */

    /* hep. Both sockets are bound, tcp_fd listens, both are non-blocking; -1 = none. */
    int udp_fd;
    int tcp_fd;
    const struct ingest_agent *agents; /* none: every agent is accepted, with any key */
    size_t agents_count;               /* few: searched in order */

    /* asterisk_csv, mapped, or freeswitch_json as one document a line. dir_fd is open for reading
     * (O_RDONLY | O_DIRECTORY: rotated files are searched in it); -1 = none. */
    int dir_fd;
    const char *dir_path; /* to be notified of changes; NULL or unreadable: polling alone */
    const char *file_name;
};

#define INGEST_FEED_DEFAULTS .number_plan = "nanp", .udp_fd = -1, .tcp_fd = -1, .dir_fd = -1

struct pipe_feed {
    const struct ingest_feed *conf; /* borrowed */
    unsigned index;                 /* in the configuration: its label in the metrics */
    uint16_t id;                    /* the vault's number of it; 0 = not welcome yet */
    enum feed_kind kind;
    struct derive_rules rules;
    struct zone zone;
    struct cdr_map map; /* mapped: else no rule is in it */
};

/* npa, and what conf points to, are borrowed for the life of the feed; no npa = no area code is
 * known. d->what says what is wrong with the configuration. ERR_SYNTAX: number plan, country, time
 * zone or map. ERR_NOTFOUND: a time zone without its TZif bytes. */
MUST_CHECK enum err pipe_feed_init(struct pipe_feed *f, const struct ingest_feed *conf,
                                   unsigned index, const struct npa_table *npa, struct diag *d);

/* Has the agent of that id this key? A feed without agents asks for none. Takes the same time
 * for every wrong key of one length. */
bool pipe_feed_admits(const struct pipe_feed *f, uint32_t agent, struct span key);

#endif

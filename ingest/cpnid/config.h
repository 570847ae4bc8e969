/* config.h - what the configuration file says, as plain data: read once by the parent,
 * before it forks; borrowed and only read by everybody else. knobs.def has the settings. */
#ifndef CPNI_CPNID_CONFIG_H
#define CPNI_CPNID_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "proto/core/limits.h"
#include "proto/core/span.h"
#include "proto/record/call.h"

enum {
    CONFIG_TEXT_BYTES = 64,
    CONFIG_PATH_BYTES = 512,
    CONFIG_WORKERS_MAX = 16,
    CONFIG_AGENTS_MAX = 64,   /* of all feeds together */
    CONFIG_GRANTS_MAX = 32,   /* rows of `roles` */
    CONFIG_PROBLEMS_MAX = 64, /* errors told of one file */
    CONFIG_FILE_BYTES_MAX = 1024 * 1024
};

struct config_address {
    char host[46]; /* IPv4 or IPv6, numeric; empty = closed */
    uint16_t port;
};

/* HEP capture agent that must show the key in its file (one line, read by the worker). */
struct config_agent {
    uint32_t id;
    char key_file[CONFIG_PATH_BYTES];
};

/* Member type of each kind of setting. */
#define CONFIG_MEMBER_COUNT(name)       uint64_t name;
#define CONFIG_MEMBER_MS(name)          uint64_t name;
#define CONFIG_MEMBER_S(name)           uint64_t name;
#define CONFIG_MEMBER_BYTES(name)       uint64_t name;
#define CONFIG_MEMBER_BOOL(name)        bool name;
#define CONFIG_MEMBER_TEXT(name)        char name[CONFIG_TEXT_BYTES];
#define CONFIG_MEMBER_DIGITS(name)      char name[CONFIG_TEXT_BYTES];
#define CONFIG_MEMBER_PATH(name)        char name[CONFIG_PATH_BYTES];
#define CONFIG_MEMBER_ADDRESS(name)     struct config_address name;
#define CONFIG_MEMBER_PERIOD(name)      uint64_t name;
#define CONFIG_MEMBER_INCREMENTS(name)  char name[CONFIG_TEXT_BYTES];
#define CONFIG_MEMBER_FEED_KIND(name)   enum feed_kind name;
#define CONFIG_MEMBER_NUMBER_PLAN(name) char name[CONFIG_TEXT_BYTES];

struct config_feed {
#define FEED_KNOB(name, kind, min, max, preset, help) CONFIG_MEMBER_##kind(name)
#include "ingest/cpnid/knobs.def"
    size_t agents_first, agents_count; /* in config.agent */
    int line;                          /* of the file */
};

/* Who may act as what: a Unix user, "@group", or "self" = who started the daemon. */
struct config_grant {
    char who[CONFIG_TEXT_BYTES];
    uint32_t roles; /* bit per enum role of vault/policy/policy.h */
    int line;
};

struct config {
#define KNOB(name, kind, min, max, preset, help) CONFIG_MEMBER_##kind(name)
#include "ingest/cpnid/knobs.def"
    size_t feeds_count;
    struct config_feed feed[FEEDS_MAX];
    size_t agents_count;
    struct config_agent agent[CONFIG_AGENTS_MAX];
    size_t grants_count;
    struct config_grant grant[CONFIG_GRANTS_MAX];
};

/* Everything that is wrong with a file, in order of its lines. */
struct config_problems {
    size_t count; /* also of those that did not fit */
    struct {
        int line; /* from 1 */
        char text[160];
    } item[CONFIG_PROBLEMS_MAX];
};

__attribute__((format(printf, 3, 4))) void config_problem(struct config_problems *p, int line,
                                                          const char *format, ...);

/* Every setting at its default; no feed, no grant. */
void config_default(struct config *c);

/* Reads YAML. *c is config_default() and then what the text says. OK: no problem.
 * ERR_SYNTAX: *problems tells what, *c is not to be used. */
MUST_CHECK enum err config_parse(struct span yaml, struct config *c,
                                 struct config_problems *problems);

/* Adds to the port of every listener (CPNID_PORT_OFFSET). ERR_LIMIT: one would pass 65535. */
MUST_CHECK enum err config_shift_ports(struct config *c, uint16_t offset);

/* Every setting with default, bounds, unit and help, as a commented configuration file
 * that reads back as the defaults. */
void config_print(FILE *out);

/* "127.0.0.1:9060" or "[::1]:9060"; ERR_SYNTAX. */
MUST_CHECK enum err config_address_parse(struct span text, struct config_address *out);
/* Writes it that way; "" when closed. */
enum { CONFIG_ADDRESS_TEXT_BYTES = 56 };
void config_address_text(const struct config_address *a,
                         char out[static CONFIG_ADDRESS_TEXT_BYTES]);

#endif

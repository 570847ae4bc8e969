/* cdr_map.h - a mapping file: how the CDRs of one switch become records, as data (feeds.md 8).
 *
 * A line is `name = value`; a line that begins with a blank goes on with the one before; a line
 * that begins with # is a comment. Lists have commas; a text may stand in double quotes.
 *
 *   format      csv, json (a document a line in a file that is followed) or kv (name=value pairs)
 *   delimiter   csv: one byte or `tab`, default comma; kv: the text between pairs, default ;
 *   quote       csv: one byte, default "; none = columns are never quoted
 *   begin       kv: where the record begins in the line; a line without it is no record
 *   not-behind  kv: texts; a line with one of them before `begin` is no record
 *   columns     csv: what the columns are called where no title line says
 *   header      csv: names = a line that begins with the first name of `columns` is a title line
 *               and says what the columns behind it are called; none, the default
 *   select      SOURCE: values that are calls; ignore = SOURCE: values that are none. What is
 *               neither is refused, unless there is no `select`
 *   key         sources that together tell the record from all others. There is no default: a
 *               whole line would carry what is to be dropped out of the parser (I5)
 *   drop        sources that are never kept: PINs, codes (I5)
 *   required    fields without which a record is refused
 *   answered-by t_answer, dur_bill_ms or disposition: what says that a call was answered
 *   FIELD       SOURCE[: transform] | SOURCE[: transform]...: the first that is there and not 0
 *   FIELD.VALUE texts that mean that value (fields with names, and one-byte numbers)
 *
 * FIELD is a row of call.def. SOURCE is a column's name, #3 (a column's number), a member's path
 * in a document (a.b, lists.0) or "a text". Sources that no line names become extras: sealed,
 * counted, never output (I1). Spans of a map point into the text of its file. */
#ifndef CPNI_RECORD_CDR_MAP_H
#define CPNI_RECORD_CDR_MAP_H

#include "proto/frame/csv.h"
#include "proto/record/call.h"

enum {
    CDR_MAP_BYTES_MAX = 64 * 1024, /* the largest one shipped has 5 KiB */
    CDR_MAP_SOURCES_MAX = 192,     /* of all lines together, each once; a byte counts them */
    CDR_MAP_RULES_MAX = 128,       /* alternatives count */
    CDR_MAP_ENTRIES_MAX = 128,     /* texts of FIELD.VALUE lines */
    CDR_MAP_VALUES_MAX = 32,       /* of one list */
    CDR_MAP_TAGS = 256             /* of call.def */
};

/* name in the file, types of call.def it makes, what it takes */
/* clang-format off */
#define CDR_TRANSFORMS(X)                                                                       \
    X(TEXT, "text", M(STR))              /* as it is */                                         \
    X(NONZERO, "nonzero", M(STR))        /* 0 where there is none */                            \
    X(URI_USER, "uri_user", M(STR))      /* sip:USER@host;... or USER@host */                   \
    X(URI_HOST, "uri_host", M(STR))      /* the host of it */                                   \
    X(URLDECODE, "urldecode", M(STR))    /* %HH */                                              \
    X(NUMBER, "number", M(U8) | M(U16) | M(U32))                                                \
    X(CAUSE, "cause", M(U8))             /* Q.850; what is above its seven bits is the switch's */ \
    X(SECONDS, "seconds", M(MS))         /* 12 or 12.345 */                                     \
    X(MS, "ms", M(MS))                                                                          \
    X(EPOCH_S, "epoch_s", M(TS))         /* 1763632800 or 1763632800.123456 */                  \
    X(EPOCH_MS, "epoch_ms", M(TS))                                                              \
    X(EPOCH_US, "epoch_us", M(TS))                                                              \
    X(GREGORIAN_S, "gregorian_s", M(TS)) /* seconds since year 0: Erlang's calendar */          \
    X(TIME, "time", M(TS))               /* time FORMAT: time_format.h */                       \
    X(IP, "ip", M(IP))                                                                          \
    X(INT_LE_IP, "int_le_ip", M(IP))     /* IPv4 as a signed little-endian number: CUCM */      \
    X(TABLE, "table", M(ENUM) | M(U8))   /* by the FIELD.VALUE lines */
/* clang-format on */

enum cdr_transform {
#define CDR_TRANSFORM_CODE(code, name, types) CDR_##code,
    CDR_TRANSFORMS(CDR_TRANSFORM_CODE) CDR_TRANSFORM_COUNT
};

enum cdr_format { CDR_CSV, CDR_JSON, CDR_KV, CDR_FORMAT_COUNT };

struct cdr_source {
    struct span name;
    uint16_t column; /* from 1; 0: by its name */
    bool literal;    /* the name is the text */
};

struct cdr_rule {
    const struct call_field *field;
    uint8_t source;     /* in cdr_map.source */
    uint8_t transform;  /* enum cdr_transform */
    struct span format; /* of CDR_TIME */
};

struct cdr_entry { /* of a FIELD.VALUE line */
    uint8_t tag, value;
    struct span text;
};

struct cdr_sources {
    uint8_t count;
    uint8_t at[CDR_MAP_VALUES_MAX]; /* in cdr_map.source */
};

struct cdr_values {
    uint8_t source; /* of select and ignore */
    uint8_t count;
    struct span text[CDR_MAP_VALUES_MAX];
};

struct cdr_map {
    enum cdr_format format;
    bool has_title;               /* header = names */
    bool needs_zone;              /* a time of it is local */
    struct csv_dialect dialect;   /* csv */
    struct span delimiter, begin; /* kv */
    struct cdr_values not_behind, select, ignore;
    struct cdr_sources key, drop;
    const struct call_field *answered_by;
    bool required[CDR_MAP_TAGS]; /* by tag of call.def */
    size_t columns_count, sources_count, rules_count, entries_count;
    struct span column[CSV_COLUMNS_MAX];
    struct cdr_source source[CDR_MAP_SOURCES_MAX];
    struct cdr_rule rule[CDR_MAP_RULES_MAX]; /* those of one field stand together, in order */
    struct cdr_entry entry[CDR_MAP_ENTRIES_MAX];
};

/* `text` is borrowed for the life of the map. On error *out_line is the line (from 1), d->what
 * says what is wrong with it, d->at the byte of the file; the map is not to be used.
 * ERR_SYNTAX; ERR_LIMIT: more of something than fits; ERR_CONFLICT: given twice, or two lines
 * that do not go together. */
MUST_CHECK enum err cdr_map_parse(struct span text, struct cdr_map *out, size_t *out_line,
                                  struct diag *d);

#endif

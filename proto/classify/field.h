/* field.h - the classification table: what each field of a call is under 47 USC 222, what
 * may be done with it, and the citation. fields.def has the rows, names.def what senders
 * call them.
 *
 * A field id is a row of fields.def or a name of names.def (which has the class of its
 * row). Ids are stored (record_wire.h: tag 256 + id): never reused, never renumbered.
 * What nothing names is FIELD_UNKNOWN, rule zero: CPNI, sealed, counted, never output. */
#ifndef CPNI_CLASSIFY_FIELD_H
#define CPNI_CLASSIFY_FIELD_H

#include "proto/core/buf.h"
#include "proto/record/call.h"

enum handling {
    HANDLE_SEAL,    /* under the customer's key */
    HANDLE_SEAL_IX, /* sealed, and found by a keyed blind index */
    HANDLE_SEAL_L,  /* sealed under the location key: 47 USC 222(f) wants express consent */
    HANDLE_HASH, /* joins use a keyed digest that only the vault can make; the original is sealed */
    HANDLE_DROP, /* never written anywhere */
    HANDLE_CLEAR, /* harmless in sums; still inside the seal as part of a record */
    HANDLING_COUNT
};

/* bits; 47 USC 222(h)(1) */
enum cpni_kind {
    CPNI_NONE = 0,
    CPNI_Q = 1,
    CPNI_T = 2,
    CPNI_Y = 4,
    CPNI_D = 8,
    CPNI_L = 16,
    CPNI_U = 32,
    CPNI_B = 64
};
/* 47 CFR 64.2003(d) */
enum call_detail {
    DETAIL_NO,
    DETAIL_YES,
    DETAIL_SINGLE, /* of a single call yes, summed no */
    DETAIL_ASSUMED /* treated as yes: the law or the sender leaves it open */
};
/* bits: what else it is */
enum other_class {
    CLASS_NONE = 0,
    CLASS_PII = 1,
    CLASS_RABI = 2,
    CLASS_ACCT = 4,
    CLASS_AUTH = 8,
    CLASS_CONTENT = 16,
    CLASS_TP = 32,
    CLASS_CARR = 64,
    CLASS_OPS = 128,
    CLASS_SAFE = 256
};
/* May it be in the per-account usage record (billing) or in anonymous aggregates? */
enum usage_use {
    USE_NO,
    USE_YES,
    USE_SUM,     /* as a sum or count */
    USE_DERIVED, /* only the enum derived from it */
    USE_TOKEN    /* only a pseudonym made with the consumer's key */
};
enum field_group { GROUP_ZERO, GROUP_B1, GROUP_B2, GROUP_B3, GROUP_B4, GROUP_B5, GROUP_COUNT };

enum field {
#define FIELD(id, symbol, name, group, kinds, detail, other, handling, derives, billing,           \
              aggregate, citation, reason)                                                         \
    FIELD_##symbol = (id),
#include "proto/classify/fields.def"
#undef FIELD
};

struct field_row {
    uint16_t id;
    uint8_t group;              /* enum field_group: table of the rules the row comes from */
    uint8_t kinds;              /* enum cpni_kind */
    uint8_t call_detail;        /* enum call_detail */
    uint8_t handling;           /* enum handling */
    uint8_t billing, aggregate; /* enum usage_use */
    uint16_t other;             /* enum other_class */
    const char *name;
    const char *derives; /* enums computed from it before it is sealed; "" = none */
    const char *citation, *reason;
};

extern const struct field_row FIELD_ROWS[]; /* row 0 is FIELD_UNKNOWN */
extern const size_t FIELD_ROWS_COUNT;

/* By field id: the place of its row, and whether it stands for many names. */
enum { FIELD_IDS = 1024 }; /* names.def ends at 1023 */
extern const uint8_t FIELD_ROW_OF_ID[FIELD_IDS];
extern const bool FIELD_PATTERN_IDS[FIELD_IDS];

/* Class of a field id, never NULL: of an id this version does not know, rule zero. */
static inline const struct field_row *field_row(unsigned id)
{
    return &FIELD_ROWS[id < FIELD_IDS ? FIELD_ROW_OF_ID[id] : 0];
}
/* What the field is called: the name of names.def or of the row. Static. */
struct span field_name(unsigned id);
/* Whether the id stands for many names (rule zero, "sip_h_*"): then each extra carries
 * its own. */
static inline bool field_is_pattern(unsigned id)
{
    return id < FIELD_IDS && FIELD_PATTERN_IDS[id];
}

/* The id of a SIP header, full or compact, in any case (RFC 3261 7.3.1, 7.3.3). */
uint16_t field_by_sip_header(struct span name);
/* The id of a variable or column of a feed; names are exact, but of a mapped feed in any case. */
uint16_t field_by_variable(enum feed_kind kind, struct span name);
/* The row of a canonical field (tag of call.def); rule zero for an unknown tag. */
const struct field_row *field_for_call(unsigned tag);

/* One line of `fields list`: canonical fields, rows, names, in order of the tables. */
struct field_line {
    struct span name;
    const char *source; /* "call", "rule", "sip", "freeswitch", "asterisk", "mapped" */
    const struct field_row *row;
};
bool field_line(size_t index, struct field_line *out); /* false behind the last one */

/* Texts for listings: "SEAL+IX", "D,U", "yes", "PII,TP", ... */
const char *handling_text(enum handling h);
const char *call_detail_text(enum call_detail d);
const char *usage_use_text(enum usage_use u);
const char *field_group_text(enum field_group g);
void cpni_kinds_text(unsigned kinds, struct buf *b);
void other_class_text(unsigned other, struct buf *b);

#endif

#include "proto/classify/field.h"

#include "name_index_fields.h"
#include "proto/core/name_hash.h"

enum { HEADER_NAME_BYTES_MAX = 64 };

/* Place of each row in FIELD_ROWS. */
enum {
#define FIELD(id, symbol, ...) AT_##symbol,
#include "proto/classify/fields.def"
#undef FIELD
};

const struct field_row FIELD_ROWS[] = {
#define FIELD(id, symbol, name, group, kinds, detail, other, handling, derives, billing,           \
              aggregate, citation, reason)                                                         \
    {id,                                                                                           \
     GROUP_##group,                                                                                \
     kinds,                                                                                        \
     DETAIL_##detail,                                                                              \
     HANDLE_##handling,                                                                            \
     USE_##billing,                                                                                \
     USE_##aggregate,                                                                              \
     other,                                                                                        \
     name,                                                                                         \
     derives,                                                                                      \
     citation,                                                                                     \
     reason},
#include "proto/classify/fields.def"
#undef FIELD
};
const size_t FIELD_ROWS_COUNT = sizeof FIELD_ROWS / sizeof FIELD_ROWS[0];
_Static_assert(sizeof FIELD_ROWS / sizeof FIELD_ROWS[0] <= 256, "FIELD_ROW_OF_ID holds a byte");

/* An id without an entry is row 0: rule zero. Two entries with one id do not compile
 * (-Woverride-init). */
const uint8_t FIELD_ROW_OF_ID[FIELD_IDS] = {
#define FIELD(id, symbol, ...) [id] = AT_##symbol,
#include "proto/classify/fields.def"
#undef FIELD
#define NAME(id, space, name, symbol)         [id] = AT_##symbol,
#define PATTERN(id, space, how, text, symbol) [id] = AT_##symbol,
#include "proto/classify/names.def"
};

static const struct span NAME_OF_ID[FIELD_IDS] = {
#define FIELD(id, symbol, name, ...) [id] = SPAN_LIT(name),
#include "proto/classify/fields.def"
#undef FIELD
#define NAME(id, space, name, symbol)         [id] = SPAN_LIT(name),
#define PATTERN(id, space, how, text, symbol) [id] = SPAN_LIT(text),
#include "proto/classify/names.def"
};

const bool FIELD_PATTERN_IDS[FIELD_IDS] = {
    [FIELD_UNKNOWN] = true,
#define PATTERN(id, space, how, text, symbol) [id] = true,
#include "proto/classify/names.def"
};

enum space {
#define SPACE(space) SPACE_##space,
#include "proto/classify/names.def"
    SPACE_COUNT
};
static const char *const SPACE_TEXT[] = {"sip", "freeswitch", "asterisk", "mapped"};

/* All names in the order of names.def. */
static const struct {
    uint16_t id;
    uint8_t space;
} NAMES[] = {
#define NAME(id, space, name, symbol) {id, SPACE_##space},
#include "proto/classify/names.def"
};
enum { NAMES_COUNT = sizeof NAMES / sizeof NAMES[0] };

enum how { HOW_PREFIX, HOW_SUFFIX, HOW_ANYWHERE };
static const struct pattern {
    uint16_t id;
    uint8_t space, how;
} PATTERNS[] = {
#define PATTERN(id, space, how, text, symbol) {id, SPACE_##space, HOW_##how},
#include "proto/classify/names.def"
};
enum { PATTERNS_COUNT = sizeof PATTERNS / sizeof PATTERNS[0] };
_Static_assert(sizeof PATTERN_PAIRS / sizeof PATTERN_PAIRS[0] == PATTERNS_COUNT, "one a pattern");

static const struct span COPIED_PREFIXES[] = {
#define COPIED(space, prefix) SPAN_LIT(prefix),
#include "proto/classify/names.def"
};

struct span field_name(unsigned id)
{
    return NAME_OF_ID[id < FIELD_IDS ? id : FIELD_UNKNOWN];
}

static uint16_t by_name(enum space space, struct span name)
{
    unsigned i = name_candidate(&FIELD_INDEX, name, space);
    if (i >= NAMES_COUNT || NAMES[i].space != space || !span_eq(NAME_OF_ID[NAMES[i].id], name))
        return FIELD_UNKNOWN;
    return NAMES[i].id;
}

static bool pattern_matches(const struct pattern *p, struct span name)
{
    struct span text = NAME_OF_ID[p->id];
    switch ((enum how)p->how) {
    case HOW_PREFIX:
        return span_starts(name, text);
    case HOW_SUFFIX:
        return span_ends(name, text);
    case HOW_ANYWHERE:
        return span_find_span(name, text) < name.n;
    }
    return false;
}

static uint16_t by_pattern(enum space space, struct span name)
{
    const uint64_t pairs = name_pairs(name);
    for (size_t i = 0; i < PATTERNS_COUNT; i++)
        if (PATTERNS[i].space == space && (PATTERN_PAIRS[i] & ~pairs) == 0 &&
            pattern_matches(&PATTERNS[i], name))
            return PATTERNS[i].id;
    return FIELD_UNKNOWN;
}

/* RFC 3261 7.3.3 and the registry of compact forms (RFC 3261 25.1, 3265, 3515, 3841, 3892,
 * 4028, 4474). */
static const char *const COMPACT['z' - 'a' + 1] = {['a' - 'a'] = "accept-contact",
                                                   ['b' - 'a'] = "referred-by",
                                                   ['c' - 'a'] = "content-type",
                                                   ['d' - 'a'] = "request-disposition",
                                                   ['e' - 'a'] = "content-encoding",
                                                   ['f' - 'a'] = "from",
                                                   ['i' - 'a'] = "call-id",
                                                   ['j' - 'a'] = "reject-contact",
                                                   ['k' - 'a'] = "supported",
                                                   ['l' - 'a'] = "content-length",
                                                   ['m' - 'a'] = "contact",
                                                   ['n' - 'a'] = "identity-info",
                                                   ['o' - 'a'] = "event",
                                                   ['r' - 'a'] = "refer-to",
                                                   ['s' - 'a'] = "subject",
                                                   ['t' - 'a'] = "to",
                                                   ['u' - 'a'] = "allow-events",
                                                   ['v' - 'a'] = "via",
                                                   ['x' - 'a'] = "session-expires",
                                                   ['y' - 'a'] = "identity"};

/* A name longer than any we know is cut: a secret's pattern still shows in its start. */
static struct span lowered(struct span name, uint8_t out[static HEADER_NAME_BYTES_MAX])
{
    size_t n = name.n < HEADER_NAME_BYTES_MAX ? name.n : HEADER_NAME_BYTES_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = byte_lower(name.p[i]);
    if (n == 1 && out[0] >= 'a' && out[0] <= 'z' && COMPACT[out[0] - 'a'])
        return span_str(COMPACT[out[0] - 'a']);
    return span_of(out, n);
}

uint16_t field_by_sip_header(struct span name)
{
    uint8_t bytes[HEADER_NAME_BYTES_MAX];
    struct span lower = lowered(name, bytes);
    uint16_t id = by_name(SPACE_SIP, lower);
    return id != FIELD_UNKNOWN ? id : by_pattern(SPACE_SIP, lower);
}

static uint16_t by_copied_header(struct span name)
{
    for (size_t i = 0; i < sizeof COPIED_PREFIXES / sizeof COPIED_PREFIXES[0]; i++) {
        if (!span_starts(name, COPIED_PREFIXES[i]))
            continue;
        uint16_t id = field_by_sip_header(span_from(name, COPIED_PREFIXES[i].n));
        if (id != FIELD_UNKNOWN)
            return id;
    }
    return FIELD_UNKNOWN;
}

static uint16_t by_freeswitch(struct span name)
{
    uint16_t id = by_name(SPACE_FREESWITCH, name);
    if (id == FIELD_UNKNOWN)
        id = by_copied_header(name);
    return id != FIELD_UNKNOWN ? id : by_pattern(SPACE_FREESWITCH, name);
}

/* Vendors write names in any case, and paths of members may be long. */
static uint16_t by_mapped(struct span name)
{
    uint8_t bytes[FIELD_BYTES_MAX];
    size_t n = name.n < sizeof bytes ? name.n : sizeof bytes;
    for (size_t i = 0; i < n; i++)
        bytes[i] = byte_lower(name.p[i]);
    uint16_t id = by_name(SPACE_MAPPED, span_of(bytes, n));
    return id != FIELD_UNKNOWN ? id : by_pattern(SPACE_MAPPED, span_of(bytes, n));
}

uint16_t field_by_variable(enum feed_kind kind, struct span name)
{
    switch (kind) {
    case FEED_HEP:
        return field_by_sip_header(name);
    case FEED_ASTERISK_CSV:
        return by_name(SPACE_ASTERISK, name);
    case FEED_FREESWITCH_JSON:
        return by_freeswitch(name);
    case FEED_MAPPED:
        return by_mapped(name);
    case FEED_UNKNOWN:
    case FEED_KIND_COUNT:
        break;
    }
    return FIELD_UNKNOWN;
}

/* call.def gives each canonical name its tag, calls.def its row. */
enum {
#define CALL_FIELD(tag, name, type, letter, meaning) TAG_##name = (tag),
#include "proto/record/call.def"
#undef CALL_FIELD
};
static const uint8_t AT_OF_TAG[256] = {
#define CALL_CLASS(name, symbol) [TAG_##name] = AT_##symbol,
#include "proto/classify/calls.def"
#undef CALL_CLASS
};

const struct field_row *field_for_call(unsigned tag)
{
    return &FIELD_ROWS[tag < 256 ? AT_OF_TAG[tag] : 0];
}

bool field_line(size_t i, struct field_line *out)
{
    if (i < CALL_FIELDS_COUNT) {
        const struct call_field *f = &CALL_FIELDS[i];
        *out = (struct field_line){span_str(f->name), "call", field_for_call(f->tag)};
        return true;
    }
    i -= CALL_FIELDS_COUNT;
    if (i < FIELD_ROWS_COUNT) {
        *out = (struct field_line){span_str(FIELD_ROWS[i].name), "rule", &FIELD_ROWS[i]};
        return true;
    }
    i -= FIELD_ROWS_COUNT;
    if (i < NAMES_COUNT + PATTERNS_COUNT) {
        unsigned id = i < NAMES_COUNT ? NAMES[i].id : PATTERNS[i - NAMES_COUNT].id;
        unsigned space = i < NAMES_COUNT ? NAMES[i].space : PATTERNS[i - NAMES_COUNT].space;
        *out = (struct field_line){field_name(id), SPACE_TEXT[space], field_row(id)};
        return true;
    }
    return false;
}

static const char *const HANDLING_TEXT[] = {"SEAL", "SEAL+IX", "SEAL-L", "HASH", "DROP", "CLEAR"};
static const char *const DETAIL_TEXT[] = {"no", "yes", "single", "assumed"};
static const char *const USE_TEXT[] = {"no", "yes", "sum", "derived", "token"};
static const char *const GROUP_TEXT[] = {"zero", "B1", "B2", "B3", "B4", "B5"};
_Static_assert(sizeof HANDLING_TEXT / sizeof HANDLING_TEXT[0] == HANDLING_COUNT, "a text each");
_Static_assert(sizeof GROUP_TEXT / sizeof GROUP_TEXT[0] == GROUP_COUNT, "a text each");

const char *handling_text(enum handling h)
{
    return HANDLING_TEXT[h];
}

const char *call_detail_text(enum call_detail d)
{
    return DETAIL_TEXT[d];
}

const char *usage_use_text(enum usage_use u)
{
    return USE_TEXT[u];
}

const char *field_group_text(enum field_group g)
{
    return GROUP_TEXT[g];
}

/* The names of the set bits, lowest first, with commas; "-" when none is. */
static void bits_text(unsigned bits, const char *const *text, size_t count, struct buf *b)
{
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        if (!(bits >> i & 1))
            continue;
        buf_str(b, comma);
        buf_str(b, text[i]);
        comma = ",";
    }
    if (!bits)
        buf_str(b, "-");
}

void cpni_kinds_text(unsigned kinds, struct buf *b)
{
    static const char *const TEXT[] = {"Q", "T", "Y", "D", "L", "U", "B"};
    bits_text(kinds, TEXT, sizeof TEXT / sizeof TEXT[0], b);
}

void other_class_text(unsigned other, struct buf *b)
{
    static const char *const TEXT[] = {"PII", "RABI", "ACCT", "AUTH", "CONTENT",
                                       "TP",  "CARR", "OPS",  "SAFE"};
    bits_text(other, TEXT, sizeof TEXT / sizeof TEXT[0], b);
}

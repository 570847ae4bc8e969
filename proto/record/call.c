#include "proto/record/call.h"

#include <arpa/inet.h>

const struct call_field CALL_FIELDS[] = {
#define CALL_FIELD(tag, name, type, letter, meaning)                                               \
    {tag, CALL_##type, #letter[0], offsetof(struct call, name), #name, meaning},
#include "proto/record/call.def"
#undef CALL_FIELD
};
const size_t CALL_FIELDS_COUNT = sizeof CALL_FIELDS / sizeof CALL_FIELDS[0];

enum {
#define CALL_FIELD(tag, name, type, letter, meaning) ROW_##name,
#include "proto/record/call.def"
#undef CALL_FIELD
    ROWS_COUNT
};
_Static_assert(ROWS_COUNT < UINT8_MAX, "a byte a tag");

/* tag -> row + 1; the compiler refuses two rows with one tag (-Woverride-init). */
static const uint8_t ROW_OF_TAG[256] = {
#define CALL_FIELD(tag, name, type, letter, meaning) [tag] = ROW_##name + 1,
#include "proto/record/call.def"
#undef CALL_FIELD
};

const struct call_field *call_field_by_tag(unsigned tag)
{
    if (tag >= sizeof ROW_OF_TAG || !ROW_OF_TAG[tag])
        return NULL;
    return &CALL_FIELDS[ROW_OF_TAG[tag] - 1];
}

#define NAME_ROW(code, text) text,
#define NAMES(field, prefix, list)                                                                 \
    static const char *const NAMES_##field[] = {"unknown", list(NAME_ROW)};
CALL_ENUM_LIST(NAMES)

static const struct {
    uint16_t offset;
    uint16_t count;
    const char *const *names;
} ENUMS[] = {
#define ENUM_ROW(field, prefix, list)                                                              \
    {offsetof(struct call, field), sizeof NAMES_##field / sizeof NAMES_##field[0], NAMES_##field},
    CALL_ENUM_LIST(ENUM_ROW)};

const char *call_enum_name(const struct call_field *f, unsigned value)
{
    for (size_t i = 0; i < sizeof ENUMS / sizeof ENUMS[0]; i++)
        if (ENUMS[i].offset == f->offset)
            return ENUMS[i].names[value < ENUMS[i].count ? value : 0];
    return "unknown";
}

void record_reset(struct record *r)
{
    r->call = (struct call){0};
    r->dedup = SPAN_EMPTY;
    r->saved = SPAN_EMPTY;
    r->extras_count = 0;
}

void record_extra(struct record *r, uint16_t field, struct span name, struct span value)
{
    if (value.n > FIELD_BYTES_MAX || name.n > FIELD_BYTES_MAX) {
        value = span_sub(value, 0, FIELD_BYTES_MAX);
        name = span_sub(name, 0, FIELD_BYTES_MAX);
        r->call.flags |= CALL_TRUNCATED;
    }
    if (r->extras_count == EXTRAS_MAX) {
        r->call.flags |= CALL_EXTRAS_LOST;
        return;
    }
    r->extra[r->extras_count++] = (struct extra){field, name, value};
}

static inline void bound_text(struct span *text, uint32_t *flags)
{
    if (text->n <= CALL_TEXT_BYTES_MAX)
        return;
    text->n = CALL_TEXT_BYTES_MAX;
    *flags |= CALL_TRUNCATED;
}

/* One statement a row, as in record_wire.c: this runs for every record. */
#define BOUND_U8(c, name)
#define BOUND_U16(c, name)
#define BOUND_U32(c, name)
#define BOUND_U64(c, name)
#define BOUND_TS(c, name)
#define BOUND_MS(c, name)
#define BOUND_IP(c, name)
#define BOUND_ENUM(c, name)
#define BOUND_STR(c, name) bound_text(&(c)->name, &(c)->flags);

static void bound_texts(struct call *c)
{
#define CALL_FIELD(tag, name, type, letter, meaning) BOUND_##type(c, name)
#include "proto/record/call.def"
#undef CALL_FIELD
}

void record_bound(struct record *r)
{
    bound_texts(&r->call);
    size_t bytes = 0;
    for (size_t i = 0; i < r->extras_count; i++) {
        bytes += r->extra[i].name.n + r->extra[i].value.n;
        if (bytes > EXTRAS_BYTES_MAX) {
            r->extras_count = i;
            r->call.flags |= CALL_EXTRAS_LOST;
        }
    }
}

/* 0 when either instant is missing; out of order is flagged, never guessed. */
static uint32_t span_ms(struct call *c, int64_t from, int64_t to)
{
    if (from == 0 || to == 0)
        return 0;
    uint64_t ms = ((uint64_t)to - (uint64_t)from) / 1000; /* unsigned: any two instants differ */
    if (to < from || ms > UINT32_MAX) {
        c->flags |= CALL_CLOCK_SUSPECT;
        return 0;
    }
    return (uint32_t)ms;
}

void call_durations(struct call *c)
{
    c->answered = c->t_answer != 0;
    c->dur_total_ms = span_ms(c, c->t_start, c->t_end);
    c->dur_bill_ms = span_ms(c, c->t_answer, c->t_end);
    c->dur_ring_ms = span_ms(c, c->t_progress, c->t_answer);
    c->pdd_ms = span_ms(c, c->t_start, c->t_progress);
    if (c->answered && c->t_end == 0)
        c->flags |= CALL_INCOMPLETE;
}

struct ip ip_v4(const uint8_t b[4])
{
    struct ip a = {{[10] = 0xff, [11] = 0xff}};
    memcpy(a.b + 12, b, 4);
    return a;
}

struct ip ip_v6(const uint8_t b[16])
{
    struct ip a;
    memcpy(a.b, b, 16);
    return a;
}

void ip_format(struct ip a, char out[static IP_TEXT_BYTES])
{
    static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = memcmp(a.b, MAPPED, sizeof MAPPED) == 0;
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a.b + 12 : a.b, out, IP_TEXT_BYTES))
        out[0] = '\0';
}

enum err ip_parse(struct span text, struct ip *out)
{
    char z[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (text.n == 0 || text.n >= sizeof z)
        return ERR_SYNTAX;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET, z, bytes) == 1)
        *out = ip_v4(bytes);
    else if (inet_pton(AF_INET6, z, bytes) == 1)
        *out = ip_v6(bytes);
    else
        return ERR_SYNTAX;
    return OK;
}

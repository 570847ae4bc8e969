#include "tests/lib/random_record.h"

#include "proto/classify/field.h"
#include "proto/core/check.h"

uint64_t seed_next(struct seed *s)
{
    uint64_t z = (s->state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t seed_below(struct seed *s, size_t n)
{
    return (size_t)(seed_next(s) % n);
}

struct span seed_bytes(struct seed *s, size_t n, struct arena *a)
{
    uint8_t *p = arena_alloc(a, n);
    CHECK(p != NULL);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)seed_next(s);
    return span_of(p, n);
}

/* Numbers of all sizes are equally likely, so that every length of an integer occurs. */
static uint64_t any_uint(struct seed *s, unsigned bits)
{
    uint64_t v = seed_next(s) >> (64 - bits);
    return v >> seed_below(s, bits);
}

static struct ip any_ip(struct seed *s, struct arena *a)
{
    return seed_next(s) & 1 ? ip_v4(seed_bytes(s, 4, a).p) : ip_v6(seed_bytes(s, 16, a).p);
}

static void set_any(struct seed *s, struct arena *a, const struct call_field *f, struct call *c)
{
    void *at = (uint8_t *)c + f->offset;
    switch ((enum call_type_of_field)f->type) {
    case CALL_U8:
    case CALL_ENUM:
        *(uint8_t *)at = (uint8_t)any_uint(s, 8);
        break;
    case CALL_U16:
        *(uint16_t *)at = (uint16_t)any_uint(s, 16);
        break;
    case CALL_U32:
    case CALL_MS:
        *(uint32_t *)at = (uint32_t)any_uint(s, 32);
        break;
    case CALL_U64:
        *(uint64_t *)at = any_uint(s, 64);
        break;
    case CALL_TS:
        *(int64_t *)at = (int64_t)any_uint(s, 64);
        break;
    case CALL_STR:
        *(struct span *)at = seed_bytes(s, 1 + seed_below(s, 40), a);
        break;
    case CALL_IP:
        *(struct ip *)at = any_ip(s, a);
        break;
    }
}

static void add_any_extra(struct seed *s, struct arena *a, struct record *r)
{
    uint16_t id = (uint16_t)seed_below(s, 1024);
    if (field_row(id)->handling == HANDLE_DROP)
        id = FIELD_UNKNOWN;
    struct span name = field_name(id);
    if (field_is_pattern(id))
        name = seed_bytes(s, seed_below(s, 20), a);
    record_extra(r, id, name, seed_bytes(s, seed_below(s, 30), a));
}

void random_record(struct seed *s, struct arena *a, struct record *out)
{
    record_reset(out);
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (seed_next(s) & 1)
            set_any(s, a, &CALL_FIELDS[i], &out->call);
    size_t extras = seed_below(s, 12);
    for (size_t i = 0; i < extras; i++)
        add_any_extra(s, a, out);
    out->dedup = seed_bytes(s, seed_below(s, 60), a);
}

static bool member_equal(const struct call_field *f, const void *a, const void *b)
{
    static const size_t BYTES[] = {
        [CALL_U8] = 1, [CALL_U16] = 2, [CALL_U32] = 4,  [CALL_U64] = 8, [CALL_TS] = 8,
        [CALL_MS] = 4, [CALL_IP] = 16, [CALL_ENUM] = 1, [CALL_STR] = 0};
    if (f->type == CALL_STR)
        return span_eq(*(const struct span *)a, *(const struct span *)b);
    return memcmp(a, b, BYTES[f->type]) == 0;
}

bool call_equal(const struct call *a, const struct call *b)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        const struct call_field *f = &CALL_FIELDS[i];
        if (!member_equal(f, (const uint8_t *)a + f->offset, (const uint8_t *)b + f->offset))
            return false;
    }
    return true;
}

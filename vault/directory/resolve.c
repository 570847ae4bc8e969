#include "vault/directory/state.h"

/* Tag of the entry, if its kind has entries and the value is one that can be in the table. */
static struct owner find_exact(const struct directory *dir, enum entry_kind kind, struct span value)
{
    uint8_t room[ENTRY_KEY_BYTES_MAX], tag[TAG_BYTES];
    struct buf key = buf_of(room, sizeof room);
    if (dir->entries[kind] == 0 || entry_key(kind, value, &key) != NULL)
        return (struct owner){0};
    entry_tag(&dir->rows, buf_span(&key), tag);
    return owner_table_find(&dir->table, tag);
}

/* The longest prefix that is in the table; only lengths that some range has cost a tag. */
static struct owner find_range(const struct directory *dir, struct span number)
{
    struct owner owner = {0};
    for (size_t n = number.n < PREFIX_BYTES_MAX ? number.n : PREFIX_BYTES_MAX; n > 0; n--) {
        if (dir->prefixes[n] == 0)
            continue;
        owner = find_exact(dir, ENTRY_RANGE, span_sub(number, 0, n));
        if (owner.customer)
            break;
    }
    return owner;
}

static struct owner find_number(const struct directory *dir, enum entry_kind kind,
                                struct span number)
{
    struct owner owner = find_exact(dir, kind, number);
    return owner.customer ? owner : find_range(dir, number);
}

static struct owner find_address(const struct directory *dir, enum entry_kind kind,
                                 struct span address)
{
    uint8_t room[1 + sizeof(struct ip)], tag[TAG_BYTES];
    struct buf key = buf_of(room, sizeof room);
    if (dir->entries[kind] == 0)
        return (struct owner){0};
    entry_key_of_ip(address, &key);
    entry_tag(&dir->rows, buf_span(&key), tag);
    return owner_table_find(&dir->table, tag);
}

/* The questions, in the order of design.md 4. The first that finds somebody decides the side. */
enum { NO_FIELD = 0xffff };
#define AT(field) offsetof(struct call, field)
static const struct question {
    enum entry_kind kind;
    uint16_t originating, terminating; /* fields of struct call: spans, or the address */
    struct owner (*find)(const struct directory *dir, enum entry_kind kind, struct span value);
} QUESTIONS[] = {
    {ENTRY_ACCOUNT_CODE, AT(customer_hint), NO_FIELD, find_exact},
    {ENTRY_TRUNK, AT(trunk_in), AT(trunk_out), find_exact},
    {ENTRY_DOMAIN, AT(domain), AT(called_domain), find_exact},
    {ENTRY_NUMBER, AT(calling_tn), AT(called_tn), find_number},
    {ENTRY_NUMBER, AT(calling_raw), AT(called_raw), find_exact},
    {ENTRY_ADDRESS, AT(src_ip), NO_FIELD, find_address},
};
_Static_assert(sizeof(struct call) < NO_FIELD, "an offset fits");
enum { QUESTIONS_COUNT = sizeof QUESTIONS / sizeof QUESTIONS[0] };

static struct span value_of(const struct question *q, const struct call *c, size_t field)
{
    const uint8_t *member = (const uint8_t *)c + field;
    struct span value;
    if (q->kind != ENTRY_ADDRESS) {
        memcpy(&value, member, sizeof value);
        return value;
    }
    struct ip ip;
    memcpy(&ip, member, sizeof ip);
    return ip_absent(ip) ? SPAN_EMPTY : span_of(member, sizeof ip);
}

static struct owner ask(struct directory *dir, unsigned number, struct span value)
{
    const struct question *q = &QUESTIONS[number];
    uint8_t room[1 + ENTRY_VALUE_BYTES_MAX];
    struct buf question = buf_of(room, sizeof room);
    struct cache_ask asked;
    struct owner owner;
    buf_u8(&question, (uint8_t)number);
    buf_put(&question, value);
    if (!buf_ok(&question))
        return (struct owner){0}; /* longer than any entry */
    if (!owner_cache_ask(&dir->cache, buf_span(&question), &asked, &owner)) {
        owner = q->find(dir, q->kind, value);
        owner_cache_learn(&dir->cache, &asked, owner);
    }
    return owner;
}

/* Is there an entry that this question could find? */
static bool is_worth_asking(const struct directory *dir, const struct question *q)
{
    return dir->entries[q->kind] || (q->find == find_number && dir->entries[ENTRY_RANGE]);
}

static struct owner side(struct directory *dir, const struct call *c, bool terminating)
{
    struct owner owner = {0};
    for (unsigned i = 0; i < QUESTIONS_COUNT && owner.customer == 0; i++) {
        const struct question *q = &QUESTIONS[i];
        size_t field = terminating ? q->terminating : q->originating;
        if (field == NO_FIELD || !is_worth_asking(dir, q))
            continue;
        struct span value = value_of(q, c, field);
        if (value.n)
            owner = ask(dir, i, value);
    }
    return owner;
}

void directory_resolve(struct directory *dir, const struct call *c, struct owners *out)
{
    *out = (struct owners){side(dir, c, false), side(dir, c, true)};
}

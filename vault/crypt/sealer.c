#include "vault/crypt/sealer.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/reader.h"
#include "vault/crypt/subkeys.h"

/* A slot is looked for in WINDOW slots from where its hash points: nothing to mend when one
 * is wiped. INCARNATIONS_MAX: one an open of the vault; 18 a day for ten years. */
enum {
    WINDOW = 8,
    INCARNATIONS_MAX = 1 << 16,
    NONCE_BYTES = 24,
    TAG_BYTES = 16,
    PLACE_BYTES_MAX = 1 + 64 + 4 + 8 + KID_BYTES + 1,
    HEAD_BYTES_MAX = 64,
    DAY_TAG_LENGTH = 8
};

enum layout { LAYOUT_CORE, LAYOUT_LOCATION };
enum scope { SCOPE_CORE, SCOPE_LOCATION };

/* The keys of one customer in one month; two cache lines of locked memory. */
struct slot {
    uint64_t customer; /* 0 = free */
    uint32_t month;
    uint8_t used, tagged; /* clock bit; last_tag is of last_day */
    int32_t last_day;     /* feeds are nearly in order: the last day's tag is asked for again */
    uint8_t last_tag[DAY_TAG_LENGTH];
    struct subkeys keys;
};
_Static_assert(sizeof(struct slot) == 128, "two cache lines");

struct incarnation {
    uint32_t id;
    uint8_t prefix[INCARNATION_BYTES];
};

struct sealer {
    struct keyring *keyring;
    struct slot *slots; /* in the keyring's slab */
    size_t slots_mask;
    key_load_fn *load;
    void *load_arg;
    struct incarnation *incarnations;
    size_t incarnations_count, incarnations_cap;
    uint32_t current;
    struct sealer_stats stats;
};

enum err sealer_new(struct keyring *k, size_t cache_slots, key_load_fn *load, void *arg,
                    struct sealer **out)
{
    struct sealer *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    size_t slots = WINDOW;
    while (slots * 2 <= cache_slots)
        slots *= 2;
    *s = (struct sealer){.keyring = k, .slots_mask = slots - 1, .load = load, .load_arg = arg};
    s->slots = slab_alloc(keyring_slab(k), slots * sizeof *s->slots);
    if (!s->slots)
        return sealer_free(s), ERR_NOMEM;
    *out = s;
    return OK;
}

struct sealer *sealer_free(struct sealer *s)
{
    if (!s)
        return NULL;
    if (s->slots)
        sealer_forget(s, 0);
    free(s->incarnations);
    free(s);
    return NULL;
}

/* --- incarnations --- */

static struct incarnation *incarnation_find(const struct sealer *s, uint32_t id)
{
    for (size_t i = s->incarnations_count; i > 0; i--) /* the newest is asked for most */
        if (s->incarnations[i - 1].id == id)
            return &s->incarnations[i - 1];
    return NULL;
}

enum err sealer_incarnation(struct sealer *s, uint32_t id,
                            const uint8_t prefix[static INCARNATION_BYTES], bool current)
{
    struct incarnation *known = incarnation_find(s, id);
    if (known && memcmp(known->prefix, prefix, INCARNATION_BYTES) != 0)
        return ERR_CONFLICT;
    if (!known && s->incarnations_count == s->incarnations_cap) { /* one an open, not a record */
        size_t cap = s->incarnations_cap ? 2 * s->incarnations_cap : 16;
        void *grown = cap <= INCARNATIONS_MAX
                          ? realloc(s->incarnations, cap * sizeof *s->incarnations)
                          : NULL;
        if (!grown)
            return ERR_NOMEM;
        s->incarnations = grown;
        s->incarnations_cap = cap;
    }
    if (!known) {
        known = &s->incarnations[s->incarnations_count++];
        known->id = id;
        memcpy(known->prefix, prefix, INCARNATION_BYTES);
    }
    if (current)
        s->current = id;
    return OK;
}

enum err sealer_mask(const struct sealer *s, uint32_t incarnation, uint64_t seq, uint64_t value,
                     uint64_t *out)
{
    const struct incarnation *inc = incarnation_find(s, incarnation);
    if (!inc)
        return ERR_FORGED;
    *out = keyring_mask(s->keyring, inc->prefix + INCARNATION_BYTES - MASK_NONCE_BYTES, seq, value);
    return OK;
}

uint32_t sealer_incarnation_id(const struct sealer *s)
{
    return s->current;
}

/* --- cache --- */

static struct slot *slot_at(const struct sealer *s, uint64_t customer, uint32_t month, size_t i)
{
    uint64_t mixed = (customer * 0x9e3779b97f4a7c15u ^ month) * 0xbf58476d1ce4e5b9u;
    return &s->slots[((mixed >> 32) + i) & s->slots_mask];
}

/* A free slot, or the first one of the window that was not used since the clock passed. */
static struct slot *slot_for(struct sealer *s, uint64_t customer, uint32_t month)
{
    for (size_t i = 0; i < WINDOW; i++)
        if (!slot_at(s, customer, month, i)->customer)
            return slot_at(s, customer, month, i);
    for (size_t i = 0;; i++) {
        struct slot *slot = slot_at(s, customer, month, i % WINDOW);
        if (!slot->used)
            return slot;
        slot->used = 0;
    }
}

static void slot_wipe(struct sealer *s, struct slot *slot)
{
    if (slot->customer)
        s->stats.live_keys--;
    sodium_memzero(slot, sizeof *slot);
}

static enum err slot_fill(struct sealer *s, uint64_t customer, uint32_t month, struct slot **out)
{
    uint8_t wrapped[WRAPPED_KEY_BYTES];
    enum err e = s->load(s->load_arg, customer, wrapped);
    if (e != OK)
        return e;
    struct slot *slot = slot_for(s, customer, month);
    slot_wipe(s, slot);
    e = keyring_subkeys(s->keyring, customer, month, wrapped, &slot->keys);
    if (e != OK) {
        slot_wipe(s, slot);
        return e;
    }
    slot->customer = customer;
    slot->month = month;
    s->stats.live_keys++;
    *out = slot;
    return OK;
}

static enum err slot_get(struct sealer *s, uint64_t customer, uint32_t month, struct slot **out)
{
    CHECK(customer != 0);
    for (size_t i = 0; i < WINDOW; i++) {
        struct slot *slot = slot_at(s, customer, month, i);
        if (slot->customer == customer && slot->month == month) {
            slot->used = 1;
            s->stats.hits++;
            *out = slot;
            return OK;
        }
    }
    s->stats.misses++;
    return slot_fill(s, customer, month, out);
}

void sealer_forget(struct sealer *s, uint64_t customer)
{
    for (size_t i = 0; i <= s->slots_mask; i++)
        if (s->slots[i].customer && (!customer || s->slots[i].customer == customer))
            slot_wipe(s, &s->slots[i]);
}

struct sealer_stats sealer_stats(const struct sealer *s)
{
    return s->stats;
}

/* --- day tags --- */

enum err sealer_day_tag(struct sealer *s, uint64_t customer, uint32_t month, int64_t day,
                        uint8_t out[static DAY_TAG_LENGTH])
{
    CHECK(day >= INT32_MIN && day <= INT32_MAX); /* every int64 of microseconds is */
    struct slot *slot;
    enum err e = slot_get(s, customer, month, &slot);
    if (e != OK)
        return e;
    if (!slot->tagged || slot->last_day != day) {
        uint8_t in[8], tag[crypto_generichash_BYTES_MIN];
        struct buf b = buf_of(in, sizeof in);
        buf_be64(&b, (uint64_t)day);
        CHECK(crypto_generichash(tag, sizeof tag, in, sizeof in, slot->keys.day, DAY_KEY_BYTES) ==
              0);
        memcpy(slot->last_tag, tag, DAY_TAG_LENGTH);
        slot->last_day = (int32_t)day;
        slot->tagged = 1;
    }
    memcpy(out, slot->last_tag, DAY_TAG_LENGTH);
    return OK;
}

/* --- seal and open --- */

struct part { /* what makes one part what it is */
    const uint8_t *key;
    uint8_t nonce[NONCE_BYTES];
    uint8_t place[PLACE_BYTES_MAX];
    size_t place_bytes;
};

/* Associated data: layout | row head | month | sequence | KID | scope. With the layout in it
 * the location part cannot be taken off. */
static enum err part_of(const struct sealer *s, const struct slot *slot, const struct seal_place *p,
                        enum layout layout, enum scope scope, struct part *out)
{
    const struct incarnation *inc = incarnation_find(s, p->incarnation);
    if (!inc || p->seq >> 63 != 0) /* the top bit tells the location's nonce apart */
        return ERR_FORGED;
    struct buf nonce = buf_of(out->nonce, sizeof out->nonce);
    buf_bytes(&nonce, inc->prefix, sizeof inc->prefix);
    buf_be64(&nonce, p->seq | (scope == SCOPE_LOCATION ? (uint64_t)1 << 63 : 0));
    struct buf place = buf_of(out->place, sizeof out->place);
    buf_u8(&place, (uint8_t)layout);
    buf_put(&place, p->head);
    buf_be32(&place, p->month);
    buf_be64(&place, p->seq);
    buf_bytes(&place, slot->keys.kid, KID_BYTES);
    buf_u8(&place, (uint8_t)scope);
    CHECK(buf_ok(&nonce) && buf_ok(&place));
    out->place_bytes = place.n;
    out->key = scope == SCOPE_LOCATION ? slot->keys.location : slot->keys.core;
    return OK;
}

static size_t padded_bytes(size_t n)
{
    return (n / SEAL_PAD_BYTES + 1) * SEAL_PAD_BYTES;
}

/* ISO 7816-4: a one bit, then zeros, at least one byte: lengths tell little. */
static void part_seal(const struct part *part, struct span plain, uint8_t *out)
{
    size_t n = padded_bytes(plain.n);
    if (plain.n)
        memcpy(out, plain.p, plain.n);
    memset(out + plain.n, 0, n - plain.n);
    out[plain.n] = 0x80;
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, out, n, part->place, part->place_bytes,
                                               NULL, part->nonce, part->key);
}

static enum err part_open(const struct part *part, struct span sealed, struct buf *out)
{
    if (sealed.n < TAG_BYTES + SEAL_PAD_BYTES || (sealed.n - TAG_BYTES) % SEAL_PAD_BYTES != 0)
        return ERR_FORGED;
    size_t before = out->n, plain_bytes;
    uint8_t *plain = buf_room(out, sealed.n - TAG_BYTES);
    if (!plain)
        return ERR_LIMIT;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.p, sealed.n,
                                                   part->place, part->place_bytes, part->nonce,
                                                   part->key) != 0 ||
        sodium_unpad(&plain_bytes, plain, sealed.n - TAG_BYTES, SEAL_PAD_BYTES) != 0) {
        out->n = before;
        return ERR_FORGED;
    }
    out->n = before + plain_bytes;
    return OK;
}

enum err sealer_seal(struct sealer *s, const struct seal_place *p, struct span core,
                     struct span location, struct buf *out)
{
    CHECK(p->head.n <= HEAD_BYTES_MAX && p->incarnation == s->current);
    struct slot *slot;
    struct part part;
    enum layout layout = location.n ? LAYOUT_LOCATION : LAYOUT_CORE;
    enum err e = slot_get(s, p->customer, p->month, &slot);
    if (e == OK)
        e = part_of(s, slot, p, layout, SCOPE_CORE, &part);
    if (e != OK)
        return e;
    size_t core_bytes = padded_bytes(core.n) + TAG_BYTES;
    size_t location_bytes = location.n ? 4 + padded_bytes(location.n) + TAG_BYTES : 0;
    if (out->cap - out->n < 1 + core_bytes + location_bytes)
        return ERR_LIMIT;
    buf_u8(out, (uint8_t)layout);
    if (layout == LAYOUT_LOCATION)
        buf_be32(out, (uint32_t)core_bytes);
    part_seal(&part, core, buf_room(out, core_bytes));
    if (layout == LAYOUT_CORE)
        return OK;
    e = part_of(s, slot, p, layout, SCOPE_LOCATION, &part);
    if (e == OK)
        part_seal(&part, location, buf_room(out, location_bytes - 4));
    return e;
}

static enum err parts_split(struct span sealed, enum layout *layout, struct span *core,
                            struct span *location)
{
    struct reader r = reader_of(sealed);
    uint8_t first = reader_u8(&r);
    *layout = (enum layout)first;
    size_t core_bytes = first == LAYOUT_LOCATION ? reader_be32(&r) : reader_left(&r);
    *core = reader_take(&r, core_bytes);
    *location = reader_take(&r, reader_left(&r));
    bool known = first == LAYOUT_CORE || first == LAYOUT_LOCATION;
    return reader_ok(&r) && known ? OK : ERR_FORGED;
}

enum err sealer_open(struct sealer *s, const struct grant *g, const struct seal_place *p,
                     struct span sealed, struct buf *core, struct buf *location)
{
    CHECK(grant_valid(g) && p->head.n <= HEAD_BYTES_MAX);
    if (g->customer != 0 && g->customer != p->customer)
        return ERR_DENIED;
    struct slot *slot;
    struct part part;
    struct span core_sealed, location_sealed;
    enum layout layout;
    enum err e = parts_split(sealed, &layout, &core_sealed, &location_sealed);
    if (e == OK)
        e = slot_get(s, p->customer, p->month, &slot);
    if (e == OK)
        e = part_of(s, slot, p, layout, SCOPE_CORE, &part);
    if (e == OK)
        e = part_open(&part, core_sealed, core);
    bool wanted = location && (g->customer == 0 || (g->fields & POLICY_LOCATION) != 0);
    if (e != OK || layout != LAYOUT_LOCATION || !wanted)
        return e;
    e = part_of(s, slot, p, layout, SCOPE_LOCATION, &part);
    return e == OK ? part_open(&part, location_sealed, location) : e;
}

void sealer_random(void *out, size_t bytes)
{
    randombytes_buf(out, bytes);
}

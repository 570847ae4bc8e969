/* Proves: what is sealed opens again, at its own place only and unchanged only; the location only
 * for who may see it; keys are forgotten when they should be, and the cache is bounded. */
#include "vault/crypt/sealer.h"

#include <signal.h>

#include "tests/unit/vault/crypt/folder.h"

enum { CUSTOMERS = 64, MONTH = 202611, OTHER_MONTH = 202612 };

struct bench {
    struct folder folder;
    struct keyring *ring;
    struct sealer *sealer;
    uint8_t wrapped[CUSTOMERS + 1][WRAPPED_KEY_BYTES]; /* by ordinal, from 1 */
    bool erased[CUSTOMERS + 1];
    size_t loads;
};

static const uint8_t PREFIX[INCARNATION_BYTES] = "incarnation one";
static const uint8_t OTHER_PREFIX[INCARNATION_BYTES] = "incarnation two";
static const uint8_t HEAD[38] = "the clear head of a row, 38 bytes long";

static enum err load(void *arg, uint64_t ordinal, uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    struct bench *b = arg;
    b->loads++;
    if (ordinal > CUSTOMERS || b->erased[ordinal])
        return ERR_NOTFOUND;
    memcpy(wrapped, b->wrapped[ordinal], WRAPPED_KEY_BYTES);
    return OK;
}

static void bench_open(struct bench *b, size_t slots)
{
    memset(b, 0, sizeof *b);
    b->folder = folder_new();
    b->ring = ring_new_in(&b->folder);
    cr_assert_eq(keyring_month_ensure(b->ring, MONTH, 0, NULL), OK);
    cr_assert_eq(keyring_month_ensure(b->ring, OTHER_MONTH, 0, NULL), OK);
    for (uint64_t c = 1; c <= CUSTOMERS; c++)
        keyring_customer_new(b->ring, c, b->wrapped[c]);
    cr_assert_eq(sealer_new(b->ring, slots, load, b, &b->sealer), OK);
    cr_assert_eq(sealer_incarnation(b->sealer, 6, OTHER_PREFIX, false), OK);
    cr_assert_eq(sealer_incarnation(b->sealer, 7, PREFIX, true), OK);
}

static void bench_close(struct bench *b)
{
    sealer_free(b->sealer);
    keyring_close(b->ring);
    folder_done(&b->folder);
}

static struct seal_place place_of(uint64_t customer, uint64_t seq)
{
    return (struct seal_place){.customer = customer,
                               .month = MONTH,
                               .incarnation = 7,
                               .seq = seq,
                               .head = {HEAD, sizeof HEAD}};
}

static size_t seal(struct bench *b, const struct seal_place *p, struct span core,
                   struct span location, uint8_t *out, size_t max)
{
    struct buf sealed = buf_of(out, max);
    cr_assert_eq(sealer_seal(b->sealer, p, core, location, &sealed), OK);
    cr_assert_leq(sealed.n, core.n + location.n + SEAL_OVERHEAD_BYTES_MAX);
    return sealed.n;
}

/* Opened with a system grant; the texts must come back. */
static enum err open_as_system(struct bench *b, const struct seal_place *p, struct span sealed,
                               struct buf *core, struct buf *location)
{
    struct grant g = grant_system();
    buf_reset(core), buf_reset(location);
    return sealer_open(b->sealer, &g, p, sealed, core, location);
}

Test(sealer, what_is_sealed_opens_again)
{
    struct bench b;
    uint8_t plain[300], sealed[500], one[400], two[400];
    struct buf core = buf_of(one, sizeof one), location = buf_of(two, sizeof two);
    bench_open(&b, 64);
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof plain; n += 1 + n / 40) {
        for (size_t l = 0; l <= 70; l += 35) {
            struct seal_place p = place_of(1 + n % CUSTOMERS, 1000 + n);
            size_t bytes = seal(&b, &p, span_of(plain, n), span_of(plain + 1, l), sealed, 500);
            cr_assert_eq(open_as_system(&b, &p, span_of(sealed, bytes), &core, &location), OK);
            cr_expect(span_eq(buf_span(&core), span_of(plain, n)), "%zu", n);
            cr_expect(span_eq(buf_span(&location), span_of(plain + 1, l)), "%zu", l);
        }
    }
    bench_close(&b);
}

Test(sealer, lengths_are_padded)
{
    struct bench b;
    uint8_t plain[64] = {0}, sealed[200];
    struct seal_place p = place_of(1, 1);
    bench_open(&b, 64);
    size_t shortest = seal(&b, &p, SPAN_EMPTY, SPAN_EMPTY, sealed, 200);
    cr_expect_eq(shortest, 1 + 32 + 16);
    cr_expect_eq(seal(&b, &p, span_of(plain, 31), SPAN_EMPTY, sealed, 200), shortest);
    cr_expect_eq(seal(&b, &p, span_of(plain, 32), SPAN_EMPTY, sealed, 200), shortest + 32);
    bench_close(&b);
}

/* Every bit of the sealed bytes and of the head; every cut. */
Test(sealer, any_changed_bit_is_refused)
{
    static const char *const LOCATIONS[] = {"", "cell 310-410-1"};
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        uint8_t sealed[300], head[38], one[300], two[300];
        struct buf core = buf_of(one, sizeof one), location = buf_of(two, sizeof two);
        bench_open(&b, 64);
        struct seal_place p = place_of(1, 1);
        size_t n = seal(&b, &p, span_str("+12125550123"), span_str(LOCATIONS[i]), sealed, 300);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_eq(open_as_system(&b, &p, span_of(sealed, n), &core, &location), ERR_FORGED,
                         "bit %zu", bit);
            sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        memcpy(head, HEAD, sizeof head);
        p.head = span_of(head, sizeof head);
        for (size_t bit = 0; bit < 8 * sizeof head; bit++) {
            head[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_eq(open_as_system(&b, &p, span_of(sealed, n), &core, &location), ERR_FORGED);
            head[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t cut = 0; cut < n; cut++)
            cr_assert_eq(open_as_system(&b, &p, span_of(sealed, cut), &core, &location), ERR_FORGED,
                         "cut at %zu", cut);
        cr_expect_eq(open_as_system(&b, &p, span_of(sealed, n), &core, &location), OK);
        bench_close(&b);
    }
}

static void move_seq(struct seal_place *p)
{
    p->seq++;
}

static void move_top_bit(struct seal_place *p)
{
    p->seq |= (uint64_t)1 << 63;
}

static void move_customer(struct seal_place *p)
{
    p->customer++;
}

static void move_month(struct seal_place *p)
{
    p->month = OTHER_MONTH;
}

static void move_incarnation(struct seal_place *p)
{
    p->incarnation = 6;
}

static void move_to_no_incarnation(struct seal_place *p)
{
    p->incarnation = 99;
}

static void cut_head(struct seal_place *p)
{
    p->head.n--;
}

Test(sealer, opens_at_its_own_place_only)
{
    static const struct {
        const char *name;
        void (*move)(struct seal_place *p);
    } ROWS[] = {{"sequence", move_seq},
                {"top bit", move_top_bit},
                {"customer", move_customer},
                {"month", move_month},
                {"incarnation", move_incarnation},
                {"unknown incarnation", move_to_no_incarnation},
                {"shorter head", cut_head}};
    struct bench b;
    uint8_t sealed[300], one[300], two[300];
    struct buf core = buf_of(one, sizeof one), location = buf_of(two, sizeof two);
    bench_open(&b, 64);
    struct seal_place p = place_of(1, 1);
    size_t n = seal(&b, &p, span_str("core"), span_str("place"), sealed, 300);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct seal_place moved = p;
        ROWS[i].move(&moved);
        cr_expect_eq(open_as_system(&b, &moved, span_of(sealed, n), &core, &location), ERR_FORGED,
                     "%s", ROWS[i].name);
        cr_expect_eq(core.n, 0, "%s", ROWS[i].name);
    }
    bench_close(&b);
}

/* The scope: location bytes put where the core stands, and the location taken off. */
Test(sealer, parts_cannot_be_exchanged_or_taken_off)
{
    struct bench b;
    uint8_t sealed[300], forged[300], one[300], two[300];
    struct buf core = buf_of(one, sizeof one), location = buf_of(two, sizeof two);
    bench_open(&b, 64);
    struct seal_place p = place_of(1, 1);
    size_t n = seal(&b, &p, span_str("core"), span_str("cell"), sealed, 300);
    size_t part = 32 + 16;
    cr_assert_eq(n, 5 + 2 * part);
    memcpy(forged, sealed, 5);
    memcpy(forged + 5, sealed + 5 + part, part);
    memcpy(forged + 5 + part, sealed + 5, part);
    cr_expect_eq(open_as_system(&b, &p, span_of(forged, n), &core, &location), ERR_FORGED);
    forged[0] = 0;
    memcpy(forged + 1, sealed + 5, part);
    cr_expect_eq(open_as_system(&b, &p, span_of(forged, 1 + part), &core, &location), ERR_FORGED);
    bench_close(&b);
}

/* --- grants --- */

static struct grant grant_for(uint64_t customer, unsigned fields)
{
    struct decision d = {.allowed = true,
                         .role = ROLE_AGENT,
                         .fields = fields,
                         .rule = "test",
                         .citation = "",
                         .text = ""};
    return grant_after_audit(&d, customer, 1);
}

Test(sealer, a_grant_opens_its_customer_and_what_it_says)
{
    struct bench b;
    uint8_t sealed[300], one[300], two[300];
    struct buf core = buf_of(one, sizeof one), location = buf_of(two, sizeof two);
    bench_open(&b, 64);
    struct seal_place p = place_of(5, 1);
    size_t n = seal(&b, &p, span_str("core"), span_str("cell"), sealed, 300);
    struct grant other = grant_for(6, POLICY_ALL_FIELDS | POLICY_LOCATION);
    cr_expect_eq(sealer_open(b.sealer, &other, &p, span_of(sealed, n), &core, &location),
                 ERR_DENIED);
    cr_expect_eq(core.n + location.n, 0);
    struct grant plain = grant_for(5, POLICY_ALL_FIELDS);
    cr_expect_eq(sealer_open(b.sealer, &plain, &p, span_of(sealed, n), &core, &location), OK);
    cr_expect(span_is(buf_span(&core), "core"));
    cr_expect_eq(location.n, 0, "no location without its right");
    buf_reset(&core);
    struct grant full = grant_for(5, POLICY_ALL_FIELDS | POLICY_LOCATION);
    cr_expect_eq(sealer_open(b.sealer, &full, &p, span_of(sealed, n), &core, &location), OK);
    cr_expect(span_is(buf_span(&location), "cell"));
    buf_reset(&core);
    cr_expect_eq(sealer_open(b.sealer, &full, &p, span_of(sealed, n), &core, NULL), OK);
    bench_close(&b);
}

Test(sealer, no_open_without_a_grant, .signal = SIGABRT)
{
    struct bench b;
    uint8_t sealed[300], one[300];
    struct buf core = buf_of(one, sizeof one);
    bench_open(&b, 64);
    struct seal_place p = place_of(5, 1);
    size_t n = seal(&b, &p, span_str("core"), SPAN_EMPTY, sealed, 300);
    struct grant made_up = {.customer = 5, .fields = 7, .audit_seq = 1};
    enum err e = sealer_open(b.sealer, &made_up, &p, span_of(sealed, n), &core, NULL);
    cr_expect_fail("opened: %d", (int)e);
}

/* --- keys --- */

Test(sealer, an_erased_customer_has_no_key)
{
    struct bench b;
    uint8_t sealed[300], one[300], tag[8];
    struct buf core = buf_of(one, sizeof one), out = buf_of(sealed, sizeof sealed);
    bench_open(&b, 64);
    struct grant g = grant_system();
    struct seal_place p = place_of(5, 1);
    size_t n = seal(&b, &p, span_str("core"), SPAN_EMPTY, sealed, 300);
    b.erased[5] = true;
    cr_expect_eq(sealer_open(b.sealer, &g, &p, span_of(sealed, n), &core, NULL), OK, "cached");
    sealer_forget(b.sealer, 5);
    cr_expect_eq(sealer_open(b.sealer, &g, &p, span_of(sealed, n), &core, NULL), ERR_NOTFOUND);
    cr_expect_eq(sealer_seal(b.sealer, &p, span_str("x"), SPAN_EMPTY, &out), ERR_NOTFOUND);
    cr_expect_eq(sealer_day_tag(b.sealer, 5, MONTH, 20000, tag), ERR_NOTFOUND);
    struct seal_place nowhere = place_of(6, 1);
    nowhere.month = 203001;
    cr_expect_eq(sealer_seal(b.sealer, &nowhere, span_str("x"), SPAN_EMPTY, &out), ERR_NOTFOUND,
                 "a month without a key");
    bench_close(&b);
}

Test(sealer, a_full_buffer_is_left_alone)
{
    struct bench b;
    uint8_t bytes[300];
    bench_open(&b, 64);
    struct seal_place p = place_of(1, 1);
    struct grant g = grant_system();
    for (size_t cap = 0; cap < 1 + 4 + 2 * 48; cap++) {
        struct buf out = buf_of(bytes, cap);
        cr_assert_eq(sealer_seal(b.sealer, &p, span_str("a"), span_str("b"), &out), ERR_LIMIT);
        cr_assert_eq(out.n, 0);
    }
    size_t n = seal(&b, &p, span_str("a"), SPAN_EMPTY, bytes, 300);
    uint8_t small[31];
    struct buf core = buf_of(small, sizeof small);
    cr_expect_eq(sealer_open(b.sealer, &g, &p, span_of(bytes, n), &core, NULL), ERR_LIMIT);
    bench_close(&b);
}

/* More customers and months than slots: every record opens, the cache stays within its size. */
Test(sealer, the_cache_is_bounded_and_right)
{
    struct bench b;
    static uint8_t sealed[2 * CUSTOMERS][100];
    size_t bytes[2 * CUSTOMERS];
    uint8_t one[100], two[100], tag[8], again[8];
    struct buf core = buf_of(one, sizeof one), location = buf_of(two, sizeof two);
    bench_open(&b, 16);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 2 * CUSTOMERS; i++) {
            struct seal_place p = place_of(1 + i % CUSTOMERS, 50 + i);
            p.month = i < CUSTOMERS ? MONTH : OTHER_MONTH;
            if (round == 0)
                bytes[i] = seal(&b, &p, span_of(&i, sizeof i), SPAN_EMPTY, sealed[i], 100);
            cr_assert_eq(open_as_system(&b, &p, span_of(sealed[i], bytes[i]), &core, &location),
                         OK);
            cr_assert(span_eq(buf_span(&core), span_of(&i, sizeof i)));
            cr_assert_leq(sealer_stats(b.sealer).live_keys, 16);
        }
    }
    cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, 20000, tag), OK);
    size_t loads = b.loads;
    for (int i = 0; i < 100; i++)
        cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, 20000, again), OK);
    cr_expect_eq(b.loads, loads, "a key in use is not loaded again");
    struct sealer_stats st = sealer_stats(b.sealer);
    cr_expect_eq(st.misses, b.loads);
    cr_expect_geq(st.hits, 100);
    sealer_forget(b.sealer, 0);
    cr_expect_eq(sealer_stats(b.sealer).live_keys, 0);
    bench_close(&b);
}

Test(sealer, day_tags_are_of_customer_and_day)
{
    struct bench b;
    uint8_t tags[4][8], again[8];
    bench_open(&b, 64);
    cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, 20000, tags[0]), OK);
    cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, 20001, tags[1]), OK);
    cr_assert_eq(sealer_day_tag(b.sealer, 2, MONTH, 20000, tags[2]), OK);
    cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, -20000, tags[3]), OK);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            cr_expect_arr_neq(tags[i], tags[j], 8);
    cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, 20000, again), OK);
    cr_expect_arr_eq(again, tags[0], 8);
    sealer_forget(b.sealer, 0);
    cr_assert_eq(sealer_day_tag(b.sealer, 1, MONTH, 20000, again), OK);
    cr_expect_arr_eq(again, tags[0], 8, "also without the cache");
    bench_close(&b);
}

Test(sealer, an_incarnation_is_one_prefix_for_ever)
{
    struct bench b;
    bench_open(&b, 64);
    cr_expect_eq(sealer_incarnation_id(b.sealer), 7);
    cr_expect_eq(sealer_incarnation(b.sealer, 7, OTHER_PREFIX, true), ERR_CONFLICT);
    cr_expect_eq(sealer_incarnation(b.sealer, 6, OTHER_PREFIX, false), OK);
    for (uint32_t id = 100; id < 200; id++)
        cr_assert_eq(sealer_incarnation(b.sealer, id, PREFIX, false), OK);
    cr_expect_eq(sealer_incarnation_id(b.sealer), 7);
    bench_close(&b);
}

/* Two seals of one text share nothing: neither over sequences nor over incarnations. */
Test(sealer, a_mask_is_of_incarnation_and_sequence_and_undoes_itself)
{
    struct bench b;
    uint64_t one, other, back;
    bench_open(&b, 8);
    cr_assert_eq(sealer_mask(b.sealer, 7, 100, 42, &one), OK);
    cr_assert_eq(sealer_mask(b.sealer, 6, 100, 42, &other), OK);
    cr_expect_neq(one, 42);
    cr_expect_neq(one, other, "numbered alike, drawn anew");
    cr_assert_eq(sealer_mask(b.sealer, 7, 101, 42, &other), OK);
    cr_expect_neq(one, other);
    cr_assert_eq(sealer_mask(b.sealer, 7, 100, one, &back), OK);
    cr_expect_eq(back, 42);
    cr_expect_eq(sealer_mask(b.sealer, 5, 100, 42, &other), ERR_FORGED);
    bench_close(&b);
}

Test(sealer, ciphertexts_of_one_text_differ)
{
    struct bench b;
    uint8_t one[100], two[100], three[100];
    bench_open(&b, 64);
    struct seal_place p = place_of(1, 1), q = place_of(1, 2), r = place_of(1, 1);
    size_t n = seal(&b, &p, span_str("same"), SPAN_EMPTY, one, 100);
    seal(&b, &q, span_str("same"), SPAN_EMPTY, two, 100);
    cr_assert_eq(sealer_incarnation(b.sealer, 8, (const uint8_t *)"incarnation 3...", true), OK);
    r.incarnation = 8;
    seal(&b, &r, span_str("same"), SPAN_EMPTY, three, 100);
    cr_expect_arr_neq(one + 1, two + 1, 32);
    cr_expect_arr_neq(one + 1, three + 1, 32);
    cr_expect_arr_neq(two + 1, three + 1, 32);
    cr_expect_null(memmem(one, n, "same", 4));
    bench_close(&b);
}

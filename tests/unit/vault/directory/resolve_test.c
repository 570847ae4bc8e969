/* Proves the order of design.md 4, exhaustively: for every subset of the keys that could decide a
 * side, the first one of the order does; the other side is not touched; what leads nowhere, is
 * absent or belongs to another field decides nothing; ranges resolve like brute force over their
 * prefixes; the cache changes no answer. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/lib/directory_rig.h"

static struct directory_rig rig;

static void init(void)
{
    directory_rig_init(&rig);
}

static void done(void)
{
    directory_rig_done(&rig);
}

TestSuite(resolve, .init = init, .fini = done);

static const struct {
    enum entry_kind kind;
    const char *customer, *value;
} ENTRIES[] = {
    {ENTRY_ACCOUNT_CODE, "by-account", "acme"},
    {ENTRY_TRUNK, "by-trunk", "gw-7"},
    {ENTRY_DOMAIN, "by-domain", "pbx.example.com"},
    {ENTRY_NUMBER, "by-number", "+12125550123"},
    {ENTRY_RANGE, "by-range", "+13125550"},
    {ENTRY_RANGE, "by-longer-range", "+131255501"},
    {ENTRY_NUMBER, "by-raw", "1001"},
    {ENTRY_ADDRESS, "by-address", "192.0.2.7"},
};
enum { ENTRIES_COUNT = sizeof ENTRIES / sizeof ENTRIES[0] };

static void import_all(void)
{
    for (size_t i = 0; i < ENTRIES_COUNT; i++)
        rig_import_one(&rig, ENTRIES[i].customer, "account", ENTRIES[i].kind, ENTRIES[i].value);
}

/* Who decided: the customer's id, or "" for nobody. */
static const char *name_of(struct owner owner)
{
    static char text[2][CUSTOMER_ID_BYTES_MAX + 1];
    static unsigned turn;
    char *name = text[turn++ % 2];
    struct buf b = buf_of(name, CUSTOMER_ID_BYTES_MAX);
    if (owner.customer)
        cr_assert_eq(directory_customer_id(rig.directory, owner.customer, &b), OK);
    name[b.n] = '\0';
    return name;
}

static void expect(const struct call *c, const char *originating, const char *terminating)
{
    for (int asked = 0; asked < 2; asked++) { /* the second time from the cache */
        struct owners o;
        directory_resolve(rig.directory, c, &o);
        cr_expect_str_eq(name_of(o.originating), originating);
        cr_expect_str_eq(name_of(o.terminating), terminating);
    }
}

/* The keys of a side, first to last, and how a call states them. */
static void state(struct call *c, unsigned key, bool terminating)
{
    switch (key) {
    case 0:
        c->customer_hint = span_str("acme");
        break;
    case 1:
        *(terminating ? &c->trunk_out : &c->trunk_in) = span_str("gw-7");
        break;
    case 2:
        *(terminating ? &c->called_domain : &c->domain) = span_str("PBX.example.COM");
        break;
    case 3:
        *(terminating ? &c->called_tn : &c->calling_tn) = span_str("+12125550123");
        break;
    case 4:
        *(terminating ? &c->called_raw : &c->calling_raw) = span_str("1001");
        break;
    default:
        cr_assert_eq(ip_parse(span_str("192.0.2.7"), &c->src_ip), OK);
    }
}

Test(resolve, every_subset_of_keys)
{
    static const char *const FIRST[2][6] = {
        {"by-account", "by-trunk", "by-domain", "by-number", "by-raw", "by-address"},
        {NULL, "by-trunk", "by-domain", "by-number", "by-raw", NULL}, /* those say who calls */
    };
    import_all();
    for (unsigned terminating = 0; terminating < 2; terminating++)
        for (unsigned subset = 0; subset < 1u << 6; subset++) {
            struct call c = {0};
            const char *want = "";
            for (unsigned key = 6; key-- > 0;) {
                if (!(subset >> key & 1) || !FIRST[terminating][key])
                    continue;
                state(&c, key, terminating);
                want = FIRST[terminating][key];
            }
            expect(&c, terminating ? "" : want, terminating ? want : "");
        }
}

Test(resolve, a_call_between_two_customers)
{
    struct call c = {.calling_tn = span_str("+12125550123"), .called_tn = span_str("+13125550199")};
    import_all();
    expect(&c, "by-number", "by-longer-range");
}

Test(resolve, exact_before_range_and_long_before_short)
{
    struct call c = {0};
    import_all();
    c.called_tn = span_str("+13125550099");
    expect(&c, "", "by-range");
    c.called_tn = span_str("+13125550100");
    expect(&c, "", "by-longer-range");
    rig_import_one(&rig, "exact", "account", ENTRY_NUMBER, "+13125550100");
    expect(&c, "", "exact");
    c.called_tn = span_str("+1312555"); /* shorter than the range */
    expect(&c, "", "");
}

/* The number as received is asked only when the normalised one leads nowhere, and never by range:
 * an extension is not the start of a number. */
Test(resolve, raw_numbers)
{
    struct call c = {.calling_tn = span_str("+14155550100"), .calling_raw = span_str("1001")};
    import_all();
    rig_import_one(&rig, "range-of-1", "account", ENTRY_RANGE, "10");
    expect(&c, "by-raw", "");
    c.calling_raw = span_str("1002");
    expect(&c, "", "");
    c.calling_tn = span_str("1002");
    expect(&c, "range-of-1", "");
}

Test(resolve, values_that_no_entry_can_have)
{
    static uint8_t text[2000];
    struct call c = {0};
    import_all();
    memset(text, 'x', sizeof text);
    c.customer_hint = c.trunk_in = c.domain = c.calling_tn = span_of(text, sizeof text);
    expect(&c, "", "");
    c.domain = span_str("not a host\r\n");
    c.calling_tn = span_str("sip:1001@pbx.example.com");
    expect(&c, "", "");
    c.calling_tn = span_str("anonymous");
    c.calling_raw = span_str("1001");
    expect(&c, "by-raw", "");
}

Test(resolve, kinds_do_not_meet)
{
    struct call c = {.customer_hint = span_str("gw-7"),
                     .trunk_in = span_str("acme"),
                     .domain = span_str("1001"),
                     .called_tn = span_str("192.0.2.7")};
    import_all();
    expect(&c, "", "");
    c = (struct call){.trunk_in = span_str("GW-7")};
    expect(&c, "", ""); /* trunks are compared as they are */
}

Test(resolve, an_empty_directory_asks_nothing)
{
    struct call c = {.called_tn = span_str("+12125550123"), .trunk_in = span_str("gw-7")};
    expect(&c, "", "");
    cr_expect_eq(directory_stats(rig.directory).cache_misses, 0);
}

Test(resolve, an_import_empties_the_cache)
{
    struct call c = {.called_tn = span_str("+12125550123")};
    rig_import_one(&rig, "other", "account", ENTRY_NUMBER, "+12125550124");
    expect(&c, "", "");
    rig_import_one(&rig, "late", "account", ENTRY_NUMBER, "+12125550123");
    expect(&c, "", "late");
}

Test(resolve, the_cache_is_used)
{
    struct call c = {.called_tn = span_str("+12125550123")};
    struct owners o;
    import_all();
    directory_resolve(rig.directory, &c, &o);
    uint64_t misses = directory_stats(rig.directory).cache_misses;
    directory_resolve(rig.directory, &c, &o);
    cr_expect_eq(directory_stats(rig.directory).cache_misses, misses);
    cr_expect_eq(directory_stats(rig.directory).cache_hits, 1);
}

/* A-B against brute force, with a longer range and an exact number inside. */
Test(resolve, ranges_hold_exactly_their_numbers)
{
    rig_import_one(&rig, "outer", "account", ENTRY_RANGE, "+12125550103-+12125550187");
    rig_import_one(&rig, "inner", "account", ENTRY_RANGE, "+12125550152-+12125550156");
    rig_import_one(&rig, "exact", "account", ENTRY_NUMBER, "+12125550155");
    for (int n = 100; n < 200; n++) {
        char number[32];
        snprintf(number, sizeof number, "+12125550%03d", n);
        struct call c = {.called_tn = span_str(number)};
        const char *want = n == 155               ? "exact"
                           : n >= 152 && n <= 156 ? "inner"
                           : n >= 103 && n <= 187 ? "outer"
                                                  : "";
        expect(&c, "", want);
    }
}

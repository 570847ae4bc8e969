/* Proves, for every row of knobs.def: the default is one that the file could say, bounds are
 * kept to the last digit, and a refused value changes nothing. */
#include "ingest/cpnid/knob.h"

#include <criterion/criterion.h>
#include <inttypes.h>

static bool is_number(const struct knob *k)
{
    return k->kind == KNOB_COUNT || k->kind == KNOB_MS || k->kind == KNOB_S ||
           k->kind == KNOB_BYTES;
}

static bool is_text(const struct knob *k)
{
    return k->kind == KNOB_TEXT || k->kind == KNOB_PATH || k->kind == KNOB_DIGITS;
}

static enum err set(const struct knob *k, uint64_t n, struct config *c)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, n);
    return knob_set(k, span_str(text), c);
}

static uint64_t member(const struct knob *k, const struct config *c)
{
    uint64_t n;
    memcpy(&n, (const uint8_t *)c + k->offset, sizeof n);
    return n;
}

Test(knob, numbers_keep_their_bounds)
{
    static struct config c;
    for (size_t i = 0; i < CONFIG_KNOBS.count; i++) {
        const struct knob *k = &CONFIG_KNOBS.row[i];
        if (!is_number(k))
            continue;
        cr_expect_lt(k->min, k->max, "%s", k->name);
        cr_expect_eq(set(k, k->max, &c), OK, "%s", k->name);
        cr_expect_eq(member(k, &c), k->max);
        cr_expect_eq(set(k, k->min, &c), OK, "%s", k->name);
        cr_expect_neq(set(k, k->max + 1, &c), OK, "%s", k->name);
        cr_expect(k->min == 0 || set(k, k->min - 1, &c) != OK, "%s", k->name);
        static const char *const WRONG[] = {"",
                                            "-1",
                                            "1.5",
                                            "0x10",
                                            "ten",
                                            " 5",
                                            "5 ",
                                            "5ms",
                                            "99999999999999999999",
                                            "18446744073709551616"};
        for (size_t w = 0; w < sizeof WRONG / sizeof WRONG[0]; w++)
            cr_expect_neq(knob_set(k, span_str(WRONG[w]), &c), OK, "%s: %s", k->name, WRONG[w]);
        cr_expect_eq(member(k, &c), k->min, "%s: a refused value changed it", k->name);
    }
}

static void texts_keep_their_bounds(struct knob_table t, void *object)
{
    static char text[CONFIG_PATH_BYTES + 1];
    for (size_t i = 0; i < t.count; i++) {
        const struct knob *k = &t.row[i];
        if (!is_text(k))
            continue;
        memset(text, '1', sizeof text);
        cr_expect_eq(knob_set(k, span_of(text, k->max), object), OK, "%s", k->name);
        cr_expect_eq(strlen((const char *)object + k->offset), k->max, "%s", k->name);
        cr_expect_neq(knob_set(k, span_of(text, k->max + 1), object), OK, "%s", k->name);
        cr_expect_neq(knob_set(k, span_of("1\n", 2), object), OK, "%s", k->name);
        cr_expect_neq(knob_set(k, span_of("1\0", 2), object), OK, "%s", k->name);
        cr_expect_eq(knob_set(k, SPAN_EMPTY, object) == OK, k->min == 0, "%s", k->name);
    }
}

Test(knob, texts_keep_their_bounds)
{
    static struct config c;
    static struct config_feed f;
    texts_keep_their_bounds(CONFIG_KNOBS, &c);
    texts_keep_their_bounds(FEED_KNOBS, &f);
}

Test(knob, values)
{
    static const struct {
        const char *knob, *text;
        enum err e;
    } ROWS[] = {
        {"udp_receive_bytes", "64K", OK},
        {"udp_receive_bytes", "1G", OK},
        {"udp_receive_bytes", "65536", OK},
        {"udp_receive_bytes", "2G", ERR_LIMIT},
        {"udp_receive_bytes", "K", ERR_SYNTAX},
        {"udp_receive_bytes", "1T", ERR_SYNTAX},
        {"udp_receive_bytes", "17179869184G", ERR_LIMIT}, /* 2^64 */
        {"unassigned_in_usage", "false", OK},
        {"unassigned_in_usage", "yes", ERR_SYNTAX},
        {"usage_period_s", "3600", OK},
        {"usage_period_s", "7200", ERR_SYNTAX},
        {"usage_increments", "30/6", OK},
        {"usage_increments", "0/1", ERR_SYNTAX},
        {"usage_increments", "1/1,1/1", ERR_CONFLICT},
        {"listen_http", "", OK},
        {"listen_usage_pull", "", ERR_LIMIT},
    };
    static struct config c;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        size_t row = knob_find(CONFIG_KNOBS, span_str(ROWS[i].knob));
        cr_assert_lt(row, CONFIG_KNOBS.count);
        cr_expect_eq(knob_set(&CONFIG_KNOBS.row[row], span_str(ROWS[i].text), &c), ROWS[i].e,
                     "%s: %s", ROWS[i].knob, ROWS[i].text);
    }
}

Test(knob, addresses)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } ROWS[] = {
        {"127.0.0.1:9060", "127.0.0.1", 9060},
        {"[::1]:65535", "::1", 65535},
        {"[::]:1", "::", 1},
        {"0.0.0.0:9060", "0.0.0.0", 9060},
        {"127.0.0.1", NULL, 0},
        {"127.0.0.1:", NULL, 0},
        {"127.0.0.1:0", NULL, 0},
        {"127.0.0.1:65536", NULL, 0},
        {"127.0.0.1:90x", NULL, 0},
        {"::1:9060", NULL, 0},
        {"[::1]9060", NULL, 0},
        {"[::1", NULL, 0},
        {"[", NULL, 0},
        {"[127.0.0.1]:9060", NULL, 0},
        {"localhost:9060", NULL, 0},
        {":9060", NULL, 0},
        {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22:1", NULL, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct config_address a = {0};
        char back[CONFIG_ADDRESS_TEXT_BYTES];
        enum err e = config_address_parse(span_str(ROWS[i].text), &a);
        cr_expect_eq(e, ROWS[i].host ? OK : ERR_SYNTAX, "%s", ROWS[i].text);
        if (e != OK)
            continue;
        cr_expect_str_eq(a.host, ROWS[i].host);
        cr_expect_eq(a.port, ROWS[i].port);
        config_address_text(&a, back);
        cr_expect_str_eq(back, ROWS[i].text);
    }
    char closed[CONFIG_ADDRESS_TEXT_BYTES];
    config_address_text(&(struct config_address){0}, closed);
    cr_expect_str_eq(closed, "");
}

Test(knob, every_row_is_complete_and_its_default_is_legal)
{
    static struct config c;
    static struct config_feed f;
    const struct {
        struct knob_table t;
        void *object;
    } TABLES[] = {{CONFIG_KNOBS, &c}, {FEED_KNOBS, &f}};
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < TABLES[n].t.count; i++) {
            const struct knob *k = &TABLES[n].t.row[i];
            char text[112] = "";
            struct buf b = buf_of(text, sizeof text - 1);
            knob_wants(k, &b);
            cr_expect(buf_ok(&b) && b.n > 0, "%s", k->name);
            cr_expect(k->help[0] && k->help[strlen(k->help) - 1] != '.', "%s", k->name);
            bool must_be_given = n == 1 && (strcmp(k->name, "name") == 0);
            cr_expect_eq(knob_set(k, span_str(k->preset), TABLES[n].object) == OK, !must_be_given,
                         "%s", k->name);
            cr_expect_eq(knob_find(TABLES[n].t, span_str(k->name)), i, "%s twice", k->name);
        }
    cr_expect_eq(knob_find(CONFIG_KNOBS, span_str("no_such")), CONFIG_KNOBS.count);
}

/* Proves: every mistake of a file is told with its line, all of them at once; the example
 * that is shipped is right; what --print-config prints is a file of the defaults. */
#include "ingest/cpnid/config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "ingest/cpnid/knob.h"
#include "vault/policy/policy.h"

static struct config c;
static struct config_problems problems;

static enum err parse(const char *yaml)
{
    return config_parse(span_str(yaml), &c, &problems);
}

#define FEED_HEP_LINES "feeds:\n  - name: hep\n    kind: hep\n    listen_udp: 127.0.0.1:9060\n"
#define FEED_CSV(more)                                                                             \
    "feeds:\n  - {name: a, kind: asterisk_csv, path: f/M.csv, timezone: UTC" more "}\n"

Test(config, one_mistake)
{
    static const struct {
        const char *yaml;
        int line;
        const char *text; /* part of what is told */
    } ROWS[] = {
        {"no_such: 1\n", 1, "no_such: no such setting"},
        {"\n\nflush_ms: 0\n", 3, "flush_ms: wants milliseconds, 1 to 1000"},
        {"flush_ms: 5s\n", 1, "flush_ms: wants milliseconds"},
        {"flush_ms: [5]\n", 1, "flush_ms: wants milliseconds"},
        {"flush_ms: {a: 5}\n", 1, "flush_ms: wants"},
        {"flush_ms: 5\nworkers: 1\nflush_ms: 5\n", 3, "flush_ms: given twice"},
        {"unassigned_in_usage: maybe\n", 1, "wants true or false"},
        {"state_dir: ''\n", 1, "state_dir: wants a path, 1 to 511 bytes"},
        {"usage_period_s: 60\n", 1, "seconds, 3600 or 86400"},
        {"usage_increments: 1-1\n", 1, "usage_increments: wants up to 8"},
        {"listen_http: localhost:1\n", 1, "127.0.0.1:9060 or [::1]:9060, or empty"},
        {"? [a]\n: 1\n", 1, "no such setting"},
        {"\"ev\\x1b[0mil\": 1\n", 1, "ev?[0mil: no such setting"},
        {"- a\n", 1, "wants `setting: value` lines"},
        {"flush_ms: \"5\n", 2, "not YAML"},
        {"flush_ms: 5\n\tworkers: 1\n", 2, "not YAML"},
        {"flush_ms: 5\n---\nflush_ms: 6\n", 3, "a second document"},
        {"feeds: 1\n", 1, "feeds: wants a list"},
        {"feeds: [1]\n", 1, "feeds: wants a mapping"},
        {"feeds:\n  - {kind: freeswitch_json}\n", 2, "feeds: wants a name"},
        {"feeds:\n  - {name: 'a b', kind: freeswitch_json}\n", 2, "feeds: wants a name"},
        {"feeds:\n  - {name: a}\n", 2, "feeds: wants a kind"},
        {"feeds:\n  - {name: a, kind: radius}\n", 2, "kind: wants hep, asterisk_csv"},
        {"feeds:\n  - {name: a, kind: hep}\n", 2, "wants listen_udp or listen_tcp"},
        {FEED_CSV(", listen_udp: '127.0.0.1:1'"), 2, "are of hep feeds"},
        {FEED_CSV(", agents: [{id: 1, key_file: k}]"), 2, "agents are of hep feeds"},
        {FEED_CSV(", default_country: 49"), 2, "default_country is of number_plan e164"},
        {FEED_CSV(", number_plan: us"), 2, "number_plan: wants nanp, e164 or raw"},
        {FEED_CSV(", color: red"), 2, "color: no such setting"},
        {FEED_CSV(", name: b"), 2, "name: given twice"},
        {"feeds:\n  - {name: a, kind: asterisk_csv, timezone: UTC}\n", 2, "wants a path"},
        {"feeds:\n  - {name: a, kind: asterisk_csv, path: f/, timezone: UTC}\n", 2,
         "name of a file"},
        {"feeds:\n  - {name: a, kind: asterisk_csv, path: f/M.csv}\n", 2, "wants a timezone"},
        {"feeds:\n  - {name: a, kind: freeswitch_json, timezone: UTC}\n", 2,
         "of asterisk_csv and mapped feeds"},
        {"feeds:\n  - {name: a, kind: mapped}\n", 2, "a mapped feed wants a map"},
        {"feeds:\n  - {name: a, kind: freeswitch_json, map: m}\n", 2, "map is of mapped feeds"},
        {FEED_HEP_LINES "    path: x\n", 2, "path is of"},
        {FEED_HEP_LINES "  - {name: hep, kind: freeswitch_json}\n", 5, "name given twice"},
        {FEED_HEP_LINES "  - {name: b, kind: hep, listen_udp: '127.0.0.1:9060'}\n", 5,
         "address is another feed's"},
        {FEED_HEP_LINES "    agents: 1\n", 5, "agents: wants a list"},
        {FEED_HEP_LINES "    agents:\n     - {id: x, key_file: k}\n", 6, "wants {id: NUMBER"},
        {FEED_HEP_LINES "    agents:\n     - {id: 1}\n", 6, "wants {id: NUMBER"},
        {FEED_HEP_LINES "    agents:\n     - {id: 1, key_file: k, x: y}\n", 6, "wants {id: NUMBER"},
        {FEED_HEP_LINES "    agents:\n     - {id: 4294967296, key_file: k}\n", 6, "wants {id"},
        {FEED_HEP_LINES "    agents:\n     - {id: 1, key_file: k}\n     - {id: 1, key_file: l}\n",
         7, "id given twice"},
        {"roles:\n  - who\n", 2, "roles: wants {who"},
        {"roles:\n  - {who: a}\n", 2, "roles: wants {who"},
        {"roles:\n  - {who: a, roles: all}\n", 2, "roles: wants a list"},
        {"roles:\n  - {who: a, roles: [king]}\n", 2, "roles: king: no such role"},
        {"feeds: [{name: a, kind: freeswitch_json}]\nfeeds: []\n", 2, "feeds: given twice"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cr_expect_eq(parse(ROWS[i].yaml), ERR_SYNTAX, "%s", ROWS[i].yaml);
        cr_expect_eq(problems.count, 1, "%s: %zu problems", ROWS[i].yaml, problems.count);
        cr_expect_eq(problems.item[0].line, ROWS[i].line, "%s: line %d", ROWS[i].yaml,
                     problems.item[0].line);
        cr_expect(strstr(problems.item[0].text, ROWS[i].text), "%s: %s", ROWS[i].yaml,
                  problems.item[0].text);
    }
}

Test(config, all_mistakes_at_once_in_order)
{
    cr_expect_eq(parse("feeds:\n  - {name: a}\nflush_ms: 0\nxyz: 1\nworkers: 99\n"), ERR_SYNTAX);
    cr_assert_eq(problems.count, 4);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(problems.item[i].line, i + 2);
}

Test(config, more_mistakes_than_fit_are_counted)
{
    static char yaml[200 * 6 + 1];
    for (int i = 0; i < 200; i++)
        snprintf(yaml + 6 * i, 7, "x%03d:\n", i);
    cr_expect_eq(parse(yaml), ERR_SYNTAX);
    cr_expect_eq(problems.count, 200);
}

Test(config, too_many_rows)
{
    static char yaml[128 * 1024];
    size_t n = (size_t)snprintf(yaml, sizeof yaml, "feeds:\n");
    for (int i = 0; i <= FEEDS_MAX; i++)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, " - {name: f%d, kind: freeswitch_json}\n",
                              i);
    cr_expect_eq(parse(yaml), ERR_SYNTAX);
    cr_expect_eq(problems.item[0].line, FEEDS_MAX + 2);
    n = (size_t)snprintf(yaml, sizeof yaml, "roles:\n");
    for (int i = 0; i <= CONFIG_GRANTS_MAX; i++)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, " - {who: u%d, roles: [noc]}\n", i);
    cr_expect_eq(parse(yaml), ERR_SYNTAX);
    cr_expect_eq(problems.item[0].line, CONFIG_GRANTS_MAX + 2);
    n = (size_t)snprintf(yaml, sizeof yaml, FEED_HEP_LINES "    agents:\n");
    for (int i = 0; i <= CONFIG_AGENTS_MAX; i++)
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, "     - {id: %d, key_file: k}\n", i);
    cr_expect_eq(parse(yaml), ERR_SYNTAX);
    cr_expect_eq(problems.item[0].line, CONFIG_AGENTS_MAX + 6);
}

Test(config, a_whole_file)
{
    cr_assert_eq(
        parse("workers: 2\n"
              "udp_receive_bytes: 1M\n"
              "feeds:\n"
              "  - name: pbx\n"
              "    kind: asterisk_csv\n"
              "    path: /var/log/asterisk/cdr-csv/Master.csv\n"
              "    timezone: America/New_York\n"
              "  - {name: de, kind: hep, listen_tcp: '[::1]:9060', number_plan: e164,\n"
              "     default_country: 49, agents: [{id: 7, key_file: a}, {id: 8, key_file: b}]}\n"
              "roles:\n"
              "  - {who: self, roles: [all]}\n"
              "  - {who: '@bill', roles: [billing, noc]}\n"),
        OK, "%d: %s", problems.item[0].line, problems.item[0].text);
    cr_expect_eq(c.workers, 2);
    cr_expect_eq(c.udp_receive_bytes, 1 << 20);
    cr_expect_eq(c.flush_ms, 5, "the default");
    cr_assert_eq(c.feeds_count, 2);
    cr_expect_str_eq(c.feed[0].timezone, "America/New_York");
    cr_expect_str_eq(c.feed[0].number_plan, "nanp");
    cr_expect_eq(c.feed[0].line, 4);
    cr_expect_eq(c.feed[1].kind, FEED_HEP);
    cr_expect_str_eq(c.feed[1].listen_tcp.host, "::1");
    cr_expect_str_eq(c.feed[1].listen_udp.host, "");
    cr_expect_eq(c.feed[1].agents_count, 2);
    cr_expect_eq(c.agent[c.feed[1].agents_first + 1].id, 8);
    cr_expect_str_eq(c.agent[c.feed[1].agents_first + 1].key_file, "b");
    cr_expect_eq(c.grants_count, 2);
    cr_expect_eq(c.grant[0].roles, (1U << ROLE_COUNT) - 1);
    cr_expect_eq(c.grant[1].roles, 1U << ROLE_BILLING | 1U << ROLE_NOC);
    cr_expect_str_eq(c.grant[1].who, "@bill");
}

Test(config, an_empty_file_is_the_defaults)
{
    static struct config defaults;
    config_default(&defaults);
    cr_expect_eq(parse(""), OK);
    cr_expect_eq(memcmp(&c, &defaults, sizeof c), 0);
    cr_expect_eq(parse("# nothing\n"), OK);
}

/* Aliases may not make a small file large, or go in circles. */
Test(config, aliases)
{
    cr_expect_eq(parse("feeds:\n - &f {name: a, kind: freeswitch_json}\n - *f\n"), ERR_SYNTAX);
    cr_expect_eq(parse("feeds: &x [*x]\n"), ERR_SYNTAX);
    cr_expect_eq(parse("roles: &x\n  - {who: a, roles: *x}\n"), ERR_SYNTAX);
}

static char *slurp(FILE *f, size_t *out_n)
{
    static char text[256 * 1024];
    rewind(f);
    *out_n = fread(text, 1, sizeof text - 1, f);
    text[*out_n] = '\0';
    fclose(f);
    return text;
}

Test(config, the_example_is_right)
{
    size_t n;
    FILE *f = fopen(CPNI_SOURCE_DIR "/deploy/cpnid.example.yaml", "r");
    cr_assert(f);
    char *text = slurp(f, &n);
    cr_assert_eq(config_parse(span_of(text, n), &c, &problems), OK, "%d: %s", problems.item[0].line,
                 problems.item[0].text);
    cr_expect_eq(c.feeds_count, 3);
    cr_expect_str_eq(c.feed[0].name, "hep");
    cr_expect_str_eq(c.feed[1].name, "asterisk");
    cr_expect_str_eq(c.feed[2].name, "freeswitch");
    cr_expect(c.unassigned_in_usage);
    cr_expect_eq(c.grant[0].roles, (1U << ROLE_COUNT) - 1);
}

Test(config, print_config_reads_back_as_the_defaults_and_names_every_setting)
{
    static struct config defaults;
    size_t n;
    FILE *f = tmpfile();
    config_print(f);
    char *text = slurp(f, &n);
    cr_assert_eq(config_parse(span_of(text, n), &c, &problems), OK, "%d: %s", problems.item[0].line,
                 problems.item[0].text);
    config_default(&defaults);
    cr_expect_eq(memcmp(&c, &defaults, sizeof c), 0);
    const struct knob_table TABLES[] = {CONFIG_KNOBS, FEED_KNOBS};
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < TABLES[t].count; i++) {
            char wants[112] = "";
            struct buf b = buf_of(wants, sizeof wants - 1);
            const struct knob *k = &TABLES[t].row[i];
            knob_wants(k, &b);
            cr_expect(strstr(text, k->name) && strstr(text, k->help) && strstr(text, wants), "%s",
                      k->name);
        }
}

Test(config, ports_shift_together_or_not_at_all)
{
    cr_assert_eq(parse(FEED_HEP_LINES), OK);
    cr_expect_eq(config_shift_ports(&c, 1000), OK);
    cr_expect_eq(c.feed[0].listen_udp.port, 10060);
    cr_expect_eq(c.listen_http.port, 9088);
    cr_expect_eq(c.listen_usage_pull.port, 8760);
    cr_expect_eq(c.listen_usage_hint.port, 8761);
    cr_expect_eq(c.listen_metrics.port, 10464);
    cr_expect_eq(c.feed[0].listen_tcp.host[0], '\0', "closed stays closed");
    cr_expect_eq(config_shift_ports(&c, 56000), ERR_LIMIT);
    cr_expect_eq(c.listen_http.port, 9088);
}

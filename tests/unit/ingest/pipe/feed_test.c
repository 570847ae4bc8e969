/* Proves: a feed is made of what the configuration says or refused by name; an agent is admitted
 * with its key and no other. */
#include "ingest/pipe/feed.h"

#include <criterion/criterion.h>

Test(feed, configuration)
{
    static const struct {
        const char *name, *plan, *country, *zone;
        enum feed_kind kind;
        enum err e;
    } ROWS[] = {
        {"file with a zone", "nanp", NULL, "UTC", FEED_ASTERISK_CSV, OK},
        {"fixed offset", "nanp", NULL, "-05:00", FEED_ASTERISK_CSV, OK},
        {"file without a zone", "nanp", NULL, NULL, FEED_ASTERISK_CSV, ERR_SYNTAX},
        {"file with an empty zone", "nanp", NULL, "", FEED_ASTERISK_CSV, ERR_SYNTAX},
        {"a zone without its bytes", "nanp", NULL, "America/New_York", FEED_ASTERISK_CSV,
         ERR_NOTFOUND},
        {"capture without a zone", "raw", NULL, NULL, FEED_HEP, OK},
        {"country", "e164", "49", "", FEED_FREESWITCH_JSON, OK},
        {"country of four digits", "e164", "4949", "", FEED_FREESWITCH_JSON, ERR_SYNTAX},
        {"country of letters", "e164", "de", "", FEED_FREESWITCH_JSON, ERR_SYNTAX},
        {"unknown plan", "mars", NULL, "", FEED_HEP, ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct pipe_feed f;
        struct diag d = {NULL, 0};
        struct ingest_feed conf = {INGEST_FEED_DEFAULTS};
        conf.number_plan = ROWS[i].plan;
        conf.default_country = ROWS[i].country;
        conf.timezone = ROWS[i].zone;
        conf.kind = ROWS[i].kind;
        cr_expect_eq(pipe_feed_init(&f, &conf, 3, NULL, &d), ROWS[i].e, "%s", ROWS[i].name);
        cr_expect_eq(d.what != NULL, ROWS[i].e != OK, "%s", ROWS[i].name);
    }
}

#define MAP "format = json\nkey = a\nanswered-by = t_answer\nt_answer = b: "

Test(feed, maps)
{
    static const struct {
        const char *name, *map, *zone;
        enum feed_kind kind;
        enum err e;
    } ROWS[] = {
        {"a map", MAP "epoch_s\n", NULL, FEED_MAPPED, OK},
        {"none", "", NULL, FEED_MAPPED, ERR_SYNTAX},
        {"a broken one", MAP "nonsense\n", NULL, FEED_MAPPED, ERR_SYNTAX},
        {"local times", MAP "time %Y-%m-%d\n", "UTC", FEED_MAPPED, OK},
        {"local times without a zone", MAP "time %Y-%m-%d\n", NULL, FEED_MAPPED, ERR_SYNTAX},
        {"times that say their zone", MAP "time %Y-%m-%d %z\n", NULL, FEED_MAPPED, OK},
        {"of a feed whose kind the vault knows", MAP "epoch_s\n", NULL, FEED_UNKNOWN, OK},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct pipe_feed f;
        struct diag d = {NULL, 0};
        struct ingest_feed conf = {INGEST_FEED_DEFAULTS};
        conf.kind = ROWS[i].kind;
        conf.map = span_str(ROWS[i].map);
        conf.timezone = ROWS[i].zone;
        cr_expect_eq(pipe_feed_init(&f, &conf, 3, NULL, &d), ROWS[i].e, "%s", ROWS[i].name);
        cr_expect_eq(d.what != NULL, ROWS[i].e != OK, "%s", ROWS[i].name);
        cr_expect(ROWS[i].e != OK || f.map.rules_count == 1, "%s", ROWS[i].name);
    }
}

Test(feed, country_reaches_the_rules)
{
    struct pipe_feed f;
    struct diag d;
    struct ingest_feed conf = {INGEST_FEED_DEFAULTS};
    conf.kind = FEED_HEP;
    conf.number_plan = "e164";
    conf.default_country = "353";
    cr_assert_eq(pipe_feed_init(&f, &conf, 3, NULL, &d), OK);
    cr_expect_eq(f.rules.numbers.plan, PLAN_E164);
    cr_expect_str_eq(f.rules.numbers.country_code, "353");
    cr_expect_eq(f.index, 3);
    cr_expect_eq(f.id, 0);
}

Test(feed, agents)
{
    static const struct ingest_agent AGENTS[] = {{1, SPAN_LIT("one")}, {2, SPAN_LIT("two")}};
    struct ingest_feed conf = {INGEST_FEED_DEFAULTS};
    struct pipe_feed f = {.conf = &conf};
    cr_expect(pipe_feed_admits(&f, 9, span_str("any")), "a feed without agents asks for no key");
    conf.agents = AGENTS;
    conf.agents_count = 2;
    static const struct {
        uint32_t id;
        const char *key;
        bool admitted;
    } ROWS[] = {{1, "one", true}, {2, "two", true},   {1, "two", false}, {1, "onE", false},
                {1, "", false},   {1, "one1", false}, {3, "one", false}, {0, "", false}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        cr_expect_eq(pipe_feed_admits(&f, ROWS[i].id, span_str(ROWS[i].key)), ROWS[i].admitted,
                     "row %zu", i);
}

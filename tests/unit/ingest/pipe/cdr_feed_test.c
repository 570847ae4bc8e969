/* Proves: which bytes are a record, which are refused for what reason, and how many are used; a
 * torn line costs itself and no other; bodies in every form give their documents, and secrets in
 * them do not reach the batch (I5). The same of mapped feeds, whose title lines name what follows.
 */
#include "ingest/pipe/cdr_feed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/pipe_fixture.h"

#define CDR(n)                                                                                     \
    "\"acct\",\"12125550101\",\"12125550102\",\"ctx\",\"\"\"A\"\" "                                \
    "<1>\",\"PJSIP/a-1\",\"\",\"Dial\","                                                           \
    "\"x\",\"2026-11-20 10:00:00\",,\"2026-11-20 10:00:09\",9,0,\"NO ANSWER\",\"DOCUMENTATION\","  \
    "\"1763632800." #n "\",\"\"\n"
#define NAME_WITH_NEWLINE                                                                          \
    "\"acct\",\"12125550101\",\"12125550102\",\"ctx\",\"\"\"A\nB\"\" <1>\",\"PJSIP/a-1\",\"\","    \
    "\"Dial\",\"x\",\"2026-11-20 10:00:00\",,\"2026-11-20 10:00:09\",9,0,\"NO ANSWER\","           \
    "\"DOCUMENTATION\",\"1763632800.9\",\"\"\n"
#define DOC(n)                                                                                     \
    "{\"core-uuid\":\"c\",\"variables\":{\"uuid\":\"u" #n "\",\"digits_dialed\":\"4711canary\","   \
    "\"sip_auth_password\":\"4711canary\",\"start_uepoch\":\"1763632800000000\","                  \
    "\"end_uepoch\":\"1763632865000000\"}}"

struct bed {
    struct pipe_fixture x;
    struct cdr_scratch *scratch;
};

static void setup(struct bed *b, enum feed_kind kind)
{
    pipe_fixture_init(&b->x, kind);
    cr_assert_eq(cdr_scratch_new(&b->scratch), OK);
}

static void teardown(struct bed *b)
{
    cdr_scratch_free(b->scratch);
    pipe_fixture_done(&b->x);
}

/* Feeds all of it as a tail would; the result of the last call. */
static enum err feed(struct bed *b, struct span in, bool at_end)
{
    enum err e = OK;
    while (e == OK && in.n > 0) {
        size_t used = 0;
        uint8_t *own = malloc(in.n); /* ASan sees the byte behind it */
        memcpy(own, in.p, in.n);
        e = cdr_feed_line(&b->x.pipe, &b->x.feed, b->scratch, span_of(own, in.n), at_end, &used);
        free(own);
        cr_assert(e != OK || (used > 0 && used <= in.n));
        in = span_from(in, e == OK ? used : 0);
    }
    pipe_fixture_settle(&b->x);
    return e;
}

Test(cdr_feed, lines)
{
    static const struct {
        const char *name;
        struct span in;
        bool at_end;
        enum err e;
        unsigned records, line, column, oversize;
    } ROWS[] = {
        {"one", SPAN_LIT(CDR(1)), false, OK, 1, 0, 0, 0},
        {"two, CR LF between", SPAN_LIT(CDR(1) "\r\n" CDR(2)), false, OK, 2, 0, 0, 0},
        {"without its end", SPAN_LIT("\"acct\",\"1\""), false, ERR_MORE, 0, 0, 0, 0},
        {"without its end, at the end", SPAN_LIT("\"acct\",\"1\""), true, OK, 0, 0, 1, 0},
        {"too few columns", SPAN_LIT("a,b,c\n" CDR(1)), false, OK, 1, 0, 1, 0},
        {"NUL", SPAN_LIT("a\0b\n" CDR(1)), false, OK, 1, 1, 0, 0},
        {"a name with a newline", SPAN_LIT(NAME_WITH_NEWLINE CDR(1)), false, OK, 2, 0, 0, 0},
        {"a line torn in a quote",
         SPAN_LIT("\"acct\",\"1212"
                  "\n" CDR(1) CDR(2)),
         false, OK, 2, 1, 0, 0},
        {"torn, and the writer went on in the same line", SPAN_LIT("\"acct\",\"1212" CDR(1) CDR(2)),
         false, OK, 1, 0, 1, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        setup(&b, FEED_ASTERISK_CSV);
        cr_expect_eq(feed(&b, ROWS[i].in, ROWS[i].at_end), ROWS[i].e, "%s", ROWS[i].name);
        cr_expect_eq(b.x.vault.records_count, ROWS[i].records, "%s: %zu records", ROWS[i].name,
                     b.x.vault.records_count);
        cr_expect_eq(pipe_fixture_count(&b.x, METRIC_MALFORMED, REASON_LINE), ROWS[i].line, "%s",
                     ROWS[i].name);
        cr_expect_eq(pipe_fixture_count(&b.x, METRIC_MALFORMED, REASON_COLUMN), ROWS[i].column,
                     "%s", ROWS[i].name);
        cr_expect_eq(pipe_fixture_count(&b.x, METRIC_MALFORMED, REASON_OVERSIZE), ROWS[i].oversize,
                     "%s", ROWS[i].name);
        teardown(&b);
    }
}

/* A quote that nothing closes is given up once more follows than Asterisk can have written. */
Test(cdr_feed, quote_that_runs_away)
{
    static char text[3 * 4096];
    struct bed b;
    setup(&b, FEED_ASTERISK_CSV);
    memset(text, 'x', sizeof text);
    text[0] = '"';
    for (size_t i = 99; i < sizeof text; i += 100)
        text[i] = '\n';
    enum err e = feed(&b, span_of(text, sizeof text), false);
    cr_expect(e == OK || e == ERR_MORE);
    cr_expect_gt(pipe_fixture_count(&b.x, METRIC_MALFORMED, REASON_LINE), 0);
    cr_expect_gt(pipe_fixture_count(&b.x, METRIC_MALFORMED, REASON_COLUMN), 50, "the rest is read");
    teardown(&b);
}

/* --- mapped feeds --- */

#define MAP                                                                                        \
    "format = csv\nheader = names\ncolumns = caller, called, start, bill, code\n"                  \
    "select = #1: 1, 2\nignore = #1: 9\nkey = caller, start\ndrop = code\n"                        \
    "answered-by = dur_bill_ms\ncalled_raw = called\ndur_bill_ms = bill: seconds\n"                \
    "t_start = start: epoch_s\n"

static void map_feed(struct bed *b, const char *map)
{
    struct diag d;
    uint16_t id = b->x.feed.id;
    b->x.conf.map = span_str(map);
    cr_assert_eq(pipe_feed_init(&b->x.feed, &b->x.conf, 0, &b->x.npa, &d), OK, "%s", d.what);
    b->x.feed.id = id;
}

static void setup_mapped(struct bed *b, const char *map)
{
    pipe_fixture_init(&b->x, FEED_FREESWITCH_JSON); /* which wants no map yet */
    b->x.conf.kind = FEED_MAPPED;
    map_feed(b, map);
    cr_assert_eq(cdr_scratch_new(&b->scratch), OK);
}

static uint64_t ignored(const struct bed *b)
{
    return pipe_fixture_count(&b->x, METRIC_IGNORED, REASON_NOT_A_CALL);
}

static uint64_t refused(const struct bed *b, enum reason reason)
{
    return pipe_fixture_count(&b->x, METRIC_MALFORMED, reason);
}

Test(cdr_feed, mapped_rows)
{
    static const struct {
        const char *name;
        struct span in;
        unsigned records, ignored, column, line;
    } ROWS[] = {
        {"as the map says", SPAN_LIT("1,2125550101,1763632800,9,x\r\n"), 1, 0, 0, 0},
        {"another kind of line", SPAN_LIT("9,2125550101\n1,2125550101,1763632800,9,x\n"), 1, 1, 0,
         0},
        {"an unknown kind of line", SPAN_LIT("8,2125550101,1763632800,9,x\n"), 0, 0, 1, 0},
        {"a title line", SPAN_LIT("caller,bill,start\n1,9,1763632800\n"), 1, 1, 0, 0},
        {"a title line behind a byte order mark",
         SPAN_LIT("\xef\xbb\xbf\"caller\",bill,start\n1,9,1763632800\n"), 1, 1, 0, 0},
        {"not the columns of the title line", SPAN_LIT("caller,bill,start\n1,9\n"), 0, 1, 1, 0},
        {"a line torn in a quote", SPAN_LIT("1,\"212\n2,2125550101,1763632800,9,x\n"), 1, 0, 0, 1},
        {"NUL", SPAN_LIT("1,\0\n2,2125550101,1763632800,9,x\n"), 1, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        setup_mapped(&b, MAP);
        cr_expect_eq(feed(&b, ROWS[i].in, false), OK, "%s", ROWS[i].name);
        cr_expect_eq(b.x.vault.records_count, ROWS[i].records, "%s", ROWS[i].name);
        cr_expect_eq(ignored(&b), ROWS[i].ignored, "%s", ROWS[i].name);
        cr_expect_eq(refused(&b, REASON_COLUMN), ROWS[i].column, "%s", ROWS[i].name);
        cr_expect_eq(refused(&b, REASON_LINE), ROWS[i].line, "%s", ROWS[i].name);
        teardown(&b);
    }
}

/* Reading goes on behind the title line of a file, which stands at its head. */
Test(cdr_feed, mapped_head)
{
    static const char REST[] = "1,9,1763632800\n";
    struct bed b;
    struct record r;
    setup_mapped(&b, MAP);
    cdr_feed_head(&b.x.feed, b.scratch, span_str("caller,bill")); /* not whole */
    cr_expect_eq(feed(&b, span_str(REST), false), OK);
    cr_expect_eq(refused(&b, REASON_COLUMN), 1, "the columns of the map: 1763632800 is no start");
    cdr_feed_head(&b.x.feed, b.scratch,
                  span_str("\xef\xbb\xbf"
                           "caller,bill,start\n1,2,3\n"));
    cr_expect_eq(feed(&b, span_str(REST), false), OK);
    cr_assert_eq(b.x.vault.records_count, 1);
    fake_vault_record(&b.x.vault, 0, &r);
    cr_expect_eq(r.call.feed_kind, FEED_MAPPED);
    cr_expect_eq(r.call.dur_bill_ms, 9000);
    teardown(&b);
}

/* What the map drops, and what the classification table does, is neither in the record nor in
 * its key (I5). */
Test(cdr_feed, mapped_secrets_do_not_reach_the_batch)
{
    struct bed b;
    setup_mapped(&b, MAP);
    cr_assert_eq(feed(&b,
                      span_str("caller,called,start,bill,code,Auth_Password\n"
                               "1,2125550101,1763632800,9,canary,canary\n"),
                      false),
                 OK);
    cr_assert_eq(b.x.vault.records_count, 1);
    struct span wire = span_of(b.x.vault.record[0].wire, b.x.vault.record[0].bytes);
    cr_expect_eq(span_find_span(wire, span_str("canary")), wire.n);
    cr_expect_lt(span_find_span(wire, span_str("1763632800")), wire.n, "the search works");
    teardown(&b);
}

Test(cdr_feed, mapped_documents)
{
    static const char JSON[] =
        "format = json\nkey = id\nselect = kind: call\nignore = kind: event\n"
        "answered-by = dur_bill_ms\ndur_bill_ms = bill: seconds\n";
#define CALL(id) "{\"id\":\"" id "\",\"kind\":\"call\",\"bill\":1}"
    static const struct {
        const char *name;
        struct span body;
        enum err e;
        unsigned accepted, refused, ignored;
    } ROWS[] = {
        {"one", SPAN_LIT(CALL("1")), OK, 1, 0, 0},
        {"array", SPAN_LIT("[" CALL("1") "," CALL("2") "]"), OK, 2, 0, 0},
        {"lines", SPAN_LIT(CALL("1") "\n" CALL("2") "\n"), OK, 2, 0, 0},
        {"an event", SPAN_LIT(CALL("1") "{\"kind\":\"event\"}"), OK, 1, 0, 1},
        {"something else", SPAN_LIT(CALL("1") "{\"kind\":\"x\"}"), OK, 1, 1, 0},
        {"no key", SPAN_LIT("{\"kind\":\"call\",\"bill\":1}"), OK, 0, 1, 0},
        {"cut short", SPAN_LIT(CALL("1") "{\"a\":"), ERR_SYNTAX, 1, 0, 0},
    };
#undef CALL
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        struct cdr_posted posted;
        setup_mapped(&b, JSON);
        cr_expect(cdr_feed_posts(&b.x.feed));
        cr_expect_eq(cdr_feed_body(&b.x.pipe, &b.x.feed, b.scratch, ROWS[i].body, &posted),
                     ROWS[i].e, "%s", ROWS[i].name);
        cr_expect_eq(posted.accepted, ROWS[i].accepted, "%s", ROWS[i].name);
        cr_expect_eq(posted.refused, ROWS[i].refused, "%s", ROWS[i].name);
        cr_expect_eq(ignored(&b), ROWS[i].ignored, "%s", ROWS[i].name);
        pipe_fixture_settle(&b.x);
        cr_expect_eq(b.x.vault.records_count, ROWS[i].accepted, "%s", ROWS[i].name);
        map_feed(&b, MAP);
        cr_expect_not(cdr_feed_posts(&b.x.feed), "rows are not posted");
        teardown(&b);
    }
}

Test(cdr_feed, mapped_pairs)
{
    static const char KV[] = "format = kv\nbegin = id=\nkey = id\nanswered-by = dur_bill_ms\n"
                             "dur_bill_ms = bill: seconds\n";
    struct bed b;
    setup_mapped(&b, KV);
    cr_expect_eq(
        feed(&b, span_str("log: id=1;bill=2\nlog: nothing\n\nid=2;bill=x\nid=3;bill=1"), false),
        ERR_MORE);
    cr_expect_eq(b.x.vault.records_count, 1);
    cr_expect_eq(ignored(&b), 1);
    cr_expect_eq(refused(&b, REASON_COLUMN), 1);
    teardown(&b);
}

Test(cdr_feed, line_over_the_limit)
{
    struct bed b;
    size_t used = 0, n = LINE_BYTES_MAX + 100;
    char *text = malloc(n);
    memset(text, 'x', n);
    setup(&b, FEED_ASTERISK_CSV);
    cr_expect_eq(cdr_feed_line(&b.x.pipe, &b.x.feed, b.scratch, span_of(text, n), false, &used),
                 ERR_LIMIT);
    teardown(&b);
    setup(&b, FEED_FREESWITCH_JSON);
    cr_expect_eq(cdr_feed_line(&b.x.pipe, &b.x.feed, b.scratch, span_of(text, n), false, &used),
                 ERR_LIMIT);
    teardown(&b);
    free(text);
}

Test(cdr_feed, record_has_what_the_feed_says)
{
    struct bed b;
    struct record r;
    setup(&b, FEED_ASTERISK_CSV);
    cr_expect_eq(feed(&b, span_str(CDR(1)), false), OK);
    fake_vault_record(&b.x.vault, 0, &r);
    cr_expect_eq(r.call.feed_id, b.x.feed.id);
    cr_expect_eq(r.call.feed_kind, FEED_ASTERISK_CSV);
    cr_expect_eq(r.call.t_receive, b.x.wall_us);
    cr_expect(span_is(r.call.called_tn, "+12125550102"));
    cr_expect_eq(r.call.juris, JURIS_INTRASTATE);
    teardown(&b);
}

Test(cdr_feed, no_room_takes_nothing)
{
    struct bed b;
    size_t used = 0;
    setup(&b, FEED_ASTERISK_CSV);
    struct outlet *o = uplink_outlet(b.x.uplink);
    b.x.vault.withhold = true;
    while (outlet_room(o)) {
        cr_assert_eq(outlet_live(o, b.x.feed.id, span_str("k"), SPAN_EMPTY, 0), OK);
        outlet_close_batch(o);
    }
    cr_expect_eq(cdr_feed_line(&b.x.pipe, &b.x.feed, b.scratch, span_str(CDR(1)), false, &used),
                 ERR_FULL);
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_RECEIVED, (enum reason)0), 0);
    b.x.vault.withhold = false;
    teardown(&b);
}

Test(cdr_feed, bodies)
{
    static const struct {
        const char *name;
        struct span body;
        enum err e;
        unsigned accepted, refused;
    } ROWS[] = {
        {"raw", SPAN_LIT(DOC(1)), OK, 1, 0},
        {"form",
         SPAN_LIT("cdr=%7B%22core-uuid%22:%22c%22,%22variables%22:%7B%22uuid%22:%22u1%22,"
                  "%22start_uepoch%22:%221763632800000000%22,"
                  "%22end_uepoch%22:%221763632865000000%22%7D%7D"),
         OK, 1, 0},
        {"base64",
         SPAN_LIT("cdr=eyJjb3JlLXV1aWQiOiJjIiwidmFyaWFibGVzIjp7InV1aWQiOiJ1MSIsInN0YXJ0X3VlcG9j"
                  "aCI6IjE3NjM2MzI4MDAwMDAwMDAiLCJlbmRfdWVwb2NoIjoiMTc2MzYzMjg2NTAwMDAwMCJ9fQ=="),
         OK, 1, 0},
        {"array", SPAN_LIT("[" DOC(1) "," DOC(2) "]"), OK, 2, 0},
        {"array with a foreign element", SPAN_LIT("[" DOC(1) ",7," DOC(2) "]"), OK, 2, 1},
        {"lines", SPAN_LIT(DOC(1) "\n" DOC(2) "\n"), OK, 2, 0},
        {"one behind the other", SPAN_LIT(DOC(1) DOC(2)), OK, 2, 0},
        {"one without a call", SPAN_LIT(DOC(1) "{}" DOC(2)), OK, 2, 1},
        {"no call alone", SPAN_LIT("{}"), OK, 0, 1},
        {"text behind it", SPAN_LIT(DOC(1) "x"), ERR_SYNTAX, 1, 0},
        {"cut short", SPAN_LIT(DOC(1) "{\"a\":"), ERR_SYNTAX, 1, 0},
        {"array cut short", SPAN_LIT("[" DOC(1)), ERR_SYNTAX, 1, 0},
        {"XML", SPAN_LIT("<cdr/>"), ERR_VERSION, 0, 0},
        {"XML in a form", SPAN_LIT("cdr=%3Ccdr/%3E"), ERR_VERSION, 0, 0},
        {"something else", SPAN_LIT("hello"), ERR_NOTFOUND, 0, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct bed b;
        struct cdr_posted posted;
        setup(&b, FEED_FREESWITCH_JSON);
        cr_expect_eq(cdr_feed_body(&b.x.pipe, &b.x.feed, b.scratch, ROWS[i].body, &posted),
                     ROWS[i].e, "%s", ROWS[i].name);
        cr_expect_eq(posted.accepted, ROWS[i].accepted, "%s: %u", ROWS[i].name, posted.accepted);
        cr_expect_eq(posted.refused, ROWS[i].refused, "%s: %u", ROWS[i].name, posted.refused);
        pipe_fixture_settle(&b.x);
        cr_expect_eq(b.x.vault.records_count, ROWS[i].accepted, "%s", ROWS[i].name);
        teardown(&b);
    }
}

/* The largest body goes through at once, where there is room at all: the sender would get 503
 * for it for ever. */
Test(cdr_feed, a_body_may_take_more_than_the_batches_in_flight)
{
    struct bed b;
    struct cdr_posted posted;
    char *body = malloc(HTTP_BODY_BYTES_MAX);
    unsigned documents = 0;
    size_t n = 0;
    while (n + 4096 < HTTP_BODY_BYTES_MAX) {
        n += (size_t)snprintf(body + n, HTTP_BODY_BYTES_MAX - n,
                              "{\"core-uuid\":\"c\",\"variables\":{\"uuid\":\"u%u\","
                              "\"start_uepoch\":\"1763632800000000\",\"x_note\":\"%02000u\"}}",
                              documents, documents);
        documents++;
    }
    setup(&b, FEED_FREESWITCH_JSON);
    cr_expect_eq(cdr_feed_body(&b.x.pipe, &b.x.feed, b.scratch, span_of(body, n), &posted), OK);
    cr_expect_eq(posted.accepted, documents);
    pipe_fixture_settle(&b.x);
    teardown(&b);
    free(body);
}

Test(cdr_feed, secrets_do_not_reach_the_batch)
{
    struct bed b;
    struct cdr_posted posted;
    setup(&b, FEED_FREESWITCH_JSON);
    cr_assert_eq(cdr_feed_body(&b.x.pipe, &b.x.feed, b.scratch, span_str(DOC(1)), &posted), OK);
    pipe_fixture_settle(&b.x);
    cr_assert_eq(b.x.vault.records_count, 1);
    struct span wire = span_of(b.x.vault.record[0].wire, b.x.vault.record[0].bytes);
    cr_expect_eq(span_find_span(wire, span_str("canary")), wire.n);
    cr_expect_lt(span_find_span(wire, span_str("u1")), wire.n, "the search works");
    cr_expect_eq(pipe_fixture_count(&b.x, METRIC_FIELDS_DROPPED, (enum reason)0), 2);
    teardown(&b);
}

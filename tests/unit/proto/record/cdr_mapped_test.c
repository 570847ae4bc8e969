/* Proves: the layouts of six vendors become the expected records through the maps that are
 * shipped (fixtures beside), title lines, other lines and refused ones included; what says that a
 * call was answered, and what follows from it; what is dropped is in no extra; any bytes in place
 * of any are refused or a record whose spans can all be read. */
#include "proto/record/cdr_mapped.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/mapped_file.h"
#include "tests/lib/random_record.h"
#include "tests/lib/record_text.h"
#include "tests/lib/test_file.h"

static uint8_t text_bytes[256 * 1024];

/* All of f->rest: a record as its lines, "ignored", or "refused" with the reason. */
static struct span story(struct mapped_file *f)
{
    struct buf out = buf_of(text_bytes, sizeof text_bytes);
    for (enum err e; (e = mapped_file_next(f)) != ERR_MORE;) {
        if (e == OK)
            record_text(&f->record, &out);
        else if (e == ERR_NOTFOUND)
            buf_str(&out, "ignored\n");
        else
            buf_str(&out, "refused ");
        if (e != OK && e != ERR_NOTFOUND)
            buf_str(&out, f->d.what);
        buf_str(&out, e == OK || e == ERR_NOTFOUND ? "\n" : "\n\n");
    }
    cr_assert(buf_ok(&out));
    return buf_span(&out);
}

static const struct {
    const char *map, *fixture, *expected;
} FIXTURES[] = {{"cucm.map", "maps/cucm.csv", "maps/cucm.txt"},
                {"audiocodes.map", "maps/audiocodes.log", "maps/audiocodes.txt"},
                {"kamailio-cdr.map", "maps/kamailio-cdr.log", "maps/kamailio-cdr.txt"},
                {"kazoo.map", "maps/kazoo.json", "maps/kazoo.txt"},
                {"cdr-stats.map", "maps/cdr-stats.csv", "maps/cdr-stats.txt"},
                {"voip-report.map", "maps/voip-report.csv", "maps/voip-report.txt"}};
enum { FIXTURES_COUNT = sizeof FIXTURES / sizeof FIXTURES[0] };

Test(cdr_mapped, fixtures)
{
    for (size_t i = 0; i < FIXTURES_COUNT; i++) {
        struct mapped_file *f = mapped_file_new(FIXTURES[i].map);
        struct span in = fixture_file(FIXTURES[i].fixture);
        struct span want = fixture_file(FIXTURES[i].expected);
        cr_assert(in.p && want.p);
        zone_fixed(&f->zone, -5 * 3600);
        f->rest = in;
        struct span got = story(f);
        cr_expect(span_eq(got, want), "%s:\n%.*s", FIXTURES[i].fixture, (int)got.n,
                  (const char *)got.p);
        test_file_free(in);
        test_file_free(want);
        mapped_file_free(f);
    }
}

/* Every record of the fixtures, in a block of its exact size: changed, and cut. */
Test(cdr_mapped, changed_and_cut_bytes)
{
    struct seed s = {1};
    for (size_t i = 0; i < FIXTURES_COUNT; i++) {
        struct mapped_file *f = mapped_file_new(FIXTURES[i].map);
        struct span in = fixture_file(FIXTURES[i].fixture);
        for (size_t at = 0; at < in.n; at += 3) {
            uint8_t *exact = malloc(in.n);
            memcpy(exact, in.p, in.n);
            exact[at] = (uint8_t)seed_next(&s);
            f->rest = span_of(exact, in.n);
            f->columns.ready = false;
            cr_expect_gt(story(f).n, 0);
            free(exact);
            exact = malloc(at ? at : 1);
            memcpy(exact, in.p, at);
            f->rest = span_of(exact, at);
            (void)story(f);
            free(exact);
        }
        test_file_free(in);
        mapped_file_free(f);
    }
}

/* Maps of one line more than this, on one line of text. */
#define CSV "format = csv\nkey = #1\ncalled_raw = #1\n"
#define BY(field)                                                                                  \
    CSV "answered-by = " field "\ndisposition = #2\ndisposition.answered = A\n"                    \
        "disposition.busy = B\ndur_bill_ms = #3: seconds\nt_answer = #4: epoch_s\n"                \
        "t_end = #5: epoch_s\ndur_total_ms = #6: seconds\nsip_status = #7\nq850 = #8\n"

static enum err read_line(struct mapped_file *f, const char *map, const char *line)
{
    size_t at;
    cr_assert_eq(cdr_map_parse(span_str(map), &f->map, &at, &f->d), OK, "%zu: %s", at, f->d.what);
    f->columns.ready = false;
    f->rest = span_str(line);
    return mapped_file_next(f);
}

Test(cdr_mapped, answered_or_not)
{
    enum { INCOMPLETE = CALL_INCOMPLETE, SUSPECT = CALL_CLOCK_SUSPECT };
    static const struct {
        const char *name, *map, *line;
        bool answered;
        enum disposition disposition;
        uint32_t bill_ms, flags;
    } ROWS[] = {
        {"said", BY("disposition"), "c,A,9,1000,1009", true, DISPOSITION_ANSWERED, 9000, 0},
        {"said, no duration", BY("disposition"), "c,A", true, DISPOSITION_ANSWERED, 0, INCOMPLETE},
        {"said, instants only", BY("disposition"), "c,A,,1000,1009", true, DISPOSITION_ANSWERED,
         9000, 0},
        {"said not", BY("disposition"), "c,B,9,1000,1009", false, DISPOSITION_BUSY, 9000, 0},
        {"said nothing", BY("disposition"), "c,,9,1000,1009", false, DISPOSITION_UNKNOWN, 9000,
         INCOMPLETE},
        {"said something else", BY("disposition"), "c,X,9,1000,1009,,486", false,
         DISPOSITION_UNKNOWN, 9000, INCOMPLETE},
        {"billed", BY("dur_bill_ms"), "c,B,9,,1009", true, DISPOSITION_ANSWERED, 9000, 0},
        {"not billed", BY("dur_bill_ms"), "c,A,0,,1009,,486", false, DISPOSITION_BUSY, 0, 0},
        {"no bill", BY("dur_bill_ms"), "c,A,,,1009", false, DISPOSITION_UNKNOWN, 0, INCOMPLETE},
        {"bill below 0", BY("dur_bill_ms"), "c,A,-9,,1009", false, DISPOSITION_UNKNOWN, 0,
         INCOMPLETE | SUSPECT},
        {"answer", BY("t_answer"), "c,B,9,1000,1009", true, DISPOSITION_ANSWERED, 9000, 0},
        {"answer, no end", BY("t_answer"), "c,,,1000", true, DISPOSITION_ANSWERED, 0, INCOMPLETE},
        {"no answer", BY("t_answer"), "c,,,0,1009,,,19", false, DISPOSITION_NO_ANSWER, 0, 0},
        {"no answer, nothing said", BY("t_answer"), "c,,,,1009", false, DISPOSITION_UNKNOWN, 0, 0},
        {"billed more than there was", BY("t_answer"), "c,,11,1000,1009", true,
         DISPOSITION_ANSWERED, 11000, SUSPECT},
        {"rounded up", BY("t_answer"), "c,,10,1000,1009", true, DISPOSITION_ANSWERED, 10000, 0},
        {"end before answer", BY("t_answer"), "c,,,1009,1000", true, DISPOSITION_ANSWERED, 0,
         SUSPECT},
    };
    struct mapped_file *f = mapped_file_new("voip-report.map");
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct call *c = &f->record.call;
        cr_assert_eq(read_line(f, ROWS[i].map, ROWS[i].line), OK, "%s: %s", ROWS[i].name,
                     f->d.what);
        cr_expect_eq(c->answered, ROWS[i].answered, "%s", ROWS[i].name);
        cr_expect_eq(c->disposition, ROWS[i].disposition, "%s: %u", ROWS[i].name, c->disposition);
        cr_expect_eq(c->dur_bill_ms, ROWS[i].bill_ms, "%s: %u", ROWS[i].name, c->dur_bill_ms);
        cr_expect_eq(c->flags, ROWS[i].flags, "%s: %u", ROWS[i].name, c->flags);
        cr_expect_eq(c->rec_type, c->flags & INCOMPLETE ? REC_INCOMPLETE
                                  : c->answered         ? REC_FINAL
                                                        : REC_ATTEMPT);
    }
    mapped_file_free(f);
}

Test(cdr_mapped, instants_that_follow)
{
    static const struct {
        const char *line;
        int64_t start_s, answer_s, end_s;
        unsigned quality;
        uint32_t total_ms;
    } ROWS[] = {{"c,1000,,10,7", 1000, 1003, 1010, TIME_SECONDS_ONLY | TIME_DERIVED, 10000},
                {"c,,1010,10,7", 1000, 1003, 1010, TIME_SECONDS_ONLY | TIME_DERIVED, 10000},
                {"c,1000,1020,10,7", 1000, 1013, 1020, TIME_SECONDS_ONLY | TIME_DERIVED, 10000},
                {"c,1000,1020,10,0", 1000, 0, 1020, TIME_SECONDS_ONLY, 10000},
                {"c,,10,20,7", 0, 3, 10, TIME_SECONDS_ONLY | TIME_DERIVED, 20000},
                {"c,,,10,7", 0, 0, 0, TIME_OF_RECEIPT, 10000}};
    struct mapped_file *f = mapped_file_new("voip-report.map");
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct call *c = &f->record.call;
        cr_assert_eq(read_line(f,
                               CSV "answered-by = dur_bill_ms\nt_start = #2: epoch_s\n"
                                   "t_end = #3: epoch_s\ndur_total_ms = #4: seconds\n"
                                   "dur_bill_ms = #5: seconds\n",
                               ROWS[i].line),
                     OK);
        cr_expect_eq(c->t_start, ROWS[i].start_s * 1000000, "%s", ROWS[i].line);
        cr_expect_eq(c->t_answer, ROWS[i].answer_s * 1000000, "%s", ROWS[i].line);
        cr_expect_eq(c->t_end, ROWS[i].end_s * 1000000, "%s", ROWS[i].line);
        cr_expect_eq(c->time_quality, ROWS[i].quality, "%s: %u", ROWS[i].line, c->time_quality);
        cr_expect_eq(c->dur_total_ms, ROWS[i].total_ms);
    }
    mapped_file_free(f);
}

Test(cdr_mapped, refusals)
{
    static char long_key[CDR_KEY_BYTES_MAX + 8], long_line[CDR_ROW_BYTES_MAX + 3];
    static const struct {
        const char *map, *line, *what;
        enum err e;
    } ROWS[] = {
        {BY("t_answer") "required = t_end\n", "c,,,1000", "t_end", ERR_SYNTAX},
        {BY("t_answer") "required = dur_bill_ms\n", "c,,-9,1000", "dur_bill_ms", ERR_SYNTAX},
        {BY("t_answer"), "c,,,yesterday", "t_answer", ERR_SYNTAX},
        {BY("t_answer"), "c,,soon,1000", "dur_bill_ms", ERR_SYNTAX},
        {BY("t_answer"), ",,,1000,1009", "key", ERR_SYNTAX},
        {BY("t_answer"), "c,A,1", "t_answer", ERR_SYNTAX}, /* no column can say it */
        {BY("t_answer"), long_key, "key", ERR_LIMIT},
        {BY("t_answer"), long_line, "line", ERR_LIMIT},
        {BY("t_answer") "select = #1: c\n", "d,,,1000", "neither", ERR_SYNTAX},
        {BY("t_answer") "select = #1: c\nignore = #1: d\n", "d", "", ERR_NOTFOUND},
        {BY("t_answer") "ignore = #1: d\n", "c,,,1000", "", OK},
    };
    struct mapped_file *f = mapped_file_new("voip-report.map");
    memset(long_key, 'x', CDR_KEY_BYTES_MAX);
    memcpy(long_key + CDR_KEY_BYTES_MAX, ",,,1,1", 7);
    memset(long_line, ',', sizeof long_line - 1);
    memset(long_line + 10, 'x', sizeof long_line - 11);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cr_expect_eq(read_line(f, ROWS[i].map, ROWS[i].line), ROWS[i].e, "row %zu: %s", i,
                     f->d.what);
        cr_expect(strstr(f->d.what, ROWS[i].what), "row %zu: %s", i, f->d.what);
    }
    mapped_file_free(f);
}

/* A title line in the midst of a file changes what its columns are called. */
Test(cdr_mapped, title_lines)
{
    static const struct {
        const char *line, *called;
        enum err e;
    } ROWS[] = {{"1,c,1000\n", "c", OK},
                {"2,c\n", "", ERR_SYNTAX}, /* when it was answered has no column */
                {"caller,type,when\n", "", ERR_NOTFOUND},
                {"2,a,1001\n", "a", OK},
                {"caller, when ,\"type\",more\n", "", ERR_NOTFOUND},
                {"3,1002,b,x\n", "b", OK},
                {"4,1003,d\n", "", ERR_SYNTAX},
                {"5,1004,e,x,y\n", "", ERR_SYNTAX},
                {"caller,type\n", "", ERR_NOTFOUND},
                {"6,f\n", "", ERR_SYNTAX}};
    static const char MAP[] = "format = csv\nheader = names\ncolumns = caller, x, when\n"
                              "key = caller\nanswered-by = t_answer\n"
                              "t_answer = when: epoch_s\ncalled_raw = type | x\n";
    struct mapped_file *f = mapped_file_new("voip-report.map");
    size_t line;
    cr_assert_eq(cdr_map_parse(span_str(MAP), &f->map, &line, &f->d), OK);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        f->rest = span_str(ROWS[i].line);
        cr_expect_eq(mapped_file_next(f), ROWS[i].e, "%s: %s", ROWS[i].line, f->d.what);
        cr_expect(ROWS[i].e != OK || span_is(f->record.call.called_raw, ROWS[i].called), "%s",
                  ROWS[i].line);
    }
    mapped_file_free(f);
}

/* Names over the room for them: no row has as many columns as none. */
Test(cdr_mapped, a_title_line_that_is_too_long_lets_nothing_pass)
{
    static char line[CDR_TITLE_BYTES_MAX + 64];
    static const char MAP[] = "format = csv\nheader = names\ncolumns = id, bill, x\nkey = id\n"
                              "answered-by = dur_bill_ms\ndur_bill_ms = bill: seconds\n";
    struct mapped_file *f = mapped_file_new("voip-report.map");
    cr_expect_eq(read_line(f, MAP, "1,2,3"), OK);
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "id,bill,", 8);
    f->rest = span_of(line, sizeof line - 1);
    cr_expect_eq(mapped_file_next(f), ERR_NOTFOUND);
    f->rest = span_str("1,2,3");
    cr_expect_eq(mapped_file_next(f), ERR_SYNTAX);
    mapped_file_free(f);
}

Test(cdr_mapped, what_is_dropped_is_in_no_extra)
{
    static const char MAP[] = "format = json\nkey = id\ndrop = auth, PIN, notes.0\n"
                              "answered-by = dur_bill_ms\ndur_bill_ms = bill: seconds\n";
    static const char DOCUMENT[] =
        "{\"id\":\"1\",\"bill\":1,\"pin\":\"canary\",\"Pin\":\"canary\",\"PIN\":\"canary\","
        "\"auth\":{\"a\":\"canary\",\"b\":[{\"c\":\"canary\"}]},\"AUTH\":{\"d\":\"canary\"},"
        "\"notes\":[\"canary\",\"kept\"],\"author\":\"kept too\"}";
    struct mapped_file *f = mapped_file_new("kazoo.map");
    cr_assert_eq(read_line(f, MAP, DOCUMENT), OK, "%s", f->d.what);
    struct buf out = buf_of(text_bytes, sizeof text_bytes);
    record_text(&f->record, &out);
    struct span got = buf_span(&out);
    cr_expect_eq(span_find_span(got, span_str("canary")), got.n, "%.*s", (int)got.n,
                 (const char *)got.p);
    cr_expect_lt(span_find_span(got, span_str("extra notes.1 kept\nextra author kept too\n")),
                 got.n);
    mapped_file_free(f);
}

Test(cdr_mapped, documents)
{
    static const char MAP[] = "format = json\nkey = id\nanswered-by = dur_bill_ms\n"
                              "dur_bill_ms = bill: seconds\ncalled_raw = to.0.n | to.1.n\n";
    static char members[64 * 1024], deep[512];
    static const struct {
        const char *text, *what;
        enum err e;
    } ROWS[] = {
        {"{\"id\":1,\"bill\":\"1\",\"to\":[{\"n\":null},{\"n\":\"2\\u0030\"}]}", "", OK},
        {"{\"id\":1,\"bill\":2,\"bill\":1}", "", OK}, /* the last one counts */
        {"{\"id\":1,\"bill\":true}", "dur_bill_ms", ERR_SYNTAX},
        {"{\"id\":1,\"bill\":1", "", ERR_SYNTAX},
        {"{\"id\":1} x", "", ERR_SYNTAX},
        {"[]", "", ERR_SYNTAX},
        {"{}", "key", ERR_SYNTAX},
        {"", "", ERR_SYNTAX},
        {members, "more members", ERR_LIMIT},
        {deep, "", ERR_LIMIT},
    };
    struct mapped_file *f = mapped_file_new("kazoo.map");
    size_t n = (size_t)snprintf(members, sizeof members, "{\"id\":1");
    for (unsigned i = 0; i < CSV_COLUMNS_MAX; i++)
        n += (size_t)snprintf(members + n, sizeof members - n, ",\"m%u\":1", i);
    snprintf(members + n, sizeof members - n, "}");
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', sizeof deep - 6);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        enum err e = ROWS[i].text[0] ? read_line(f, MAP, ROWS[i].text) : ERR_SYNTAX;
        cr_expect_eq(e, ROWS[i].e, "row %zu: %s", i, f->d.what);
        cr_expect(strstr(f->d.what, ROWS[i].what), "row %zu: %s", i, f->d.what);
        if (e == OK)
            cr_expect_eq(f->record.call.dur_bill_ms, 1000, "row %zu", i);
        if (i == 0)
            cr_expect(span_is(f->record.call.called_raw, "20"));
    }
    mapped_file_free(f);
}

/* What a caller writes into a value does not become another value. */
Test(cdr_mapped, pairs)
{
    static const char MAP[] = "format = kv\ndelimiter = \"; \"\nbegin = start=\nnot-behind = LOG\n"
                              "key = id\nanswered-by = dur_bill_ms\nt_start = start: epoch_s\n"
                              "dur_bill_ms = bill: seconds\ncalled_raw = to\n";
    static const struct {
        const char *line, *called;
        enum err e;
        uint32_t bill_ms;
    } ROWS[] = {
        {"x start=1; bill=2; id=3; to=ann", "ann", OK, 2000},
        {"start=1; bill=2; id=3; to=ann; bill=9", "ann", OK, 2000},
        {"start=1; bill=2; id=3; to=a; b", "a; b", OK, 2000},
        {"start=1; bill=2; id=3; to=a;b=c", "a;b=c", OK, 2000},
        {"start=1; bill=2; id=3; to=a=b; c d=e", "a=b; c d=e", OK, 2000},
        {"start=1; bill=2; id=3; to=", "", OK, 2000},
        {"LOG start=1; bill=2; id=3", "", ERR_NOTFOUND, 0},
        {"start=1; bill=2; id=3; to=LOG", "LOG", OK, 2000},
        {"begin=1; bill=2; id=3", "", ERR_NOTFOUND, 0},
        {"start=1", "", ERR_SYNTAX, 0},
        {"start=; bill=2", "", ERR_SYNTAX, 0},
    };
    struct mapped_file *f = mapped_file_new("kazoo.map");
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        enum err e = read_line(f, MAP, ROWS[i].line);
        cr_expect_eq(e, ROWS[i].e, "%s: %s", ROWS[i].line, f->d.what);
        if (e != OK)
            continue;
        cr_expect(span_is(f->record.call.called_raw, ROWS[i].called), "%s", ROWS[i].line);
        cr_expect_eq(f->record.call.dur_bill_ms, ROWS[i].bill_ms, "%s", ROWS[i].line);
    }
    mapped_file_free(f);
}

/* Proves that lines of both layouts, with every number of columns that cdr.conf can make, become
 * the expected records (fixture beside), that times are read in the feed's zone, that a line which
 * is neither layout is refused, and that the corpus equals its truth (skipped without it). */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "proto/record/cdr_record.h"
#include "tests/lib/random_record.h"
#include "tests/lib/record_text.h"
#include "tests/lib/test_file.h"

static struct csv_row row;
static struct record record;
static uint8_t scratch_bytes[LINE_BYTES_MAX], room_bytes[CDR_ASTERISK_ROOM_BYTES];

/* One line, without its line end. */
static enum err read_line(struct span line, const struct zone *zone, struct diag *d)
{
    struct buf scratch = buf_of(scratch_bytes, sizeof scratch_bytes);
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    enum err e = csv_next(line, true, &scratch, &row, d);
    return e == OK ? cdr_asterisk(&row, line, zone, &room, &record, d) : e;
}

/* A sink that is not optimised away: spans of the result must be readable. */
static size_t touch(const struct record *r)
{
    static uint8_t text[256 * 1024];
    struct buf b = buf_of(text, sizeof text);
    record_text(r, &b);
    return b.n;
}

Test(cdr_asterisk, fixture)
{
    static uint8_t text[64 * 1024];
    struct span csv = fixture_file("cdr/asterisk.csv"), expected = fixture_file("cdr/asterisk.txt");
    struct buf got = buf_of(text, sizeof text);
    struct zone zone;
    cr_assert_neq(csv.p, NULL);
    zone_fixed(&zone, -5 * 3600);
    for (struct span rest = csv; rest.n;) {
        struct diag d = {0};
        cr_assert_eq(read_line(span_cut(&rest, '\n'), &zone, &d), OK, "%s %zu", d.what, d.at);
        record_text(&record, &got);
        buf_u8(&got, '\n');
    }
    cr_assert(buf_ok(&got));
    cr_expect(span_eq(buf_span(&got), expected), "got:\n%.*s", (int)got.n, (const char *)got.p);
    test_file_free(csv);
    test_file_free(expected);
}

Test(cdr_asterisk, zones)
{
    static const char LINE[] =
        "\"\",\"2125550123\",\"1001\",\"\",\"\",\"\",\"\",\"\",\"\","
        "\"2026-11-01 01:30:00\",,\"2026-11-01 01:31:00\",60,0,\"BUSY\",\"\"";
    struct zone zone = {.has_summer = true,
                        .last_offset_s = -5 * 3600,
                        .summer_offset_s = -4 * 3600,
                        .summer_begin = {3, 2, 0, 7200},
                        .summer_end = {11, 1, 0, 7200}};
    cr_assert_eq(read_line(span_str(LINE), NULL, NULL), OK);
    cr_expect_eq(record.call.time_quality, TIME_ZONE_ASSUMED | TIME_SECONDS_ONLY);
    int64_t utc = record.call.t_start;
    cr_assert_eq(read_line(span_str(LINE), &zone, NULL), OK);
    cr_expect_eq(record.call.time_quality, TIME_DST_AMBIGUOUS | TIME_SECONDS_ONLY);
    cr_expect_eq(record.call.t_start - utc, 4 * 3600 * (int64_t)US_PER_S);
}

/* The same call read twice has one key; another sequence of the same uniqueid another one. */
Test(cdr_asterisk, keys)
{
#define LINE(sequence)                                                                             \
    "\"\",\"1\",\"2\",\"\",\"\",\"\",\"\",\"\",\"\",\"2026-11-20 09:00:00\",,"                     \
    "\"2026-11-20 "                                                                                \
    "09:00:01\",1,0,\"BUSY\",\"\",\"1795166640.41\",\"\",\"\",\"1795166640.40\"," sequence
    static uint8_t first[64];
    cr_assert_eq(read_line(span_str(LINE("8")), NULL, NULL), OK);
    cr_assert(span_eq(record.dedup, span_of("1795166640.40\0"
                                            "1795166640.41\0"
                                            "8",
                                            29)));
    memcpy(first, record.dedup.p, record.dedup.n);
    cr_assert_eq(read_line(span_str(LINE("9")), NULL, NULL), OK);
    cr_expect_not(span_eq(record.dedup, span_of(first, 29)));
    cr_assert_eq(read_line(span_str(LINE("")), NULL, NULL), OK);
    cr_expect(span_is(record.dedup, LINE("")), "without a sequence the line is its own key");
#undef LINE
}

Test(cdr_asterisk, refused_lines)
{
#define HEAD "\"a\",\"1\",\"2\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\","
#define TAIL ",\"BUSY\",\"x\""
    static const struct {
        const char *line, *what;
    } ROW[] = {
        {"a,b,c", "neither cdr_csv nor cdr_custom"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",1,0,\"BUSY\"",
         "neither cdr_csv nor cdr_custom"},
        {HEAD "\"2026-13-20 09:00:00\",,\"2026-11-20 09:00:01\",1,0" TAIL,
         "neither cdr_csv nor cdr_custom"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",x,0" TAIL,
         "neither cdr_csv nor cdr_custom"},
        {HEAD "\"2026-11-20 09:00:00\",\"never\",\"2026-11-20 09:00:01\",1,0" TAIL, "answer"},
        {HEAD "\"2026-11-20 09:00:00\",,\"\x01\",1,0" TAIL, "neither cdr_csv nor cdr_custom"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",1,-1" TAIL, "billsec"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",1,4294967" TAIL, "billsec"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",1.x,0" TAIL, "duration"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",1,0" TAIL ",p,l,x", "sequence"},
        {HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:01\",1,0" TAIL ",1,2,3,4,5,6",
         "neither cdr_csv nor cdr_custom"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct diag d = {"", 0};
        cr_expect_eq(read_line(span_str(ROW[i].line), NULL, &d), ERR_SYNTAX, "row %zu", i);
        cr_expect_str_eq(d.what, ROW[i].what, "row %zu", i);
    }
}

Test(cdr_asterisk, a_line_longer_than_asterisk_writes_is_refused)
{
    static char line[CDR_LINE_BYTES_MAX + 2];
    memset(line, 'x', CDR_LINE_BYTES_MAX + 1);
    cr_expect_eq(read_line(span_str(line), NULL, NULL), ERR_LIMIT);
    line[CDR_LINE_BYTES_MAX] = '\0';
    cr_expect_eq(read_line(span_str(line), NULL, NULL), ERR_SYNTAX);
}

/* A switch that says "answered" without saying when: never billed by guess. */
Test(cdr_asterisk, answered_without_an_instant_is_incomplete)
{
    cr_assert_eq(read_line(span_str(HEAD "\"2026-11-20 09:00:00\",,\"2026-11-20 09:00:09\",9,9,"
                                         "\"ANSWERED\",\"x\""),
                           NULL, NULL),
                 OK);
    cr_expect_eq(record.call.rec_type, REC_INCOMPLETE);
    cr_expect(record.call.flags & CALL_INCOMPLETE);
}

/* Any bytes in place of any byte: refused or a record whose spans can all be read. */
Test(cdr_asterisk, changed_bytes)
{
    struct span csv = fixture_file("cdr/asterisk.csv");
    struct seed s = {1};
    cr_assert_neq(csv.p, NULL);
    struct span rest = csv;
    struct span line = span_cut(&rest, '\n');
    for (size_t i = 0; i < line.n; i++) {
        uint8_t *exact = malloc(line.n);
        memcpy(exact, line.p, line.n);
        exact[i] = (uint8_t)seed_next(&s);
        struct diag d = {0};
        if (read_line(span_of(exact, line.n), NULL, &d) == OK)
            cr_expect_gt(touch(&record), 0);
        free(exact);
    }
    test_file_free(csv);
}

Test(cdr_asterisk, corpus)
{
    struct span csv = corpus_file("cdr/asterisk-Master.csv");
    unsigned records = 0, answered = 0;
    uint64_t bill_ms = 0;
    if (!csv.p)
        return;
    for (struct span rest = csv; rest.n;) {
        struct diag d = {0};
        cr_assert_eq(read_line(span_cut(&rest, '\n'), NULL, &d), OK, "record %u: %s %zu", records,
                     d.what, d.at);
        records++;
        answered += record.call.answered;
        bill_ms += record.call.dur_bill_ms;
        cr_expect_eq(record.call.answered, record.call.disposition == DISPOSITION_ANSWERED);
    }
    cr_expect_eq(records, 14);
    cr_expect_eq(answered, 11);
    cr_expect_eq(bill_ms, 78000);
    test_file_free(csv);
}

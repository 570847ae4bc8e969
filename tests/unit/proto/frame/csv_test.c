/* Proves: columns of RFC 4180 and of the files that switches write, quoted and empty told apart;
 * no record is taken before it is complete, none is lost, none is longer than the limits; what
 * a writer of ours quotes comes back the same. */
#include <criterion/criterion.h>

#include "proto/frame/csv.h"
#include "tests/lib/exact.h"

static uint8_t room[LINE_BYTES_MAX];
static struct csv_row row;

static enum err next(struct span in, bool at_end, struct diag *d)
{
    struct buf scratch = buf_of(room, sizeof room);
    return csv_next(in, at_end, &scratch, &row, d);
}

/* Columns joined for comparison: quoted ones as "text", others bare, '|' between them. */
static struct span joined(void)
{
    static uint8_t text[4096];
    struct buf b = buf_of(text, sizeof text);
    for (size_t i = 0; i < row.columns_count; i++) {
        buf_str(&b, i ? "|" : "");
        buf_str(&b, row.column[i].quoted ? "\"" : "");
        buf_put(&b, row.column[i].text);
        buf_str(&b, row.column[i].quoted ? "\"" : "");
    }
    cr_assert(buf_ok(&b));
    return buf_span(&b);
}

static const struct {
    const char *what;
    struct span in;
    const char *columns;
    size_t used;
} GOOD[] = {
    {"plain", BYTES("a,b,c\n"), "a|b|c", 6},
    {"CR LF", BYTES("a,b\r\n"), "a|b", 5},
    {"quoted CR LF", BYTES("\"a\",\"b\"\r\n"), "\"a\"|\"b\"", 9},
    {"the next record stays", BYTES("a\nb\n"), "a", 2},
    {"empty line", BYTES("\n"), "", 1},
    {"empty line, CR LF", BYTES("\r\n"), "", 2},
    {"empty columns", BYTES(",,\n"), "||", 3},
    {"quoted empty is not empty", BYTES("\"\",,\"\"\n"), "\"\"||\"\"", 7},
    {"doubled quotes", BYTES("\"\"\"Bob\"\" <2125550123>\",x\n"), "\"\"Bob\" <2125550123>\"|x", 25},
    {"only doubled quotes", BYTES("\"\"\"\"\n"), "\"\"\"", 5},
    {"two columns with doubled quotes", BYTES("\"a\"\"\",\"\"\"b\"\n"), "\"a\"\"|\"\"b\"", 12},
    {"comma inside", BYTES("\"a,b\",c\n"), "\"a,b\"|c", 8},
    {"newline inside", BYTES("\"a\r\nb\",c\n"), "\"a\r\nb\"|c", 9},
    {"quote that nobody doubled", BYTES("\"Bob \"Bobby\" X\",c\n"), "\"Bob \"Bobby\" X\"|c", 18},
    {"quote in a bare column", BYTES("a\"b,c\n"), "a\"b|c", 6},
    {"blank before the quote", BYTES("a, \"b\"\n"), "a|\"b\"", 7},
    {"blanks behind the quote", BYTES("\"a\" \t,\"b\" \n"), "\"a\"|\"b\"", 11},
    {"blanks in bare columns stay", BYTES(" a , b\n"), " a | b", 7},
    {"CR inside a bare column", BYTES("a\rb\n"), "a\rb", 4},
    {"long columns",
     BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n"),
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"", 69},
};

Test(csv, records)
{
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        struct span in = exact_copy(GOOD[i].in);
        cr_expect(next(in, false, NULL) == OK, "%s", GOOD[i].what);
        cr_expect(span_is(joined(), GOOD[i].columns), "%s", GOOD[i].what);
        cr_expect(row.used == GOOD[i].used, "%s: %zu", GOOD[i].what, row.used);
        exact_free(in);
    }
}

Test(csv, dialects)
{
    static const struct {
        const char *what;
        struct csv_dialect dialect;
        struct span in;
        const char *columns;
    } ROWS[] = {
        {"bars without quotes", {'|', 0}, BYTES("a |\"b|c\n"), "a |\"b|c"},
        {"a quote alone is text", {'|', 0}, BYTES("\"\n"), "\""},
        {"tabs", {'\t', '"'}, BYTES("a\t\t\"b\tc\" \t d\n"), "a||\"b\tc\"| d"},
        {"semicolons", {';', '\''}, BYTES("'a;''b';\"c\";,\n"), "\"a;'b\"|\"c\"|,"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct buf scratch = buf_of(room, sizeof room);
        struct span in = exact_copy(ROWS[i].in);
        cr_expect_eq(csv_next_as(ROWS[i].dialect, in, false, &scratch, &row, NULL), OK, "%s",
                     ROWS[i].what);
        cr_expect(span_is(joined(), ROWS[i].columns), "%s: %.*s", ROWS[i].what, (int)joined().n,
                  (const char *)joined().p);
        exact_free(in);
    }
    struct buf scratch = buf_of(room, sizeof room);
    cr_expect_eq(csv_next_as((struct csv_dialect){'|', 0}, span_of("a\0|b\n", 6), false, &scratch,
                             &row, NULL),
                 ERR_SYNTAX, "a NUL is no quote that is missing");
}

/* A tail of a growing file: a record is never taken from its first bytes. */
Test(csv, every_prefix_asks_for_more)
{
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        for (size_t n = 0; n < GOOD[i].used; n++) {
            struct span in = exact_copy(span_sub(GOOD[i].in, 0, n));
            struct diag d = {0};
            enum err e = next(in, false, &d);
            cr_expect(e == ERR_MORE && d.at <= n, "%s: %zu bytes", GOOD[i].what, n);
            exact_free(in);
        }
    }
}

/* At the end of a file the line end may be missing; nothing else may. */
Test(csv, the_last_line)
{
    static const struct {
        const char *what, *in;
        enum err e;
        const char *columns;
    } LAST[] = {
        {"bare", "a,b", OK, "a|b"},
        {"bare, CR", "a,b\r", OK, "a|b"},
        {"quoted", "a,\"b\"", OK, "a|\"b\""},
        {"quoted, CR", "a,\"b\"\r", OK, "a|\"b\""},
        {"empty column", "a,", OK, "a|"},
        {"blanks", "a, ", OK, "a| "},
        {"open quote", "a,\"b", ERR_SYNTAX, ""},
        {"open quote, newline", "a,\"b\n", ERR_SYNTAX, ""},
        {"only a quote", "\"", ERR_SYNTAX, ""},
        {"nothing", "", ERR_MORE, ""},
    };
    for (size_t i = 0; i < sizeof LAST / sizeof LAST[0]; i++) {
        struct span in = exact_copy(span_str(LAST[i].in));
        enum err e = next(in, true, NULL);
        cr_expect(e == LAST[i].e, "%s: %s", LAST[i].what, err_name(e));
        if (e == OK)
            cr_expect(span_is(joined(), LAST[i].columns) && row.used == in.n, "%s", LAST[i].what);
        exact_free(in);
    }
}

Test(csv, nul_bytes_refuse_the_line_and_the_next_one_is_found)
{
    static const struct span IN[] = {BYTES("a,b\0c\nd\n"), BYTES("\"a\0b\"\nd\n"),
                                     BYTES("\0\nd\n")};
    static const size_t AT[] = {3, 2, 0};
    for (size_t i = 0; i < 3; i++) {
        struct diag d;
        cr_expect(next(IN[i], false, &d) == ERR_SYNTAX && d.at == AT[i], "row %zu", i);
        struct span rest = span_from(IN[i], csv_line_bytes(IN[i]));
        cr_expect(next(rest, false, NULL) == OK && span_is(joined(), "d"), "row %zu", i);
    }
}

Test(csv, a_line_may_be_as_long_as_the_limit)
{
    uint8_t *line = malloc(LINE_BYTES_MAX + 2);
    cr_assert(line);
    memset(line, 'a', LINE_BYTES_MAX + 2);
    cr_expect(next(span_of(line, LINE_BYTES_MAX - 1), false, NULL) == ERR_MORE);
    cr_expect(next(span_of(line, LINE_BYTES_MAX + 1), false, NULL) == ERR_LIMIT);
    cr_expect(next(span_of(line, LINE_BYTES_MAX + 1), true, NULL) == ERR_LIMIT);
    line[LINE_BYTES_MAX - 1] = '\n';
    cr_expect(next(span_of(line, LINE_BYTES_MAX + 1), false, NULL) == OK);
    line[0] = '"'; /* a quote that nobody closes must not swallow the file */
    struct diag d;
    cr_expect(next(span_of(line, LINE_BYTES_MAX + 1), false, &d) == ERR_LIMIT);
    cr_expect(d.at <= LINE_BYTES_MAX);
    cr_expect(csv_line_bytes(span_of(line, LINE_BYTES_MAX + 1)) == LINE_BYTES_MAX);
    free(line);
}

Test(csv, columns_are_counted)
{
    uint8_t line[CSV_COLUMNS_MAX + 1];
    memset(line, ',', sizeof line);
    line[CSV_COLUMNS_MAX - 1] = '\n';
    cr_expect(next(span_of(line, CSV_COLUMNS_MAX), false, NULL) == OK);
    cr_expect(row.columns_count == CSV_COLUMNS_MAX);
    line[CSV_COLUMNS_MAX - 1] = ',';
    line[CSV_COLUMNS_MAX] = '\n';
    cr_expect(next(span_of(line, sizeof line), false, NULL) == ERR_LIMIT);
}

Test(csv, a_scratch_too_small_is_an_answer)
{
    uint8_t small[3];
    struct buf scratch = buf_of(small, sizeof small);
    cr_expect(csv_next(span_str("\"a\"\"bc\"\n"), false, &scratch, &row, NULL) == ERR_LIMIT);
    cr_expect(csv_next(span_str("\"abcdef\"\n"), false, &scratch, &row, NULL) == OK, "not needed");
}

Test(csv, the_mark_of_utf_8)
{
    cr_expect(csv_mark_bytes(span_str("\xef\xbb\xbfz")) == 3);
    cr_expect(csv_mark_bytes(span_str("\xef\xbb")) == 0);
    cr_expect(csv_mark_bytes(SPAN_EMPTY) == 0);
    cr_expect(csv_line_bytes(SPAN_EMPTY) == 0 && csv_line_bytes(span_str("a")) == 1);
}

/* Random columns, written as RFC 4180 says, come back the same. */
static uint32_t random_next(uint32_t *x)
{
    return (*x = *x * 1664525 + 1013904223) >> 16;
}

static void put_quoted(struct buf *b, struct span text)
{
    buf_u8(b, '"');
    for (size_t i = 0; i < text.n; i++) {
        buf_u8(b, text.p[i]);
        if (text.p[i] == '"')
            buf_u8(b, '"');
    }
    buf_u8(b, '"');
}

Test(csv, what_is_quoted_comes_back)
{
    static const char LETTERS[] = "ab\",\n\r \t";
    for (uint32_t seed = 1; seed < 3000; seed++) {
        uint8_t text[8][24], line[1024];
        size_t n[8], count = 1 + seed % 8;
        uint32_t x = seed;
        struct buf b = buf_of(line, sizeof line);
        for (size_t c = 0; c < count; c++) {
            n[c] = random_next(&x) % sizeof text[c];
            for (size_t i = 0; i < n[c]; i++)
                text[c][i] = (uint8_t)LETTERS[random_next(&x) % (sizeof LETTERS - 1)];
            buf_str(&b, c ? "," : "");
            put_quoted(&b, span_of(text[c], n[c]));
        }
        buf_str(&b, seed % 2 ? "\n" : "\r\n");
        cr_assert(buf_ok(&b) && next(buf_span(&b), false, NULL) == OK, "seed %u", seed);
        cr_assert(row.columns_count == count && row.used == b.n, "seed %u", seed);
        for (size_t c = 0; c < count; c++)
            cr_assert(span_eq(row.column[c].text, span_of(text[c], n[c])), "seed %u", seed);
    }
}

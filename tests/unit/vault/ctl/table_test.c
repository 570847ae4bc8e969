/* Listings: the same rows as table, JSON and CSV, to the byte; nulls, times, quotes; what a
 * stranger put into a cell cannot drive the terminal; payloads that are none are refused. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "vault/ctl/table.h"

struct sheet {
    struct table *table;
    FILE *file;
    char *text;
    size_t bytes;
};

static void open_sheet(struct sheet *s, enum ctl_format format)
{
    s->file = open_memstream(&s->text, &s->bytes);
    cr_assert_eq(table_new(s->file, format, &s->table), OK);
}

static void expect_text(struct sheet *s, const char *want)
{
    table_free(s->table);
    fclose(s->file);
    cr_expect_str_eq(s->text, want, "got:\n%swant:\n%s", s->text, want);
    free(s->text);
}

static void columns(struct sheet *s)
{
    uint8_t room[128];
    struct buf b = buf_of(room, sizeof room);
    control_put_column(&b, COLUMN_TEXT, "who");
    control_put_column(&b, COLUMN_NUMBER, "seconds");
    control_put_column(&b, COLUMN_TIME, "at");
    control_put_column(&b, COLUMN_JSON, "billed");
    cr_assert_eq(table_columns(s->table, buf_span(&b), NULL), OK);
}

static void row(struct sheet *s, struct span who, const char *n, const char *at, const char *json)
{
    static uint8_t room[8192];
    struct buf b = buf_of(room, sizeof room);
    buf_lv(&b, who);
    buf_lv(&b, span_str(n));
    buf_lv(&b, span_str(at));
    buf_lv(&b, span_str(json));
    cr_assert_eq(table_row(s->table, buf_span(&b), NULL), OK);
}

static void some_rows(struct sheet *s)
{
    columns(s);
    row(s, span_str("acme"), "61", "1700000000123456", "{\"6/6\":66}");
    row(s, SPAN_EMPTY, "", "0", "");
    row(s, span_str("a \"b\",\nc"), "-5", "-1", "[1]");
}

Test(table, as_a_table)
{
    struct sheet s;
    open_sheet(&s, FORMAT_TABLE);
    some_rows(&s);
    expect_text(&s, "who       seconds  at                           billed\n"
                    "acme           61  2023-11-14T22:13:20.123456Z  {\"6/6\":66}\n"
                    "-               -  -                            -\n"
                    "a \"b\",?c       -5  1969-12-31T23:59:59.999999Z  [1]\n");
}

Test(table, as_json_one_object_a_line)
{
    struct sheet s;
    open_sheet(&s, FORMAT_JSON);
    some_rows(&s);
    expect_text(
        &s, "{\"who\":\"acme\",\"seconds\":61,\"at\":\"2023-11-14T22:13:20.123456Z\","
            "\"billed\":{\"6/6\":66}}\n"
            "{\"who\":null,\"seconds\":null,\"at\":null,\"billed\":null}\n"
            "{\"who\":\"a \\\"b\\\",\\nc\",\"seconds\":-5,\"at\":\"1969-12-31T23:59:59.999999Z\","
            "\"billed\":[1]}\n");
}

Test(table, as_csv)
{
    struct sheet s;
    open_sheet(&s, FORMAT_CSV);
    some_rows(&s);
    expect_text(&s, "who,seconds,at,billed\n"
                    "acme,61,2023-11-14T22:13:20.123456Z,\"{\"\"6/6\"\":66}\"\n"
                    ",,,\n"
                    "\"a \"\"b\"\",\nc\",-5,1969-12-31T23:59:59.999999Z,[1]\n");
}

Test(table, a_number_that_is_none_is_text_in_json)
{
    struct sheet s;
    open_sheet(&s, FORMAT_JSON);
    columns(&s);
    row(&s, span_str("x"), "12a", "soon", "0");
    expect_text(&s, "{\"who\":\"x\",\"seconds\":\"12a\",\"at\":\"soon\",\"billed\":0}\n");
}

Test(table, no_cell_drives_the_terminal)
{
    struct sheet s;
    open_sheet(&s, FORMAT_TABLE);
    columns(&s);
    /* escape, bell, delete, a C1 control (CSI) in UTF-8, a byte that is no UTF-8 */
    row(&s, span_str("\x1b[2J\a\x7f\xc2\x9b\xff"), "1", "0", "0");
    row(&s, span_str("caf\xc3\xa9"), "1", "0", "0");
    expect_text(&s, "who       seconds  at  billed\n"
                    "?[2J????        1  -   0\n"
                    "caf\xc3\xa9            1  -   0\n");
}

/* Whether the text of one row with that cell has `want` in it. */
static bool prints(enum ctl_format format, const char *cell, const char *want)
{
    struct sheet s;
    open_sheet(&s, format);
    columns(&s);
    row(&s, span_str(cell), "1", "0", "0");
    table_free(s.table);
    fclose(s.file);
    bool found = strstr(s.text, want) != NULL;
    free(s.text);
    return found;
}

Test(table, long_cells_are_cut_in_a_table_and_whole_elsewhere)
{
    char text[101];
    memset(text, 'x', 100);
    text[100] = 0;
    cr_expect(prints(FORMAT_CSV, text, text));
    cr_expect(prints(FORMAT_JSON, text, text));
    cr_expect(!prints(FORMAT_TABLE, text, text));
    cr_expect(prints(FORMAT_TABLE, text, "xxx\xe2\x80\xa6  "));
}

Test(table, more_rows_than_the_sample_all_come_out)
{
    enum { ROWS = 2 * TABLE_SAMPLE_ROWS + 7 };
    struct sheet s;
    open_sheet(&s, FORMAT_TABLE);
    columns(&s);
    for (size_t i = 0; i < ROWS; i++)
        row(&s, span_str("acme"), "1", "0", "0");
    table_free(s.table);
    fclose(s.file);
    size_t lines = 0;
    for (const char *p = s.text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    cr_expect_eq(lines, ROWS + 1);
    free(s.text);
}

Test(table, rows_larger_than_what_is_held_all_come_out)
{
    static char big[8001];
    struct sheet s;
    memset(big, 'y', sizeof big - 1);
    open_sheet(&s, FORMAT_TABLE);
    columns(&s);
    for (size_t i = 0; i < 300; i++) /* 2.4 MB, over HELD_BYTES before the sample is full */
        row(&s, span_str(big), "1", "0", "0");
    table_free(s.table);
    fclose(s.file);
    size_t lines = 0;
    for (const char *p = s.text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    cr_expect_eq(lines, 301);
    free(s.text);
}

Test(table, an_empty_listing_has_its_head)
{
    struct sheet s;
    open_sheet(&s, FORMAT_TABLE);
    columns(&s);
    expect_text(&s, "who  seconds  at  billed\n");
    open_sheet(&s, FORMAT_JSON);
    columns(&s);
    expect_text(&s, "");
}

Test(table, what_is_no_listing_is_refused)
{
    struct sheet s;
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    open_sheet(&s, FORMAT_JSON);
    buf_lv(&b, span_str("x"));
    cr_expect_eq(table_row(s.table, buf_span(&b), NULL), ERR_SYNTAX, "a row before columns");
    cr_expect_eq(table_columns(s.table, SPAN_EMPTY, NULL), ERR_SYNTAX, "no columns");
    cr_expect_eq(table_columns(s.table, span_str("\x09\x01x"), NULL), ERR_SYNTAX, "no such kind");
    cr_expect_eq(table_columns(s.table, span_str("\x01\x05x"), NULL), ERR_SYNTAX, "cut");
    columns(&s);
    cr_expect_eq(table_row(s.table, buf_span(&b), NULL), ERR_SYNTAX, "too few cells");
    for (int i = 0; i < 4; i++)
        buf_lv(&b, span_str("x"));
    cr_expect_eq(table_row(s.table, buf_span(&b), NULL), ERR_SYNTAX, "too many cells");
    expect_text(&s, "");
}

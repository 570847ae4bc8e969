/* `customer import`: values in the directory's form, rows in chunks with their lines, every
 * problem by line and none by value, and nothing committed when there was one. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/control_fake.h"
#include "vault/ctl/import.h"

Test(import, values_are_normalised_as_the_feeds_are)
{
    const struct number_rules NANP = {.plan = PLAN_NANP}, RAW = {.plan = PLAN_RAW},
                              E164 = {.plan = PLAN_E164, .country_code = "44"};
    const struct {
        const struct number_rules *rules;
        enum entry_kind kind;
        const char *from, *to;
    } ROW[] = {
        {&NANP, ENTRY_NUMBER, "(212) 555-0123", "+12125550123"},
        {&NANP, ENTRY_NUMBER, "12125550123", "+12125550123"},
        {&NANP, ENTRY_NUMBER, "+12125550123", "+12125550123"},
        {&NANP, ENTRY_NUMBER, "1001", "1001"},
        {&RAW, ENTRY_NUMBER, "2125550123", "2125550123"},
        {&E164, ENTRY_NUMBER, "442079460123", "+442079460123"},
        {&NANP, ENTRY_RANGE, "212555", "+1212555"},
        {&NANP, ENTRY_RANGE, "1212555", "+1212555"},
        {&NANP, ENTRY_RANGE, "+1212555", "+1212555"},
        {&E164, ENTRY_RANGE, "4420", "+4420"},
        {&RAW, ENTRY_RANGE, "20", "20"},
        {&NANP, ENTRY_RANGE, "2125550100-2125550149", "+12125550100-+12125550149"},
        {&NANP, ENTRY_RANGE, "+12125550100 - +12125550149", "+12125550100-+12125550149"},
        {&NANP, ENTRY_DOMAIN, "Acme.Example", "Acme.Example"},
        {&NANP, ENTRY_ACCOUNT_CODE, "2125550123", "2125550123"},
        {&NANP, ENTRY_ADDRESS, "192.0.2.1", "192.0.2.1"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        uint8_t room[128];
        struct buf b = buf_of(room, sizeof room);
        import_value(ROW[i].rules, ROW[i].kind, span_str(ROW[i].from), &b);
        cr_expect(span_is(buf_span(&b), ROW[i].to), "row %zu: %.*s", i, (int)b.n, room);
    }
}

static const struct control_answer ANSWER[] = {
    {.verb = "customer import-begin"},
    {.verb = "customer import-rows"},
    {.verb = "customer import-commit",
     .column = {{COLUMN_NUMBER, "rows"}, {COLUMN_NUMBER, "added"}},
     .row = {{SPAN_LIT("3"), SPAN_LIT("3")}}},
};
static const struct control_answer REFUSING[] = {
    {.verb = "customer import-begin"},
    {.verb = "customer import-rows",
     .column = {{COLUMN_NUMBER, "line"}, {COLUMN_TEXT, "problem"}},
     .row = {{SPAN_LIT("2"), SPAN_LIT("leads to another customer")}}},
    {.verb = "customer import-commit"},
};

static struct control_fake fake;
static char file[] = "/tmp/cpni-import-XXXXXX";

static struct ctl_result import(const struct control_answer *answer, struct span text,
                                const char *option)
{
    const char *words[] = {"customer", "import", file, "--format=csv", option, NULL};
    int fd = mkstemp(file);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text.p, text.n), (ssize_t)text.n);
    close(fd);
    control_fake_start(&fake, answer, 3);
    struct ctl_result r = ctl_result_of(fake.path, words);
    control_fake_stop(&fake);
    unlink(file);
    return r;
}

static void expect_row(struct reader *r, uint64_t line, const char *customer, const char *account,
                       enum entry_kind kind, const char *value)
{
    cr_expect_eq(reader_be64(r), line);
    cr_expect(span_is(reader_lv(r), customer), "line %u", (unsigned)line);
    cr_expect(span_is(reader_lv(r), account), "line %u", (unsigned)line);
    cr_expect_eq(reader_u8(r), kind, "line %u", (unsigned)line);
    cr_expect(span_is(reader_lv(r), value), "line %u", (unsigned)line);
}

#define ASKED ((const char *)fake.asked_bytes)

Test(import, rows_reach_the_vault_with_their_lines)
{
    struct ctl_result r = import(ANSWER,
                                 span_str("\xef\xbb\xbfkind,value,customer_id,account_id,note\r\n"
                                          "number,212-555-0123,acme,a1,x\r\n"
                                          "\r\n"
                                          "domain,\"acme.example\",acme,a1,\"two\nlines\"\r\n"
                                          "range,1212555, acme ,a2"),
                                 NULL);
    cr_expect_eq(r.status, CONTROL_DONE, "%s", r.err);
    cr_expect_str_eq(r.out, "rows,added\n3,3\n");
    cr_expect_str_eq(ASKED, "customer import-begin\ncustomer import-rows rows=\n"
                            "customer import-commit\n");
    struct reader in = reader_of(buf_span(&fake.rows));
    expect_row(&in, 2, "acme", "a1", ENTRY_NUMBER, "+12125550123");
    expect_row(&in, 4, "acme", "a1", ENTRY_DOMAIN, "acme.example");
    expect_row(&in, 6, "acme", "a2", ENTRY_RANGE, "+1212555");
    cr_expect(reader_ok(&in) && !reader_more(&in));
    ctl_result_free(&r);
}

Test(import, move_is_said_at_the_beginning)
{
    struct ctl_result r = import(ANSWER, span_str("customer_id,account_id,kind,value\n"), "--move");
    cr_expect_eq(r.status, CONTROL_DONE);
    cr_expect_str_eq(ASKED, "customer import-begin move=1\ncustomer import-commit\n");
    ctl_result_free(&r);
}

/* Every problem has its line; the vault never sees a commit; no value is repeated. */
Test(import, problems_are_told_by_line_and_nothing_is_committed)
{
    struct ctl_result r = import(ANSWER,
                                 span_str("customer_id,account_id,kind,value\n"
                                          "acme,a1,phone,2125550123\n"
                                          "acme,,number,2125550123\n"
                                          "acme,a1\n"
                                          "acme,a1,number,2125550124\n"
                                          "acme,a1,number,\"2125550123\n"),
                                 NULL);
    char want[1024];
    snprintf(want, sizeof want,
             "%s:2: kind is not number, range, domain, trunk, account_code or address\n"
             "%s:3: a column is empty\n"
             "%s:4: a column is empty\n",
             file, file, file);
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_eq(strncmp(r.err, want, strlen(want)), 0, "%s", r.err);
    cr_expect_not_null(strstr(r.err, ":6: "), "the open quote");
    cr_expect_not_null(strstr(r.err, "nothing was changed"));
    cr_expect_null(strstr(r.err, "5550123"));
    cr_expect_null(strstr(ASKED, "import-commit"));
    cr_expect_str_empty(r.out);
    ctl_result_free(&r);
}

Test(import, problems_of_the_vault_are_told_too)
{
    struct ctl_result r = import(REFUSING,
                                 span_str("customer_id,account_id,kind,value\n"
                                          "acme,a1,number,2125550123\n"),
                                 NULL);
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_not_null(strstr(r.err, ":2: leads to another customer\n"), "%s", r.err);
    cr_expect_null(strstr(ASKED, "import-commit"));
    ctl_result_free(&r);
}

Test(import, ids_and_values_over_their_limits_are_problems)
{
    static char text[1024];
    char id[CUSTOMER_ID_BYTES_MAX + 2], value[300];
    memset(id, 'c', sizeof id - 1);
    id[sizeof id - 1] = 0;
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = 0;
    snprintf(text, sizeof text,
             "customer_id,account_id,kind,value\n%s,a,trunk,t\nacme,%s,trunk,t\nacme,a,trunk,%s\n",
             id, id, value);
    struct ctl_result r = import(ANSWER, span_str(text), NULL);
    cr_expect_eq(r.status, CONTROL_FAILED);
    for (int line = 2; line <= 4; line++) {
        char want[96];
        snprintf(want, sizeof want, "%s:%d: a column is too long\n", file, line);
        cr_expect_not_null(strstr(r.err, want), "line %d: %s", line, r.err);
    }
    ctl_result_free(&r);
}

Test(import, a_file_of_many_rows_goes_in_chunks)
{
    enum { ROWS = 2000 };
    char *text = calloc(1, ROWS * 40 + 100);
    size_t n = (size_t)snprintf(text, 100, "customer_id,account_id,kind,value\n");
    for (int i = 0; i < ROWS; i++)
        n += (size_t)snprintf(text + n, 40, "acme,a1,trunk,trunk-%04d\n", i);
    struct ctl_result r = import(ANSWER, span_of(text, n), NULL);
    cr_expect_eq(r.status, CONTROL_DONE);
    struct reader in = reader_of(buf_span(&fake.rows));
    for (int i = 0; i < ROWS; i++) {
        char value[16];
        snprintf(value, sizeof value, "trunk-%04d", i);
        expect_row(&in, (uint64_t)i + 2, "acme", "a1", ENTRY_TRUNK, value);
    }
    cr_expect(reader_ok(&in) && !reader_more(&in));
    ctl_result_free(&r);
    free(text);
}

Test(import, the_header_is_required_and_the_file_too)
{
    struct ctl_result r = import(ANSWER, span_str("acme,a1,number,2125550123\n"), NULL);
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_not_null(strstr(r.err, "first line"));
    cr_expect_str_empty(ASKED);
    ctl_result_free(&r);
    const char *const words[] = {"customer", "import", "/nonexistent.csv", NULL};
    r = ctl_result_of(NULL, words);
    cr_expect_eq(r.status, CONTROL_NOTFOUND);
    ctl_result_free(&r);
}

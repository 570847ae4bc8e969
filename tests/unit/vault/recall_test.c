/* Proves: no plaintext without role and purpose, its audit line first (I6); order, bounds
 * and masks of a listing. */
#include <criterion/criterion.h>

#include "proto/core/instant.h"
#include "tests/lib/vault_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static struct fix f;
static uint16_t feed;
static const int64_t T0 = 1795219200 * (int64_t)US_PER_S; /* 2026-11-21 00:00 UTC */
static const char FROM[] = "1795219200000000", TO[] = "1795305600000000";

static struct peer as(enum role role)
{
    struct peer p = fix_peer_all();
    p.roles = (role_set)1 << role;
    return p;
}

static void setup(void)
{
    struct peer all = fix_peer_all();
    fix_init(&f, &all);
    feed = fix_hello(&f, "asterisk", FEED_ASTERISK_CSV);
    cr_assert_eq(fix_import(&f, "alpha,acct-a,number,+12125550101\n"), CONTROL_DONE);
}

static void teardown(void)
{
    fix_done(&f);
}

TestSuite(recall, .init = setup, .fini = teardown);

static void add(const char *from, const char *to, int64_t t, const char *key)
{
    struct record r;
    fix_call(&r, feed, from, to, t, key);
    r.call.sip_call_id = span_str("id-of-the-call");
    r.call.location = span_str("cell-77");
    r.call.trunk_out = span_str("PJSIP/+12125550102-00000001");
    record_extra(&r, 0, span_str("x-note"), span_str("say \"hi\"\n"));
    fix_add(&f, &r);
}

static enum control_status list(const char *purpose, const char *case_text)
{
    return fix_ask(&f, "calls list", "customer", "alpha", "from", FROM, "to", TO, "purpose",
                   purpose, "case", case_text, NULL);
}

Test(recall, rows_come_in_order_of_time_over_days_segments_and_the_tail)
{
    enum { CALLS = 200 }; /* three segments of 64 and a tail */
    for (int i = 0; i < CALLS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        add("+12125550101", "+12125550102", T0 + (i * 37 % CALLS) * (int64_t)300 * US_PER_S, key);
        if (i % 40 == 39)
            cr_assert_eq(fix_commit(&f).status, OK);
    }
    cr_assert_eq(list("BILL", ""), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_expect_eq(fix_rows(&f), CALLS);
    long long last = 0;
    for (size_t i = 0; i < fix_rows(&f); i++) {
        long long t = atoll(fix_cell(&f, i, "t_start"));
        cr_expect_gt(t, last, "row %zu", i);
        last = t;
    }
}

Test(recall, from_is_included_and_to_is_not)
{
    add("+12125550101", "+12125550102", T0 - 1, "before");
    add("+12125550101", "+12125550103", T0, "first");
    add("+12125550101", "+12125550104", T0 + 86400 * (int64_t)US_PER_S - 1, "last");
    add("+12125550101", "+12125550105", T0 + 86400 * (int64_t)US_PER_S, "after");
    fix_commit(&f);
    cr_assert_eq(list("BILL", ""), CONTROL_DONE);
    cr_assert_eq(fix_rows(&f), 2);
    cr_expect_str_eq(fix_cell(&f, 0, "called_tn"), "+12125550103");
    cr_expect_str_eq(fix_cell(&f, 1, "called_tn"), "+12125550104");
}

/* Filed under the first instant it has: found there, too. */
Test(recall, a_call_without_its_begin_is_listed_when_it_was_answered)
{
    struct record r;
    fix_call(&r, feed, "+12125550101", "+12125550102", T0, "1");
    r.call.t_start = 0;
    r.call.t_receive = T0 + 40 * (int64_t)86400 * US_PER_S;
    fix_add(&f, &r);
    fix_commit(&f);
    cr_assert_eq(list("BILL", ""), CONTROL_DONE);
    cr_expect_eq(fix_rows(&f), 1);
}

/* A call dated far ahead is filed under month 0. When that month comes it gets a family of its
 * own, and a listing finds both. */
Test(recall, calls_that_were_far_from_the_clock_are_found_when_it_has_come_there)
{
    const int64_t ahead = 90 * (int64_t)86400 * US_PER_S, minute = 60 * (int64_t)US_PER_S;
    char from[24], to[24];
    add("+12125550101", "+12125550103", T0 + ahead + 2 * minute, "early");
    fix_commit(&f);
    f.now_us += ahead;
    add("+12125550101", "+12125550102", T0 + ahead + minute, "in time");
    add("+12125550101", "+12125550104", T0 + ahead + 3 * minute, "in time too");
    fix_commit(&f);
    snprintf(from, sizeof from, "%lld", (long long)(T0 + ahead));
    snprintf(to, sizeof to, "%lld", (long long)(T0 + ahead + 10 * minute));
    cr_assert_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", from, "to", to, "purpose",
                         "BILL", NULL),
                 CONTROL_DONE);
    cr_assert_eq(fix_rows(&f), 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(fix_cell(&f, i, "called_tn")[11], (char)('2' + i), "row %zu", i);
    cr_expect_eq(fix_ask(&f, "verify", "deep", "1", NULL), CONTROL_DONE);
}

/* Years of it fill no more than month 0, and each is there. */
Test(recall, dates_of_all_centuries_use_up_no_families)
{
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        add("+12125550101", "+12125550102", T0 - (i - 10) * (int64_t)3000 * 86400 * US_PER_S, key);
    }
    fix_commit(&f);
    cr_assert_eq(fix_ask(&f, "keys list", NULL), CONTROL_DONE);
    size_t months = 0;
    for (size_t i = 0; i < fix_rows(&f); i++)
        months += strcmp(fix_cell(&f, i, "kind"), "month") == 0;
    cr_expect_eq(months, 1 + 2, "month 0, this one, and the one 3000 days ago");
    cr_assert_eq(list("BILL", ""), CONTROL_DONE);
    cr_expect_eq(fix_rows(&f), 1);
}

Test(recall, values_are_as_they_were_sent)
{
    add("+12125550101", "+12125550102", T0, "1");
    fix_commit(&f);
    cr_assert_eq(list("BILL", ""), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "feed"), "asterisk");
    cr_expect_str_eq(fix_cell(&f, 0, "customer"), "alpha");
    cr_expect_str_eq(fix_cell(&f, 0, "account"), "acct-a");
    cr_expect_str_eq(fix_cell(&f, 0, "disposition"), "answered");
    cr_expect_str_eq(fix_cell(&f, 0, "dur_bill_ms"), "61500");
    cr_expect_str_eq(fix_cell(&f, 0, "extra"),
                     "[{\"field\":\"x-note\",\"value\":\"say \\\"hi\\\"\\n\"}]");
    cr_expect_str_eq(fix_cell(&f, 0, "location"), "", "billing has no right to location");
}

Test(recall, without_role_or_purpose_nothing_and_a_line_in_the_log)
{
    add("+12125550101", "+12125550102", T0, "1");
    fix_commit(&f);
    static const struct {
        enum role role;
        const char *purpose;
    } REFUSED[] = {{ROLE_OPERATOR, "BILL"}, {ROLE_ADMIN, "PROVIDE"},   {ROLE_BILLING, ""},
                   {ROLE_BILLING, "FRAUD"}, {ROLE_BILLING, "MKT_NEW"}, {ROLE_AGENT, "PROVIDE"},
                   {ROLE_LEGAL, "LEGAL"},   {ROLE_BILLING, "nonsense"}};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        struct peer p = as(REFUSED[i].role);
        fix_as(&f, &p);
        cr_expect_eq(list(REFUSED[i].purpose, ""), CONTROL_DENIED, "row %zu", i);
        cr_expect_null(fix_find(&f, FRAME_ROW), "row %zu", i);
        cr_expect_null(fix_find(&f, FRAME_COLUMNS), "row %zu", i);
    }
    struct peer auditor = as(ROLE_COMPLIANCE);
    fix_as(&f, &auditor);
    cr_assert_eq(fix_ask(&f, "audit list", NULL), CONTROL_DONE);
    size_t denied = 0;
    for (size_t i = 0; i < fix_rows(&f); i++)
        denied += strcmp(fix_cell(&f, i, "outcome"), "denied") == 0;
    cr_expect_eq(denied, sizeof REFUSED / sizeof REFUSED[0]);
}

Test(recall, the_line_is_in_the_log_with_case_and_count)
{
    add("+12125550101", "+12125550102", T0, "1");
    fix_commit(&f);
    struct peer p = as(ROLE_LEGAL);
    fix_as(&f, &p);
    cr_assert_eq(list("LEGAL", "order 17"), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_expect_str_eq(fix_cell(&f, 0, "location"), "cell-77", "legal process may see it");
    p = as(ROLE_COMPLIANCE);
    fix_as(&f, &p);
    cr_assert_eq(fix_ask(&f, "audit list", NULL), CONTROL_DONE);
    size_t n = fix_rows(&f);
    cr_assert_geq(n, 2);
    cr_expect_str_eq(fix_cell(&f, n - 2, "outcome"), "allowed");
    cr_expect_str_eq(fix_cell(&f, n - 2, "purpose"), "LEGAL");
    cr_expect_str_eq(fix_cell(&f, n - 2, "case"), "order 17");
    cr_expect_str_eq(fix_cell(&f, n - 1, "detail"), "rows=1 unreadable=0");
    cr_expect_str_eq(fix_cell(&f, n - 1, "customer"), fix_cell(&f, n - 2, "customer"));
    cr_expect_str_neq(fix_cell(&f, n - 1, "customer"), "", "a token, not the id");
    cr_expect_eq(fix_ask(&f, "audit verify", NULL), CONTROL_DONE);
}

Test(recall, an_agent_sees_the_other_party_masked)
{
    add("+12125550101", "+12125550102", T0, "1");
    add("+12125550107", "+12125550101", T0 + US_PER_S, "2");
    fix_commit(&f);
    struct peer p = as(ROLE_AGENT);
    fix_as(&f, &p);
    cr_assert_eq(list("PROVIDE", "ticket 4"), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_assert_eq(fix_rows(&f), 2);
    cr_expect_str_eq(fix_cell(&f, 0, "calling_tn"), "+12125550101");
    cr_expect_str_eq(fix_cell(&f, 0, "called_tn"), "+1212555xxxx");
    cr_expect_str_eq(fix_cell(&f, 1, "calling_tn"), "+1212555xxxx");
    cr_expect_str_eq(fix_cell(&f, 1, "called_tn"), "+12125550101");
    cr_expect_str_eq(fix_cell(&f, 0, "sip_call_id"), "", "an id would undo the mask");
    cr_expect_str_eq(fix_cell(&f, 0, "extra"), "[]");
    cr_expect_str_eq(fix_cell(&f, 0, "trunk_out"), "", "a channel is named after a number");
}

/* RFC 3323: who withheld his number is not shown to the called customer. */
Test(recall, a_withheld_number_is_shown_for_fraud_and_law_only)
{
    struct record r;
    fix_call(&r, feed, "+12125550107", "+12125550101", T0, "1");
    r.call.privacy = PRIVACY_ID;
    r.call.calling_name = span_str("Pat Example");
    r.call.sip_call_id = span_str("id@pat.example");
    r.call.trunk_in = span_str("PJSIP/+12125550107-00000001");
    record_extra(&r, 0, span_str("x-asserted"), span_str("<tel:+12125550107>"));
    fix_add(&f, &r);
    fix_commit(&f);
    struct peer p = as(ROLE_BILLING);
    fix_as(&f, &p);
    cr_assert_eq(list("BILL", ""), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "calling_tn"), "");
    cr_expect_str_eq(fix_cell(&f, 0, "called_tn"), "+12125550101");
    static const char *const AROUND[] = {"calling_name", "sip_call_id", "trunk_in"};
    for (size_t i = 0; i < sizeof AROUND / sizeof AROUND[0]; i++)
        cr_expect_str_eq(fix_cell(&f, 0, AROUND[i]), "", "%s", AROUND[i]);
    cr_expect_str_eq(fix_cell(&f, 0, "extra"), "[]", "it would name him");
    p = as(ROLE_FRAUD);
    fix_as(&f, &p);
    cr_assert_eq(list("FRAUD", ""), CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "calling_tn"), "+12125550107");
}

Test(recall, emergency_sees_location_and_when_and_no_number)
{
    add("+12125550101", "+12125550102", T0, "1");
    fix_commit(&f);
    struct peer p = as(ROLE_EMERGENCY);
    fix_as(&f, &p);
    cr_assert_eq(list("EMERGENCY", ""), CONTROL_DONE, "%s", fix_end_text(&f));
    cr_expect_str_eq(fix_cell(&f, 0, "location"), "cell-77");
    cr_expect_str_neq(fix_cell(&f, 0, "t_start"), "");
    cr_expect_str_eq(fix_cell(&f, 0, "called_tn"), "");
    cr_expect_str_eq(fix_cell(&f, 0, "calling_tn"), "");
    cr_expect_str_eq(fix_cell(&f, 0, "extra"), "[]");
}

Test(recall, brief_has_the_columns_of_a_table)
{
    add("+12125550101", "+12125550102", T0, "1");
    fix_commit(&f);
    cr_assert_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", FROM, "to", TO, "purpose",
                         "BILL", "columns", "brief", NULL),
                 CONTROL_DONE);
    cr_expect_str_eq(fix_cell(&f, 0, "called_tn"), "+12125550102");
    cr_expect_str_eq(fix_cell(&f, 0, "extra"), "");
}

Test(recall, unknown_customers_and_bad_times_are_told)
{
    cr_expect_eq(fix_ask(&f, "calls list", "customer", "nobody", "from", FROM, "to", TO, "purpose",
                         "BILL", NULL),
                 CONTROL_NOTFOUND);
    static const char *const TIMES[][2] = {
        {"", ""}, {TO, FROM}, {FROM, FROM}, {"x", TO}, {"0", TO}};
    for (size_t i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++)
        cr_expect_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", TIMES[i][0], "to",
                             TIMES[i][1], "purpose", "BILL", NULL),
                     CONTROL_USAGE, "row %zu", i);
}

/* A role that the peer has not is not taken from his words. */
Test(recall, role_narrows_and_never_adds)
{
    struct peer p = as(ROLE_OPERATOR);
    fix_as(&f, &p);
    cr_expect_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", FROM, "to", TO, "purpose",
                         "BILL", "role", "billing", NULL),
                 CONTROL_DENIED);
    struct peer all = fix_peer_all();
    fix_as(&f, &all);
    cr_expect_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", FROM, "to", TO, "purpose",
                         "BILL", "role", "operator", NULL),
                 CONTROL_DENIED);
    cr_expect_eq(fix_ask(&f, "calls list", "customer", "alpha", "from", FROM, "to", TO, "purpose",
                         "BILL", "role", "billing", NULL),
                 CONTROL_DONE);
}

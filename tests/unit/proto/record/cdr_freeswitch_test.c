/* Proves that documents become the expected records (fixtures beside), each leg with its role, that
 * secrets of the dialplan do not reach a record (I5), that broken documents are refused, and that
 * the corpus equals its truth (skipped without it). */
#include <criterion/criterion.h>

#include "proto/classify/classify.h"
#include "proto/record/cdr_record.h"
#include "proto/wire/record_wire.h"
#include "tests/lib/random_record.h"
#include "tests/lib/record_text.h"
#include "tests/lib/test_file.h"

enum { ROOM_BYTES = 256 * 1024 };
static struct record record;
static uint8_t room_bytes[ROOM_BYTES], text_bytes[256 * 1024];

static enum err read_json(struct span json, struct diag *d)
{
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    return cdr_freeswitch(json, &room, &record, d);
}

static struct span text(void)
{
    struct buf b = buf_of(text_bytes, sizeof text_bytes);
    record_text(&record, &b);
    cr_assert(buf_ok(&b));
    return buf_span(&b);
}

Test(cdr_freeswitch, fixtures)
{
    static const char *const NAME[] = {"cdr/freeswitch-a-leg", "cdr/freeswitch-b-leg"};
    for (size_t i = 0; i < sizeof NAME / sizeof NAME[0]; i++) {
        char json_name[64], text_name[64];
        struct diag d = {0};
        snprintf(json_name, sizeof json_name, "%s.json", NAME[i]);
        snprintf(text_name, sizeof text_name, "%s.txt", NAME[i]);
        struct span json = fixture_file(json_name), expected = fixture_file(text_name);
        cr_assert_neq(json.p, NULL);
        cr_assert_eq(read_json(json, &d), OK, "%s: %s at %zu", NAME[i], d.what, d.at);
        cr_expect(span_eq(text(), expected), "%s got:\n%.*s", NAME[i], (int)text().n,
                  (const char *)text_bytes);
        test_file_free(json);
        test_file_free(expected);
    }
}

/* I5, over parser and classifier: what must not be held is in no byte of what goes to the vault. */
Test(cdr_freeswitch, secrets_do_not_reach_the_wire)
{
    static const char *const SECRET[] = {"4111",     "hunter2", "0123456789abcdef",
                                         "c2VjcmV0", "inline",  "4111#"};
    static const char *const KEPT[] = {"+12125550123", "send_dtmf", "my_variable", "100%"};
    static uint8_t wire_bytes[RECORD_BYTES_MAX], derived[DERIVE_ROOM_BYTES];
    struct span json = fixture_file("cdr/freeswitch-a-leg.json");
    struct derive_rules rules = {.numbers = {.plan = PLAN_NANP}};
    struct classify_counts counts = {.unknown = 0};
    struct buf wire = buf_of(wire_bytes, sizeof wire_bytes), room = buf_of(derived, sizeof derived);
    cr_assert_eq(read_json(json, NULL), OK);
    classify_record(&record, &rules, &room, &counts);
    cr_assert_eq(record_encode(&record, &wire), OK);
    for (size_t i = 0; i < sizeof SECRET / sizeof SECRET[0]; i++)
        cr_expect_eq(span_find_span(buf_span(&wire), span_str(SECRET[i])), wire.n, "%s", SECRET[i]);
    for (size_t i = 0; i < sizeof KEPT / sizeof KEPT[0]; i++)
        cr_expect_lt(span_find_span(buf_span(&wire), span_str(KEPT[i])), wire.n, "%s", KEPT[i]);
    cr_expect_eq(counts.by_handling[HANDLE_DROP], 3);
    cr_expect_eq(counts.unknown, 1);
    test_file_free(json);
}

#define UUID  "\"uuid\":\"u1\","
#define START "\"start_uepoch\":\"1795184100400000\""

static void expect_variables(const char *variables)
{
    static char json[4096];
    struct diag d = {0};
    snprintf(json, sizeof json, "{\"core-uuid\":\"c\",\"variables\":{%s" UUID START "}}",
             variables);
    cr_assert_eq(read_json(span_str(json), &d), OK, "%s: %s", variables, d.what);
}

/* A name that the index does not find would become an extra; so does what is no address. */
Test(cdr_freeswitch, every_mapped_variable_is_found)
{
    enum { TOP, CHANNEL, VARIABLE, STATS, PROFILE };
    static const struct {
        int group;
        const char *name;
    } ROW[] = {
#define MEMBER(group, name, setter, member) {group, name},
#include "proto/record/cdr_maps.def"
#define KEEP(group, name, symbol) {group, name},
#include "proto/record/cdr_maps.def"
#define REPEATED(name) {VARIABLE, name},
#include "proto/record/cdr_maps.def"
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        char variable[128];
        if (ROW[i].group != VARIABLE)
            continue;
        snprintf(variable, sizeof variable, "\"%s\":\"192.0.2.1\",", ROW[i].name);
        expect_variables(variable);
        cr_expect_eq(record.extras_count, 0, "%s", ROW[i].name);
    }
}

Test(cdr_freeswitch, outcomes)
{
    static const struct {
        const char *variables;
        enum disposition disposition;
        enum rec_type type;
    } ROW[] = {
        {"\"answer_uepoch\":\"1795184101400000\",\"end_uepoch\":\"1795184102400000\",",
         DISPOSITION_ANSWERED, REC_FINAL},
        {"\"answer_uepoch\":\"1795184101400000\",", DISPOSITION_ANSWERED, REC_INCOMPLETE},
        {"\"answer_uepoch\":\"0\",\"hangup_cause\":\"NO_ANSWER\",", DISPOSITION_NO_ANSWER,
         REC_ATTEMPT},
        {"\"hangup_cause\":\"ORIGINATOR_CANCEL\",", DISPOSITION_CANCELLED, REC_ATTEMPT},
        {"\"hangup_cause\":\"CALL_REJECTED\",", DISPOSITION_REJECTED, REC_ATTEMPT},
        {"\"hangup_cause\":\"SWITCH_CONGESTION\",", DISPOSITION_CONGESTION, REC_ATTEMPT},
        {"\"hangup_cause\":\"PROGRESS_TIMEOUT\",", DISPOSITION_TIMEOUT, REC_ATTEMPT},
        {"\"hangup_cause\":\"UNALLOCATED_NUMBER\",", DISPOSITION_FAILED, REC_ATTEMPT},
        {"", DISPOSITION_FAILED, REC_ATTEMPT},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        expect_variables(ROW[i].variables);
        cr_expect_eq(record.call.disposition, ROW[i].disposition, "%s", ROW[i].variables);
        cr_expect_eq(record.call.rec_type, ROW[i].type, "%s", ROW[i].variables);
    }
}

Test(cdr_freeswitch, who_ended_it_depends_on_the_leg)
{
    static const struct {
        const char *direction, *disposition;
        enum release_side side;
    } ROW[] = {
        {"inbound", "recv_bye", RELEASE_CALLER},     {"inbound", "send_bye", RELEASE_CALLEE},
        {"outbound", "recv_bye", RELEASE_CALLEE},    {"outbound", "send_bye", RELEASE_CALLER},
        {"inbound", "recv_cancel", RELEASE_CALLER},  {"outbound", "recv_refuse", RELEASE_CALLEE},
        {"inbound", "send_refuse", RELEASE_NETWORK}, {"inbound", "other", RELEASE_UNKNOWN},
        {"", "recv_bye", RELEASE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        char variables[256];
        snprintf(variables, sizeof variables,
                 "\"direction\":\"%s\",\"sip_hangup_disposition\":\"%s\",", ROW[i].direction,
                 ROW[i].disposition);
        expect_variables(variables);
        cr_expect_eq(record.call.release_side, ROW[i].side, "%s", variables);
    }
}

Test(cdr_freeswitch, values_out_of_form_are_absent_not_guessed)
{
    expect_variables(
        "\"hangup_cause_q850\":\"999\",\"sip_network_ip\":\"nowhere\","
        "\"sip_network_port\":\"70000\",\"billmsec\":\"-1\",\"sip_via_protocol\":\"x\","
        "\"sip_term_status\":\"sip:404\",\"rtp_audio_in_mos\":\"9.99\","
        "\"sip_verstat_detailed\":\"TN-Validation-Passed-D\",");
    cr_expect_eq(record.call.q850, 0);
    cr_expect(ip_absent(record.call.src_ip));
    cr_expect_eq(record.call.src_port, 0);
    cr_expect_eq(record.call.dur_bill_ms, 0);
    cr_expect_eq(record.call.transport, TRANSPORT_UNKNOWN);
    cr_expect_eq(record.call.sip_status, 404);
    cr_expect_eq(record.call.stir_attest, ATTEST_UNKNOWN);
}

/* I1: it is sealed as the extra it came as; a name that no row has is of class unknown. */
Test(cdr_freeswitch, an_address_that_is_none_is_kept_as_it_came)
{
    static const struct {
        const char *name;
        uint64_t unknown;
    } ROW[] = {{"sip_network_ip", 1},
               {"sip_local_network_addr", 0},
               {"remote_media_ip", 1},
               {"local_media_ip", 0}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct classify_counts counts = {0};
        char variables[128];
        snprintf(variables, sizeof variables, "\"%s\":\"192.0.2.1\",", ROW[i].name);
        expect_variables(variables);
        cr_expect_eq(record.extras_count, 0, "%s", ROW[i].name);
        snprintf(variables, sizeof variables, "\"%s\":\"sbc-7.example\",", ROW[i].name);
        expect_variables(variables);
        classify_extras(FEED_FREESWITCH_JSON, record.extra, &record.extras_count, &counts);
        cr_assert_eq(record.extras_count, 1, "%s", ROW[i].name);
        cr_expect(span_is(record.extra[0].value, "sbc-7.example"), "%s", ROW[i].name);
        cr_expect_eq(counts.unknown, ROW[i].unknown, "%s", ROW[i].name);
    }
}

Test(cdr_freeswitch, a_name_given_twice_holds_the_last_value)
{
    expect_variables("\"accountcode\":\"a\",\"accountcode\":\"b\",");
    cr_expect(span_is(record.call.customer_hint, "b"));
}

Test(cdr_freeswitch, asserted_identities)
{
    static const struct {
        const char *value, *user;
    } ROW[] = {{"<sip:+12125550123@example.com;user=phone>", "+12125550123"},
               {"<tel:+12125550123>", "+12125550123"},
               {"sips:+12125550123@example.com", "+12125550123"},
               {"+12125550123", "+12125550123"},
               {"<tel:+12125550123;cpc=ordinary>", "+12125550123"}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        char variables[256];
        snprintf(variables, sizeof variables, "\"sip_P-Asserted-Identity\":\"%s\",", ROW[i].value);
        expect_variables(variables);
        cr_expect(span_is(record.call.calling_tn, ROW[i].user), "%s", ROW[i].value);
    }
}

Test(cdr_freeswitch, refused_documents)
{
    static const struct {
        const char *json;
        enum err expected;
    } ROW[] = {
        {"", ERR_MORE},
        {"[]", ERR_SYNTAX},
        {"{}", ERR_SYNTAX},
        {"{\"variables\":{}}", ERR_SYNTAX},
        {"{\"variables\":{" START "}}", ERR_SYNTAX},
        {"{\"variables\":{\"uuid\":\"u\"}}", ERR_SYNTAX},
        {"{\"variables\":{" UUID "\"start_uepoch\":\"0\"}}", ERR_SYNTAX},
        {"{\"variables\":{" UUID START "}", ERR_MORE},
        {"{\"variables\":{" UUID START "}}{}", ERR_SYNTAX},
        {"{\"variables\":{" UUID START "},}", ERR_SYNTAX},
        {"{\"variables\":{" UUID START "}}", OK},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct diag d = {0};
        cr_expect_eq(read_json(span_str(ROW[i].json), &d), ROW[i].expected, "%s", ROW[i].json);
    }
}

/* The key must not be cut: two channels would become one. */
Test(cdr_freeswitch, an_endless_uuid_is_refused)
{
    static char json[4096];
    snprintf(json, sizeof json, "{\"variables\":{\"uuid\":\"%0*d\"," START "}}",
             CALL_TEXT_BYTES_MAX + 1, 0);
    cr_expect_eq(read_json(span_str(json), NULL), ERR_SYNTAX);
    snprintf(json, sizeof json, "{\"core-uuid\":\"%0*d\",\"variables\":{" UUID START "}}",
             CALL_TEXT_BYTES_MAX + 1, 0);
    cr_expect_eq(read_json(span_str(json), NULL), ERR_SYNTAX);
}

Test(cdr_freeswitch, no_room_is_said)
{
    struct span json = fixture_file("cdr/freeswitch-a-leg.json");
    for (size_t cap = 0; cap < 1500; cap += 7) {
        uint8_t *exact = malloc(cap + 1);
        struct buf room = buf_of(exact, cap);
        enum err e = cdr_freeswitch(json, &room, &record, NULL);
        cr_expect(e == OK || e == ERR_LIMIT, "%zu: %s", cap, err_name(e));
        cr_expect(cap > 1024 || e == ERR_LIMIT);
        free(exact);
    }
    test_file_free(json);
}

/* Any byte changed, any end: refused or a record whose spans can all be read. */
Test(cdr_freeswitch, changed_and_cut_documents)
{
    struct span file = fixture_file("cdr/freeswitch-a-leg.json");
    struct span json = span_trim(file);
    struct seed s = {1};
    for (size_t i = 0; i < json.n; i++) {
        uint8_t *exact = malloc(json.n);
        struct diag d = {0};
        memcpy(exact, json.p, json.n);
        cr_expect_neq(read_json(span_of(exact, i), &d), OK, "%zu bytes", i);
        cr_expect_leq(d.at, json.n);
        exact[i] = (uint8_t)seed_next(&s);
        if (read_json(span_of(exact, json.n), &d) == OK)
            cr_expect_gt(text().n, 0);
        free(exact);
    }
    test_file_free(file);
}

Test(cdr_freeswitch, corpus)
{
    struct span json = corpus_file("cdr/freeswitch-answered.json");
    struct diag d = {0};
    if (!json.p)
        return;
    cr_assert_eq(read_json(json, &d), OK, "%s at %zu", d.what, d.at);
    const struct call *c = &record.call;
    cr_expect(span_is(c->leg_id, "3da8bf84-c133-4959-9e24-e72875cb33a1"));
    cr_expect(span_is(c->sip_call_id, "818e26f805701988c1a330175d7d2629@0:0:0:0:0:0:0:0"));
    cr_expect(span_is(c->calling_raw, "1001"));
    cr_expect(span_is(c->called_raw, "1002"));
    cr_expect(span_is(c->dialed_digits, "1002"));
    cr_expect(span_is(c->calling_name, "1001"));
    cr_expect_eq(c->t_start, INT64_C(1515666344534355));
    cr_expect_eq(c->t_answer, INT64_C(1515666347954373));
    cr_expect_eq(c->t_end, INT64_C(1515666415494269));
    cr_expect_eq(c->dur_bill_ms, 67540);
    cr_expect_eq(c->dur_total_ms, 70960);
    cr_expect_eq(c->disposition, DISPOSITION_ANSWERED);
    cr_expect_eq(c->q850, 16);
    cr_expect(span_is(c->cause_raw, "NORMAL_CLEARING"));
    cr_expect_eq(c->flags & CALL_EXTRAS_LOST, 0);
    test_file_free(json);
}

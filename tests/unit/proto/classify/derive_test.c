/* Proves the enums that usage may know: where a call stays is told by both ends and by nothing
 * else, with its basis; unknown stays unknown. */
#include "proto/classify/derive.h"

#include "tests/unit/proto/classify/classify_rules.h"

static struct npa_table table;
static uint8_t room_bytes[DERIVE_ROOM_BYTES];

static void run(struct call *c)
{
    struct derive_rules rules = rules_nanp(&table);
    struct buf room = buf_of(room_bytes, sizeof room_bytes);
    derive(&rules, c, &room);
}

Test(derive, jurisdiction)
{
    static const struct {
        const char *calling, *called, *lrn;
        enum juris juris;
        enum juris_basis basis;
    } ROW[] = {
        {"+12125550123", "+17185550123", "", JURIS_INTRASTATE, JURIS_BASIS_NPA},
        {"+12125550123", "+12135550123", "", JURIS_INTERSTATE, JURIS_BASIS_NPA},
        {"+12125550123", "+12025550123", "", JURIS_INTERSTATE, JURIS_BASIS_NPA},
        /* territories are US jurisdiction, each a place of its own */
        {"+12125550123", "+17875550123", "", JURIS_INTERSTATE, JURIS_BASIS_NPA},
        {"+17875550123", "+19395550123", "", JURIS_INTRASTATE, JURIS_BASIS_NPA},
        {"+12125550123", "+16045550123", "", JURIS_INTERNATIONAL, JURIS_BASIS_NPA},
        {"+16045550123", "+12125550123", "", JURIS_INTERNATIONAL, JURIS_BASIS_NPA},
        {"+12125550123", "011442079460123", "", JURIS_INTERNATIONAL, JURIS_BASIS_NPA},
        {"anonymous", "+442079460123", "", JURIS_INTERNATIONAL, JURIS_BASIS_NPA},
        {"+442079460123", "+18005550123", "", JURIS_INTERNATIONAL, JURIS_BASIS_NPA},
        /* one end that says nothing */
        {"anonymous", "+12125550123", "", JURIS_UNKNOWN, JURIS_BASIS_UNKNOWN},
        {"+12125550123", "+12225550123", "", JURIS_UNKNOWN, JURIS_BASIS_UNKNOWN},
        {"+12125550123", "1001", "", JURIS_UNKNOWN, JURIS_BASIS_UNKNOWN},
        {"+12125550123", "911", "", JURIS_UNKNOWN, JURIS_BASIS_UNKNOWN},
        {"+12125550123", "+870776555012", "", JURIS_UNKNOWN, JURIS_BASIS_UNKNOWN},
        /* toll-free goes where its routing number says, or nobody knows */
        {"+12125550123", "+18005550123", "", JURIS_UNKNOWN, JURIS_BASIS_UNKNOWN},
        {"+12125550123", "+18005550123", "+12135550100", JURIS_INTERSTATE, JURIS_BASIS_LRN},
        /* ported: the switch that serves it is better than its own digits */
        {"+12125550123", "+12135550123", "7185550100", JURIS_INTRASTATE, JURIS_BASIS_LRN},
        {"+12125550123", "+12135550123", "rubbish", JURIS_INTERSTATE, JURIS_BASIS_NPA},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct call c = {.calling_raw = span_str(ROW[i].calling),
                         .called_raw = span_str(ROW[i].called),
                         .lrn = span_str(ROW[i].lrn)};
        run(&c);
        cr_expect_eq(c.juris, ROW[i].juris, "%s to %s: %u", ROW[i].calling, ROW[i].called, c.juris);
        cr_expect_eq(c.juris_basis, ROW[i].basis, "%s to %s", ROW[i].calling, ROW[i].called);
    }
}

Test(derive, numbers_become_e164_and_what_came_is_kept)
{
    struct call c = {.calling_raw = span_str("2125550123"),
                     .called_raw = span_str("1 213 555 0124"),
                     .dialed_digits = span_str("12135550124"),
                     .redirecting_tn = span_str("12125550125"),
                     .stir_orig_tn = span_str("12125550123"),
                     .connected_tn = span_str("bob")};
    run(&c);
    cr_expect(span_is(c.calling_tn, "+12125550123"));
    cr_expect(span_is(c.calling_raw, "2125550123"));
    cr_expect(span_is(c.called_tn, "+12135550124"));
    cr_expect(span_is(c.called_raw, "1 213 555 0124"));
    cr_expect(span_is(c.dialed_digits, "12135550124"));
    cr_expect(span_is(c.redirecting_tn, "+12125550125"));
    cr_expect(span_is(c.stir_orig_tn, "+12125550123"));
    cr_expect(span_is(c.connected_tn, "bob"));
    cr_expect_eq(c.forwarded, 1);
    cr_expect_eq(c.call_type, CALL_TYPE_NATIONAL);
    cr_expect_eq(c.dest_class, DEST_NANP_US);
    cr_expect_eq(c.rate_band, RATE_FLAT);
    cr_expect_eq(c.svc_type, SERVICE_VOICE);
}

Test(derive, an_asserted_number_is_not_replaced)
{
    struct call c = {.calling_tn = span_str("+12125550199"), .calling_raw = span_str("anonymous")};
    run(&c);
    cr_expect(span_is(c.calling_tn, "+12125550199"));
    cr_expect_eq(c.call_type, CALL_TYPE_UNKNOWN);
    cr_expect_eq(c.forwarded, 0);
}

/* A PBX that rewrites 911 to its gateway's number still made an emergency call. */
Test(derive, type_of_what_was_dialled_when_the_target_says_nothing)
{
    struct call c = {.called_raw = span_str("psap-gateway"), .dialed_digits = span_str("911")};
    run(&c);
    cr_expect_eq(c.call_type, CALL_TYPE_EMERGENCY);
}

Test(derive, service)
{
    static const struct {
        enum media_kind media;
        enum svc_type given, expected;
    } ROW[] = {{MEDIA_UNKNOWN, SERVICE_UNKNOWN, SERVICE_VOICE},
               {MEDIA_AUDIO, SERVICE_UNKNOWN, SERVICE_VOICE},
               {MEDIA_VIDEO, SERVICE_UNKNOWN, SERVICE_VIDEO},
               {MEDIA_IMAGE, SERVICE_UNKNOWN, SERVICE_FAX},
               {MEDIA_AUDIO, SERVICE_MESSAGE, SERVICE_MESSAGE},
               {(enum media_kind)200, SERVICE_UNKNOWN, SERVICE_VOICE}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct call c = {.media_kind = (uint8_t)ROW[i].media, .svc_type = (uint8_t)ROW[i].given};
        run(&c);
        cr_expect_eq(c.svc_type, ROW[i].expected, "row %zu", i);
    }
}

Test(derive, forwarding_shows_in_any_of_its_fields)
{
    struct call a = {.redirect_count = 1}, b = {.original_called_tn = span_str("+12125550123")};
    run(&a);
    run(&b);
    cr_expect_eq(a.forwarded, 1);
    cr_expect_eq(b.forwarded, 1);
}

/* All numbers of a call at their longest fit the room that derive.h promises. */
Test(derive, the_room_suffices)
{
    struct call c = {.dialed_digits = span_str("+123456789012345")};
    struct span *const NUMBER[] = {&c.calling_tn,     &c.called_tn,          &c.lrn,
                                   &c.presented_tn,   &c.connected_tn,       &c.charge_tn,
                                   &c.redirecting_tn, &c.original_called_tn, &c.stir_orig_tn};
    for (size_t i = 0; i < sizeof NUMBER / sizeof NUMBER[0]; i++)
        *NUMBER[i] = span_str("+442079460123456");
    c.called_tn = span_str("alice");
    run(&c);
    cr_expect(span_is(c.stir_orig_tn, "+442079460123456"));
}

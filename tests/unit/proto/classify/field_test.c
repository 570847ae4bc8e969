/* Proves that the classification table is whole (every line of the rules' tables B1 to B5 has its
 * rows, with group and handling; no cell is empty), that ids on disk keep their meaning, that
 * lookups find what they should in any spelling, and that what nobody named is rule zero (I1). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/classify/field.h"

/* The rules' tables line by line; where a line has parts with different handling, the parts. These
 * ids are in stored records: a row that changes its id or leaves makes old records lie. */
static const struct {
    unsigned id;
    const char *name, *group, *handling;
} RULES[] = {
    {0, "unknown", "zero", "SEAL"},
    {1, "sip.method", "B1", "CLEAR"},
    {2, "sip.ruri.user", "B1", "SEAL+IX"},
    {3, "sip.ruri.host", "B1", "SEAL"},
    {4, "sip.ruri.rn", "B1", "SEAL"},
    {5, "sip.ruri.npdi", "B1", "SEAL"},
    {6, "sip.ruri.cic", "B1", "SEAL"},
    {7, "sip.ruri.tgrp", "B1", "SEAL"},
    {8, "sip.ruri.params", "B1", "SEAL"},
    {9, "sip.ruri.postd", "B1", "DROP"},
    {10, "sip.status_code", "B1", "CLEAR"},
    {11, "sip.reason_phrase", "B1", "SEAL"},
    {12, "sip.from.display", "B1", "SEAL"},
    {13, "sip.from.user", "B1", "SEAL+IX"},
    {14, "sip.from.host", "B1", "SEAL"},
    {15, "sip.to.host", "B1", "SEAL"},
    {16, "sip.tags", "B1", "HASH"},
    {17, "sip.cseq", "B1", "CLEAR"},
    {18, "sip.to.display", "B1", "SEAL+IX"},
    {19, "sip.to.user", "B1", "SEAL+IX"},
    {20, "sip.contact", "B1", "SEAL"},
    {21, "sip.contact.instance", "B1", "SEAL"},
    {22, "sip.contact.expires", "B1", "CLEAR"},
    {23, "sip.via", "B1", "SEAL"},
    {24, "sip.via.transport", "B1", "CLEAR"},
    {25, "sip.call_id", "B1", "HASH"},
    {26, "sip.call_link", "B1", "HASH"},
    {27, "sip.mechanics", "B1", "CLEAR"},
    {28, "sip.capability", "B1", "CLEAR"},
    {29, "sip.route", "B1", "SEAL"},
    {30, "sip.date", "B1", "SEAL"},
    {31, "sip.organization", "B1", "SEAL"},
    {32, "sip.subject", "B1", "DROP"},
    {33, "sip.info_text", "B1", "SEAL"},
    {34, "sip.user_agent", "B1", "SEAL"},
    {35, "sip.auth.response", "B1", "DROP"},
    {36, "sip.auth.username", "B1", "SEAL+IX"},
    {37, "sip.reason.code", "B1", "CLEAR"},
    {38, "sip.reason.text", "B1", "SEAL"},
    {39, "sip.refer", "B1", "SEAL"},
    {40, "sip.vendor_header", "B1", "SEAL"},
    {50, "sip.asserted_identity", "B2", "SEAL+IX"},
    {51, "sip.privacy", "B2", "CLEAR"},
    {52, "sip.charge_info", "B2", "SEAL+IX"},
    {53, "sip.charging.icid", "B2", "HASH"},
    {54, "sip.charging.node", "B2", "SEAL"},
    {55, "sip.charging.ioi", "B2", "SEAL"},
    {56, "sip.charging.addresses", "B2", "DROP"},
    {57, "sip.access_network", "B2", "SEAL-L"},
    {58, "sip.visited_network", "B2", "SEAL-L"},
    {59, "sip.diversion", "B2", "SEAL"},
    {60, "sip.geolocation", "B2", "SEAL-L"},
    {61, "sip.identity", "B2", "SEAL"},
    {62, "sip.identity.info", "B2", "SEAL"},
    {63, "sip.user_to_user", "B2", "DROP"},
    {64, "sip.service_indication", "B2", "CLEAR"},
    {65, "sip.resource_priority", "B2", "SEAL"},
    {66, "sip.emergency", "B2", "SEAL"},
    {80, "body.message", "B3", "DROP"},
    {81, "message.parties", "B3", "SEAL+IX"},
    {82, "body.dtmf", "B3", "DROP"},
    {83, "body.event", "B3", "DROP"},
    {84, "body.multipart", "B3", "SEAL"},
    {85, "sdp.o", "B3", "SEAL"},
    {86, "sdp.text", "B3", "DROP"},
    {87, "sdp.c", "B3", "SEAL-L"},
    {88, "sdp.m", "B3", "CLEAR"},
    {89, "sdp.state", "B3", "CLEAR"},
    {90, "sdp.keys", "B3", "DROP"},
    {91, "sdp.fingerprint", "B3", "SEAL"},
    {92, "sdp.candidate", "B3", "SEAL"},
    {93, "sdp.ssrc", "B3", "SEAL"},
    {94, "media", "B3", "DROP"},
    {95, "sdp.body", "B3", "DROP"},
    {110, "cdr.calling_number", "B4", "SEAL+IX"},
    {111, "cdr.caller_name", "B4", "SEAL+IX"},
    {112, "cdr.called_number", "B4", "SEAL+IX"},
    {113, "cdr.routed_number", "B4", "SEAL"},
    {114, "cdr.npa_nxx", "B4", "SEAL"},
    {115, "cdr.time", "B4", "SEAL"},
    {116, "cdr.duration", "B4", "SEAL"},
    {117, "cdr.count", "B4", "CLEAR"},
    {118, "cdr.disposition", "B4", "CLEAR"},
    {119, "cdr.kind", "B4", "CLEAR"},
    {120, "cdr.customer_trunk", "B4", "SEAL"},
    {121, "cdr.carrier_trunk", "B4", "SEAL"},
    {122, "cdr.codec", "B4", "CLEAR"},
    {123, "cdr.quality", "B4", "CLEAR"},
    {124, "cdr.address", "B4", "SEAL"},
    {125, "cdr.media_address", "B4", "SEAL-L"},
    {126, "cdr.account_code", "B4", "HASH"},
    {127, "cdr.authorization_code", "B4", "DROP"},
    {128, "cdr.free_text", "B4", "SEAL"},
    {129, "cdr.channel_name", "B4", "SEAL"},
    {130, "cdr.account_id", "B4", "SEAL"},
    {131, "cdr.plan", "B4", "SEAL"},
    {132, "cdr.charge", "B4", "SEAL"},
    {133, "cdr.recording", "B4", "SEAL"},
    {134, "cdr.correlation_id", "B4", "HASH"},
    {135, "cdr.call_centre", "B4", "SEAL"},
    {136, "cdr.cell", "B4", "SEAL-L"},
    {137, "cdr.data_volume", "B4", "CLEAR"},
    {138, "cdr.switch_state", "B4", "CLEAR"},
    {139, "cdr.dialplan_log", "B4", "SEAL"},
    {140, "cdr.record_origin", "B4", "CLEAR"},
    {150, "account.line_identity", "B5", "SEAL+IX"},
    {151, "account.credential", "B5", "DROP"},
    {152, "radius.station_id", "B5", "SEAL"},
    {153, "radius.session_id", "B5", "HASH"},
    {154, "radius.session_usage", "B5", "SEAL"},
    {155, "radius.session_event", "B5", "CLEAR"},
    {156, "radius.nas", "B5", "CLEAR"},
    {157, "account.name", "B5", "SEAL+IX"},
    {158, "account.address", "B5", "SEAL+IX"},
    {159, "account.email", "B5", "SEAL+IX"},
    {160, "account.registered_location", "B5", "SEAL-L"},
    {161, "account.own_number", "B5", "SEAL+IX"},
    {162, "account.number", "B5", "SEAL+IX"},
    {163, "account.government_id", "B5", "DROP"},
    {164, "account.password", "B5", "HASH"},
    {165, "account.security_question", "B5", "SEAL"},
    {166, "account.security_answer", "B5", "HASH"},
    {167, "account.one_time_code", "B5", "HASH"},
    {168, "account.card", "B5", "DROP"},
    {169, "account.device_id", "B5", "SEAL+IX"},
    {170, "account.approval", "B5", "CLEAR"},
    {171, "account.notes", "B5", "SEAL"},
    {172, "audit.staff", "B5", "CLEAR"},
};

Test(field, the_table_is_that_of_the_rules)
{
    cr_assert_eq(FIELD_ROWS_COUNT, sizeof RULES / sizeof RULES[0]);
    for (size_t i = 0; i < FIELD_ROWS_COUNT; i++) {
        const struct field_row *r = field_row(RULES[i].id);
        cr_expect_eq(r->id, RULES[i].id, "%s", RULES[i].name);
        cr_expect_str_eq(r->name, RULES[i].name);
        cr_expect_str_eq(field_group_text((enum field_group)r->group), RULES[i].group, "%s",
                         r->name);
        cr_expect_str_eq(handling_text((enum handling)r->handling), RULES[i].handling, "%s",
                         r->name);
    }
}

/* 47 USC and 47 CFR, an RFC, or the product's own rule. */
static bool is_citation(const char *s)
{
    static const char *const SOURCE[] = {"47 USC 222",      "47 USC 605",  "47 CFR 64.",
                                         "47 CFR 9.",       "18 USC 2510", "RFC ",
                                         "design rule zero"};
    for (size_t i = 0; i < sizeof SOURCE / sizeof SOURCE[0]; i++)
        if (strstr(s, SOURCE[i]))
            return true;
    return false;
}

Test(field, no_cell_is_empty)
{
    for (size_t i = 0; i < FIELD_ROWS_COUNT; i++) {
        const struct field_row *r = &FIELD_ROWS[i];
        cr_expect(is_citation(r->citation), "%s: %s", r->name, r->citation);
        cr_expect_gt(strlen(r->reason), 3, "%s", r->name);
        cr_expect_neq(r->derives, NULL);
        /* It is CPNI of some kind, or something else, or nobody knows (rule zero is all). */
        cr_expect(r->kinds || r->other || r->call_detail != DETAIL_NO, "%s", r->name);
    }
}

Test(field, what_leaves_in_usage_is_never_the_field_itself)
{
    for (size_t i = 0; i < FIELD_ROWS_COUNT; i++) {
        const struct field_row *r = &FIELD_ROWS[i];
        if (r->call_detail == DETAIL_YES || r->call_detail == DETAIL_ASSUMED) {
            cr_expect_neq(r->billing, USE_YES, "%s", r->name);
            cr_expect_neq(r->aggregate, USE_YES, "%s", r->name);
        }
        if (r->billing == USE_DERIVED || r->aggregate == USE_DERIVED)
            cr_expect_neq(r->derives[0], '\0', "%s derives nothing", r->name);
        if (r->handling == HANDLE_DROP)
            cr_expect_neq(r->billing, USE_YES, "%s", r->name);
    }
    cr_expect_eq(field_row(FIELD_UNKNOWN)->billing, USE_NO);
    cr_expect_eq(field_row(FIELD_UNKNOWN)->aggregate, USE_NO);
}

Test(field, every_location_is_sealed_under_the_location_key)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        const struct call_field *f = &CALL_FIELDS[i];
        const struct field_row *r = field_for_call(f->tag);
        cr_expect_neq(r->id, FIELD_UNKNOWN, "%s has no class", f->name);
        cr_expect_eq(f->letter == 'L', r->handling == HANDLE_SEAL_L, "%s", f->name);
        cr_expect_neq(r->handling, HANDLE_DROP, "%s", f->name);
        if (f->letter == 'K')
            cr_expect_neq(r->call_detail, DETAIL_NO, "%s", f->name);
        if (f->letter == 'X')
            cr_expect_neq(r->call_detail, DETAIL_ASSUMED, "%s", f->name);
    }
    cr_expect_eq(field_for_call(0)->id, FIELD_UNKNOWN);
    cr_expect_eq(field_for_call(255)->id, FIELD_UNKNOWN);
    cr_expect_eq(field_for_call(4711)->id, FIELD_UNKNOWN);
}

Test(field, lookups)
{
    static const struct {
        enum feed_kind kind;
        const char *name, *row;
    } ROW[] = {
        {FEED_HEP, "P-Asserted-Identity", "sip.asserted_identity"},
        {FEED_HEP, "p-asserted-identity", "sip.asserted_identity"},
        {FEED_HEP, "VIA", "sip.via"},
        {FEED_HEP, "v", "sip.via"},
        {FEED_HEP, "S", "sip.subject"},
        {FEED_HEP, "Subject", "sip.subject"},
        {FEED_HEP, "y", "sip.identity"},
        {FEED_HEP, "Session-ID", "sip.call_link"},
        {FEED_HEP, "Proxy-Authorization", "sip.auth.response"},
        {FEED_HEP, "User-to-User", "sip.user_to_user"},
        {FEED_HEP, "P-Access-Network-Info", "sip.access_network"},
        {FEED_HEP, "X-Upstream-Authorization", "sip.auth.response"},
        {FEED_HEP, "X-Api-Token", "account.credential"},
        {FEED_HEP, "X-Whatever", "unknown"},
        {FEED_HEP, "z", "unknown"},
        {FEED_HEP, "", "unknown"},
        {FEED_HEP, "1", "unknown"},
        {FEED_ASTERISK_CSV, "lastdata", "cdr.free_text"},
        {FEED_ASTERISK_CSV, "userfield", "cdr.free_text"},
        {FEED_ASTERISK_CSV, "dstchannel", "cdr.channel_name"},
        {FEED_ASTERISK_CSV, "LASTDATA", "unknown"},
        {FEED_FREESWITCH_JSON, "digits_dialed", "body.dtmf"},
        {FEED_FREESWITCH_JSON, "last_matching_digits", "body.dtmf"},
        {FEED_FREESWITCH_JSON, "menu_digits_entered", "body.dtmf"},
        {FEED_FREESWITCH_JSON, "sip_auth_response", "sip.auth.response"},
        {FEED_FREESWITCH_JSON, "sip_auth_anything", "sip.auth.response"},
        {FEED_FREESWITCH_JSON, "sip_auth_username", "sip.auth.username"},
        {FEED_FREESWITCH_JSON, "directory_password", "account.credential"},
        {FEED_FREESWITCH_JSON, "billing_secret_x", "account.credential"},
        {FEED_FREESWITCH_JSON, "conference_pin", "cdr.authorization_code"},
        {FEED_FREESWITCH_JSON, "switch_r_sdp", "sdp.body"},
        {FEED_FREESWITCH_JSON, "custom_sdp_copy", "sdp.body"},
        {FEED_FREESWITCH_JSON, "rtp_crypto_key", "sdp.keys"},
        {FEED_FREESWITCH_JSON, "rtp_audio_in_flaw_total", "cdr.quality"},
        {FEED_FREESWITCH_JSON, "rtp_audio_in_something_new", "cdr.quality"},
        {FEED_FREESWITCH_JSON, "sip_h_Diversion", "sip.diversion"},
        {FEED_FREESWITCH_JSON, "sip_h_Subject", "sip.subject"},
        {FEED_FREESWITCH_JSON, "sip_rh_P-Charge-Info", "sip.charge_info"},
        {FEED_FREESWITCH_JSON, "sip_Privacy", "sip.privacy"},
        {FEED_FREESWITCH_JSON, "sip_h_X-Tenant", "unknown"},
        {FEED_FREESWITCH_JSON, "voice_plan", "unknown"},
        {FEED_FREESWITCH_JSON, "DIGITS_DIALED", "unknown"},
        {FEED_MAPPED, "authorizationCodeValue", "cdr.authorization_code"},
        {FEED_MAPPED, "custom_channel_vars.Voicemail.PIN", "cdr.authorization_code"},
        {FEED_MAPPED, "Account-Password", "account.credential"},
        {FEED_MAPPED, "legs.0.digits_dialed", "body.dtmf"},
        {FEED_MAPPED, "remote_sdp", "sdp.body"},
        {FEED_MAPPED, "origDTMFMethod", "cdr.switch_state"},
        {FEED_MAPPED, "Shipping", "unknown"},
        {FEED_MAPPED, "", "unknown"},
        {FEED_UNKNOWN, "via", "unknown"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        unsigned id = field_by_variable(ROW[i].kind, span_str(ROW[i].name));
        cr_expect_str_eq(field_row(id)->name, ROW[i].row, "%s is %s", ROW[i].name,
                         field_row(id)->name);
    }
}

/* Longer than any name we know, in a block of its exact size. */
Test(field, a_long_name_is_read_within_its_bounds)
{
    for (size_t n = 0; n < 300; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memset(exact, 'q', n);
        cr_expect_eq(field_by_sip_header(span_of(exact, n)), FIELD_UNKNOWN);
        free(exact);
    }
}

/* The search is binary: a name out of its place would be lost. So each is looked up. */
Test(field, every_name_finds_itself)
{
    static const struct {
        const char *source;
        enum feed_kind kind;
    } SPACE[] = {
        {"sip", FEED_HEP},
        {"freeswitch", FEED_FREESWITCH_JSON},
        {"asterisk", FEED_ASTERISK_CSV},
        {"mapped", FEED_MAPPED}};
    struct field_line line;
    size_t names = 0;
    for (size_t i = 0; field_line(i, &line); i++)
        for (size_t s = 0; s < sizeof SPACE / sizeof SPACE[0]; s++) {
            if (strcmp(line.source, SPACE[s].source) != 0)
                continue;
            uint16_t id = field_by_variable(SPACE[s].kind, line.name);
            cr_expect_eq(field_row(id), line.row, "%.*s is out of place", (int)line.name.n,
                         (const char *)line.name.p);
            cr_expect(field_is_pattern(id) || span_eq(field_name(id), line.name));
            names++;
        }
    cr_expect_gt(names, 300);
}

Test(field, stored_names_keep_their_ids)
{
    static const struct {
        unsigned id;
        const char *name;
    } ROW[] = {{256, "to"},       {257, "via"},       {448, "ani"},
               {960, "clid"},     {967, "lastdata"},  {FIELD_UNKNOWN, "unknown"},
               {5000, "unknown"}, {0xffff, "unknown"}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++)
        cr_expect(span_is(field_name(ROW[i].id), ROW[i].name), "%u", ROW[i].id);
}

Test(field, only_patterns_carry_a_name)
{
    cr_expect(field_is_pattern(FIELD_UNKNOWN));
    cr_expect(field_is_pattern(field_by_variable(FEED_FREESWITCH_JSON, span_str("rtp_audio_x"))));
    cr_expect_not(field_is_pattern(FIELD_DTMF));
    cr_expect_not(field_is_pattern(field_by_sip_header(span_str("Via"))));
    cr_expect_not(field_is_pattern(0xffff));
}

Test(field, an_id_of_a_later_version_is_rule_zero)
{
    cr_expect_eq(field_row(1023)->id, FIELD_UNKNOWN);
    cr_expect_eq(field_row(1024)->id, FIELD_UNKNOWN);
    cr_expect_eq(field_row(0xffff)->id, FIELD_UNKNOWN);
}

Test(field, lines_begin_with_the_canonical_fields_and_end)
{
    struct field_line line;
    size_t n = 0;
    cr_assert(field_line(0, &line));
    cr_expect_str_eq(line.source, "call");
    cr_expect(span_is(line.name, "feed_id"));
    while (field_line(n, &line)) {
        cr_expect_neq(line.row, NULL);
        cr_expect_gt(line.name.n, 0);
        n++;
    }
    cr_expect_gt(n, CALL_FIELDS_COUNT + FIELD_ROWS_COUNT);
    cr_expect_not(field_line(n + 1, &line));
}

Test(field, texts)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    cpni_kinds_text(CPNI_D | CPNI_U, &b);
    buf_u8(&b, ' ');
    other_class_text(CLASS_PII | CLASS_TP, &b);
    buf_u8(&b, ' ');
    cpni_kinds_text(CPNI_NONE, &b);
    cr_expect(span_is(buf_span(&b), "D,U PII,TP -"));
    cr_expect_str_eq(call_detail_text(DETAIL_ASSUMED), "assumed");
    cr_expect_str_eq(usage_use_text(USE_TOKEN), "token");
}

/* Proves: each transform on texts of its form and beside it; what is refused leaves the record as
 * it was; local times are read in the feed's zone, and the hour that occurs twice is marked. */
#include "proto/record/cdr_transform.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/lib/record_text.h"

enum { ROOM_BYTES = 64 };

/* Parses a map of the one field and transforms the text with its first rule. */
static bool transform(const char *field, const char *text, const struct zone *zone,
                      struct record *out)
{
    static char file[512];
    static struct cdr_map m;
    static uint8_t bytes[ROOM_BYTES];
    struct buf room = buf_of(bytes, sizeof bytes);
    struct diag d;
    size_t line;
    snprintf(file, sizeof file, "format = json\nkey = a\nanswered-by = dur_bill_ms\n%s\n%s\n",
             strstr(field, "dur_bill_ms") == field ? "" : "dur_bill_ms = z: ms", field);
    cr_assert_eq(cdr_map_parse(span_str(file), &m, &line, &d), OK, "%s: %s", field, d.what);
    const struct cdr_rule *rule = &m.rule[m.rules_count - 1];
    struct cdr_text t = {span_str(text), rule, &m, zone, &room};
    record_reset(out);
    return cdr_transform(&t, &out->call);
}

static const char *as_text(const struct record *r)
{
    static uint8_t text[512];
    struct buf b = buf_of(text, sizeof text - 1);
    record_text(r, &b);
    text[b.n] = '\0';
    return (const char *)text;
}

Test(cdr_transform, rows)
{
    static const struct {
        const char *field, *text, *made; /* NULL: refused */
    } ROWS[] = {
        {"called_raw = a", " as it is", "called_raw  as it is\n"},
        {"peer_leg_id = a: nonzero", "10", "peer_leg_id 10\n"},
        {"peer_leg_id = a: nonzero", "0", NULL},
        {"called_raw = a: uri_user", "sip:+12125550101@h;x", "called_raw +12125550101\n"},
        {"called_raw = a: uri_user", "\"A\" <sips:ann@h>", "called_raw ann\n"},
        {"called_raw = a: uri_user", "tel:+12125550101;isub=1", "called_raw +12125550101\n"},
        {"called_raw = a: uri_user", "2001@192.0.2.1", "called_raw 2001\n"},
        {"called_raw = a: uri_user", "2001", "called_raw 2001\n"},
        {"domain = a: uri_host", "<sip:ann@h.example:5060;x=y>", "domain h.example\n"},
        {"domain = a: uri_host", "2001@h.example", "domain h.example\n"},
        {"domain = a: uri_host", "2001", ""},
        {"called_raw = a: urldecode", "%2B1212%355550101", "called_raw +121255550101\n"},
        {"called_raw = a: urldecode", "%41 and more than there is room for in sixty-four bytes, so",
         "called_raw A and more than there is room for in sixty-four bytes, so\n"},
        {"called_raw = a: urldecode",
         "%41 and more than there is room for in sixty-four bytes, so it does not fit", NULL},
        {"q850 = a", "16", "q850 16\n"},
        {"q850 = a", "256", NULL},
        {"q850 = a", "-1", NULL},
        {"q850 = a", " 1", NULL},
        {"q850 = a: cause", "1459617833", "q850 41\n"},
        {"q850 = a: cause", "393216", ""},
        {"q850 = a: cause", "x", NULL},
        {"src_port = a", "65535", "src_port 65535\n"},
        {"src_port = a", "65536", NULL},
        {"leg_seq = a", "4294967295", "leg_seq 4294967295\n"},
        {"leg_seq = a", "4294967296", NULL},
        {"dur_bill_ms = a: seconds", "12", "dur_bill_ms 12000\n"},
        {"dur_bill_ms = a: seconds", "12.3456", "dur_bill_ms 12345\n"},
        {"dur_bill_ms = a: seconds", "1.12345678901234567890123", "dur_bill_ms 1123\n"},
        {"dur_bill_ms = a: seconds", "0", ""},
        {"dur_bill_ms = a: seconds", "4294967.295", "dur_bill_ms 4294967295\n"},
        {"dur_bill_ms = a: seconds", "4294967.296", NULL},
        {"dur_bill_ms = a: seconds", "-6", NULL},
        {"dur_bill_ms = a: seconds", "1.x", NULL},
        {"dur_bill_ms = a: seconds", ".5", NULL},
        {"dur_bill_ms = a: ms", "1500", "dur_bill_ms 1500\n"},
        {"t_end = a: epoch_s", "1795165200",
         "time_quality 16\nt_end 2026-11-20T09:00:00.000000Z\n"},
        {"t_end = a: epoch_s", "1795165200.25", "t_end 2026-11-20T09:00:00.250000Z\n"},
        {"t_end = a: epoch_s", "0", ""},
        {"t_end = a: epoch_s", "253402300799.9", "t_end 9999-12-31T23:59:59.900000Z\n"},
        {"t_end = a: epoch_s", "253402300800", NULL},
        {"t_end = a: epoch_s", "18446744073709551615", NULL},
        {"t_end = a: epoch_s", "-1", NULL},
        {"t_end = a: epoch_ms", "1795165200250", "t_end 2026-11-20T09:00:00.250000Z\n"},
        {"t_end = a: epoch_ms", "253402300800000", NULL},
        {"t_end = a: epoch_us", "1795165200250001", "t_end 2026-11-20T09:00:00.250001Z\n"},
        {"t_end = a: epoch_us", "9223372036854775807", NULL},
        {"t_end = a: gregorian_s", "63962384400",
         "time_quality 16\nt_end 2026-11-20T09:00:00.000000Z\n"},
        {"t_end = a: gregorian_s", "62167219200", ""},
        {"t_end = a: gregorian_s", "62167219199", NULL},
        {"t_end = a: gregorian_s", "315569520000", NULL},
        {"t_end = a: time %Y-%m-%d %H:%M:%S%f%z", "2026-11-20 09:00:00.5Z",
         "t_end 2026-11-20T09:00:00.500000Z\n"},
        {"t_end = a: time %Y-%m-%d", "1969-12-31", NULL},
        {"src_ip = a", "192.0.2.1", "src_ip 192.0.2.1\n"},
        {"src_ip = a", "2001:db8::1", "src_ip 2001:db8::1\n"},
        {"src_ip = a", "host", NULL},
        {"src_ip = a: int_le_ip", "-1139627840", "src_ip 192.168.18.188\n"},
        {"src_ip = a: int_le_ip", "239138826", "src_ip 10.248.64.14\n"},
        {"src_ip = a: int_le_ip", "0", ""},
        {"src_ip = a: int_le_ip", "-", NULL},
        {"src_ip = a: int_le_ip", "10.0.0.1", NULL},
        {"transport.tcp = T, tcp\ntransport = a", "tcp", "transport tcp\n"},
        {"transport.tcp = T, tcp\ntransport = a", "TCP", NULL},
        {"leg_role.2 = out\nleg_role = a", "out", "leg_role 2\n"},
    };
    struct zone utc;
    zone_fixed(&utc, 0);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        static struct record r;
        bool made = transform(ROWS[i].field, ROWS[i].text, &utc, &r);
        const char *want = ROWS[i].made ? ROWS[i].made : "";
        cr_expect_eq(made, ROWS[i].made != NULL, "%s of %s", ROWS[i].field, ROWS[i].text);
        cr_expect(strncmp(as_text(&r), want, strlen(want)) == 0, "%s of %s: %s", ROWS[i].field,
                  ROWS[i].text, as_text(&r));
        cr_expect_str_eq(as_text(&r) + strlen(want), "key \n", "and nothing else");
    }
}

Test(cdr_transform, local_times)
{
    static struct record r;
    struct zone new_york = {.has_summer = true,
                            .last_offset_s = -5 * 3600,
                            .summer_offset_s = -4 * 3600,
                            .summer_begin = {3, 2, 0, 7200},
                            .summer_end = {11, 1, 0, 7200}};
    static const struct {
        const char *field, *text, *made;
    } ROWS[] = {
        {"t_end = a: time %Y-%m-%d %H:%M:%S", "2026-11-20 09:00:00",
         "time_quality 16\nt_end 2026-11-20T14:00:00.000000Z\nkey \n"},
        {"t_end = a: time %Y-%m-%d %H:%M:%S", "2026-07-20 09:00:00",
         "time_quality 16\nt_end 2026-07-20T13:00:00.000000Z\nkey \n"},
        {"t_end = a: time %Y-%m-%d %H:%M:%S", "2026-11-01 01:30:00",
         "time_quality 18\nt_end 2026-11-01T05:30:00.000000Z\nkey \n"},
        {"t_end = a: time %Y-%m-%d %H:%M:%S %z", "2026-11-01 01:30:00 UTC",
         "time_quality 16\nt_end 2026-11-01T01:30:00.000000Z\nkey \n"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cr_expect(transform(ROWS[i].field, ROWS[i].text, &new_york, &r));
        cr_expect_str_eq(as_text(&r), ROWS[i].made);
    }
}

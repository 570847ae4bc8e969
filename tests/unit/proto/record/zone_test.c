/* Proves that local times of a switch become UTC on both sides of every change of clocks, that
 * hours which occur twice or never are said to be so, and that broken zone files are refused. Zone
 * files are built here, so that the test does not depend on the tzdata of the machine. */
#include "proto/record/zone.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/core/buf.h"
#include "proto/core/instant.h"

static uint8_t file[512];

struct change {
    int64_t at_s;
    uint8_t type;
};

static void put_block(struct buf *b, size_t time_bytes, uint8_t version,
                      const struct change *change, size_t changes, const int32_t *offset,
                      size_t offsets)
{
    buf_str(b, "TZif");
    buf_u8(b, version);
    buf_bytes(b, (const uint8_t[15]){0}, 15);
    const size_t COUNT[] = {0, 0, 0, changes, offsets, 4};
    for (size_t i = 0; i < 6; i++)
        buf_be32(b, (uint32_t)COUNT[i]);
    for (size_t i = 0; i < changes; i++)
        buf_be(b, (uint64_t)change[i].at_s, time_bytes);
    for (size_t i = 0; i < changes; i++)
        buf_u8(b, change[i].type);
    for (size_t i = 0; i < offsets; i++) {
        buf_be32(b, (uint32_t)offset[i]);
        buf_be16(b, 0);
    }
    buf_bytes(b, "XXX", 4);
}

/* New York: standard time from 2025-11-02 06:00 UTC, daylight time from 2026-03-08 07:00 UTC. */
static const struct change NEW_YORK[] = {{1762063200, 0}, {1772953200, 1}};
static const int32_t EST_EDT[] = {-5 * 3600, -4 * 3600};

static struct span tzif(uint8_t version, const char *footer)
{
    struct buf b = buf_of(file, sizeof file);
    put_block(&b, 4, version, NEW_YORK, version == 0 ? 2 : 0, EST_EDT, 2);
    if (version != 0) {
        put_block(&b, 8, version, NEW_YORK, 2, EST_EDT, 2);
        buf_str(&b, footer);
    }
    cr_assert(buf_ok(&b));
    return buf_span(&b);
}

static const char RULE[] = "\nEST5EDT,M3.2.0,M11.1.0\n";

struct row {
    const char *local, *utc;
    bool ambiguous;
};

static void expect_rows(const struct zone *z, const struct row *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t local, utc;
        bool ambiguous;
        cr_assert_eq(instant_parse(span_str(row[i].local), &local), OK);
        cr_assert_eq(instant_parse(span_str(row[i].utc), &utc), OK);
        int64_t got = zone_to_utc(z, local, &ambiguous);
        cr_expect_eq(got, utc, "%s is %ld s off", row[i].local, (long)((got - utc) / US_PER_S));
        cr_expect_eq(ambiguous, row[i].ambiguous, "%s", row[i].local);
    }
}

Test(zone, transitions_and_rule)
{
    static const struct row ROW[] = {
        {"2026-01-15 12:00:00", "2026-01-15 17:00:00", false},
        {"2026-03-08 01:59:59", "2026-03-08 06:59:59", false},
        {"2026-03-08 02:30:00", "2026-03-08 07:30:00", true}, /* never occurred */
        {"2026-03-08 03:00:00", "2026-03-08 07:00:00", false},
        {"2026-07-01 00:00:00.25", "2026-07-01 04:00:00.25", false},
        /* from here on by the rule */
        {"2026-11-01 00:59:59", "2026-11-01 04:59:59", false},
        {"2026-11-01 01:00:00", "2026-11-01 05:00:00", true}, /* twice */
        {"2026-11-01 01:59:59", "2026-11-01 05:59:59", true},
        {"2026-11-01 02:00:00", "2026-11-01 07:00:00", false},
        {"2031-03-09 03:00:00", "2031-03-09 07:00:00", false},
        {"2031-12-31 23:00:00", "2032-01-01 04:00:00", false},
    };
    struct zone z;
    cr_assert_eq(zone_load(tzif('2', RULE), &z, NULL), OK);
    expect_rows(&z, ROW, sizeof ROW / sizeof ROW[0]);
}

/* South of the equator the summer spans the new year; "last Sunday"; quoted names; minutes. */
Test(zone, other_rules)
{
    static const struct row SOUTH[] = {
        {"2030-01-01 12:00:00", "2030-01-01 01:00:00", false},
        {"2030-07-01 12:00:00", "2030-07-01 02:00:00", false},
        {"2030-04-07 02:30:00", "2030-04-06 15:30:00", true},
    };
    static const struct row LAST[] = {
        {"2030-03-31 02:30:00", "2030-03-31 01:30:00", true},
        {"2030-03-31 03:00:00", "2030-03-31 01:00:00", false},
        {"2030-10-27 02:30:00", "2030-10-27 00:30:00", true},
        {"2030-12-01 00:00:00", "2030-11-30 23:00:00", false},
        /* the fifth Sunday is in the next month: the last one is the fourth */
        {"2029-03-28 12:00:00", "2029-03-28 10:00:00", false},
    };
    static const struct row HALF[] = {{"2030-07-01 12:00:00", "2030-07-01 06:30:00", false}};
    struct zone z;
    cr_assert_eq(zone_load(tzif('2', "\nAEST-10AEDT,M10.1.0,M4.1.0/3\n"), &z, NULL), OK);
    expect_rows(&z, SOUTH, sizeof SOUTH / sizeof SOUTH[0]);
    cr_assert_eq(zone_load(tzif('2', "\nCET-1CEST,M3.5.0,M10.5.0/3\n"), &z, NULL), OK);
    expect_rows(&z, LAST, sizeof LAST / sizeof LAST[0]);
    cr_assert_eq(zone_load(tzif('3', "\n<+0530>-5:30\n"), &z, NULL), OK);
    expect_rows(&z, HALF, 1);
}

Test(zone, a_file_of_version_1_ends_with_its_last_offset)
{
    static const struct row ROW[] = {{"2025-12-01 00:00:00", "2025-12-01 05:00:00", false},
                                     {"2030-12-01 00:00:00", "2030-12-01 04:00:00", false},
                                     {"2000-07-01 00:00:00", "2000-07-01 05:00:00", false}};
    struct zone z;
    cr_assert_eq(zone_load(tzif(0, ""), &z, NULL), OK);
    expect_rows(&z, ROW, sizeof ROW / sizeof ROW[0]);
}

Test(zone, fixed)
{
    static const struct {
        const char *name;
        enum err expected;
        int32_t offset_s;
    } ROW[] = {
        {"UTC", OK, 0},
        {"utc", OK, 0},
        {"Z", OK, 0},
        {"+02:00", OK, 7200},
        {"-0530", OK, -19800},
        {"+00:00", OK, 0},
        {"-14:00", OK, -50400},
        {"+1500", ERR_NOTFOUND, 0},
        {"+02:60", ERR_NOTFOUND, 0},
        {"02:00", ERR_NOTFOUND, 0},
        {"+2", ERR_NOTFOUND, 0},
        {"+02-00", ERR_NOTFOUND, 0},
        {"", ERR_NOTFOUND, 0},
        {"America/New_York", ERR_NOTFOUND, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct zone z;
        bool ambiguous = true;
        cr_expect_eq(zone_parse(span_str(ROW[i].name), &z), ROW[i].expected, "%s", ROW[i].name);
        if (ROW[i].expected != OK)
            continue;
        cr_expect_eq(zone_to_utc(&z, 0, &ambiguous), -(int64_t)ROW[i].offset_s * US_PER_S, "%s",
                     ROW[i].name);
        cr_expect_not(ambiguous);
    }
}

Test(zone, every_prefix_is_refused)
{
    struct span whole = tzif('2', RULE);
    for (size_t n = 0; n < whole.n; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, whole.p, n);
        struct zone z;
        struct diag d = {0};
        cr_expect_neq(zone_load(span_of(exact, n), &z, &d), OK, "%zu bytes", n);
        cr_expect_leq(d.at, n);
        free(exact);
    }
}

Test(zone, wrong_files)
{
    enum { FIRST_TYPE = 44 + 2 * 6 + 4 + 44 + 2 * 8 };
    static const struct {
        const char *name;
        size_t byte;
        uint8_t value;
        enum err expected;
    } ROW[] = {
        {"magic", 0, 'X', ERR_SYNTAX},
        {"leap seconds", 44 + 2 * 6 + 4 + 31, 1, ERR_VERSION},
        {"transitions without end", 44 + 2 * 6 + 4 + 34, 200, ERR_MORE},
        {"type that is none", FIRST_TYPE, 2, ERR_SYNTAX},
        {"offset of days", FIRST_TYPE + 2, 0x7f, ERR_SYNTAX},
        {"transition before the one before", 44 + 2 * 6 + 4 + 44, 0x70, ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct zone z;
        struct span whole = tzif('2', RULE);
        file[ROW[i].byte] = ROW[i].value;
        cr_expect_eq(zone_load(whole, &z, NULL), ROW[i].expected, "%s", ROW[i].name);
    }
}

Test(zone, wrong_tz_strings)
{
    static const char *const FOOTER[] = {"\nE5\n",
                                         "\nEST\n",
                                         "\nEST5EDT\n",
                                         "\nEST5EDT,M3.2.0\n",
                                         "\nEST5EDT,J60,J300\n",
                                         "\nEST5EDT,M13.2.0,M11.1.0\n",
                                         "\nEST5EDT,M3.6.0,M11.1.0\n",
                                         "\nEST5EDT,M3.2.7,M11.1.0\n",
                                         "\nEST5EDT,M0.2.0,M11.1.0\n",
                                         "\nEST99\n",
                                         "\nEST5EDT,M3.2.0,M11.1.0x\n"};
    for (size_t i = 0; i < sizeof FOOTER / sizeof FOOTER[0]; i++) {
        struct zone z;
        cr_expect_eq(zone_load(tzif('2', FOOTER[i]), &z, NULL), ERR_VERSION, "%s", FOOTER[i]);
    }
    struct zone z;
    cr_expect_eq(zone_load(tzif('2', "\n\n"), &z, NULL), OK);
}

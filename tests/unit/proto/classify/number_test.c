/* Proves what each way of dialling means under each plan: the number in E.164 and the type of the
 * call; that what the plan does not explain stays as it came; and that digits dialled behind a
 * number never get into it. */
#include "proto/classify/number.h"

#include "tests/unit/proto/classify/classify_rules.h"

static struct npa_table table;

struct row {
    const char *raw;
    const char *tn; /* NULL: stays as it came */
    enum call_type type;
    enum dest_class dest;
};

static void expect_rows(const struct number_rules *rules, const struct row *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[NUMBER_TEXT_BYTES_MAX];
        struct buf room = buf_of(bytes, sizeof bytes);
        struct number n;
        number_read(rules, span_str(row[i].raw), &room, &n);
        cr_expect(span_is(n.tn, row[i].tn ? row[i].tn : row[i].raw), "%s became %.*s", row[i].raw,
                  (int)n.tn.n, (const char *)n.tn.p);
        cr_expect_eq(n.e164, row[i].tn != NULL, "%s", row[i].raw);
        cr_expect_eq(n.call_type, row[i].type, "%s has type %d", row[i].raw, n.call_type);
        cr_expect_eq(n.dest_class, row[i].dest, "%s has destination %d", row[i].raw, n.dest_class);
    }
}

Test(number, nanp)
{
    static const struct row ROW[] = {
        /* every way to write one number */
        {"+12125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"12125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"2125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"5550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"+1 (212) 555-0123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"212.555.0123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"2125550123#", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"2125550123;npdi", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"101028812125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"*672125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"116712125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"0612125550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        /* fiction numbers are ordinary ones, everywhere */
        {"+12135550100", "+12135550100", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"+12135550199", "+12135550199", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"+16045550123", "+16045550123", CALL_TYPE_INTERNATIONAL, DEST_NANP_CA},
        {"+18765550123", "+18765550123", CALL_TYPE_INTERNATIONAL, DEST_NANP_OTHER},
        {"+17875550123", "+17875550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"18005550123", "+18005550123", CALL_TYPE_TOLLFREE, DEST_TOLLFREE},
        {"18885550123", "+18885550123", CALL_TYPE_TOLLFREE, DEST_TOLLFREE},
        {"19005550123", "+19005550123", CALL_TYPE_PREMIUM, DEST_UNKNOWN},
        {"2129760123", "+12129760123", CALL_TYPE_PREMIUM, DEST_NANP_US},
        {"5005550123", "+15005550123", CALL_TYPE_PERSONAL, DEST_UNKNOWN},
        {"7005550123", "+17005550123", CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"7105550123", "+17105550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"12125551212", "+12125551212", CALL_TYPE_DIRECTORY, DEST_NANP_US},
        /* a code nobody has loaded: a number, of no known place */
        {"2225550123", "+12225550123", CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        /* no numbers: N11 as area code or exchange, first digits 0 and 1, 9 in the second place */
        {"4115550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"2129110123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"2121550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"2955550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"+1212555012", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"+121255501234", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        /* abroad */
        {"011442079460123", "+442079460123", CALL_TYPE_INTERNATIONAL, DEST_WORLD},
        {"+442079460123", "+442079460123", CALL_TYPE_INTERNATIONAL, DEST_WORLD},
        {"0112125550123", "+2125550123", CALL_TYPE_INTERNATIONAL, DEST_WORLD},
        {"011870776555012", "+870776555012", CALL_TYPE_INTERNATIONAL, DEST_SATELLITE},
        {"+883510000012", "+883510000012", CALL_TYPE_INTERNATIONAL, DEST_NETWORK},
        {"+80055501234", "+80055501234", CALL_TYPE_TOLLFREE, DEST_TOLLFREE},
        {"+979123456789", "+979123456789", CALL_TYPE_PREMIUM, DEST_NETWORK},
        {"01144207946012345678", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"+0442079460123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        /* a PBX that means 00 as abroad has a wrong plan: not guessed */
        {"00442079460123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        /* operator */
        {"0", NULL, CALL_TYPE_OPERATOR, DEST_UNKNOWN},
        {"00", NULL, CALL_TYPE_OPERATOR, DEST_UNKNOWN},
        {"02125550123", "+12125550123", CALL_TYPE_OPERATOR, DEST_NANP_US},
        {"01442079460123", "+442079460123", CALL_TYPE_OPERATOR, DEST_WORLD},
        /* services */
        {"911", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"9-1-1", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"933", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"*67911", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"urn:service:sos", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"URN:service:sos.police", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"urn:service:counseling", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"988", NULL, CALL_TYPE_CRISIS, DEST_UNKNOWN},
        {"411", NULL, CALL_TYPE_DIRECTORY, DEST_UNKNOWN},
        {"211", NULL, CALL_TYPE_N11, DEST_UNKNOWN},
        {"811", NULL, CALL_TYPE_N11, DEST_UNKNOWN},
        {"*72", NULL, CALL_TYPE_FEATURE, DEST_UNKNOWN},
        /* inside, and short codes */
        {"100", NULL, CALL_TYPE_INTERNAL, DEST_UNKNOWN},
        {"1001", NULL, CALL_TYPE_INTERNAL, DEST_UNKNOWN},
        {"55501", NULL, CALL_TYPE_SHORTCODE, DEST_UNKNOWN},
        {"555012", NULL, CALL_TYPE_SHORTCODE, DEST_UNKNOWN},
        /* no numbers at all */
        {"", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"+", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"#", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"alice", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"s", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"anonymous", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"212*5550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"2125550123x", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"+*72", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"1010288", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"10102881010288101028810102881010288", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
    };
    struct number_rules rules = rules_nanp(&table).numbers;
    expect_rows(&rules, ROW, sizeof ROW / sizeof ROW[0]);
}

Test(number, nanp_without_extensions_area_code_or_table)
{
    static const struct row ROW[] = {
        {"1001", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"1170", NULL, CALL_TYPE_FEATURE, DEST_UNKNOWN},
        {"5550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"2125550123", "+12125550123", CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"911", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
    };
    struct number_rules rules = {.plan = PLAN_NANP};
    expect_rows(&rules, ROW, sizeof ROW / sizeof ROW[0]);
}

Test(number, e164)
{
    static const struct row ROW[] = {
        {"+442079460123", "+442079460123", CALL_TYPE_NATIONAL, DEST_WORLD},
        {"442079460123", "+442079460123", CALL_TYPE_NATIONAL, DEST_WORLD},
        {"02079460123", "+442079460123", CALL_TYPE_NATIONAL, DEST_WORLD},
        {"0012125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"12125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"0033155501234", "+33155501234", CALL_TYPE_INTERNATIONAL, DEST_WORLD},
        {"112", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"911", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
        {"988", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"*100", NULL, CALL_TYPE_FEATURE, DEST_UNKNOWN},
        {"1234567890123456", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
    };
    (void)rules_nanp(&table);
    struct number_rules rules = {.plan = PLAN_E164, .npa = &table, .country_code = "44"};
    expect_rows(&rules, ROW, sizeof ROW / sizeof ROW[0]);
}

/* Only what is a number whoever writes it. */
Test(number, raw)
{
    static const struct row ROW[] = {
        {"911", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"12125550123", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"0", NULL, CALL_TYPE_UNKNOWN, DEST_UNKNOWN},
        {"+12125550123", "+12125550123", CALL_TYPE_NATIONAL, DEST_NANP_US},
        {"urn:service:sos.fire", NULL, CALL_TYPE_EMERGENCY, DEST_UNKNOWN},
    };
    (void)rules_nanp(&table);
    struct number_rules rules = {.plan = PLAN_RAW, .npa = &table};
    expect_rows(&rules, ROW, sizeof ROW / sizeof ROW[0]);
}

Test(number, what_is_dialled_behind_a_number_is_cut)
{
    static const struct {
        const char *raw, *stripped;
    } ROW[] = {
        {"+12125550123;postd=pp4111", "+12125550123"},
        {"+12125550123;npdi;POSTD=4111;x=1", "+12125550123;npdi"},
        {"12125550123,,4111", "12125550123"},
        {"12125550123p4111", "12125550123"},
        {"(212) 555-0123w4111#", "(212) 555-0123"},
        {"12125550123W4111", "12125550123"},
        {"12125550123;npdi", "12125550123;npdi"},
        {"12125550123", "12125550123"},
        {"phil", "phil"},
        {"alice,4111", "alice,4111"},
        {"", ""},
        {"p", "p"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++)
        cr_expect(span_is(number_strip(span_str(ROW[i].raw)), ROW[i].stripped), "%s", ROW[i].raw);
}

/* The room is promised for one number; nothing is written beside it. */
Test(number, a_second_number_goes_behind_the_first)
{
    struct number_rules rules = rules_nanp(&table).numbers;
    uint8_t bytes[2 * NUMBER_TEXT_BYTES_MAX];
    struct buf room = buf_of(bytes, sizeof bytes);
    struct number a, b;
    number_read(&rules, span_str("2125550123"), &room, &a);
    number_read(&rules, span_str("2125550124"), &room, &b);
    cr_expect(span_is(a.tn, "+12125550123"));
    cr_expect(span_is(b.tn, "+12125550124"));
}

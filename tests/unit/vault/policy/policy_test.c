/* Proves: exactly the cells of the matrix below are allowed, with these fields and this need of
 * a case; everything else, whatever combination of roles, action and purpose, is denied (I6,
 * deny by default); a second role never narrows; grants cannot be made by hand. */
#include <criterion/criterion.h>
#include <signal.h>

#include "vault/policy/policy.h"

static const char *const CODES[] = {
    "",
#define PURPOSE(code, state, citation, text) #code,
#include "vault/policy/purposes.def"
#undef PURPOSE
    "provide", /* codes are compared as written */
    "MKT_",    "PROVIDE ", "anything else",
};
enum { CODES_COUNT = sizeof CODES / sizeof CODES[0] };

enum {
    ALL = POLICY_ALL_FIELDS,
    MASKED = POLICY_ALL_FIELDS | POLICY_MASK_OTHER_PARTY,
    WHERE = POLICY_LOCATION
};

/* The matrix, written a second time and by hand: a change of rules.def must be meant. */
static const struct cell {
    enum action action;
    const char *purpose;
    enum role role;
    bool needs_case;
    unsigned fields;
} CELLS[] = {
    {ACTION_CALLS_LIST, "PROVIDE", ROLE_NOC, false, ALL},
    {ACTION_CALLS_LIST, "PROVIDE", ROLE_SUPERVISOR, true, ALL},
    {ACTION_CALLS_LIST, "PROVIDE", ROLE_AGENT, true, MASKED},
    {ACTION_CALLS_LIST, "BILL", ROLE_BILLING, false, ALL},
    {ACTION_CALLS_LIST, "FRAUD", ROLE_FRAUD, false, ALL | POLICY_WITHHELD},
    {ACTION_CALLS_LIST, "LEGAL", ROLE_LEGAL, true, ALL | POLICY_LOCATION | POLICY_WITHHELD},
    {ACTION_CALLS_LIST, "EMERGENCY", ROLE_EMERGENCY, false, WHERE},
    {ACTION_CALLS_LIST, "AUDIT", ROLE_COMPLIANCE, false, MASKED},
    {ACTION_CUSTOMER_READ, "", ROLE_OPERATOR, false, 0},
    {ACTION_CUSTOMER_READ, "", ROLE_BILLING, false, 0},
    {ACTION_CUSTOMER_READ, "", ROLE_COMPLIANCE, false, 0},
    {ACTION_CUSTOMER_WRITE, "", ROLE_OPERATOR, false, 0},
    {ACTION_INGEST, "", ROLE_OPERATOR, false, 0},
    {ACTION_CONSUMER_WRITE, "", ROLE_ADMIN, false, 0},
    {ACTION_KEYS_READ, "", ROLE_OPERATOR, false, 0},
    {ACTION_KEYS_READ, "", ROLE_COMPLIANCE, false, 0},
    {ACTION_KEYS_ROTATE, "", ROLE_OPERATOR, false, 0},
    {ACTION_AUDIT_READ, "", ROLE_COMPLIANCE, false, 0},
    {ACTION_VERIFY, "", ROLE_OPERATOR, false, 0},
    {ACTION_VERIFY, "", ROLE_COMPLIANCE, false, 0},
};
enum { CELLS_COUNT = sizeof CELLS / sizeof CELLS[0] };

static struct policy_request request_of(role_set roles, enum action action, const char *purpose,
                                        const char *case_text)
{
    return (struct policy_request){roles, action, span_str(purpose), span_str(case_text), 7};
}

/* What the matrix says of one role; the last two actions are open to every role. */
static const struct cell *cell_of(enum role role, enum action action, const char *purpose,
                                  bool has_case)
{
    static const struct cell open = {ACTION_STATUS, "", ROLE_AGENT, false, 0};
    if ((action == ACTION_STATUS || action == ACTION_FIELDS) && *purpose == '\0')
        return &open;
    for (size_t i = 0; i < CELLS_COUNT; i++) {
        const struct cell *c = &CELLS[i];
        if (c->role == role && c->action == action && strcmp(c->purpose, purpose) == 0 &&
            (has_case || !c->needs_case))
            return c;
    }
    return NULL;
}

Test(policy, matrix_of_single_roles)
{
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        for (unsigned action = 0; action < ACTION_COUNT; action++)
            for (size_t p = 0; p < CODES_COUNT; p++)
                for (int with_case = 0; with_case < 2; with_case++) {
                    struct policy_request r = request_of(1u << role, (enum action)action, CODES[p],
                                                         with_case ? "ticket 17" : "");
                    struct decision d = policy_decide(&r);
                    const struct cell *c =
                        cell_of((enum role)role, (enum action)action, CODES[p], with_case);
                    cr_expect_eq(d.allowed, c != NULL, "%s, %s, '%s', case %d", role_name(role),
                                 action_name(action), CODES[p], with_case);
                    cr_expect_eq(d.fields, c ? c->fields : 0u, "%s, %s, '%s'", role_name(role),
                                 action_name(action), CODES[p]);
                    cr_expect_eq(d.role, c ? (enum role)role : ROLE_COUNT);
                    cr_expect(d.rule && *d.rule && d.citation && d.text && *d.text);
                }
}

/* For every set of roles: allowed if and only if one of its roles alone is, and with the fields
 * of one of them that no other exceeds. */
Test(policy, roles_add_up)
{
    for (role_set roles = 0; roles < 1u << ROLE_COUNT; roles++)
        for (unsigned action = 0; action < ACTION_COUNT; action++)
            for (size_t p = 0; p < CODES_COUNT; p++) {
                struct policy_request r = request_of(roles, (enum action)action, CODES[p], "T-1");
                struct decision d = policy_decide(&r);
                unsigned union_fields = 0;
                bool any = false, unmasked = false;
                for (unsigned role = 0; role < ROLE_COUNT; role++) {
                    const struct cell *c =
                        cell_of((enum role)role, (enum action)action, CODES[p], true);
                    if (!(roles >> role & 1) || !c)
                        continue;
                    any = true;
                    union_fields |= c->fields;
                    unmasked |= !(c->fields & POLICY_MASK_OTHER_PARTY);
                }
                if (unmasked)
                    union_fields &= ~(unsigned)POLICY_MASK_OTHER_PARTY;
                bool fits =
                    d.allowed == any && d.fields == union_fields && (!any || (roles >> d.role & 1));
                cr_assert(fits, "roles %x, %s, '%s'", roles, action_name(action), CODES[p]);
            }
}

Test(policy, bits_and_numbers_outside_the_tables_are_denied)
{
    struct policy_request nobody = request_of(~((1u << ROLE_COUNT) - 1), ACTION_STATUS, "", "");
    cr_expect_not(policy_decide(&nobody).allowed);
    struct policy_request what = request_of(~0u, (enum action)ACTION_COUNT, "", "");
    cr_expect_not(policy_decide(&what).allowed);
    cr_expect_str_eq(policy_decide(&what).rule, "default-deny");
    cr_expect_str_eq(role_name(ROLE_COUNT), "none");
    cr_expect_str_eq(action_name(ACTION_COUNT), "unknown");
}

Test(policy, blanks_are_no_case)
{
    struct policy_request r = request_of(1u << ROLE_LEGAL, ACTION_CALLS_LIST, "LEGAL", " \t\r\n ");
    struct decision d = policy_decide(&r);
    cr_expect_not(d.allowed);
    cr_expect_str_eq(d.rule, "calls-legal", "names the row that wants the case");
    cr_expect_str_eq(d.text, "give the ticket or order number as the case");
}

Test(policy, refusals_say_why)
{
    static const struct {
        const char *purpose, *rule, *text;
    } ROWS[] = {
        {"CUST_PHONE", "never-CUST_PHONE",
         "customer authentication is not available in this version"},
        {"MKT_COMPETITOR", "never-MKT_COMPETITOR",
         "tracking who calls a competitor is forbidden; no approval helps"},
        {"MKT_NEW", "never-MKT_NEW", "customer approvals are not available in this version"},
        {"BILL", "role-BILL", "none of your roles may read calls to bill"},
        {"", "no-purpose", "say for which purpose"},
        {"XYZZY", "unknown-purpose", "there is no such purpose"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct policy_request r =
            request_of(1u << ROLE_AGENT, ACTION_CALLS_LIST, ROWS[i].purpose, "T-1");
        struct decision d = policy_decide(&r);
        cr_expect_str_eq(d.rule, ROWS[i].rule);
        cr_expect_str_eq(d.text, ROWS[i].text);
    }
}

/* Every purpose is decided one way: by rows, or never. A row of the other kind is a mistake of
 * whoever edits the tables. */
Test(policy, purposes_have_rows_or_a_refusal)
{
    static const struct {
        const char *code, *state, *citation, *text;
    } ROWS[] = {
#define PURPOSE(code, state, citation, text) {#code, #state, citation, text},
#include "vault/policy/purposes.def"
#undef PURPOSE
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct policy_request r = request_of(~0u, ACTION_CALLS_LIST, ROWS[i].code, "T-1");
        bool open = strcmp(ROWS[i].state, "ROLE") == 0;
        cr_expect_eq(policy_decide(&r).allowed, open, "%s", ROWS[i].code);
        cr_expect(purpose_known(span_str(ROWS[i].code)));
        cr_expect(*ROWS[i].citation && *ROWS[i].text, "%s is empty", ROWS[i].code);
    }
    cr_expect_not(purpose_known(SPAN_EMPTY));
    cr_expect_not(purpose_known(span_str("bill")));
}

Test(policy, role_names_round_trip)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        enum role found = ROLE_COUNT;
        cr_expect_eq(role_by_name(span_str(role_name((enum role)i)), &found), OK);
        cr_expect_eq(found, i);
    }
    enum role untouched = ROLE_FRAUD;
    cr_expect_eq(role_by_name(span_str("root"), &untouched), ERR_NOTFOUND);
    cr_expect_eq(role_by_name(SPAN_EMPTY, &untouched), ERR_NOTFOUND);
    cr_expect_eq(untouched, ROLE_FRAUD);
}

Test(policy, only_the_makers_make_grants)
{
    struct policy_request r = request_of(1u << ROLE_BILLING, ACTION_CALLS_LIST, "BILL", "");
    struct decision d = policy_decide(&r);
    struct grant person = grant_after_audit(&d, 7, 3), system = grant_system();
    cr_expect(grant_valid(&person));
    cr_expect_eq(person.customer, 7);
    cr_expect_eq(person.fields, (unsigned)POLICY_ALL_FIELDS);
    cr_expect_eq(person.audit_seq, 3);
    cr_expect(grant_valid(&system));
    cr_expect_eq(system.fields, 0u, "what the system opens does not leave");

    struct grant by_hand = {.customer = 7, .fields = POLICY_ALL_FIELDS, .audit_seq = 3};
    cr_expect_not(grant_valid(&by_hand));
    struct grant any_customer = person, unaudited = person, system_out = system;
    any_customer.customer = 0;
    unaudited.audit_seq = 0;
    system_out.fields = POLICY_ALL_FIELDS;
    cr_expect_not(grant_valid(&any_customer));
    cr_expect_not(grant_valid(&unaudited));
    cr_expect_not(grant_valid(&system_out));
}

Test(policy, no_grant_for_a_refusal, .signal = SIGABRT)
{
    struct policy_request r = request_of(1u << ROLE_ADMIN, ACTION_CALLS_LIST, "BILL", "");
    struct decision d = policy_decide(&r);
    grant_after_audit(&d, 7, 3);
}

Test(policy, no_grant_without_an_audit_line, .signal = SIGABRT)
{
    struct policy_request r = request_of(1u << ROLE_BILLING, ACTION_CALLS_LIST, "BILL", "");
    struct decision d = policy_decide(&r);
    grant_after_audit(&d, 7, 0);
}

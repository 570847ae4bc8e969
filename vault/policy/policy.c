#include "vault/policy/policy.h"

#include "proto/core/check.h"

enum purpose {
    PURPOSE_NONE, /* the request names none */
#define PURPOSE(code, state, citation, text) PURPOSE_##code,
#include "vault/policy/purposes.def"
#undef PURPOSE
    PURPOSE_COUNT
};

struct purpose_row {
    struct span code;
    const char *rule, *citation, *refusal;
};

#define PURPOSE_RULE_ROLE(code)  "role-" #code
#define PURPOSE_RULE_NEVER(code) "never-" #code
static const struct purpose_row PURPOSES[PURPOSE_COUNT] = {
    [PURPOSE_NONE] = {{NULL, 0}, "default-deny", "", "none of your roles may do this"},
#define PURPOSE(code, state, citation, text)                                                       \
    [PURPOSE_##code] = {SPAN_LIT(#code), PURPOSE_RULE_##state(code), citation, text},
#include "vault/policy/purposes.def"
#undef PURPOSE
};

enum need { NEED_NOTHING, NEED_CASE };

struct rule {
    const char *id;
    enum action action;
    enum purpose purpose;
    role_set roles;
    enum need needs;
    unsigned fields;
    const char *citation, *text;
};

enum { NO_FIELDS = 0 };
#define R(role)  (1u << ROLE_##role)
#define ANY_ROLE ((1u << ROLE_COUNT) - 1)
static const struct rule RULES[] = {
#define RULE(id, action, purpose, roles, needs, fields, citation, text)                            \
    {id, ACTION_##action, PURPOSE_##purpose, roles, NEED_##needs, fields, citation, text},
#include "vault/policy/rules.def"
#undef RULE
};
enum { RULES_COUNT = sizeof RULES / sizeof RULES[0] };

static enum purpose purpose_by_code(struct span code)
{
    enum purpose p = PURPOSE_NONE;
    while (p < PURPOSE_COUNT && !span_eq(PURPOSES[p].code, code))
        p++;
    return p;
}

bool purpose_known(struct span code)
{
    return code.n > 0 && purpose_by_code(code) < PURPOSE_COUNT;
}

static struct decision refuse(const char *rule, const char *citation, const char *text)
{
    return (struct decision){false, ROLE_COUNT, 0, rule, citation, text};
}

static struct decision allow(const struct rule *r, role_set roles)
{
    enum role role = (enum role)__builtin_ctz(r->roles & roles);
    return (struct decision){true, role, r->fields, r->id, r->citation, r->text};
}

static bool has_needs(const struct rule *rule, const struct policy_request *r)
{
    return rule->needs == NEED_NOTHING || span_trim(r->case_text).n > 0;
}

struct decision policy_decide(const struct policy_request *r)
{
    enum purpose purpose = purpose_by_code(r->purpose);
    if (purpose == PURPOSE_COUNT)
        return refuse("unknown-purpose", "47 USC 222(c)(1)", "there is no such purpose");
    const struct rule *without_case = NULL;
    for (const struct rule *rule = RULES; rule < RULES + RULES_COUNT; rule++) {
        if (rule->action != r->action || rule->purpose != purpose || !(rule->roles & r->roles))
            continue;
        if (has_needs(rule, r))
            return allow(rule, r->roles);
        without_case = rule;
    }
    if (without_case)
        return refuse(without_case->id, without_case->citation,
                      "give the ticket or order number as the case");
    if (r->action == ACTION_CALLS_LIST && purpose == PURPOSE_NONE)
        return refuse("no-purpose", "47 USC 222(c)(1)", "say for which purpose");
    return refuse(PURPOSES[purpose].rule, PURPOSES[purpose].citation, PURPOSES[purpose].refusal);
}

static const char *const ROLE_NAMES[ROLE_COUNT] = {
#define ROLE_NAME(code, name, who) [ROLE_##code] = (name),
    ROLES(ROLE_NAME)
#undef ROLE_NAME
};

static const char *const ACTION_NAMES[ACTION_COUNT] = {
#define ACTION_NAME(code, name) [ACTION_##code] = (name),
    ACTIONS(ACTION_NAME)
#undef ACTION_NAME
};

enum err role_by_name(struct span name, enum role *out)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (!span_is(name, ROLE_NAMES[i]))
            continue;
        *out = (enum role)i;
        return OK;
    }
    return ERR_NOTFOUND;
}

const char *role_name(enum role r)
{
    return r < ROLE_COUNT ? ROLE_NAMES[r] : "none";
}

const char *action_name(enum action a)
{
    return a < ACTION_COUNT ? ACTION_NAMES[a] : "unknown";
}

enum { GRANT_MAGIC = 0x6772616e }; /* "gran": a struct grant of zeros is no grant */

struct grant grant_after_audit(const struct decision *d, uint64_t customer, uint64_t audit_seq)
{
    CHECK(d->allowed && d->fields != 0);
    CHECK(customer != 0 && audit_seq != 0);
    return (struct grant){customer, d->fields, audit_seq, GRANT_MAGIC};
}

struct grant grant_system(void)
{
    return (struct grant){.magic = GRANT_MAGIC};
}

bool grant_valid(const struct grant *g)
{
    bool system = g->customer == 0 && g->fields == 0 && g->audit_seq == 0;
    bool person = g->customer != 0 && g->fields != 0 && g->audit_seq != 0;
    return g->magic == GRANT_MAGIC && (system || person);
}

/* policy.h - who may read what for which purpose. Pure and table-driven: purposes.def says
 * which purposes there are, rules.def who may. Denied unless a row allows it.
 *
 * A grant is the only way to a customer's key: sealer_open() takes one. Grants for people
 * come from policy_decide(), and only the ledger can make them effective, by writing
 * their audit line first (audit.h). Grants for the program's own work (recompute usage,
 * verify, re-key) come from grant_system() and can open no field for output. */
#ifndef CPNI_POLICY_POLICY_H
#define CPNI_POLICY_POLICY_H

#include "proto/core/diag.h"
#include "proto/core/span.h"

/* ROLE(code, "name", "who") */
/* clang-format off */
#define ROLES(X)                                                                     \
    X(AGENT, "agent", "customer service")                                            \
    X(SUPERVISOR, "supervisor", "customer service, may break glass")                 \
    X(BILLING, "billing", "initiates, renders, bills, collects: 47 USC 222(d)(1)")   \
    X(FRAUD, "fraud", "protects rights and property: 47 USC 222(d)(2)")              \
    X(NOC, "noc", "provides the service, repair: 47 USC 222(c)(1)")                  \
    X(COMPLIANCE, "compliance", "47 CFR 64.2009")                                    \
    X(LEGAL, "legal", "legal process")                                               \
    X(EMERGENCY, "emergency", "47 USC 222(d)(4)")                                    \
    X(OPERATOR, "operator", "runs the vault: directory, keys, feeds; reads no call") \
    X(ADMIN, "admin", "assigns consumers and roles; reads no call")
/* clang-format on */
enum role {
#define ROLE_CODE(code, name, who) ROLE_##code,
    ROLES(ROLE_CODE)
#undef ROLE_CODE
        ROLE_COUNT
};
typedef uint32_t role_set; /* bit per role */

/* What a request wants to do: ACTION(code, "name"). Numbers of roles and actions are stored in
 * the read log: add at the end only. */
/* clang-format off */
#define ACTIONS(X)                      \
    X(CALLS_LIST, "calls list")         \
    X(CUSTOMER_READ, "customer read")   \
    X(CUSTOMER_WRITE, "customer write") \
    X(INGEST, "ingest")                 \
    X(CONSUMER_WRITE, "consumer write") \
    X(KEYS_READ, "keys read")           \
    X(KEYS_ROTATE, "keys rotate")       \
    X(AUDIT_READ, "audit read")         \
    X(STATUS, "status")                 \
    X(FIELDS, "fields")                 \
    X(VERIFY, "verify")                 \
    X(RECOVER, "recover")
/* clang-format on */
enum action {
#define ACTION_CODE(code, name) ACTION_##code,
    ACTIONS(ACTION_CODE)
#undef ACTION_CODE
        ACTION_COUNT
};

struct policy_request {
    role_set roles; /* of the peer, by its credentials */
    enum action action;
    struct span purpose;   /* code of cpni-rules C1: "PROVIDE", "BILL", ...; empty if none */
    struct span case_text; /* reason, ticket or order number */
    uint64_t customer;     /* ordinal; 0 = none */
};

/* ALL_FIELDS: everything but location. LOCATION alone: location, with what dates it. */
enum policy_fields {
    POLICY_ALL_FIELDS = 1,
    POLICY_MASK_OTHER_PARTY = 2,
    POLICY_LOCATION = 4,
    POLICY_WITHHELD = 8 /* numbers whose owner asked for privacy, RFC 3323 */
};

struct decision {
    bool allowed;
    enum role role;       /* the one that allowed it; ROLE_COUNT when denied */
    unsigned fields;      /* bits POLICY_* that may leave */
    const char *rule;     /* id of the deciding row, for the audit line; never NULL */
    const char *citation; /* law behind it; "" for house rules */
    const char *text;     /* for the person who asked; constant */
};

/* Looks at no customer: consent comes with the approval ledger. A purpose is compared as
 * written; one that the table does not know is refused like one that it refuses. */
struct decision policy_decide(const struct policy_request *r);

/* "agent" -> role; ERR_NOTFOUND. */
MUST_CHECK enum err role_by_name(struct span name, enum role *out);
const char *role_name(enum role r);     /* "none" when out of range */
const char *action_name(enum action a); /* "unknown" when out of range */
/* Is it a purpose of the table? */
bool purpose_known(struct span code);

/* --- grants --- */
struct grant {
    uint64_t customer;  /* whom it opens; 0 = any (system grants only) */
    unsigned fields;    /* bits POLICY_*; 0 = nothing may leave the vault */
    uint64_t audit_seq; /* the line that stands for it; 0 = system */
    uint32_t magic;     /* set by the makers below; sealer_open() CHECKs it */
};
/* The audit line `audit_seq` of this decision is on disk. CHECKs that it allowed fields to
 * leave and that a customer is named: only the system's grant opens any. */
struct grant grant_after_audit(const struct decision *d, uint64_t customer, uint64_t audit_seq);
/* Recompute totals, verify seals, re-key: opens, but no byte leaves the process. */
struct grant grant_system(void);
bool grant_valid(const struct grant *g);

#endif

#include "vault/ctl/verbs.h"

#include "vault/ctl/ask.h"
#include "vault/ctl/import.h"
#include "vault/ctl/init.h"
#include "vault/ctl/load.h"
#include "vault/ctl/usage.h"

const struct ctl_option CTL_GLOBALS[] = {
    {"socket", OPTION_LOCAL, "PATH", false,
     "control socket (default: $CPNID_STATE_DIR/control.sock, or state/control.sock)"},
    {"format", OPTION_CHOICE, "table|json|csv", false, "of what is printed (default: table)"},
    {"help", OPTION_FLAG, NULL, false, "print this and end"},
    {"version", OPTION_FLAG, NULL, false, "print the version and end"},
};
const size_t CTL_GLOBALS_COUNT = sizeof CTL_GLOBALS / sizeof CTL_GLOBALS[0];

static const struct ctl_option INIT[] = {
    {"state-dir", OPTION_LOCAL, "DIR", true, "where keys and database go; made when missing"},
    {"root-key", OPTION_LOCAL, "FILE", false,
     "root key to use or to make (default: root.key in the state directory)"},
};

static const struct ctl_option RECOVER[] = {
    {"state-dir", OPTION_LOCAL, "DIR", true, "the state directory; no cpnid may run in it"},
    {"root-key", OPTION_LOCAL, "FILE", false,
     "root key (default: root.key in the state directory)"},
    {"accept-loss", OPTION_FLAG, NULL, false, "yes, what is missing will be forgotten"},
};

static const struct ctl_option CUSTOMER_IMPORT[] = {
    {"move", OPTION_FLAG, NULL, false, "values of other customers change their owner"},
    {"number-plan", OPTION_CHOICE, "nanp|e164|raw", false,
     "how numbers are written (default: nanp)"},
    {"country-code", OPTION_NUMBER, "DIGITS", false, "e164: country code of numbers without one"},
};

static const struct ctl_option INGEST[] = {
    {"feed", OPTION_TEXT, "NAME", true, "feed of the configuration that the file belongs to"},
    {"kind", OPTION_CHOICE, "hep|asterisk_csv|freeswitch_json|mapped", false,
     "what the file holds (default: as the feed is configured, else found by looking)"},
    {"map", OPTION_LOCAL, "FILE", false, "mapped: mapping file, as those of deploy/maps"},
    {"timezone", OPTION_TEXT, "ZONE", false,
     "asterisk_csv, mapped: zone of its local times: UTC, +05:30 (default: UTC, with a map none)"},
    {"number-plan", OPTION_CHOICE, "nanp|e164|raw", false,
     "how numbers are written (default: nanp)"},
    {"country-code", OPTION_NUMBER, "DIGITS", false, "e164: country code of numbers without one"},
    {"npa", OPTION_LOCAL, "FILE", false, "table of NANP area codes (default: the installed one)"},
};

static const struct ctl_option CALLS_LIST[] = {
    {"customer", OPTION_TEXT, "ID", true, "whose calls"},
    {"from", OPTION_TIME, "TIME", true,
     "first instant, UTC: YYYY-MM-DD, \"YYYY-MM-DD HH:MM:SS\" or RFC 3339"},
    {"to", OPTION_TIME, "TIME", true, "first instant that is not listed"},
    {"purpose", OPTION_TEXT, "P", true,
     "why: PROVIDE, BILL, FRAUD, LEGAL, ...; written into the audit log"},
    {"case", OPTION_TEXT, "TEXT", false, "ticket, order or reason; sealed in the audit log"},
    {"role", OPTION_TEXT, "R", false, "act in this role only"},
    {"columns", OPTION_CHOICE, "brief|all", false, "default: brief in a table, else all"},
};

static const struct ctl_option USAGE_CONSUMER_ADD[] = {
    {"public-key", OPTION_LOCAL, "Z85", false, "CURVE public key of the consumer"},
    {"generate", OPTION_LOCAL, "FILE", false, "make a key pair and write it to FILE, mode 0600"},
    {"family", OPTION_CHOICE, "usage|agg", true, "totals by account, or without identities"},
    {"account-id", OPTION_FLAG, NULL, false,
     "accounts by their id, not by a token of the consumer's own"},
    {"endpoint", OPTION_LOCAL, "ADDRESS", false,
     "pull address for FILE (default: tcp://127.0.0.1:7760)"},
    {"hint", OPTION_LOCAL, "ADDRESS", false,
     "hint address for FILE (default: tcp://127.0.0.1:7761)"},
};

static const struct ctl_option USAGE_PULL[] = {
    {"consumer", OPTION_LOCAL, "NAME", true, "who pulls; the key file must be his"},
    {"key", OPTION_LOCAL, "FILE", true, "key file that `usage consumer add --generate` wrote"},
    {"from", OPTION_NUMBER, "CURSOR", false, "rows behind this position (default: 0, all of them)"},
    {"max", OPTION_NUMBER, "N", false, "stop after N rows"},
    {"follow", OPTION_FLAG, NULL, false, "go on with rows as they come"},
    {"confirm", OPTION_FLAG, NULL, false, "confirm what was printed"},
    {"stream", OPTION_LOCAL, "NAME", false, "default: usage.calls"},
    {"endpoint", OPTION_LOCAL, "ADDRESS", false, "instead of the one in the key file"},
};

static const struct ctl_option AUDIT_LIST[] = {
    {"from", OPTION_NUMBER, "SEQ", false, "first entry (default: 1)"},
};
static const struct ctl_option FIELDS_LIST[] = {
    {"with-citation", OPTION_FLAG, NULL, false, "with the law behind each row"},
};
static const struct ctl_option VERIFY[] = {
    {"deep", OPTION_FLAG, NULL, false, "open every record and recompute the totals"},
};

static const struct ctl_option STATUS[] = {
    {"scope", OPTION_TEXT, "SCOPE", false,
     "rows of this scope only: daemon, feed:NAME, consumer:NAME"},
    {"name", OPTION_TEXT, "NAME", false, "rows of this name only"},
};

#define OPTIONS(table) table, sizeof(table) / sizeof((table)[0])
#define NO_OPTIONS     NULL, 0

const struct ctl_verb CTL_VERBS[] = {
    {"init", NULL, NULL, "make keys and an empty database; refuses to overwrite", OPTIONS(INIT),
     init_run},
    {"recover", NULL, NULL, "go on with what a damaged database has left; says so in the audit log",
     OPTIONS(RECOVER), recover_run},
    {"customer import", "FILE", NULL, "load customer_id,account_id,kind,value: all rows or none",
     OPTIONS(CUSTOMER_IMPORT), import_run},
    {"customer list", NULL, NULL, "customers and how many values lead to them", NO_OPTIONS,
     ask_run},
    {"customer show", "ID", "customer", "one customer", NO_OPTIONS, ask_run},
    {"customer reassign", NULL, NULL,
     "give unassigned calls to the customers that the directory knows now", NO_OPTIONS, ask_run},
    {"ingest", "FILE", NULL, "load a capture or CDR file through the running daemon",
     OPTIONS(INGEST), load_run},
    {"calls list", NULL, NULL, "calls of a customer in time order: a disclosure, audited first",
     OPTIONS(CALLS_LIST), calls_run},
    {"usage consumer add", "NAME", NULL, "let a consumer pull usage totals",
     OPTIONS(USAGE_CONSUMER_ADD), consumer_add_run},
    {"usage consumer remove", "NAME", "name",
     "let a consumer pull no more; what it confirmed is forgotten", NO_OPTIONS, ask_run},
    {"usage consumer list", NULL, NULL, "who may pull, and how far behind they are", NO_OPTIONS,
     ask_run},
    {"usage pull", NULL, NULL, "usage totals, over ZeroMQ as billing gets them",
     OPTIONS(USAGE_PULL), usage_pull_run},
    {"keys list", NULL, NULL, "epochs of the keys; never key bytes", NO_OPTIONS, ask_run},
    {"keys rotate", NULL, NULL, "a new key epoch for customers from now on", NO_OPTIONS, ask_run},
    {"audit list", NULL, NULL, "the read log", OPTIONS(AUDIT_LIST), ask_run},
    {"audit verify", NULL, NULL, "recompute the chain of the read log", NO_OPTIONS, ask_run},
    {"fields list", NULL, NULL, "the classification table as the daemon uses it",
     OPTIONS(FIELDS_LIST), ask_run},
    {"verify", NULL, NULL, "check database, head record and seals", OPTIONS(VERIFY), ask_run},
    {"status", NULL, NULL, "rates, queues, lag, shed counts, disk, key cache, by feed",
     OPTIONS(STATUS), ask_run},
};
const size_t CTL_VERBS_COUNT = sizeof CTL_VERBS / sizeof CTL_VERBS[0];

size_t verbs_under(const char *words, const struct ctl_verb **out_exact)
{
    size_t count = 0, n = strlen(words);
    *out_exact = NULL;
    for (size_t i = 0; i < CTL_VERBS_COUNT; i++) {
        const char *w = CTL_VERBS[i].words;
        if (strncmp(w, words, n) != 0 || (n && w[n] != 0 && w[n] != ' '))
            continue;
        count++;
        if (w[n] == 0)
            *out_exact = &CTL_VERBS[i];
    }
    return count;
}

/* answer.c - requests of people and tools: verb -> action -> policy -> audit -> handler.
 * A refusal is an audit line, too. Handlers see only what policy let through. */
#include "proto/classify/field.h"
#include "proto/core/check.h"
#include "vault/state.h"

struct answer { /* one request on its way */
    struct session *session;
    uint32_t id;
    const struct control_request *request;
    struct decision decision;
    uint64_t customer;
};

typedef enum err verb_fn(struct answer *a);

void answer_end(struct session *s, uint32_t id, enum control_status status, const char *text)
{
    uint8_t bytes[512];
    struct buf b = buf_of(bytes, sizeof bytes);
    control_put_end(&b, status, text);
    CHECK(buf_ok(&b)); /* texts are constants of this program */
    session_reply(s, FRAME_END, id, buf_span(&b));
}

static enum err done(struct answer *a)
{
    answer_end(a->session, a->id, CONTROL_DONE, "");
    return OK;
}

static enum err fail(struct answer *a, enum control_status status, const char *text)
{
    answer_end(a->session, a->id, status, text);
    return OK;
}

enum err answer_audit(struct session *s, const struct audit_event *e, uint64_t *out_seq)
{
    struct vault *v = s->vault;
    struct audit_event event = *e;
    event.uid = s->peer.uid;
    event.time_us = vault_now(v);
    return audit_append(v->audit, vault_txn(v), &event, out_seq);
}

/* --- tables --- */

struct column {
    enum column_kind kind;
    const char *name;
};

static void send_columns(struct answer *a, const struct column *columns, size_t count)
{
    uint8_t bytes[1024];
    struct buf b = buf_of(bytes, sizeof bytes);
    for (size_t i = 0; i < count; i++)
        control_put_column(&b, columns[i].kind, columns[i].name);
    CHECK(buf_ok(&b));
    session_reply(a->session, FRAME_COLUMNS, a->id, buf_span(&b));
}
#define SEND_COLUMNS(a, table) send_columns(a, table, sizeof(table) / sizeof((table)[0]))

enum { ROW_BYTES = 8 * 1024 };

static void cell_text(struct buf *row, const char *text)
{
    buf_lv(row, span_str(text));
}

static void cell_number(struct buf *row, uint64_t value)
{
    uint8_t digits[20];
    struct buf b = buf_of(digits, sizeof digits);
    buf_dec(&b, value);
    buf_lv(row, buf_span(&b));
}

static void send_row(struct answer *a, const struct buf *row)
{
    CHECK(buf_ok(row));
    session_reply(a->session, FRAME_ROW, a->id, buf_span(row));
}

/* --- calls --- */

static enum err calls_list(struct answer *a)
{
    return recall_begin(a->session, a->id, a->request, &a->decision, a->customer);
}

/* --- fields --- */

static enum err fields_list(struct answer *a)
{
    static const struct column COLUMNS[] = {
        {COLUMN_TEXT, "name"},     {COLUMN_TEXT, "source"},      {COLUMN_TEXT, "cpni"},
        {COLUMN_TEXT, "other"},    {COLUMN_TEXT, "call_detail"}, {COLUMN_TEXT, "handling"},
        {COLUMN_TEXT, "derives"},  {COLUMN_TEXT, "billing"},     {COLUMN_TEXT, "aggregate"},
        {COLUMN_TEXT, "citation"}, {COLUMN_TEXT, "reason"},
    };
    enum { UNCITED = sizeof COLUMNS / sizeof COLUMNS[0] - 2 };
    bool cited = control_arg(a->request, "with-citation").n > 0;
    send_columns(a, COLUMNS, cited ? sizeof COLUMNS / sizeof COLUMNS[0] : UNCITED);
    struct field_line line;
    for (size_t i = 0; field_line(i, &line); i++) {
        uint8_t bytes[ROW_BYTES], text[128];
        struct buf row = buf_of(bytes, sizeof bytes), t = buf_of(text, sizeof text);
        buf_lv(&row, line.name);
        cell_text(&row, line.source);
        cpni_kinds_text(line.row->kinds, &t);
        buf_lv(&row, buf_span(&t));
        buf_reset(&t);
        other_class_text(line.row->other, &t);
        buf_lv(&row, buf_span(&t));
        cell_text(&row, call_detail_text(line.row->call_detail));
        cell_text(&row, handling_text(line.row->handling));
        cell_text(&row, line.row->derives);
        cell_text(&row, usage_use_text(line.row->billing));
        cell_text(&row, usage_use_text(line.row->aggregate));
        if (cited) {
            cell_text(&row, line.row->citation);
            cell_text(&row, line.row->reason);
        }
        send_row(a, &row);
    }
    return done(a);
}

/* --- customers --- */

static const struct column CUSTOMER_COLUMNS[] = {
    {COLUMN_TEXT, "customer_id"},    {COLUMN_TIME, "created"},   {COLUMN_NUMBER, "number"},
    {COLUMN_NUMBER, "range"},        {COLUMN_NUMBER, "domain"},  {COLUMN_NUMBER, "trunk"},
    {COLUMN_NUMBER, "account_code"}, {COLUMN_NUMBER, "address"}, {COLUMN_TEXT, "state"},
};
_Static_assert(sizeof CUSTOMER_COLUMNS / sizeof CUSTOMER_COLUMNS[0] == ENTRY_KIND_COUNT + 3,
               "a column a kind of entry");

static bool customer_row(void *arg, const struct customer_info *c)
{
    struct answer *a = arg;
    uint8_t bytes[ROW_BYTES];
    struct buf row = buf_of(bytes, sizeof bytes);
    buf_lv(&row, c->customer_id);
    cell_number(&row, (uint64_t)c->created_us);
    for (size_t i = 0; i < ENTRY_KIND_COUNT; i++)
        cell_number(&row, c->entries[i]);
    cell_text(&row, c->unassigned ? "unassigned" : "active");
    send_row(a, &row);
    return a->customer == 0; /* one customer was asked for: the first row is his */
}

static enum err customer_list(struct answer *a)
{
    SEND_COLUMNS(a, CUSTOMER_COLUMNS);
    enum err e = directory_customers(a->session->vault->directory, a->customer ? a->customer : 1,
                                     customer_row, a);
    return e == OK ? done(a) : e;
}

static enum err import_begin(struct answer *a)
{
    struct session *s = a->session;
    bool move = control_arg(a->request, "move").n > 0;
    if (s->import)
        s->import = directory_import_free(s->import);
    enum err e =
        directory_import_new(s->vault->directory, move, answer_import_problem, s, &s->import);
    return e == OK ? done(a) : e;
}

static const struct column PROBLEM_COLUMNS[] = {{COLUMN_NUMBER, "line"}, {COLUMN_TEXT, "problem"}};

void answer_import_problem(void *arg, const struct import_problem *p)
{
    struct session *s = arg;
    struct answer a = {.session = s, .id = s->import_id};
    uint8_t bytes[ROW_BYTES];
    struct buf row = buf_of(bytes, sizeof bytes);
    cell_number(&row, p->line);
    cell_text(&row, p->what);
    send_row(&a, &row);
}

/* rows = (be64 line, lv customer id, lv account id, [1] kind, lv value)* */
static enum err import_rows(struct answer *a)
{
    struct session *s = a->session;
    struct reader r = reader_of(control_arg(a->request, "rows"));
    if (!s->import)
        return fail(a, CONTROL_FAILED, "no import was begun");
    s->import_id = a->id;
    SEND_COLUMNS(a, PROBLEM_COLUMNS);
    while (reader_more(&r)) {
        uint64_t line = reader_be64(&r);
        struct span customer = reader_lv(&r), account = reader_lv(&r);
        uint8_t kind = reader_u8(&r);
        struct span value = reader_lv(&r);
        if (!reader_ok(&r) || kind >= ENTRY_KIND_COUNT)
            return ERR_SYNTAX;
        enum err e =
            directory_import_row(s->import, line, customer, account, (enum entry_kind)kind, value);
        if (e != OK && e != ERR_SYNTAX && e != ERR_CONFLICT)
            return e; /* those two were told as a row */
    }
    return done(a);
}

static const struct column IMPORT_COLUMNS[] = {
    {COLUMN_NUMBER, "rows"},      {COLUMN_NUMBER, "added"},       {COLUMN_NUMBER, "changed"},
    {COLUMN_NUMBER, "unchanged"}, {COLUMN_NUMBER, "conflicting"}, {COLUMN_NUMBER, "invalid"}};

static void import_counts_row(struct answer *a, const struct import_counts *c)
{
    uint8_t bytes[ROW_BYTES];
    struct buf row = buf_of(bytes, sizeof bytes);
    const uint64_t counts[] = {c->rows,      c->added,       c->changed,
                               c->unchanged, c->conflicting, c->invalid};
    SEND_COLUMNS(a, IMPORT_COLUMNS);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        cell_number(&row, counts[i]);
    send_row(a, &row);
}

static enum err import_commit(struct answer *a)
{
    struct session *s = a->session;
    struct vault *v = s->vault;
    uint64_t seq;
    if (!s->import)
        return fail(a, CONTROL_FAILED, "no import was begun");
    struct audit_event event = {.action = ACTION_CUSTOMER_WRITE,
                                .role = a->decision.role,
                                .outcome = AUDIT_DONE,
                                .rule = span_str(a->decision.rule),
                                .detail = span_str("customer import")};
    enum err e = vault_flush(v); /* the import's batch is its own: all or nothing */
    if (e == OK)
        e = directory_import_commit(s->import, vault_txn(v), vault_now(v));
    struct import_counts counts = directory_import_counts(s->import);
    s->import = directory_import_free(s->import);
    if (e == OK)
        e = answer_audit(s, &event, &seq);
    if (e == OK)
        e = vault_flush(v);
    if (e != OK && e != ERR_CONFLICT)
        return e;
    import_counts_row(a, &counts);
    return e == OK ? done(a) : fail(a, CONTROL_FAILED, "nothing was changed: see the lines above");
}

struct reassign {
    struct answer *answer;
    uint64_t seen, moved;
    enum err e;
};

enum { REASSIGN_BATCH_RECORDS = TXN_DELETES_MAX };

/* A moved record and its effect on the totals must become durable together. */
static enum err reassign_flush(struct vault *v)
{
    enum err e = windows_checkpoint(v->windows, vault_txn(v), store_next_seq(v->store) - 1);
    return e == OK ? vault_flush(v) : e;
}

static bool reassign_one(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    struct reassign *r = arg;
    struct vault *v = r->answer->session->vault;
    struct record_head h;
    struct span sealed;
    bool moved = false;
    uint64_t owner = 0;
    r->e = record_head_decode(value, &h, &sealed);
    if (r->e == OK)
        r->e = sealer_mask(v->sealer, h.incarnation, seq, h.owner_masked, &owner);
    if (r->e != OK)
        return false;
    if (!feed_unassigned_customer(v, owner))
        return true;
    r->seen++;
    r->e = commit_reassign(v, month, seq, value, &moved);
    r->moved += moved;
    if (r->e == OK && moved && r->moved % REASSIGN_BATCH_RECORDS == 0)
        r->e = reassign_flush(v);
    return r->e == OK;
}

static enum err customer_reassign(struct answer *a)
{
    static const struct column COLUMNS[] = {{COLUMN_NUMBER, "unassigned"},
                                            {COLUMN_NUMBER, "moved"}};
    struct vault *v = a->session->vault;
    struct reassign r = {.answer = a};
    uint8_t bytes[64];
    struct buf row = buf_of(bytes, sizeof bytes);
    uint64_t seq;
    enum err e = feeds_load_unassigned(v); /* a number is known only once it was needed */
    if (e == OK)
        e = vault_flush(v);
    if (e == OK)
        e = store_walk_records(v->store, 1, reassign_one, &r);
    if (e == OK)
        e = r.e;
    if (e == ERR_SYNTAX || e == ERR_DENIED) /* would only end the client: what is half done */
        e = ERR_FORGED;                     /* must not become durable */
    struct audit_event event = {.action = ACTION_CUSTOMER_WRITE,
                                .role = a->decision.role,
                                .outcome = e == OK ? AUDIT_DONE : AUDIT_FAILED,
                                .rule = span_str(a->decision.rule),
                                .detail = span_str("customer reassign")};
    if (e == OK)
        e = answer_audit(a->session, &event, &seq);
    if (e == OK)
        e = reassign_flush(v);
    if (e != OK)
        return e;
    SEND_COLUMNS(a, COLUMNS);
    cell_number(&row, r.seen);
    cell_number(&row, r.moved);
    send_row(a, &row);
    return done(a);
}

/* --- audit --- */

static const struct column AUDIT_COLUMNS[] = {
    {COLUMN_NUMBER, "seq"},    {COLUMN_TIME, "time"},    {COLUMN_TEXT, "action"},
    {COLUMN_TEXT, "role"},     {COLUMN_TEXT, "outcome"}, {COLUMN_NUMBER, "uid"},
    {COLUMN_TEXT, "customer"}, {COLUMN_TEXT, "rule"},    {COLUMN_TEXT, "purpose"},
    {COLUMN_TEXT, "case"},     {COLUMN_TEXT, "detail"},  {COLUMN_TEXT, "chain"}};

static const char *outcome_text(enum audit_outcome o)
{
    switch (o) {
    case AUDIT_ALLOWED:
        return "allowed";
    case AUDIT_DENIED:
        return "denied";
    case AUDIT_DONE:
        return "done";
    case AUDIT_FAILED:
        return "failed";
    }
    return "unknown";
}

static void cell_hex(struct buf *row, const uint8_t *p, size_t n)
{
    uint8_t text[2 * CHAIN_BYTES];
    struct buf b = buf_of(text, sizeof text);
    buf_hex(&b, span_of(p, n));
    buf_lv(row, buf_span(&b));
}

static bool audit_row(void *arg, const struct audit_entry *e)
{
    static const uint8_t NOBODY[CUSTOMER_TOKEN_BYTES];
    struct answer *a = arg;
    uint8_t bytes[ROW_BYTES];
    struct buf row = buf_of(bytes, sizeof bytes);
    cell_number(&row, e->seq);
    cell_number(&row, (uint64_t)e->event.time_us);
    cell_text(&row, action_name(e->event.action));
    cell_text(&row, role_name(e->event.role));
    cell_text(&row, outcome_text(e->event.outcome));
    cell_number(&row, e->event.uid);
    bool nobody = memcmp(e->customer_token, NOBODY, sizeof NOBODY) == 0;
    cell_hex(&row, e->customer_token, nobody ? 0 : sizeof NOBODY);
    buf_lv(&row, e->event.rule);
    buf_lv(&row, e->event.purpose);
    buf_lv(&row, e->event.case_text);
    buf_lv(&row, e->event.detail);
    cell_hex(&row, e->chain, CHAIN_BYTES);
    send_row(a, &row);
    return true;
}

static enum err audit_list(struct answer *a)
{
    uint64_t from = 1;
    struct span arg = control_arg(a->request, "from");
    if (arg.n && span_u64(arg, UINT64_MAX, &from) != OK)
        return fail(a, CONTROL_USAGE, "--from must be a sequence number");
    enum err e = vault_flush(a->session->vault);
    SEND_COLUMNS(a, AUDIT_COLUMNS);
    if (e == OK)
        e = audit_walk(a->session->vault->audit, from, audit_row, a);
    return e == OK ? done(a) : e;
}

static enum err audit_check(struct answer *a)
{
    static const struct column COLUMNS[] = {{COLUMN_NUMBER, "entries"}, {COLUMN_TEXT, "result"}};
    uint64_t count = 0;
    uint8_t bytes[128];
    struct buf row = buf_of(bytes, sizeof bytes);
    enum err e = vault_flush(a->session->vault);
    if (e == OK)
        e = audit_verify(a->session->vault->audit, &count);
    if (e != OK && e != ERR_FORGED)
        return e;
    SEND_COLUMNS(a, COLUMNS);
    cell_number(&row, count);
    cell_text(&row, e == OK ? "intact" : "first bad entry");
    send_row(a, &row);
    return e == OK ? done(a) : fail(a, CONTROL_INTEGRITY, "the audit chain is broken");
}

/* --- keys --- */

static const struct column KEY_COLUMNS[] = {{COLUMN_TEXT, "kind"},
                                            {COLUMN_NUMBER, "epoch"},
                                            {COLUMN_TIME, "created"},
                                            {COLUMN_TEXT, "state"}};

static void epoch_rows(struct answer *a, const char *kind, const struct epoch_info *info, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[128];
        struct buf row = buf_of(bytes, sizeof bytes);
        cell_text(&row, kind);
        cell_number(&row, info[i].epoch);
        cell_number(&row, (uint64_t)info[i].created_us);
        cell_text(&row, info[i].newest ? "newest" : "in use");
        send_row(a, &row);
    }
}

static enum err keys_list(struct answer *a)
{
    struct epoch_info info[STORE_MONTHS_MAX + 1];
    struct keyring *k = a->session->vault->keys;
    SEND_COLUMNS(a, KEY_COLUMNS);
    epoch_rows(a, "kek", info, keyring_keks(k, info, sizeof info / sizeof info[0]));
    epoch_rows(a, "month", info, keyring_months(k, info, sizeof info / sizeof info[0]));
    return done(a);
}

/* A new KEK for customer keys made from now on; older ones stay readable. */
static enum err keys_rotate(struct answer *a)
{
    struct vault *v = a->session->vault;
    struct diag d = {0};
    uint64_t seq;
    enum err e = keyring_rotate(v->keys, vault_now(v), &d);
    if (e == ERR_LIMIT)
        return fail(a, CONTROL_FAILED, "no room for another key epoch");
    struct audit_event event = {.action = ACTION_KEYS_ROTATE,
                                .role = a->decision.role,
                                .outcome = AUDIT_DONE,
                                .rule = span_str(a->decision.rule)};
    if (e == OK)
        e = answer_audit(a->session, &event, &seq);
    if (e == OK)
        e = vault_flush(v);
    return e == OK ? done(a) : e;
}

/* --- verify, status --- */

static enum err verify(struct answer *a)
{
    static const struct column COLUMNS[] = {
        {COLUMN_TEXT, "check"}, {COLUMN_NUMBER, "items"}, {COLUMN_NUMBER, "bad"}};
    struct verify_result result[VERIFY_CHECKS_MAX];
    size_t n = 0;
    bool intact = true, deep = control_arg(a->request, "deep").n > 0;
    enum err e = vault_flush(a->session->vault);
    if (e == OK)
        e = verify_run(a->session->vault, deep, result, &n);
    if (e != OK)
        return e;
    SEND_COLUMNS(a, COLUMNS);
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[256];
        struct buf row = buf_of(bytes, sizeof bytes);
        cell_text(&row, result[i].check);
        cell_number(&row, result[i].items);
        cell_number(&row, result[i].bad);
        send_row(a, &row);
        intact &= result[i].bad == 0;
    }
    return intact ? done(a) : fail(a, CONTROL_INTEGRITY, "the vault is damaged: see the table");
}

static enum err status(struct answer *a)
{
    return status_answer(a->session, a->id, a->request);
}

static enum err consumer_add(struct answer *a)
{
    return offer_consumer_add(a->session, a->id, a->request, &a->decision);
}

static enum err consumer_remove(struct answer *a)
{
    return offer_consumer_remove(a->session, a->id, a->request, &a->decision);
}

static enum err consumer_list(struct answer *a)
{
    return offer_consumer_list(a->session, a->id);
}

/* --- dispatch --- */

static const struct verb {
    const char *name;
    enum action action;
    bool customer; /* wants the argument "customer" */
    bool reads;    /* changes nothing: a damaged row ends the answer, not the vault (I10) */
    verb_fn *run;
} VERBS[] = {
    {"calls list", ACTION_CALLS_LIST, true, true, calls_list},
    {"customer list", ACTION_CUSTOMER_READ, false, true, customer_list},
    {"customer show", ACTION_CUSTOMER_READ, true, true, customer_list},
    {"customer import-begin", ACTION_CUSTOMER_WRITE, false, false, import_begin},
    {"customer import-rows", ACTION_CUSTOMER_WRITE, false, false, import_rows},
    {"customer import-commit", ACTION_CUSTOMER_WRITE, false, false, import_commit},
    {"customer reassign", ACTION_CUSTOMER_WRITE, false, false, customer_reassign},
    {"usage consumer add", ACTION_CONSUMER_WRITE, false, false, consumer_add},
    {"usage consumer remove", ACTION_CONSUMER_WRITE, false, false, consumer_remove},
    {"usage consumer list", ACTION_STATUS, false, true, consumer_list},
    {"audit list", ACTION_AUDIT_READ, false, true, audit_list},
    {"audit verify", ACTION_AUDIT_READ, false, true, audit_check},
    {"keys list", ACTION_KEYS_READ, false, true, keys_list},
    {"keys rotate", ACTION_KEYS_ROTATE, false, false, keys_rotate},
    {"fields list", ACTION_FIELDS, false, true, fields_list},
    {"verify", ACTION_VERIFY, false, true, verify},
    {"status", ACTION_STATUS, false, true, status},
};

static const struct verb *verb_by_name(struct span name)
{
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++)
        if (span_is(name, VERBS[i].name))
            return &VERBS[i];
    return NULL;
}

static enum err deny(struct answer *a, enum action action)
{
    uint64_t seq;
    struct audit_event event = {.action = action,
                                .role = a->decision.role,
                                .outcome = AUDIT_DENIED,
                                .customer = a->customer,
                                .rule = span_str(a->decision.rule),
                                .purpose = control_arg(a->request, "purpose"),
                                .case_text = control_arg(a->request, "case")};
    /* Nothing leaves, so the line may wait for the end of the turn: who is denied again and
     * again costs the others no write each (I10). */
    enum err e = answer_audit(a->session, &event, &seq);
    a->session->vault->totals.denials++;
    return e == OK ? fail(a, CONTROL_DENIED, a->decision.text) : e;
}

/* A person may act in fewer roles than he has: --role narrows, it never adds. */
static enum err narrow_roles(const struct answer *a, role_set *roles)
{
    struct span name = control_arg(a->request, "role");
    enum role role;
    if (name.n == 0)
        return OK;
    if (role_by_name(name, &role) != OK)
        return ERR_NOTFOUND;
    *roles &= (role_set)1 << role;
    return OK;
}

static bool text_too_long(const struct control_request *q)
{
    return control_arg(q, "purpose").n > CUSTOMER_ID_BYTES_MAX ||
           control_arg(q, "case").n > CASE_TEXT_BYTES_MAX;
}

enum err answer_request(struct session *s, uint32_t id, struct span payload)
{
    vault_look_at_clock(s->vault);
    struct control_request request;
    if (control_request_decode(payload, &request, NULL) != OK)
        return ERR_SYNTAX;
    struct answer a = {.session = s, .id = id, .request = &request};
    const struct verb *verb = verb_by_name(request.verb);
    if (!verb)
        return fail(&a, CONTROL_USAGE, "this vault knows no such request");
    if (text_too_long(&request))
        return fail(&a, CONTROL_USAGE, "the purpose or the case text is too long");
    role_set roles = s->peer.roles;
    if (narrow_roles(&a, &roles) != OK)
        return fail(&a, CONTROL_USAGE, "no such role");
    struct span customer = control_arg(&request, "customer");
    enum err found = OK;
    if (verb->customer)
        found = directory_find_customer(s->vault->directory, customer, &a.customer);
    if (found != OK && found != ERR_NOTFOUND)
        return found;
    struct policy_request ask = {.roles = roles,
                                 .action = verb->action,
                                 .purpose = control_arg(&request, "purpose"),
                                 .case_text = control_arg(&request, "case"),
                                 .customer = a.customer};
    a.decision = policy_decide(&ask);
    if (!a.decision.allowed)
        return deny(&a, verb->action); /* first: who may not ask does not learn who exists */
    if (found == ERR_NOTFOUND)
        return fail(&a, CONTROL_NOTFOUND, "no such customer");
    if (verb->action == ACTION_CALLS_LIST)
        s->vault->totals.disclosures++;
    enum err e = verb->run(&a);
    if (verb->reads && (e == ERR_FORGED || e == ERR_VERSION))
        return fail(&a, CONTROL_INTEGRITY, "a row is damaged: run verify");
    return e;
}

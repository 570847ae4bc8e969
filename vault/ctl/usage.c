#include "vault/ctl/usage.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/forward/usage_client.h"
#include "proto/core/instant.h"
#include "proto/core/json_text.h"
#include "vault/ctl/conn.h"
#include "vault/ctl/table.h"

enum {
    PULL_PORT = 7760,
    HINT_PORT = 7761,
    PORT_MAX = 65535,
    CALL_MS = 10000,   /* longest wait for an answer */
    FOLLOW_MS = 30000, /* an empty pull of --follow waits this long at the server */
    AGAIN_MS = 1000,   /* pause before a request is sent again */
    BUSY_TRIES = 10,
    USAGE_ROW_BYTES = 4096
};

/* --- rows as cells --- */

static const struct {
    enum column_kind kind;
    const char *name;
} COLUMNS[] = {
    {COLUMN_TEXT, "account"},    {COLUMN_TIME, "period_start"},  {COLUMN_NUMBER, "period"},
    {COLUMN_TEXT, "service"},    {COLUMN_TEXT, "direction"},     {COLUMN_TEXT, "call_type"},
    {COLUMN_TEXT, "juris"},      {COLUMN_TEXT, "rate_band"},     {COLUMN_NUMBER, "attempts"},
    {COLUMN_NUMBER, "answered"}, {COLUMN_NUMBER, "duration_ms"}, {COLUMN_JSON, "billed"},
    {COLUMN_JSON, "failed"},     {COLUMN_NUMBER, "incomplete"},  {COLUMN_NUMBER, "forwarded"},
    {COLUMN_NUMBER, "revision"}, {COLUMN_NUMBER, "position"},
};

enum err usage_put_columns(struct buf *b)
{
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++)
        control_put_column(b, COLUMNS[i].kind, COLUMNS[i].name);
    return buf_ok(b) ? OK : ERR_LIMIT;
}

static void put_number(struct buf *b, uint64_t value)
{
    uint8_t room[20];
    struct buf digits = buf_of(room, sizeof room);
    buf_dec(&digits, value);
    buf_lv(b, buf_span(&digits));
}

/* {"1/1":60,"6/6":66} */
static void put_counts(struct buf *b, const struct pull_count *count, size_t n)
{
    uint8_t room[USAGE_ROW_BYTES / 4];
    struct buf json = buf_of(room, sizeof room);
    buf_str(&json, "{");
    for (size_t i = 0; i < n; i++) {
        buf_str(&json, i ? "," : "");
        buf_json(&json, count[i].name);
        buf_str(&json, ":");
        buf_dec(&json, count[i].value);
    }
    buf_str(&json, "}");
    b->full |= json.full;
    buf_lv(b, buf_span(&json));
}

enum err usage_put_row(const struct pull_row *row, struct buf *b)
{
    buf_lv(b, row->account);
    put_number(b, (uint64_t)row->period_start_s * US_PER_S);
    put_number(b, row->period_s);
    buf_lv(b, row->service);
    buf_lv(b, row->direction);
    buf_lv(b, row->call_type);
    buf_lv(b, row->juris);
    buf_lv(b, row->rate_band);
    put_number(b, row->attempts);
    put_number(b, row->answered);
    put_number(b, row->duration_ms);
    put_counts(b, row->billed, row->billed_count);
    put_counts(b, row->failed, row->failed_count);
    put_number(b, row->incomplete);
    put_number(b, row->forwarded);
    put_number(b, row->revision);
    put_number(b, row->position);
    return buf_ok(b) ? OK : ERR_LIMIT;
}

/* --- usage pull --- */

struct pull {
    const struct ctl *ctl;
    struct usage_client *client;
    struct table *table;
    struct span stream;
    uint64_t cursor, left;
    bool follow, confirm, columns_printed;
};

static int print_rows(struct pull *p, const struct cu1_answer *a)
{
    uint8_t room[USAGE_ROW_BYTES];
    struct buf b = buf_of(room, sizeof room);
    bool ok = p->columns_printed ||
              (usage_put_columns(&b) == OK && table_columns(p->table, buf_span(&b), NULL) == OK);
    p->columns_printed = true;
    for (size_t i = 0; ok && i < a->rows_count; i++) {
        buf_reset(&b);
        ok = usage_put_row(&a->row[i], &b) == OK && table_row(p->table, buf_span(&b), NULL) == OK;
    }
    return ok ? CONTROL_DONE : ctl_fail(p->ctl, CONTROL_FAILED, "a row is not understood");
}

static int fault(const struct ctl *c, enum cu1_fault f)
{
    enum control_status status = f == CU1_FAULT_DENIED   ? CONTROL_DENIED
                                 : f == CU1_FAULT_STREAM ? CONTROL_NOTFOUND
                                                         : CONTROL_FAILED;
    return ctl_fail(c, status, cu1_fault_text(f));
}

/* One request; BUSY is asked again, and --follow also outlives a restart of the daemon. */
static int call(struct pull *p, const struct cu1_request *q, struct cu1_answer *out)
{
    struct diag d = {.what = "the answer is not understood"};
    for (int tries = 1;; tries++) {
        enum err e = usage_client_call(p->client, q, (int)q->wait_ms + CALL_MS, out, &d);
        bool busy = e == OK && out->kind == CU1_ERROR && out->fault == CU1_FAULT_BUSY;
        if (e != OK && !(e == ERR_NET && p->follow))
            return ctl_fail(p->ctl, ctl_status(e), d.what);
        if (e == OK && !(busy && (p->follow || tries < BUSY_TRIES)))
            return out->kind == CU1_ERROR ? fault(p->ctl, out->fault) : CONTROL_DONE;
        poll(NULL, 0, AGAIN_MS);
    }
}

static int confirm(struct pull *p)
{
    struct cu1_request q = {CU1_CONFIRM, p->stream, p->cursor, 0, 0};
    struct cu1_answer a;
    if (fflush(p->ctl->out) != 0 ||
        ferror(p->ctl->out)) /* what is confirmed is in the reader's hands */
        return ctl_fail(p->ctl, CONTROL_FAILED, "the output could not be written");
    return call(p, &q, &a);
}

/* Until there is no more, or for ever. */
static int pull_all(struct pull *p)
{
    for (;;) {
        uint64_t rows = p->left < CU1_ROWS_DEFAULT ? p->left : CU1_ROWS_DEFAULT;
        struct cu1_request q = {CU1_PULL, p->stream, p->cursor, (uint32_t)rows,
                                p->follow ? FOLLOW_MS : 0};
        struct cu1_answer a;
        int status = call(p, &q, &a);
        if (status != CONTROL_DONE)
            return status;
        if (a.kind != CU1_ROWS)
            return ctl_fail(p->ctl, CONTROL_FAILED, "the answer is not understood");
        uint64_t count = a.rows_count, next = a.cursor;
        status = print_rows(p, &a);
        p->left -= count < p->left ? count : p->left;
        p->cursor = next;
        if (p->follow)
            table_flush(p->table);
        if (status == CONTROL_DONE && p->confirm && count) {
            table_flush(p->table);
            status = confirm(p);
        }
        if (status != CONTROL_DONE || p->left == 0 || (count == 0 && !p->follow))
            return status;
    }
}

static uint64_t number_arg(const struct ctl_args *a, const char *name, uint64_t preset)
{
    uint64_t value = preset;
    const char *text = ctl_arg(a, name);
    if (text && span_u64(span_str(text), UINT64_MAX, &value) != OK)
        value = preset; /* args.c let only digits through */
    return value;
}

static int pull_with(const struct ctl *c, const struct ctl_args *a, const struct key_file *key)
{
    struct diag d = {.what = "out of memory"};
    const char *stream = ctl_arg(a, "stream");
    struct pull p = {.ctl = c,
                     .stream = span_str(stream ? stream : "usage.calls"),
                     .cursor = number_arg(a, "from", 0),
                     .left = number_arg(a, "max", UINT64_MAX),
                     .follow = ctl_arg(a, "follow") != NULL,
                     .confirm = ctl_arg(a, "confirm") != NULL};
    if (p.left == 0)
        return ctl_fail(c, CONTROL_USAGE, "--max must be at least 1");
    enum err e = usage_client_new(key, &p.client, &d);
    if (e == OK)
        e = table_new(c->out, c->format, &p.table);
    int status = e == OK ? pull_all(&p) : ctl_fail(c, CONTROL_FAILED, d.what);
    table_free(p.table);
    usage_client_free(p.client);
    return status;
}

/* An endpoint from the command line over that of the file; false: too long. */
static bool set_endpoint(char out[static KEY_ENDPOINT_BYTES], const char *given)
{
    return !given || snprintf(out, KEY_ENDPOINT_BYTES, "%s", given) < KEY_ENDPOINT_BYTES;
}

int usage_pull_run(const struct ctl *c, const struct ctl_args *a)
{
    struct key_file key;
    struct diag d = {.what = "key file"};
    if (key_file_read(ctl_arg(a, "key"), &key, &d) != OK)
        return ctl_fail(c, CONTROL_FAILED, d.what);
    int status;
    if (key.name[0] && strcmp(key.name, ctl_arg(a, "consumer")) != 0)
        status = ctl_fail(c, CONTROL_USAGE, "the key file is another consumer's");
    else if (!set_endpoint(key.endpoint, ctl_arg(a, "endpoint")))
        status = ctl_fail(c, CONTROL_USAGE, "--endpoint is too long");
    else
        status = pull_with(c, a, &key);
    key_file_wipe(&key);
    return status;
}

/* --- usage consumer add --- */

struct added {
    struct key_file *key;
    bool heard;
};

/* The vault answers with its own public key, which the consumer needs to know it by. */
static bool on_server_key(void *arg, struct span payload)
{
    struct added *added = arg;
    struct reader r = reader_of(payload);
    struct span key = reader_lv(&r);
    if (!reader_ok(&r) || key.n != CONSUMER_KEY_BYTES)
        return false;
    key_text_encode(key.p, added->key->server_key);
    added->heard = true;
    return true;
}

static int register_consumer(const struct ctl *c, const struct ctl_args *a, struct key_file *key)
{
    uint8_t room[1024], public_key[CONSUMER_KEY_BYTES];
    struct buf b = buf_of(room, sizeof room);
    struct conn n;
    struct added added = {key, false};
    struct conn_ops ops = {.row = on_server_key, .arg = &added};
    if (key_text_decode(span_str(key->public_key), public_key) != OK)
        return ctl_fail(c, CONTROL_USAGE, "--public-key is not 40 characters of Z85");
    control_put_verb(&b, a->verb->words);
    control_put_arg(&b, "name", span_str(key->name));
    control_put_arg(&b, "public-key", span_of(public_key, sizeof public_key));
    control_put_arg(&b, "family", span_str(ctl_arg(a, "family")));
    if (ctl_arg(a, "account-id"))
        control_put_arg(&b, "account-id", span_str("1"));
    enum control_status status = conn_open(c, &n);
    if (status != CONTROL_DONE)
        return (int)status;
    status = conn_ask(c, &n, buf_span(&b), &ops);
    conn_close(&n);
    if (status == CONTROL_DONE && !added.heard)
        return ctl_fail(c, CONTROL_FAILED, "the daemon did not say its own key");
    return (int)status;
}

static int print_consumer(const struct ctl *c, const struct key_file *key)
{
    static const char *const NAME[] = {"consumer", "public_key", "server_key"};
    const char *const CELL[] = {key->name, key->public_key, key->server_key};
    uint8_t room[1024];
    struct buf columns = buf_of(room, sizeof room / 2);
    struct buf row = buf_of(room + sizeof room / 2, sizeof room / 2);
    struct table *t;
    for (size_t i = 0; i < 3; i++) {
        control_put_column(&columns, COLUMN_TEXT, NAME[i]);
        buf_lv(&row, span_str(CELL[i]));
    }
    if (table_new(c->out, c->format, &t) != OK)
        return ctl_fail(c, CONTROL_FAILED, "out of memory");
    bool ok = table_columns(t, buf_span(&columns), NULL) == OK &&
              table_row(t, buf_span(&row), NULL) == OK;
    table_free(t);
    return ok ? CONTROL_DONE : ctl_fail(c, CONTROL_FAILED, "the consumer cannot be shown");
}

/* The file is there, with the secret, before the vault learns the public key: a consumer
 * whose secret nobody has would keep its name until somebody removes it. */
static int generate(const struct ctl *c, const struct ctl_args *a, struct key_file *key)
{
    struct diag d = {.what = "key file cannot be written"};
    const char *path = ctl_arg(a, "generate");
    key_file_generate(key);
    if (key_file_write(path, key, &d) != OK)
        return ctl_fail(c, CONTROL_FAILED, d.what);
    int status = register_consumer(c, a, key);
    if (status != CONTROL_DONE) {
        unlink(path);
        return status;
    }
    if (key_file_replace(path, key, &d) != OK)
        return ctl_fail(c, CONTROL_FAILED, d.what);
    return status;
}

/* Where the daemon listens when nobody configured anything else. */
static void preset_endpoint(char out[static KEY_ENDPOINT_BYTES], unsigned port)
{
    const char *offset = getenv("CPNID_PORT_OFFSET");
    uint64_t add = 0;
    if (offset && span_u64(span_str(offset), PORT_MAX - port, &add) != OK)
        add = 0;
    snprintf(out, KEY_ENDPOINT_BYTES, "tcp://127.0.0.1:%" PRIu64, port + add);
}

static int fill_key(const struct ctl *c, const struct ctl_args *a, struct key_file *key)
{
    const char *public_key = ctl_arg(a, "public-key");
    preset_endpoint(key->endpoint, PULL_PORT);
    preset_endpoint(key->hint, HINT_PORT);
    if ((public_key != NULL) == (ctl_arg(a, "generate") != NULL))
        return ctl_fail(c, CONTROL_USAGE, "give either --public-key or --generate");
    if (strlen(a->operand) >= sizeof key->name || (public_key && strlen(public_key) != 40) ||
        !set_endpoint(key->endpoint, ctl_arg(a, "endpoint")) ||
        !set_endpoint(key->hint, ctl_arg(a, "hint")))
        return ctl_fail(c, CONTROL_USAGE, "a name, key or address has not its length");
    snprintf(key->name, sizeof key->name, "%s", a->operand);
    if (public_key)
        snprintf(key->public_key, sizeof key->public_key, "%s", public_key);
    return CONTROL_DONE;
}

int consumer_add_run(const struct ctl *c, const struct ctl_args *a)
{
    struct key_file key = {.name = ""};
    int status = fill_key(c, a, &key);
    if (status == CONTROL_DONE)
        status = ctl_arg(a, "generate") ? generate(c, a, &key) : register_consumer(c, a, &key);
    if (status == CONTROL_DONE)
        status = print_consumer(c, &key);
    key_file_wipe(&key);
    return status;
}

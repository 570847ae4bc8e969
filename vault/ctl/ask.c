#include "vault/ctl/ask.h"

#include "vault/ctl/conn.h"
#include "vault/ctl/progress.h"
#include "vault/ctl/table.h"
#include "vault/ctl/when.h"

enum { REQUEST_BYTES = 8 * 1024 };

/* Times cross as microseconds, so that the vault parses one form only. */
static void put_time(struct buf *b, const char *name, const char *value)
{
    int64_t us = 0;
    uint8_t room[20];
    struct buf digits = buf_of(room, sizeof room);
    if (when_parse(span_str(value), &us) != OK || us < 0)
        us = 0; /* before 1970 there are no calls; args.c refused what is no time */
    buf_dec(&digits, (uint64_t)us);
    control_put_arg(b, name, buf_span(&digits));
}

enum err ask_put(const struct ctl_args *a, struct buf *b)
{
    control_put_verb(b, a->verb->words);
    if (a->operand && a->verb->operand_arg)
        control_put_arg(b, a->verb->operand_arg, span_str(a->operand));
    for (size_t i = 0; i < a->verb->options_count; i++) {
        const struct ctl_option *o = &a->verb->option[i];
        if (!a->value[i] || o->kind == OPTION_LOCAL)
            continue;
        if (o->kind == OPTION_TIME)
            put_time(b, o->name, a->value[i]);
        else
            control_put_arg(b, o->name, span_str(a->value[i]));
    }
    return buf_ok(b) ? OK : ERR_LIMIT;
}

struct listing {
    struct table *table;
    struct progress progress;
};

static bool on_columns(void *arg, struct span payload)
{
    struct listing *l = arg;
    return table_columns(l->table, payload, NULL) == OK;
}

static bool on_row(void *arg, struct span payload)
{
    struct listing *l = arg;
    progress_clear(&l->progress);
    return table_row(l->table, payload, NULL) == OK;
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct listing *l = arg;
    progress_show(&l->progress, done, total);
}

static int list(const struct ctl *c, struct span request)
{
    struct conn n;
    struct listing l = {.progress = progress_on(c->err)};
    struct conn_ops ops = {on_columns, on_row, on_progress, &l};
    enum control_status status = conn_open(c, &n);
    if (status != CONTROL_DONE)
        return (int)status;
    if (table_new(c->out, c->format, &l.table) != OK)
        status = (enum control_status)ctl_fail(c, CONTROL_FAILED, "out of memory");
    else
        status = conn_ask(c, &n, request, &ops);
    progress_clear(&l.progress);
    table_free(l.table);
    conn_close(&n);
    return (int)status;
}

static int ask_with(const struct ctl *c, const struct ctl_args *a, const char *name,
                    const char *value)
{
    uint8_t room[REQUEST_BYTES];
    struct buf request = buf_of(room, sizeof room);
    enum err e = ask_put(a, &request);
    if (value)
        control_put_arg(&request, name, span_str(value));
    if (e != OK || !buf_ok(&request))
        return ctl_fail(c, CONTROL_USAGE, "an option is too long");
    return list(c, buf_span(&request));
}

int ask_run(const struct ctl *c, const struct ctl_args *a)
{
    return ask_with(c, a, NULL, NULL);
}

int calls_run(const struct ctl *c, const struct ctl_args *a)
{
    bool preset = !ctl_arg(a, "columns");
    const char *columns = c->format == FORMAT_TABLE ? "brief" : "all";
    return ask_with(c, a, "columns", preset ? columns : NULL);
}

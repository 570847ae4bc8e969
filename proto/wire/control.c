#include "proto/wire/control.h"

enum err control_request_decode(struct span in, struct control_request *out, struct diag *d)
{
    struct reader r = reader_of(in);
    struct span verb = reader_lv(&r);
    if (!reader_ok(&r) || verb.n == 0)
        return diag_set(d, ERR_SYNTAX, "verb", 0);
    size_t count = 0;
    while (reader_more(&r)) {
        size_t at = reader_at(&r);
        if (count == CONTROL_ARGS_MAX)
            return diag_set(d, ERR_LIMIT, "more arguments than any verb takes", at);
        struct span name = reader_lv(&r);
        struct span value = reader_lv(&r);
        if (!reader_ok(&r) || name.n == 0)
            return diag_set(d, ERR_SYNTAX, "argument", at);
        out->arg[count++] = (struct control_arg){name, value};
    }
    out->verb = verb;
    out->args_count = count;
    return OK;
}

struct span control_arg(const struct control_request *r, const char *name)
{
    for (size_t i = 0; i < r->args_count; i++)
        if (span_is(r->arg[i].name, name))
            return r->arg[i].value;
    return SPAN_EMPTY;
}

void control_put_verb(struct buf *b, const char *verb)
{
    buf_lv(b, span_str(verb));
}

/* Name and value both or neither: a name without its value would shift all that follow. */
void control_put_arg(struct buf *b, const char *name, struct span value)
{
    size_t before = b->n;
    buf_lv(b, span_str(name));
    buf_lv(b, value);
    if (b->full)
        b->n = before;
}

void control_put_column(struct buf *b, enum column_kind kind, const char *name)
{
    size_t before = b->n;
    buf_u8(b, (uint8_t)kind);
    buf_lv(b, span_str(name));
    if (b->full)
        b->n = before;
}

void control_put_end(struct buf *b, enum control_status status, const char *text)
{
    size_t before = b->n;
    buf_u8(b, (uint8_t)status);
    buf_lv(b, span_str(text));
    if (b->full)
        b->n = before;
}

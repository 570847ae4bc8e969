#include "proto/core/logfmt.h"

#include "proto/core/instant.h"

void logfmt_begin(struct logfmt *l, int64_t now_us, const char *level, const char *role,
                  const char *event)
{
    l->b = buf_of(l->line, sizeof l->line - 1); /* the newline always fits */
    buf_str(&l->b, "ts=");
    instant_format(&l->b, now_us);
    logfmt_str(l, "level", level);
    logfmt_str(l, "role", role);
    logfmt_str(l, "event", event);
}

static bool plain(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\')
            return false;
    return s.n > 0;
}

static void put_quoted(struct buf *b, struct span s)
{
    buf_u8(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i];
        if (c == '"' || c == '\\')
            buf_u8(b, '\\');
        buf_u8(b, c);
    }
    buf_u8(b, '"');
}

void logfmt_text(struct logfmt *l, const char *key, struct span value)
{
    size_t before = l->b.n;
    buf_str(&l->b, " ");
    buf_str(&l->b, key);
    buf_str(&l->b, "=");
    if (plain(value))
        buf_put(&l->b, value);
    else
        put_quoted(&l->b, value);
    if (!buf_ok(&l->b)) { /* a pair goes in whole or not at all */
        l->b.n = before;
        l->b.full = false;
    }
}

void logfmt_str(struct logfmt *l, const char *key, const char *value)
{
    logfmt_text(l, key, span_str(value));
}

void logfmt_number(struct logfmt *l, const char *key, uint64_t value)
{
    uint8_t digits[20];
    struct buf b = buf_of(digits, sizeof digits);
    buf_dec(&b, value);
    logfmt_text(l, key, buf_span(&b));
}

struct span logfmt_end(struct logfmt *l)
{
    l->line[l->b.n] = '\n';
    return span_of(l->line, l->b.n + 1);
}

#include "vault/ctl/when.h"

enum { DATE_BYTES = 10, OFFSET_BYTES = 6, SECONDS_BYTES = 19 };

/* "+hh:mm" or "-hh:mm" (RFC 3339 5.6): how far local time is ahead of UTC. */
static enum err offset_parse(struct span t, int64_t *out_us)
{
    uint64_t hours, minutes;
    if (t.p[3] != ':' || span_u64(span_sub(t, 1, 2), 23, &hours) != OK ||
        span_u64(span_sub(t, 4, 2), 59, &minutes) != OK)
        return ERR_SYNTAX;
    int64_t us = (int64_t)(hours * 60 + minutes) * 60 * US_PER_S;
    *out_us = t.p[0] == '-' ? -us : us;
    return OK;
}

static bool has_offset(struct span t)
{
    uint8_t sign = t.n >= SECONDS_BYTES + OFFSET_BYTES ? t.p[t.n - OFFSET_BYTES] : 0;
    return sign == '+' || sign == '-';
}

static enum err date_parse(struct span t, int64_t *out_us)
{
    uint8_t room[SECONDS_BYTES];
    struct buf b = buf_of(room, sizeof room);
    buf_put(&b, t);
    buf_str(&b, " 00:00:00");
    return instant_parse(buf_span(&b), out_us);
}

enum err when_parse(struct span text, int64_t *out_us)
{
    int64_t us, ahead_us = 0;
    if (text.n == DATE_BYTES)
        return date_parse(text, out_us);
    if (has_offset(text)) {
        if (offset_parse(span_from(text, text.n - OFFSET_BYTES), &ahead_us) != OK)
            return ERR_SYNTAX;
        text.n -= OFFSET_BYTES;
        if (text.p[text.n - 1] == 'Z')
            return ERR_SYNTAX;
    }
    enum err e = instant_parse(text, &us);
    if (e == OK)
        *out_us = us - ahead_us;
    return e;
}

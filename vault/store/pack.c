#include "vault/store/pack.h"

#include <stdlib.h>

#include "proto/core/check.h"

enum { LENGTH_BYTES_MAX = 3, FORMAT_BYTES = 1 };
_Static_assert(PACK_VALUE_BYTES_MAX < 1 << (7 * LENGTH_BYTES_MAX), "a length fits its varint");

enum err pack_init(struct pack *p)
{
    size_t cap = FORMAT_BYTES + PACK_BYTES + LENGTH_BYTES_MAX + PACK_VALUE_BYTES_MAX;
    *p = (struct pack){.bytes = buf_of(malloc(cap), cap)};
    return p->bytes.p ? OK : ERR_NOMEM;
}

void pack_done(struct pack *p)
{
    free(p->bytes.p);
    p->bytes.p = NULL;
}

bool pack_takes(const struct pack *p, unsigned table, size_t value_bytes)
{
    if (p->count == 0)
        return value_bytes <= PACK_VALUE_BYTES_MAX;
    return p->table == table && p->count < PACK_RECORDS_MAX &&
           p->bytes.n + LENGTH_BYTES_MAX + value_bytes <= PACK_BYTES;
}

void pack_add(struct pack *p, unsigned table, uint64_t seq, struct span value)
{
    CHECK(pack_takes(p, table, value.n) && value.n > 0);
    CHECK(p->count == 0 || seq == p->first + p->count);
    if (p->count == 0) {
        p->table = table;
        p->first = seq;
        buf_u8(&p->bytes, PACK_FORMAT);
    }
    buf_lv(&p->bytes, value);
    CHECK(buf_ok(&p->bytes));
    p->count++;
}

void pack_reset(struct pack *p)
{
    p->count = 0;
    buf_reset(&p->bytes);
}

struct pack_reader pack_reader_of(struct span key, struct span row)
{
    struct reader k = reader_of(key);
    struct pack_reader r = {.next = reader_be64(&k), .in = reader_of(row)};
    if (reader_u8(&r.in) != PACK_FORMAT || !reader_ok(&k))
        r.in.failed = true;
    return r;
}

bool pack_next(struct pack_reader *r, uint64_t *seq, struct span *value)
{
    while (reader_more(&r->in)) {
        *seq = r->next++;
        *value = reader_lv(&r->in);
        if (value->n > 0)
            return true;
    }
    return false;
}

bool pack_ok(const struct pack_reader *r)
{
    return reader_ok(&r->in);
}

uint64_t pack_end(struct span key, struct span row)
{
    struct pack_reader r = pack_reader_of(key, row);
    for (; reader_more(&r.in); r.next++)
        reader_lv(&r.in);
    return r.next;
}

enum err pack_find(struct span key, struct span row, uint64_t seq, struct span *out)
{
    struct pack_reader r = pack_reader_of(key, row);
    struct span value;
    for (uint64_t at; pack_next(&r, &at, &value) && at <= seq;) {
        if (at != seq)
            continue;
        *out = value;
        return OK;
    }
    return pack_ok(&r) ? ERR_NOTFOUND : ERR_FORGED;
}

enum err pack_without(struct span key, struct span row, uint64_t seq, struct buf *out)
{
    struct span gone, value;
    enum err e = pack_find(key, row, seq, &gone);
    if (e != OK)
        return e;
    struct pack_reader r = pack_reader_of(key, row);
    bool more = false;
    for (uint64_t at; pack_next(&r, &at, &value);)
        more = more || at != seq;
    if (!pack_ok(&r))
        return ERR_FORGED;
    if (!more)
        return OK;
    r = pack_reader_of(key, row);
    buf_u8(out, PACK_FORMAT);
    while (reader_more(&r.in)) {
        value = reader_lv(&r.in);
        buf_lv(out, value.p == gone.p ? SPAN_EMPTY : value);
    }
    return buf_ok(out) ? OK : ERR_LIMIT;
}

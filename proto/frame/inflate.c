#include "proto/frame/inflate.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

/* What zlib 1.2 and 1.3 take: a state of 7 KB and a window of 32 KB, each once, and room to
 * grow. Ours, because zlib's own would be given back to the heap with text still in it. */
enum { MEMORY_BYTES = 64 * 1024 };

/* Window bits 15: the largest window; + 32: zlib or gzip, by the head. */
enum { WINDOW_BITS = 15 + 32 };

struct inflater {
    z_stream z;
    bool ended; /* the member in work is complete: the next byte begins another */
    bool holds; /* output stopped at a full buffer: zlib may have more without more input */
    size_t taken;
    _Alignas(16) uint8_t memory[MEMORY_BYTES];
};

static voidpf take_memory(voidpf opaque, uInt count, uInt bytes)
{
    struct inflater *f = opaque;
    size_t n = ((size_t)count * bytes + 15) & ~(size_t)15;
    if (n > sizeof f->memory - f->taken)
        return Z_NULL;
    f->taken += n;
    return f->memory + f->taken - n;
}

static void leave_memory(voidpf opaque, voidpf p)
{
    (void)opaque; /* all of it goes with the inflater */
    (void)p;
}

enum err inflater_new(struct inflater **out_inflater)
{
    struct inflater *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->z.zalloc = take_memory;
    f->z.zfree = leave_memory;
    f->z.opaque = f;
    if (inflateInit2(&f->z, WINDOW_BITS) != Z_OK) {
        inflater_free(f);
        return ERR_NOMEM;
    }
    *out_inflater = f;
    return OK;
}

struct inflater *inflater_free(struct inflater *f)
{
    if (f)
        explicit_bzero(f, sizeof *f);
    free(f);
    return NULL;
}

void inflater_reset(struct inflater *f)
{
    inflateReset(&f->z);
    f->ended = false;
    f->holds = false;
}

static bool over_ratio(const z_stream *z)
{
    return z->total_out > INFLATE_FREE_BYTES &&
           (z->total_out - INFLATE_FREE_BYTES) / INFLATE_RATIO_MAX > z->total_in;
}

/* Runs zlib once; its results become ours here and nowhere else. OK also when it only waits for
 * more input or more room. */
static enum err step(struct inflater *f, int flush, struct span *in, struct buf *out,
                     struct diag *d)
{
    f->z.next_in = in->p;
    f->z.avail_in = (uInt)in->n;
    f->z.next_out = out->p + out->n;
    f->z.avail_out = (uInt)(out->cap - out->n);
    int z = inflate(&f->z, flush);
    size_t used = in->n - f->z.avail_in;
    *in = span_from(*in, used);
    out->n = out->cap - f->z.avail_out;
    f->ended = z == Z_STREAM_END;
    f->holds = !f->ended && out->n == out->cap;
    if (z == Z_MEM_ERROR)
        return diag_set(d, ERR_NOMEM, "memory for inflate", used);
    if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
        return diag_set(d, ERR_SYNTAX, "damaged compressed data", used);
    if (over_ratio(&f->z))
        return diag_set(d, ERR_LIMIT, "compression ratio", used);
    return OK;
}

enum err inflater_whole(struct inflater *f, struct span in, struct buf *out, struct diag *d)
{
    size_t cap = out->cap < INFLATED_BYTES_MAX ? out->cap : INFLATED_BYTES_MAX;
    struct buf room = buf_of(out->p, cap);
    struct span rest = in;
    inflater_reset(f);
    buf_reset(out);
    /* Z_FINISH: zlib writes straight into `out` and keeps no window of the text. */
    enum err e = step(f, Z_FINISH, &rest, &room, d);
    if (e != OK)
        return e;
    if (f->holds)
        return diag_set(d, ERR_LIMIT, "inflated size", in.n - rest.n);
    if (!f->ended || rest.n)
        return diag_set(d, ERR_SYNTAX, "compressed data ends elsewhere", in.n - rest.n);
    out->n = room.n;
    return OK;
}

enum err inflater_feed(struct inflater *f, struct span *in, struct buf *out, struct diag *d)
{
    while ((in->n || f->holds) && out->n < out->cap) {
        if (f->ended)
            inflater_reset(f);
        enum err e = step(f, Z_NO_FLUSH, in, out, d);
        if (e != OK)
            return e;
    }
    return in->n || f->holds ? ERR_FULL : OK;
}

#include "proto/core/reader.h"
#include "vault/store/inside.h"

/* A segment is sealed when its records are in the log. If the log is lost afterwards, the
 * families know records that are gone. */
struct cutting {
    struct store *store;
    enum family family;
    uint64_t lost;
};

/* The sequence stands in the value of "seen" and at the end of a key of "postings". */
static bool cut_row(void *arg, struct span key, struct span value)
{
    const struct cutting *c = arg;
    struct span where = c->family == FAMILY_SEEN ? value : span_from(key, DAY_TAG_BYTES);
    struct reader r = reader_of(where);
    if (reader_be64(&r) >= c->lost)
        c->store->ops->del(c->store->engine, c->family, key);
    return true;
}

enum err repair_index(struct store *s, uint64_t lost)
{
    static const enum family INDEXES[] = {FAMILY_SEEN, FAMILY_POSTINGS};
    enum err e = OK;
    for (size_t i = 0; e == OK && i < sizeof INDEXES / sizeof *INDEXES; i++) {
        struct cutting c = {s, INDEXES[i], lost};
        e = store_walk(s, INDEXES[i], SPAN_EMPTY, cut_row, &c);
    }
    uint8_t sealed[SEQ_BYTES];
    struct buf b = buf_of(sealed, sizeof sealed);
    if (e == OK)
        e = store_get(s, FAMILY_META, STORE_KEY_SEALED, &b);
    if (e != OK)
        return e == ERR_NOTFOUND ? OK : e;
    struct reader r = reader_of(buf_span(&b));
    if (reader_be64(&r) >= lost) {
        seq_key(sealed, lost - 1);
        s->ops->put(s->engine, FAMILY_META, STORE_KEY_SEALED, span_of(sealed, sizeof sealed));
    }
    return OK;
}

#include "vault/store/inside.h"

struct verifying {
    struct store *store;
    uint64_t records, sealed;
    const char *what; /* what is wrong; NULL = nothing */
    enum err failed;
};

static bool verify_row(void *arg, uint32_t month, uint64_t seq, struct span value)
{
    (void)month;
    struct verifying *v = arg;
    struct record_head h;
    struct span sealed;
    v->records++;
    if (record_head_decode(value, &h, &sealed) != OK)
        v->what = "a record row has no head";
    else if (seq >= v->store->head.next_seq)
        v->what = "a record row is ahead of the state row";
    if (v->what || seq > v->sealed)
        return !v->what;
    bool seen = false;
    uint64_t posted = 0;
    size_t count = 0;
    v->failed = index_seen(v->store->index, h.dup_tag, &seen);
    if (v->failed == OK)
        v->failed = index_postings(v->store->index, h.day_tag, seq, seq + 1, &posted, 1, &count);
    if (v->failed == OK && !seen)
        v->what = "a duplicate tag of a sealed segment is missing";
    else if (v->failed == OK && count != 1)
        v->what = "a posting of a sealed segment is missing";
    return v->failed == OK && !v->what;
}

static bool verify_any(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value; /* reading it checks its block */
    return true;
}

enum err store_verify(struct store *s, struct diag *d)
{
    for (unsigned f = 0; f < FAMILY_COUNT; f++)
        if (store_walk(s, (enum family)f, SPAN_EMPTY, verify_any, NULL) != OK)
            return diag_set(d, ERR_FORGED, "a block of the database fails its checksum", 0);
    struct verifying v = {.store = s, .sealed = s->noted_sealed};
    enum err e = store_walk_records(s, 0, verify_row, &v);
    if (e != OK)
        return diag_set(d, ERR_FORGED, "a record block of the database fails its checksum", 0);
    if (v.failed != OK)
        return diag_set(d, v.failed, "the index cannot be read", 0);
    if (!v.what && v.records != s->records)
        v.what = "records are missing";
    return v.what ? diag_set(d, ERR_FORGED, v.what, 0) : OK;
}

#include "vault/directory/directory.h"

#include <stdlib.h>

#include "vault/directory/state.h"

void directory_count(struct directory *dir, enum entry_kind kind, uint8_t prefix_bytes)
{
    dir->entries[kind]++;
    if (kind == ENTRY_RANGE)
        dir->prefixes[prefix_bytes]++;
}

/* --- open --- */

struct load {
    struct directory *dir;
    enum err err;
};

static enum err load_entry(struct directory *dir, struct span key, struct span value)
{
    struct entry_row row;
    enum err e = entry_row_open(&dir->rows, key, value, &row);
    if (e == OK && (row.prefix_bytes > PREFIX_BYTES_MAX || row.owner.customer == 0 ||
                    row.owner.customer > OWNER_ORDINAL_MAX || row.owner.account == 0 ||
                    row.owner.account > OWNER_ORDINAL_MAX))
        e = ERR_VERSION; /* sealed by us, yet with limits that we do not know */
    if (e == OK)
        e = owner_table_reserve(&dir->table, 1);
    if (e != OK)
        return e;
    owner_table_put(&dir->table, key.p, row.owner);
    directory_count(dir, row.kind, row.prefix_bytes);
    return OK;
}

static bool load_step(void *arg, struct span key, struct span value)
{
    struct load *load = arg;
    load->err = load_entry(load->dir, key, value);
    return load->err == OK;
}

static enum err load_entries(struct directory *dir)
{
    struct load load = {dir, OK};
    enum err e = store_walk(dir->rows.store, FAMILY_DIRECTORY, SPAN_EMPTY, load_step, &load);
    return e == OK ? load.err : e;
}

static enum err load_unassigned_account(struct directory *dir)
{
    uint8_t tag[TAG_BYTES];
    uint64_t ordinal = 0;
    name_tag(&dir->rows, FAMILY_ACCOUNTS, span_str(UNASSIGNED_NAME), tag);
    enum err e = name_find(&dir->rows, FAMILY_ACCOUNTS, tag, &ordinal);
    dir->unassigned_account = (uint32_t)ordinal;
    return e == ERR_NOTFOUND ? OK : e;
}

enum err directory_open(struct store *s, struct keyring *k, struct directory **out, struct diag *d)
{
    struct directory *dir = calloc(1, sizeof *dir);
    if (!dir)
        return ERR_NOMEM;
    dir->rows = (struct rows){s, k};
    enum err e = owner_cache_init(&dir->cache, k);
    if (e == OK)
        e = name_next(&dir->rows, FAMILY_CUSTOMERS, &dir->next_customer);
    if (e == OK)
        e = name_next(&dir->rows, FAMILY_ACCOUNTS, &dir->next_account);
    if (e == OK)
        e = load_unassigned_account(dir);
    if (e == OK)
        e = load_entries(dir);
    if (e != OK) {
        directory_close(dir);
        return diag_set(d, e, "the customer directory cannot be read", 0);
    }
    *out = dir;
    return OK;
}

struct directory *directory_close(struct directory *dir)
{
    if (!dir)
        return NULL;
    owner_cache_done(&dir->cache);
    owner_table_done(&dir->table);
    explicit_bzero(dir, sizeof *dir);
    free(dir);
    return NULL;
}

/* --- unassigned customers --- */

static struct span customer_key(uint64_t customer, uint8_t room[static 8])
{
    struct buf b = buf_of(room, 8);
    buf_be64(&b, customer);
    return buf_span(&b);
}

enum err customer_put(const struct rows *r, struct txn *t, uint64_t ordinal,
                      const uint8_t tag[static TAG_BYTES], const struct name_row *row,
                      uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    uint8_t key[8];
    keyring_customer_new(r->keys, ordinal, wrapped);
    txn_put(t, FAMILY_KEYS, customer_key(ordinal, key), span_of(wrapped, WRAPPED_KEY_BYTES));
    return name_put(r, t, FAMILY_CUSTOMERS, ordinal, tag, row);
}

static struct unassigned *unassigned_of(struct directory *dir, struct span feed)
{
    for (size_t i = 0; i < dir->unassigned_count; i++) {
        struct unassigned *u = &dir->unassigned[i];
        if (span_eq(span_of(u->feed, u->feed_bytes), feed))
            return u;
    }
    return NULL;
}

static enum err make_unassigned_account(struct directory *dir, struct txn *t)
{
    uint8_t tag[TAG_BYTES];
    struct name_row row = {NAME_UNASSIGNED, 0, span_str(UNASSIGNED_NAME)};
    if (dir->unassigned_account)
        return OK;
    if (dir->next_account > OWNER_ORDINAL_MAX)
        return ERR_LIMIT;
    name_tag(&dir->rows, FAMILY_ACCOUNTS, row.id, tag);
    enum err e = name_put(&dir->rows, t, FAMILY_ACCOUNTS, dir->next_account, tag, &row);
    if (e == OK)
        e = name_next_put(&dir->rows, t, FAMILY_ACCOUNTS, dir->next_account + 1);
    if (e == OK)
        dir->unassigned_account = (uint32_t)dir->next_account++;
    return e;
}

static enum err make_unassigned(struct directory *dir, struct txn *t, struct unassigned *u,
                                const uint8_t tag[static TAG_BYTES], struct span id)
{
    struct name_row row = {NAME_UNASSIGNED, 0, id};
    if (dir->next_customer > OWNER_ORDINAL_MAX)
        return ERR_LIMIT;
    u->owner.customer = dir->next_customer;
    enum err e = customer_put(&dir->rows, t, u->owner.customer, tag, &row, u->wrapped);
    if (e == OK)
        e = name_next_put(&dir->rows, t, FAMILY_CUSTOMERS, dir->next_customer + 1);
    if (e != OK)
        return e;
    dir->next_customer++;
    u->made = store_commit_number(dir->rows.store) + 1;
    return OK;
}

/* Finds or makes the feed's customer; fills *u. */
static enum err unassigned_fill(struct directory *dir, struct txn *t, struct unassigned *u)
{
    uint8_t room[CUSTOMER_ID_BYTES_MAX], tag[TAG_BYTES];
    struct buf id = buf_of(room, sizeof room);
    buf_str(&id, UNASSIGNED_NAME ":");
    buf_bytes(&id, u->feed, u->feed_bytes);
    name_tag(&dir->rows, FAMILY_CUSTOMERS, buf_span(&id), tag);
    enum err e = make_unassigned_account(dir, t);
    if (e != OK)
        return e;
    u->owner.account = dir->unassigned_account;
    e = name_find(&dir->rows, FAMILY_CUSTOMERS, tag, &u->owner.customer);
    return e == ERR_NOTFOUND ? make_unassigned(dir, t, u, tag, buf_span(&id)) : e;
}

enum err directory_unassigned(struct directory *dir, struct txn *t, struct span feed,
                              struct owner *out)
{
    const struct unassigned *known = unassigned_of(dir, feed);
    if (known) {
        *out = known->owner;
        return OK;
    }
    if (feed.n == 0 || feed.n > FEED_NAME_BYTES_MAX || dir->unassigned_count == FEEDS_MAX)
        return ERR_LIMIT;
    struct unassigned *u = &dir->unassigned[dir->unassigned_count];
    *u = (struct unassigned){.feed_bytes = feed.n};
    memcpy(u->feed, feed.p, feed.n);
    enum err e = unassigned_fill(dir, t, u);
    if (e != OK)
        return e;
    dir->unassigned_count++;
    *out = u->owner;
    return OK;
}

/* --- reading --- */

enum err directory_find_customer(struct directory *dir, struct span customer_id, uint64_t *out)
{
    uint8_t tag[TAG_BYTES];
    name_tag(&dir->rows, FAMILY_CUSTOMERS, customer_id, tag);
    return name_find(&dir->rows, FAMILY_CUSTOMERS, tag, out);
}

static enum err put_id(struct directory *dir, enum family f, uint64_t ordinal, struct buf *out)
{
    uint8_t room[ROW_PLAIN_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    struct name_row row;
    enum err e = name_row_get(&dir->rows, f, ordinal, &b, &row);
    if (e == OK)
        buf_put(out, row.id);
    explicit_bzero(room, sizeof room);
    return e == OK && !buf_ok(out) ? ERR_LIMIT : e;
}

enum err directory_customer_id(struct directory *dir, uint64_t customer, struct buf *out)
{
    return put_id(dir, FAMILY_CUSTOMERS, customer, out);
}

enum err directory_account_id(struct directory *dir, uint32_t account, struct buf *out)
{
    return put_id(dir, FAMILY_ACCOUNTS, account, out);
}

struct customers_walk {
    struct directory *dir;
    customer_fn *fn;
    void *arg;
    enum err err;
};

static bool customers_step(void *arg, struct span key, struct span value)
{
    struct customers_walk *w = arg;
    uint8_t room[ROW_PLAIN_BYTES_MAX];
    struct buf b = buf_of(room, sizeof room);
    struct customer_info info = {0};
    struct name_row row;
    if (!name_key_ordinal(key, &info.customer))
        return false; /* behind the last customer */
    w->err = rows_open(&w->dir->rows, FAMILY_CUSTOMERS, key, value, &b);
    if (w->err == OK)
        w->err = name_row_decode(buf_span(&b), &row);
    if (w->err == OK)
        w->err = counts_get(&w->dir->rows, info.customer, info.entries);
    if (w->err != OK)
        return false;
    info.customer_id = row.id;
    info.created_us = row.created_us;
    info.unassigned = row.flags & NAME_UNASSIGNED;
    bool go_on = w->fn(w->arg, &info);
    explicit_bzero(room, sizeof room);
    return go_on;
}

enum err directory_customers(struct directory *dir, uint64_t from, customer_fn *fn, void *arg)
{
    uint8_t room[ROW_KEY_BYTES_MAX];
    struct customers_walk w = {dir, fn, arg, OK};
    enum err e =
        store_walk(dir->rows.store, FAMILY_CUSTOMERS, name_key(from, room), customers_step, &w);
    return e == OK ? w.err : e;
}

/* The key of a customer whose row cannot be read yet. */
static bool key_in_flight(const struct directory *dir, uint64_t customer,
                          uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    for (size_t i = 0; i < dir->unassigned_count; i++) {
        const struct unassigned *u = &dir->unassigned[i];
        if (u->owner.customer == customer && u->made > store_durable_number(dir->rows.store)) {
            memcpy(wrapped, u->wrapped, WRAPPED_KEY_BYTES);
            return true;
        }
    }
    return false;
}

enum err directory_load_key(void *arg, uint64_t customer, uint8_t wrapped[static WRAPPED_KEY_BYTES])
{
    const struct directory *dir = arg;
    uint8_t key[8], room[WRAPPED_KEY_BYTES];
    struct buf value = buf_of(room, sizeof room);
    if (key_in_flight(dir, customer, wrapped))
        return OK;
    enum err e = store_get(dir->rows.store, FAMILY_KEYS, customer_key(customer, key), &value);
    if (e == ERR_LIMIT || (e == OK && value.n != sizeof room))
        e = ERR_FORGED;
    if (e == OK)
        memcpy(wrapped, room, sizeof room);
    return e;
}

struct directory_stats directory_stats(const struct directory *dir)
{
    return (struct directory_stats){
        .customers = dir->next_customer - 1,
        .accounts = dir->next_account - 1,
        .entries = dir->table.count,
        .cache_hits = dir->cache.hits,
        .cache_misses = dir->cache.misses,
        .memory_bytes =
            sizeof *dir + owner_table_bytes(&dir->table) + CACHE_SETS * sizeof *dir->cache.set,
    };
}

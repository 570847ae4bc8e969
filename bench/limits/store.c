#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"
#include "proto/core/buf.h"

enum { ROWS_A_WRITE = 1024, VALUE_BYTES = 300, PATH_BYTES = 512 };

struct db {
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *synced;
    rocksdb_writebatch_t *batch;
    rocksdb_t *db; /* NULL: not open */
};

static struct db db_open(const char *dir)
{
    char path[PATH_BYTES], *fault = NULL;
    struct db d = {rocksdb_options_create(), rocksdb_writeoptions_create(),
                   rocksdb_writebatch_create(), NULL};
    snprintf(path, sizeof path, "%s/db", dir);
    rocksdb_options_set_create_if_missing(d.options, 1);
    rocksdb_options_set_compression(d.options, rocksdb_no_compression); /* sealed bytes have none */
    rocksdb_writeoptions_set_sync(d.synced, 1);
    d.db = rocksdb_open(d.options, path, &fault);
    free(fault);
    return d;
}

static void db_close(struct db *d)
{
    if (d->db)
        rocksdb_close(d->db);
    rocksdb_writebatch_destroy(d->batch);
    rocksdb_writeoptions_destroy(d->synced);
    rocksdb_options_destroy(d->options);
}

static enum err write_rows(struct db *d, uint64_t from)
{
    static const char VALUE[VALUE_BYTES] = {1};
    char *fault = NULL;
    rocksdb_writebatch_clear(d->batch);
    for (uint64_t seq = from; seq < from + ROWS_A_WRITE; seq++) {
        uint8_t key[8];
        struct buf b = buf_of(key, sizeof key);
        buf_be64(&b, seq);
        rocksdb_writebatch_put(d->batch, (const char *)key, sizeof key, VALUE, sizeof VALUE);
    }
    rocksdb_write(d->db, d->synced, d->batch, &fault);
    enum err e = fault ? ERR_STORE : OK;
    free(fault);
    return e;
}

enum err limit_store(const struct limits_once *o, double *out)
{
    struct db d = db_open(o->dir);
    uint64_t rows = 0, start = pace_now_us();
    enum err e = d.db ? OK : ERR_STORE;
    do {
        if (e == OK)
            e = write_rows(&d, rows);
        rows += ROWS_A_WRITE;
    } while (e == OK && pace_now_us() < o->until_us);
    *out = limit_rate((double)rows, start);
    db_close(&d);
    return e;
}

/* rocks.c - the engine that is shipped, on RocksDB; nothing else includes its header.
 *
 * Options follow measurements: append order and no compression for sealed values (nothing
 * to gain); mode 0 of log recovery, because the default loses acknowledged rows silently;
 * no log archive, no recycled logs and no blob files, because each keeps what was deleted.
 * After an error of the database the process must end: Debian's build aborts by itself
 * when the disk is full. */
#include <dirent.h>
#include <limits.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "vault/store/ops.h"
#include "vault/store/reaper.h"

enum {
    MIB = 1 << 20,
    MEMORY_BYTES_LEAST = 16 * MIB,
    MEMORY_BYTES_DEFAULT = 128 * MIB,
    SMALL_MEMTABLE_BYTES = 4 * MIB,
    SMALL_FILE_BYTES = 8 * MIB,
    FILE_BYTES = 64 * MIB,
    LOG_BYTES_MAX = 256 * MIB,
    BATCH_KEPT_BYTES = 4 * MIB,
    INFO_LOG_BYTES_MAX = 4 * MIB,
    TOLERATE_TORN_TAIL = 0,
    LEVEL_STYLE = 0,
    UNIVERSAL_STYLE = 1,
    XXH3 = 4
};

/* What a table is like decides its options. */
enum shape {
    SHAPE_APPEND, /* written in order of keys: records, audit, outbox */
    SHAPE_POINT,  /* found by an exact key, often in vain: filter */
    SHAPE_RUNS,   /* whole sorted runs: seen, postings */
    SHAPE_COUNT
};

static const enum shape SHAPES[FAMILY_COUNT] = {
    [FAMILY_META] = SHAPE_POINT,      [FAMILY_KEYS] = SHAPE_POINT,
    [FAMILY_CUSTOMERS] = SHAPE_POINT, [FAMILY_ACCOUNTS] = SHAPE_POINT,
    [FAMILY_DIRECTORY] = SHAPE_POINT, [FAMILY_USAGE] = SHAPE_POINT,
    [FAMILY_OUTBOX] = SHAPE_APPEND,   [FAMILY_CONSUMERS] = SHAPE_POINT,
    [FAMILY_AUDIT] = SHAPE_APPEND,    [FAMILY_LIVE] = SHAPE_POINT,
    [FAMILY_SEEN] = SHAPE_RUNS,       [FAMILY_POSTINGS] = SHAPE_RUNS,
};

static const char *const FAMILY_NAMES[FAMILY_COUNT] = {
#define FAMILY_NAME(code, name, what) [FAMILY_##code] = name,
    FAMILIES(FAMILY_NAME)
#undef FAMILY_NAME
};

enum { MONTH_NAME_BYTES = sizeof "r_YYYYMM" };

struct engine {
    rocksdb_t *db;
    rocksdb_options_t *options, *shapes[SHAPE_COUNT];
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *reading;
    rocksdb_writeoptions_t *synced;
    rocksdb_writebatch_t *batches[2];
    unsigned open; /* which of them */
    /* By table. Grows at the end, by the writer; a table's number is told after that. */
    rocksdb_column_family_handle_t *tables[TABLES_MAX];
    rocksdb_column_family_handle_t *unused; /* "default", which RocksDB insists on */
    uint32_t months[STORE_MONTHS_MAX];
    size_t months_count;
    struct reaper *reaper; /* NULL: read only */
    char dir[PATH_MAX];
};

struct cursor {
    struct engine *engine;
    rocksdb_iterator_t *it;
};

/* --- errors --- */

/* Takes the library's text and forgets it: it may quote a file name, nothing more, but a diag
 * holds constant sentences only. */
static enum err translate(char *fault)
{
    if (!fault)
        return OK;
    bool corrupt = strncmp(fault, "Corruption", 10) == 0;
    rocksdb_free(fault);
    return corrupt ? ERR_FORGED : ERR_STORE;
}

/* Once open, a block that fails its checksum is the disk's fault like any other. */
static enum err failed(char *fault)
{
    return translate(fault) == OK ? OK : ERR_STORE;
}

/* --- options --- */

/* In parts: a filter in one piece of 2 million keys (2.5 MB) is larger than a shard of the
 * cache, and would be read again for every lookup. */
static void set_filter(rocksdb_block_based_table_options_t *b, enum shape shape)
{
    rocksdb_block_based_options_set_filter_policy(b, rocksdb_filterpolicy_create_bloom_full(10));
    if (shape != SHAPE_RUNS)
        return;
    rocksdb_block_based_options_set_index_type(
        b, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(b, 1);
}

static void set_table_format(struct engine *e, rocksdb_options_t *o, enum shape shape)
{
    rocksdb_block_based_table_options_t *b = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(b, e->cache);
    rocksdb_block_based_options_set_block_size(b, shape == SHAPE_POINT ? 4096 : 16384);
    rocksdb_block_based_options_set_format_version(b, 5);
    rocksdb_block_based_options_set_checksum(b, XXH3);
    /* Index and filter blocks count against memory_bytes too. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(b, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(b, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(b, 1);
    if (shape != SHAPE_APPEND)
        set_filter(b, shape);
    rocksdb_options_set_block_based_table_factory(o, b);
    rocksdb_block_based_options_destroy(b);
}

static rocksdb_options_t *shape_options(struct engine *e, enum shape shape, size_t memory)
{
    rocksdb_options_t *o = rocksdb_options_create();
    /* Records fill their memtable at once; of the rest many are open and few are used. */
    size_t buffer = shape == SHAPE_APPEND ? memory / 4 : SMALL_MEMTABLE_BYTES;
    rocksdb_options_set_write_buffer_size(o, buffer);
    rocksdb_options_set_arena_block_size(o, shape == SHAPE_APPEND ? MIB : MIB / 16);
    rocksdb_options_set_max_write_buffer_number(o, 3);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
    rocksdb_options_set_target_file_size_base(o,
                                              shape == SHAPE_POINT ? SMALL_FILE_BYTES : FILE_BYTES);
    rocksdb_options_set_compaction_style(o, shape == SHAPE_RUNS ? UNIVERSAL_STYLE : LEVEL_STYLE);
    set_table_format(e, o, shape);
    return o;
}

static void set_database_options(struct engine *e, const struct store_options *o, size_t memory)
{
    rocksdb_options_t *db = e->options;
    rocksdb_options_set_create_if_missing(db, o->create);
    rocksdb_options_set_create_missing_column_families(db, !o->read_only);
    rocksdb_options_set_error_if_exists(db, o->create);
    rocksdb_options_set_paranoid_checks(db, 1);
    rocksdb_options_set_wal_recovery_mode(db, o->accept_loss ? rocksdb_point_in_time_recovery
                                                             : TOLERATE_TORN_TAIL);
    rocksdb_options_set_recycle_log_file_num(db, 0);
    rocksdb_options_set_WAL_ttl_seconds(db, 0);
    rocksdb_options_set_WAL_size_limit_MB(db, 0);
    /* One idle family would otherwise keep every log since its last flush. */
    rocksdb_options_set_max_total_wal_size(db, LOG_BYTES_MAX);
    rocksdb_options_set_db_write_buffer_size(db, memory / 2);
    rocksdb_options_set_max_background_jobs(db, 2);
    rocksdb_options_set_allow_concurrent_memtable_write(db, 0); /* one writer */
    rocksdb_options_set_bytes_per_sync(db, MIB);
    rocksdb_options_set_wal_bytes_per_sync(db, MIB);
    rocksdb_options_set_keep_log_file_num(db, 3);
    rocksdb_options_set_max_log_file_size(db, INFO_LOG_BYTES_MAX);
    rocksdb_options_set_max_open_files(db, 512);
}

static void options_make(struct engine *e, const struct store_options *o)
{
    size_t memory = o->memory_bytes ? o->memory_bytes : MEMORY_BYTES_DEFAULT;
    if (memory < MEMORY_BYTES_LEAST)
        memory = MEMORY_BYTES_LEAST;
    e->cache = rocksdb_cache_create_lru(memory / 2);
    e->options = rocksdb_options_create();
    set_database_options(e, o, memory);
    for (size_t i = 0; i < SHAPE_COUNT; i++)
        e->shapes[i] = shape_options(e, (enum shape)i, memory);
    e->reading = rocksdb_readoptions_create();
    e->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(e->synced, 1);
    for (size_t i = 0; i < 2; i++)
        e->batches[i] = rocksdb_writebatch_create();
}

/* --- open, close --- */

static void month_name(uint32_t month, char out[static MONTH_NAME_BYTES])
{
    snprintf(out, MONTH_NAME_BYTES, "r_%06u", (unsigned)(month % 1000000));
}

/* "r_YYYYMM" -> month. */
static bool month_of_name(const char *name, uint32_t *out)
{
    uint64_t month;
    if (strlen(name) != MONTH_NAME_BYTES - 1 || strncmp(name, "r_", 2) != 0 ||
        span_u64(span_str(name + 2), 999999, &month) != OK)
        return false;
    *out = (uint32_t)month;
    return true;
}

/* The months that there are, into e->months. A database that is being made has none. */
static enum err months_list(struct engine *e, const struct store_options *o)
{
    if (o->create)
        return OK;
    char *fault = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(e->options, o->dir, &count, &fault);
    if (fault)
        return translate(fault);
    enum err result = OK;
    for (size_t i = 0; i < count; i++) {
        uint32_t month;
        if (!month_of_name(names[i], &month))
            continue;
        if (e->months_count == STORE_MONTHS_MAX)
            result = ERR_VERSION;
        else
            e->months[e->months_count++] = month;
    }
    rocksdb_list_column_families_destroy(names, count);
    return result;
}

static enum err database_open(struct engine *e, const struct store_options *o)
{
    const char *names[TABLES_MAX + 1];
    const rocksdb_options_t *options[TABLES_MAX + 1];
    rocksdb_column_family_handle_t *handles[TABLES_MAX + 1] = {0};
    char month_names[STORE_MONTHS_MAX][MONTH_NAME_BYTES];
    int count = FAMILY_COUNT;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        names[f] = FAMILY_NAMES[f];
        options[f] = e->shapes[SHAPES[f]];
    }
    for (size_t i = 0; i < e->months_count; i++, count++) {
        month_name(e->months[i], month_names[i]);
        names[count] = month_names[i];
        options[count] = e->shapes[SHAPE_APPEND];
    }
    names[count] = "default";
    options[count++] = e->shapes[SHAPE_POINT];
    char *fault = NULL;
    e->db = o->read_only ? rocksdb_open_for_read_only_column_families(
                               e->options, o->dir, count, names, options, handles, 0, &fault)
                         : rocksdb_open_column_families(e->options, o->dir, count, names, options,
                                                        handles, &fault);
    if (fault)
        return translate(fault);
    memcpy(e->tables, handles, (size_t)(count - 1) * sizeof handles[0]);
    e->unused = handles[count - 1];
    return OK;
}

static const char DAMAGED[] =
    "the database's log or files are damaged: restore a backup, or accept the loss (cpnictl "
    "recover) and replay the feeds";

/* What a crash left of a run that was not added. */
static void run_path(const struct engine *e, unsigned table, char out[static PATH_MAX + 32])
{
    snprintf(out, PATH_MAX + 32, "%s/%s.run", e->dir, FAMILY_NAMES[table]);
}

static void runs_sweep(const struct engine *e)
{
    char path[PATH_MAX + 32];
    for (unsigned table = 0; table < FAMILY_COUNT; table++) {
        run_path(e, table, path);
        if (SHAPES[table] == SHAPE_RUNS)
            unlink(path);
    }
}

static bool database_exists(const struct engine *e)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/CURRENT", e->dir);
    return access(path, F_OK) == 0;
}

static void rocks_close(struct engine *e);

static enum err rocks_open(const struct store_options *o, struct engine **out, struct diag *d)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return diag_set(d, ERR_NOMEM, "memory for the database", 0);
    umask(077); /* the library makes files all its life, and has no option for their mode */
    enum err result = OK;
    if (snprintf(e->dir, sizeof e->dir, "%s", o->dir) >= (int)sizeof e->dir)
        result = diag_set(d, ERR_LIMIT, "path of the database", 0);
    else if (o->create && database_exists(e))
        result = diag_set(d, ERR_CONFLICT, "there is a database already", 0);
    else if (!o->create && !database_exists(e))
        result = diag_set(d, ERR_NOTFOUND, "there is no database", 0);
    if (result == OK) {
        options_make(e, o);
        result = months_list(e, o);
        if (result == OK)
            result = database_open(e, o);
        if (result != OK)
            diag_set(d, result, result == ERR_FORGED ? DAMAGED : "the database cannot be opened",
                     0);
        else if (!o->read_only && (result = reaper_new(e->dir, &e->reaper)) != OK)
            diag_set(d, result, "the thread that frees deleted files", 0);
    }
    if (result != OK) {
        rocks_close(e);
        return result;
    }
    if (!o->read_only)
        runs_sweep(e);
    *out = e;
    return OK;
}

static void options_free(struct engine *e)
{
    if (!e->options)
        return;
    for (size_t i = 0; i < 2; i++)
        rocksdb_writebatch_destroy(e->batches[i]);
    rocksdb_writeoptions_destroy(e->synced);
    rocksdb_readoptions_destroy(e->reading);
    for (size_t i = 0; i < SHAPE_COUNT; i++)
        rocksdb_options_destroy(e->shapes[i]);
    rocksdb_options_destroy(e->options);
    rocksdb_cache_destroy(e->cache);
}

static void rocks_close(struct engine *e)
{
    if (e->db) { /* handles before the database */
        for (size_t i = 0; i < FAMILY_COUNT + e->months_count; i++)
            rocksdb_column_family_handle_destroy(e->tables[i]);
        rocksdb_column_family_handle_destroy(e->unused);
        rocksdb_close(e->db);
    }
    reaper_free(e->reaper);
    options_free(e);
    free(e);
}

static size_t rocks_months(struct engine *e, uint32_t *out, size_t max)
{
    size_t n = e->months_count < max ? e->months_count : max;
    memcpy(out, e->months, n * sizeof *out);
    return n;
}

static enum err rocks_month_add(struct engine *e, uint32_t month)
{
    CHECK(e->months_count < STORE_MONTHS_MAX);
    char name[MONTH_NAME_BYTES], *fault = NULL;
    month_name(month, name);
    rocksdb_column_family_handle_t *handle =
        rocksdb_create_column_family(e->db, e->shapes[SHAPE_APPEND], name, &fault);
    if (fault)
        return failed(fault);
    e->tables[FAMILY_COUNT + e->months_count] = handle;
    e->months[e->months_count++] = month;
    return OK;
}

/* --- reading --- */

static enum err rocks_get(struct engine *e, unsigned table, struct span key, struct buf *out)
{
    char *fault = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(e->db, e->reading, e->tables[table],
                                                           (const char *)key.p, key.n, &fault);
    if (fault)
        return failed(fault);
    if (!slice)
        return ERR_NOTFOUND;
    size_t n;
    const char *value = rocksdb_pinnableslice_value(slice, &n);
    buf_bytes(out, value, n);
    rocksdb_pinnableslice_destroy(slice);
    return buf_ok(out) ? OK : ERR_LIMIT;
}

static enum err iterator_free(rocksdb_iterator_t *it)
{
    char *fault = NULL;
    rocksdb_iter_get_error(it, &fault);
    rocksdb_iter_destroy(it);
    return failed(fault);
}

static enum err rocks_last_key(struct engine *e, unsigned table, struct buf *out)
{
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(e->db, e->reading, e->tables[table]);
    rocksdb_iter_seek_to_last(it);
    bool found = rocksdb_iter_valid(it);
    if (found) {
        size_t n;
        const char *key = rocksdb_iter_key(it, &n);
        buf_bytes(out, key, n);
    }
    enum err result = iterator_free(it);
    if (result != OK || !found)
        return result != OK ? result : ERR_NOTFOUND;
    return buf_ok(out) ? OK : ERR_LIMIT;
}

static enum err rocks_cursors(struct engine *e, const unsigned *tables, size_t count,
                              struct span from, struct cursor **out)
{
    rocksdb_column_family_handle_t *handles[TABLES_MAX];
    rocksdb_iterator_t *iterators[TABLES_MAX];
    char *fault = NULL;
    for (size_t i = 0; i < count; i++)
        handles[i] = e->tables[tables[i]];
    if (count == 0)
        return OK;
    rocksdb_create_iterators(e->db, e->reading, handles, iterators, count, &fault);
    if (fault)
        return failed(fault);
    for (size_t i = 0; i < count; i++) {
        out[i] = malloc(sizeof *out[i]); /* the library allocates thousands of bytes a cursor */
        CHECK(out[i]);
        *out[i] = (struct cursor){e, iterators[i]};
        rocksdb_iter_seek(iterators[i], (const char *)from.p, from.n);
    }
    return OK;
}

static void rocks_cursor_floor(struct cursor *c, struct span key)
{
    rocksdb_iter_seek_for_prev(c->it, (const char *)key.p, key.n);
    if (!rocksdb_iter_valid(c->it))
        rocksdb_iter_seek_to_first(c->it);
}

static bool rocks_cursor_row(struct cursor *c, struct span *key, struct span *value)
{
    if (!rocksdb_iter_valid(c->it))
        return false;
    key->p = (const uint8_t *)rocksdb_iter_key(c->it, &key->n);
    value->p = (const uint8_t *)rocksdb_iter_value(c->it, &value->n);
    return true;
}

static void rocks_cursor_next(struct cursor *c)
{
    rocksdb_iter_next(c->it);
}

static enum err rocks_cursor_free(struct cursor *c)
{
    enum err result = iterator_free(c->it);
    free(c);
    return result;
}

/* --- writing --- */

static void rocks_put(struct engine *e, unsigned table, struct span key, struct span value)
{
    rocksdb_writebatch_put_cf(e->batches[e->open], e->tables[table], (const char *)key.p, key.n,
                              (const char *)value.p, value.n);
}

static void rocks_del(struct engine *e, unsigned table, struct span key)
{
    rocksdb_writebatch_delete_cf(e->batches[e->open], e->tables[table], (const char *)key.p, key.n);
}

static void rocks_turn(struct engine *e)
{
    e->open = !e->open;
    CHECK(rocksdb_writebatch_count(e->batches[e->open]) == 0);
}

static enum err rocks_commit(struct engine *e)
{
    char *fault = NULL;
    rocksdb_writebatch_t **closed = &e->batches[!e->open];
    size_t bytes;
    rocksdb_write(e->db, e->synced, *closed, &fault);
    rocksdb_writebatch_data(*closed, &bytes);
    rocksdb_writebatch_clear(*closed);
    if (bytes > BATCH_KEPT_BYTES) { /* clearing keeps its memory: an import's is large */
        rocksdb_writebatch_destroy(*closed);
        *closed = rocksdb_writebatch_create();
    }
    return failed(fault);
}

static bool run_write(rocksdb_sstfilewriter_t *w, const char *path, struct run *run,
                      bool *out_empty)
{
    struct run_row row;
    char *fault = NULL;
    *out_empty = !run->next(run->arg, &row);
    if (*out_empty) /* a file of no rows is refused */
        return true;
    rocksdb_sstfilewriter_open(w, path, &fault);
    do {
        if (!fault)
            rocksdb_sstfilewriter_put(w, (const char *)row.key, sizeof row.key,
                                      (const char *)row.value, row.value_bytes, &fault);
    } while (!fault && run->next(run->arg, &row));
    if (!fault)
        rocksdb_sstfilewriter_finish(w, &fault); /* syncs the file */
    return failed(fault) == OK;
}

static enum err run_ingest(struct engine *e, unsigned table, const char *path)
{
    rocksdb_ingestexternalfileoptions_t *how = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(how, 1);
    char *fault = NULL;
    rocksdb_ingest_external_file_cf(e->db, e->tables[table], &path, 1, how, &fault);
    rocksdb_ingestexternalfileoptions_destroy(how);
    return failed(fault);
}

static enum err rocks_add_run(struct engine *e, unsigned table, struct run *run)
{
    char path[PATH_MAX + 32];
    bool empty;
    run_path(e, table, path);
    rocksdb_envoptions_t *env = rocksdb_envoptions_create();
    rocksdb_sstfilewriter_t *w = rocksdb_sstfilewriter_create(env, e->shapes[SHAPES[table]]);
    bool written = run_write(w, path, run, &empty);
    rocksdb_sstfilewriter_destroy(w);
    rocksdb_envoptions_destroy(env);
    if (!written)
        return ERR_STORE;
    return empty ? OK : run_ingest(e, table, path);
}

static uint64_t rocks_disk_bytes(struct engine *e)
{
    uint64_t bytes = 0;
    DIR *dir = opendir(e->dir);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    return bytes;
}

const struct store_ops STORE_ROCKS = {
    .name = "rocks",
    .durable = true,
    .open = rocks_open,
    .close = rocks_close,
    .months = rocks_months,
    .month_add = rocks_month_add,
    .get = rocks_get,
    .last_key = rocks_last_key,
    .cursors = rocks_cursors,
    .cursor_floor = rocks_cursor_floor,
    .cursor_row = rocks_cursor_row,
    .cursor_next = rocks_cursor_next,
    .cursor_free = rocks_cursor_free,
    .put = rocks_put,
    .del = rocks_del,
    .turn = rocks_turn,
    .commit = rocks_commit,
    .add_run = rocks_add_run,
    .disk_bytes = rocks_disk_bytes,
};

enum err store_open(const struct store_options *o, struct store **out, struct diag *d)
{
    return store_open_with(&STORE_ROCKS, o, out, d);
}

#include "vault/local.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "vault/state.h"

enum {
    SCRATCH_BYTES = 512 * 1024,
    TICK_US = 100 * US_PER_MS,
    TOTALS_A_TICK_MAX = 2048 /* about 20 ms of work */
};

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static int64_t wall_us(void *arg)
{
    (void)arg;
    return clock_us(CLOCK_REALTIME);
}

static int64_t monotonic_us(void *arg)
{
    (void)arg;
    return clock_us(CLOCK_MONOTONIC);
}

void vault_options_default(struct vault_options *o)
{
    *o = (struct vault_options){
        .db_dir = "db",
        .head_path = "head",
        .keyring_path = "keyring",
        .root_key_path = "root.key",
        .memory_bytes = (size_t)128 << 20,
        .key_cache_slots = 1 << 15, /* 4 MiB: fits the usual limit of locked memory */
        .usage_period_s = S_PER_DAY,
        .usage_increments = "1/1,6/6,30/6,60/60",
        .usage_checkpoint_ms = 10000,
        .usage_rows_max = 1 << 18,
        .unassigned_in_usage = true,
        .clock = {wall_us, NULL},
        .monotonic = {monotonic_us, NULL},
    };
}

int64_t vault_now(const struct vault *v)
{
    return v->options.clock.now_us(v->options.clock.arg);
}

int64_t vault_monotonic(const struct vault *v)
{
    return v->options.monotonic.now_us(v->options.monotonic.arg);
}

void vault_look_at_clock(struct vault *v)
{
    v->now_us = vault_now(v);
    v->month_now = instant_month(v->now_us);
}

static void head_tag(const void *arg, struct span in, uint8_t out[static 16])
{
    keyring_prf(arg, PRF_HEAD, in, out, 16);
}

static struct store_options store_options(const struct vault_options *o, struct keyring *k,
                                          bool create)
{
    return (struct store_options){.dir = o->db_dir,
                                  .head_path = o->head_path,
                                  .memory_bytes = o->memory_bytes,
                                  .create = create,
                                  .accept_loss = o->accept_loss,
                                  .segment_records = o->segment_records,
                                  .tag = head_tag,
                                  .tag_arg = k};
}

static enum err put_format(struct store *s)
{
    static const uint8_t NOTE[HEAD_NOTE_BYTES];
    static const uint8_t KEY[] = {META_FORMAT}, VALUE[] = {VAULT_FORMAT_MAJOR, VAULT_FORMAT_MINOR};
    txn_put(store_begin(s), FAMILY_META, span_of(KEY, 1), span_of(VALUE, sizeof VALUE));
    return store_commit(s, NOTE);
}

enum err vault_create(const struct vault_options *o, struct diag *d)
{
    struct keyring *keys = NULL;
    struct store *store = NULL;
    enum err e = keyring_create(o->keyring_path, o->root_key_path, d);
    if (e == OK)
        e = keyring_open(o->keyring_path, o->root_key_path, false, &keys, d);
    struct store_options so = store_options(o, keys, true);
    if (e == OK)
        e = store_open(&so, &store, d);
    if (e == OK)
        e = put_format(store);
    store_close(store);
    keyring_close(keys);
    return e;
}

static enum err check_format(struct vault *v, struct diag *d)
{
    static const uint8_t KEY[] = {META_FORMAT};
    uint8_t bytes[8];
    struct buf b = buf_of(bytes, sizeof bytes);
    enum err e = store_get(v->store, FAMILY_META, span_of(KEY, 1), &b);
    if (e != OK)
        return diag_set(d, e == ERR_NOTFOUND ? ERR_FORGED : e,
                        "the database has no format row: it is not a vault, restore a backup", 0);
    if (b.n < 2 || bytes[0] != VAULT_FORMAT_MAJOR)
        return diag_set(d, ERR_VERSION, "the database was written by another major version", 0);
    return OK;
}

/* A setting that the first start fixes. */
static enum err check_fixed(struct vault *v, enum meta_key key, struct span now,
                            const char *differs, struct diag *d)
{
    const uint8_t row[] = {(uint8_t)key};
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    enum err e = store_get(v->store, FAMILY_META, span_of(row, 1), &b);
    if (e == OK && !span_eq(buf_span(&b), now))
        return diag_set(d, ERR_CONFLICT, differs, 0);
    if (e != ERR_NOTFOUND)
        return e;
    txn_put(vault_txn(v), FAMILY_META, span_of(row, 1), now);
    return OK;
}

/* Totals hold one sum an increment, in their order: other increments would be added to the
 * wrong sums. With another period a reassigned record would be taken out of a window that it
 * never went into. */
static enum err check_rules(struct vault *v, struct diag *d)
{
    uint8_t period[4];
    struct buf b = buf_of(period, sizeof period);
    buf_be32(&b, v->options.usage_period_s);
    enum err e =
        check_fixed(v, META_INCREMENTS, span_str(v->options.usage_increments),
                    "usage_increments differs from the increments the totals were made with", d);
    return e == OK ? check_fixed(v, META_PERIOD, buf_span(&b),
                                 "usage_period_s differs from the period of the totals", d)
                   : e;
}

struct incarnations {
    struct vault *vault;
    uint32_t newest;
    enum err e;
};

static bool add_incarnation(void *arg, struct span key, struct span value)
{
    struct incarnations *all = arg;
    if (key.n != 5 || key.p[0] != META_INCARNATION || value.n != INCARNATION_BYTES)
        return key.n > 0 && key.p[0] <= META_INCARNATION;
    struct reader r = reader_of(span_from(key, 1));
    uint32_t id = reader_be32(&r);
    if (id > all->newest)
        all->newest = id;
    all->e = sealer_incarnation(all->vault->sealer, id, value.p, false);
    return all->e == OK;
}

/* A new nonce prefix, on disk before the first seal: nonces stay unique even when a backup
 * is restored and the same sequences are written again. */
static enum err draw_incarnation(struct vault *v)
{
    uint8_t key[5] = {META_INCARNATION}, prefix[INCARNATION_BYTES];
    struct incarnations all = {.vault = v};
    enum err e = store_walk(v->store, FAMILY_META, span_of(key, 1), add_incarnation, &all);
    if (e == OK)
        e = all.e;
    if (e != OK)
        return e;
    uint32_t id = all.newest + 1;
    sealer_random(prefix, sizeof prefix);
    struct buf k = buf_of(key + 1, 4);
    buf_be32(&k, id);
    txn_put(vault_txn(v), FAMILY_META, span_of(key, sizeof key), span_of(prefix, sizeof prefix));
    e = vault_flush(v);
    return e == OK ? sealer_incarnation(v->sealer, id, prefix, true) : e;
}

static enum err open_parts(struct vault *v, struct diag *d)
{
    const struct vault_options *o = &v->options;
    struct windows_options wo = {.rows_max = o->usage_rows_max};
    v->rules.period_s = o->usage_period_s;
    enum err e = usage_increments_parse(span_str(o->usage_increments), &v->rules, d);
    if (e == OK)
        e = keyring_open(o->keyring_path, o->root_key_path, o->require_locked_memory, &v->keys, d);
    struct store_options so = store_options(o, v->keys, false);
    if (e == OK)
        e = store_open(&so, &v->store, d);
    if (e == OK)
        e = check_format(v, d);
    if (e == OK)
        e = audit_open(v->store, v->keys, &v->audit, d);
    if (e == OK)
        e = directory_open(v->store, v->keys, &v->directory, d);
    if (e == OK)
        e = sealer_new(v->keys, o->key_cache_slots, directory_load_key, v->directory, &v->sealer);
    if (e == OK)
        e = windows_open(v->store, v->keys, &wo, &v->windows, d);
    if (e == OK)
        e = feeds_open(v, d);
    if (e == OK)
        e = check_rules(v, d);
    if (e == OK)
        e = draw_incarnation(v);
    return e;
}

enum err vault_open(const struct vault_options *o, struct vault **out, struct diag *d)
{
    struct vault *v = calloc(1, sizeof *v);
    if (!v)
        return ERR_NOMEM;
    v->options = *o;
    vault_look_at_clock(v);
    enum err e = arena_init(&v->scratch, SCRATCH_BYTES);
    if (e == OK)
        e = open_parts(v, d);
    if (e == OK)
        e = commit_recover(v, d);
    if (e != OK) {
        vault_close(v, false);
        return e;
    }
    v->written_us = vault_now(v);
    v->hinted_position = windows_last_position(v->windows);
    status_sample(v);
    *out = v;
    return OK;
}

enum err vault_recover(const struct vault_options *o, uint64_t *out_records, struct diag *d)
{
    struct vault_options accepting = *o;
    struct vault *v = NULL;
    struct store_stats st;
    uint64_t seq;
    accepting.accept_loss = true;
    enum err e = vault_open(&accepting, &v, d);
    if (e != OK)
        return e;
    struct audit_event event = {.time_us = vault_now(v),
                                .action = ACTION_RECOVER,
                                .role = ROLE_COUNT,
                                .outcome = AUDIT_DONE,
                                .uid = (uint32_t)getuid(),
                                .rule = span_str("loss-accepted")};
    e = audit_append(v->audit, vault_txn(v), &event, &seq);
    if (e == OK)
        e = vault_flush(v);
    store_stats(v->store, &st);
    *out_records = st.records;
    vault_close(v, e == OK);
    return e;
}

/* The last totals reach the disk on a clean stop; after anything else they are folded again. */
static void checkpoint_at_close(struct vault *v)
{
    if (!v->windows || windows_dirty(v->windows) == 0)
        return;
    if (windows_checkpoint(v->windows, vault_txn(v), store_next_seq(v->store) - 1) == OK &&
        vault_flush(v) != OK)
        return; /* the process ends anyway; recovery does it again */
}

struct vault *vault_close(struct vault *v, bool clean)
{
    if (!v)
        return NULL;
    if (clean)
        checkpoint_at_close(v);
    while (v->sessions)
        session_free(v->sessions);
    windows_close(v->windows);
    sealer_free(v->sealer);
    directory_close(v->directory);
    audit_close(v->audit);
    store_close(v->store);
    keyring_close(v->keys);
    arena_done(&v->scratch);
    free(v);
    return NULL;
}

struct txn *vault_txn(struct vault *v)
{
    if (!v->txn) {
        v->txn = store_begin(v->store);
        v->txn_records = 0;
    }
    return v->txn;
}

static enum err flush_begin(struct vault *v)
{
    uint8_t note[HEAD_NOTE_BYTES];
    for (struct session *s = v->sessions; s; s = s->next)
        commit_receipts_begin(s);
    if (!v->txn)
        return OK;
    audit_note(v->audit, note);
    windows_committing(v->windows);
    v->txn = NULL;
    v->totals.commits++;
    return store_commit_begin(v->store, note);
}

static enum err flush_end(struct vault *v)
{
    bool committing = store_committing(v->store);
    enum err e = store_commit_end(v->store);
    if (e != OK)
        return e;
    if (committing) {
        windows_committed(v->windows);
        status_committed(v);
    }
    for (struct session *s = v->sessions; s; s = s->next)
        commit_receipts_send(s);
    return OK;
}

enum err vault_flush(struct vault *v)
{
    enum err e = flush_end(v);
    if (e == OK)
        e = flush_begin(v);
    return e == OK ? flush_end(v) : e;
}

enum err vault_flush_some(struct vault *v, bool ended)
{
    if (store_committing(v->store) && !ended)
        return OK;
    enum err e = flush_end(v);
    if (e == OK)
        e = flush_begin(v);
    return e == OK && !store_committing(v->store) ? flush_end(v) : e;
}

int vault_flush_fd(const struct vault *v)
{
    return store_commit_fd(v->store);
}

/* Totals are written little by little: a share of what is left each tick, the oldest first, so
 * that most are on disk within usage_checkpoint_ms and the last ones somewhat later; all at
 * once would stop the commits for as long as it takes. A clock that was set back must not
 * stop them. */
static size_t totals_due(const struct vault *v, int64_t elapsed_us)
{
    int64_t interval_us = (int64_t)v->options.usage_checkpoint_ms * US_PER_MS;
    if (elapsed_us < 0 || elapsed_us > interval_us)
        elapsed_us = interval_us;
    size_t n = windows_dirty(v->windows) * (uint64_t)elapsed_us / (uint64_t)interval_us + 1;
    return n < TOTALS_A_TICK_MAX ? n : TOTALS_A_TICK_MAX;
}

enum err vault_tick(struct vault *v)
{
    vault_look_at_clock(v);
    int64_t now = v->now_us, elapsed = now - v->written_us;
    status_sample(v);
    if (elapsed >= 0 && elapsed < TICK_US)
        return OK;
    v->written_us = now;
    if (windows_dirty(v->windows) == 0)
        return OK;
    uint64_t last = store_next_seq(v->store) - 1;
    enum err e = windows_write(v->windows, vault_txn(v), totals_due(v, elapsed), last);
    if (e == OK)
        e = vault_flush_some(v, false);
    if (e == OK)
        offer_hint(v);
    return e;
}

static bool has_work(const struct session *s)
{
    return (s->recall || s->handover.on) && !s->congested;
}

enum err vault_work(struct vault *v, bool *more)
{
    *more = false;
    struct session *s = v->working ? v->working : v->sessions;
    for (; s; s = s->next) {
        if (!has_work(s))
            continue;
        v->working = s->next; /* round robin: the next call serves the next client */
        *more = true;
        bool session_more;
        return s->handover.on ? feeds_handover(s) : recall_step(s, &session_more);
    }
    v->working = NULL;
    for (s = v->sessions; s; s = s->next)
        *more |= has_work(s);
    return OK;
}

/* --- sessions --- */

enum err session_new(struct vault *v, const struct peer *p, vault_frame_fn *reply, void *arg,
                     struct session **out)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct session){.vault = v, .peer = *p, .reply = reply, .arg = arg, .next = v->sessions};
    v->sessions = s;
    *out = s;
    return OK;
}

struct session *session_free(struct session *s)
{
    if (!s)
        return NULL;
    struct session **at = &s->vault->sessions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (s->vault->working == s)
        s->vault->working = s->next;
    directory_import_free(s->import);
    recall_free(s->recall);
    free(s);
    return NULL;
}

void session_congested(struct session *s, bool congested)
{
    s->congested = congested;
}

void session_reply(struct session *s, enum frame_type type, uint32_t id, struct span payload)
{
    struct frame f = {type, id, payload};
    s->reply(s->arg, &f);
}

enum err session_frame(struct session *s, const struct frame *f)
{
    switch ((int)f->type) { /* what a client may say; anything else is not one of ours */
    case FRAME_HELLO:
        return s->peer.ingest ? feeds_hello(s, f->id, f->payload) : ERR_DENIED;
    case FRAME_BATCH:
        if (!s->greeted && s->peer.ingest)
            return OK; /* meant for a predecessor: it comes again after the greeting */
        return s->peer.ingest ? commit_batch(s, f->id, f->payload) : ERR_DENIED;
    case FRAME_REQUEST:
        return answer_request(s, f->id, f->payload);
    case FRAME_FORWARD_HELLO:
    case FRAME_CONSUMER_ASK:
    case FRAME_PULL:
    case FRAME_CONFIRM:
        return s->peer.forward ? offer_frame(s, f) : ERR_DENIED;
    default:
        return ERR_SYNTAX;
    }
}

void vault_totals(const struct vault *v, struct vault_totals *out)
{
    struct store_stats st;
    struct directory_stats ds = directory_stats(v->directory);
    struct sealer_stats ss = sealer_stats(v->sealer);
    store_stats(v->store, &st);
    *out = v->totals;
    out->records = st.records;
    out->commit_us = st.commit_us_sum;
    out->tail_records = st.tail_records;
    out->disk_bytes = v->disk_bytes;
    out->customers = ds.customers;
    out->entries = ds.entries;
    out->dirty_windows = windows_dirty(v->windows);
    out->outbox_position = windows_last_position(v->windows);
    out->key_hits = ss.hits;
    out->key_misses = ss.misses;
    out->keys_live = ss.live_keys;
    out->keys_locked = keyring_locked(v->keys);
}

/* --- the link in one process --- */

struct local_link {
    struct vault_link link;
    struct vault *vault;
    struct session *session;
};

static void local_reply(void *arg, const struct frame *f)
{
    struct local_link *l = arg;
    l->link.on_frame(l->link.arg, f);
}

static enum err local_send(struct vault_link *link, enum frame_type type, uint32_t id,
                           struct span payload)
{
    struct local_link *l = (struct local_link *)link;
    struct frame f = {type, id, payload};
    enum err e = session_frame(l->session, &f);
    if (e == OK)
        e = vault_flush(l->vault);
    for (bool more = true; e == OK && more;)
        e = vault_work(l->vault, &more);
    return e == OK ? vault_flush(l->vault) : e;
}

static enum err local_receive(struct vault_link *link)
{
    return vault_tick(((struct local_link *)link)->vault);
}

static int local_fd(const struct vault_link *link)
{
    (void)link;
    return -1;
}

static void local_free(struct vault_link *link)
{
    struct local_link *l = (struct local_link *)link;
    session_free(l->session);
    free(l);
}

static const struct vault_link_ops LOCAL = {local_send, local_receive, local_fd, local_free};

enum err vault_link_local(struct vault *v, const struct peer *p, vault_frame_fn *on_frame,
                          void *arg, struct vault_link **out)
{
    struct local_link *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    *l = (struct local_link){.link = {&LOCAL, on_frame, arg}, .vault = v};
    enum err e = session_new(v, p, local_reply, l, &l->session);
    if (e != OK) {
        free(l);
        return e;
    }
    *out = &l->link;
    return OK;
}

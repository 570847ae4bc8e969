/* dialog_save.c - checkpoints of dialogs.
 *
 *   key   = Call-ID 0 From tag 0, and [4] hash of the To tag for the second leg of a fork
 *   value = [1] format = 1 | the members of ROWS, big-endian | be16 bytes of the INVITE's
 *           items, those items, the items of the answer (call_pack.h)
 *
 * Deadlines are not kept: the clock they belong to does not survive. */
#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "proto/core/reader.h"
#include "proto/record/call_pack.h"
#include "proto/record/dialog_record.h"
#include "proto/record/dialog_table.h"

enum { FORMAT = 1, LEG_BYTES = DIALOG_LEG_BYTES };

static const int64_t INSTANT_MAX = (int64_t)1 << 60;

#define SAVED(member)                                                                              \
    {                                                                                              \
        offsetof(struct dialog, member), sizeof((struct dialog *)0)->member                        \
    }

static const struct saved {
    uint16_t offset;
    uint8_t bytes;
} ROWS[] = {SAVED(t_start),   SAVED(t_progress),      SAVED(t_answer),    SAVED(t_end),
            SAVED(t_receive), SAVED(hold_since),      SAVED(hold_ms),     SAVED(agent),
            SAVED(cseq),      SAVED(branch),          SAVED(to_tag),      SAVED(hold_cseq),
            SAVED(session_s), SAVED(flags),           SAVED(status),      SAVED(hop_status),
            SAVED(state),     SAVED(attempts_auth),   SAVED(redirects),   SAVED(q850),
            SAVED(release),   SAVED(foreign),         SAVED(hold),        SAVED(hold_next),
            SAVED(cancelled), SAVED(bye_from_caller), SAVED(answered_hop)};
enum { ROWS_COUNT = sizeof ROWS / sizeof ROWS[0] };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "members are copied as integers");

static void put_members(const struct dialog *d, struct buf *b)
{
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        uint64_t number = 0;
        memcpy(&number, (const uint8_t *)d + ROWS[i].offset, ROWS[i].bytes);
        buf_be(b, number, ROWS[i].bytes);
    }
}

static void take_members(struct reader *in, struct dialog *d)
{
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        uint64_t number = reader_be(in, ROWS[i].bytes);
        memcpy((uint8_t *)d + ROWS[i].offset, &number, ROWS[i].bytes);
    }
}

static void save(struct dialog_table *t, uint32_t cell, dialog_save_fn *fn, void *arg)
{
    struct dialog *d = table_dialog(t, cell);
    struct buf value = buf_of(t->room, sizeof t->room),
               text = buf_of(t->scratch, sizeof t->scratch);
    uint8_t key_bytes[DIALOG_KEY_BYTES_MAX];
    struct buf key = buf_of(key_bytes, sizeof key_bytes);
    chain_read(&t->text, &d->text, d->text.n, &text);
    dialog_saved_key(d, buf_span(&text), &key);
    if (d->state == OVER) {
        fn(arg, buf_span(&key), SPAN_EMPTY);
        d->saved = false;
        return;
    }
    buf_u8(&value, FORMAT);
    put_members(d, &value);
    buf_be16(&value, (uint16_t)(d->base_bytes - d->key_bytes));
    buf_put(&value, span_from(buf_span(&text), d->key_bytes));
    CHECK(buf_ok(&value) && buf_ok(&key));
    fn(arg, buf_span(&key), buf_span(&value));
    d->saved = true;
}

void dialog_checkpoint(struct dialog_table *t, uint64_t now_us, dialog_save_fn *fn, void *arg)
{
    uint64_t young_us = (uint64_t)t->limits.checkpoint_ms * US_PER_MS;
    for (uint32_t cell; (cell = t->lists[LIST_DIRTY_NOW].head) != 0;) {
        table_place(t, cell, LINK_DIRTY, LIST_NONE);
        save(t, cell, fn, arg);
    }
    for (uint32_t cell; (cell = t->lists[LIST_DIRTY_LATER].head) != 0;) {
        if (now_us < table_dialog(t, cell)->dirty_us + young_us)
            break;
        table_place(t, cell, LINK_DIRTY, LIST_NONE);
        save(t, cell, fn, arg);
    }
}

/* Call-ID 0 From tag 0 [leg] */
struct saved_key {
    struct span call_id, tag;
    bool second_leg;
};

static enum err split_key(struct span key, struct saved_key *out)
{
    size_t call_id = span_find(key, '\0');
    struct span rest = span_from(key, call_id + 1);
    size_t tag = span_find(rest, '\0');
    size_t leg = rest.n - tag - 1;
    if (call_id == key.n || tag == rest.n || (leg != 0 && leg != LEG_BYTES) ||
        key.n > DIALOG_BYTES_MAX / 2)
        return ERR_SYNTAX;
    *out = (struct saved_key){span_sub(key, 0, call_id), span_sub(rest, 0, tag), leg != 0};
    return OK;
}

_Static_assert(offsetof(struct dialog, answered_hop) == offsetof(struct dialog, cancelled) + 2,
               "plausible() looks at the three as bytes");

static bool is_instant(int64_t t)
{
    return t >= 0 && t < INSTANT_MAX;
}

/* What a dialog in memory could never hold is not a checkpoint of ours. */
static bool plausible(const struct dialog *d)
{
    const uint8_t *flags = (const uint8_t *)&d->cancelled;
    return d->state >= CALLING && d->state <= ENDING && d->release < RELEASE_COUNT &&
           is_instant(d->t_start) && is_instant(d->t_progress) && is_instant(d->t_answer) &&
           is_instant(d->t_end) && is_instant(d->hold_since) && is_instant(d->t_receive) &&
           d->hold <= 3 && d->hold_next <= 3 && flags[0] <= 1 && flags[1] <= 1 && flags[2] <= 1;
}

static enum err decode(struct dialog_table *t, struct span value, struct dialog *out,
                       struct span *items, struct diag *d)
{
    struct reader in = reader_of(value);
    if (reader_u8(&in) != FORMAT)
        return diag_set(d, ERR_VERSION, "checkpoint format", 0);
    take_members(&in, out);
    size_t base = reader_be16(&in);
    *items = span_from(value, reader_at(&in));
    if (!reader_ok(&in) || !plausible(out) || base > items->n)
        return diag_set(d, ERR_SYNTAX, "checkpoint", reader_at(&in));
    out->base_bytes = (uint16_t)base;
    record_reset(&t->record);
    enum err e = call_unpack(span_sub(*items, 0, base), &t->record, d);
    return e == OK ? call_unpack(span_from(*items, base), &t->record, d) : e;
}

static uint64_t patience_us(const struct dialog_table *t, const struct dialog *d)
{
    const uint32_t SECONDS[] = {[CALLING] = t->limits.no_reply_s,
                                [RINGING] = t->limits.ringing_s,
                                [RETRY] = t->limits.retry_s,
                                [ENDING] = t->limits.ending_s};
    return d->state == ANSWERED ? table_silence_us(t, d) : (uint64_t)SECONDS[d->state] * US_PER_S;
}

static enum err put_back(struct dialog_table *t, const struct saved_key *key,
                         const struct dialog *from, struct span items, uint64_t now_us)
{
    uint32_t cell = table_add(t, key->call_id, key->tag);
    if (!cell)
        return ERR_FULL;
    struct dialog *d = table_dialog(t, cell);
    if (d->key_bytes + items.n > DIALOG_BYTES_MAX || !chain_append(&t->text, &d->text, items)) {
        table_remove(t, cell);
        return ERR_FULL;
    }
    for (size_t i = 0; i < ROWS_COUNT; i++)
        memcpy((uint8_t *)d + ROWS[i].offset, (const uint8_t *)from + ROWS[i].offset,
               ROWS[i].bytes);
    d->base_bytes = (uint16_t)(d->key_bytes + from->base_bytes);
    d->second_leg = key->second_leg;
    d->flags |= CALL_RESTORED;
    d->saved = true;
    bool answered = d->state == ANSWERED || d->state == ENDING;
    table_place(t, cell, LINK_AGE, answered ? LIST_ANSWERED : LIST_UNANSWERED);
    table_arm(t, cell, now_us, now_us + patience_us(t, d));
    t->live++;
    t->counts.restored++;
    return OK;
}

enum err dialog_restore(struct dialog_table *t, struct span key, struct span value, uint64_t now_us,
                        struct diag *d)
{
    struct saved_key k;
    struct dialog from = {0};
    struct span items;
    enum err e = key.n + value.n <= 2 * DIALOG_BYTES_MAX ? split_key(key, &k) : ERR_SYNTAX;
    if (e != OK)
        return diag_set(d, e, "checkpoint key", 0);
    e = decode(t, value, &from, &items, d);
    if (e != OK)
        return e;
    uint32_t there = table_find(t, k.call_id, k.tag, from.to_tag);
    if (there && table_dialog(t, there)->to_tag == from.to_tag)
        return diag_set(d, ERR_CONFLICT, "a call of this key is there", 0);
    return put_back(t, &k, &from, items, now_us);
}

#include "proto/record/dialog_table.h"

#include <stdlib.h>

#include "proto/core/check.h"
#include "proto/core/instant.h"

enum { SLOTS_MIN = 16 };

struct dialog *table_dialog(const struct dialog_table *t, uint32_t cell)
{
    return slab_at(&t->dialogs, cell);
}

/* FNV-1a a word at a time: fast, and nobody gains by a collision inside his own call. */
uint32_t table_hash32(struct span s)
{
    uint64_t h = 0xcbf29ce484222325 ^ s.n, word;
    for (; s.n >= sizeof word; s = span_from(s, sizeof word)) {
        memcpy(&word, s.p, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15;
        h ^= h >> 29;
    }
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ s.p[i]) * 0x100000001b3;
    h ^= h >> 32;
    return (uint32_t)h ? (uint32_t)h : 1;
}

/* The tag goes in with the hash of the Call-ID: no separator can be forged. */
uint64_t table_key_hash(const struct dialog_table *t, struct span call_id, struct span tag)
{
    uint64_t h = seedhash(t->seed, call_id);
    struct seed of_tag = {t->seed.k0 ^ h, t->seed.k1 + h};
    return seedhash(of_tag, tag);
}

static bool has_key(const struct dialog_table *t, const struct dialog *d, struct span call_id,
                    struct span tag)
{
    static const struct span NUL = {(const uint8_t *)"", 1};
    return d->key_bytes == call_id.n + tag.n + 2 && chain_holds(&t->text, &d->text, 0, call_id) &&
           chain_holds(&t->text, &d->text, (uint32_t)call_id.n, NUL) &&
           chain_holds(&t->text, &d->text, (uint32_t)call_id.n + 1, tag);
}

/* Better of two dialogs of one key for a message that names no To tag of theirs. */
static uint32_t livelier(const struct dialog_table *t, uint32_t a, uint32_t b)
{
    return a && table_dialog(t, a)->state != OVER ? a : b;
}

uint32_t table_find(const struct dialog_table *t, struct span call_id, struct span tag,
                    uint32_t to_tag)
{
    uint64_t hash = table_key_hash(t, call_id, tag);
    uint32_t best = 0;
    for (uint32_t i = (uint32_t)hash & t->slots_mask; t->slots[i].cell;
         i = (i + 1) & t->slots_mask) {
        if (t->slots[i].tag != (uint32_t)hash)
            continue;
        const struct dialog *d = table_dialog(t, t->slots[i].cell);
        if (d->hash != hash || !has_key(t, d, call_id, tag))
            continue;
        if (to_tag && d->to_tag == to_tag)
            return t->slots[i].cell;
        best = livelier(t, best, t->slots[i].cell);
    }
    return best;
}

static void slot_insert(struct dialog_table *t, uint64_t hash, uint32_t cell)
{
    uint32_t i = (uint32_t)hash & t->slots_mask;
    while (t->slots[i].cell)
        i = (i + 1) & t->slots_mask;
    t->slots[i] = (struct slot){cell, (uint32_t)hash};
}

/* Knuth 6.4 R: what follows moves up into the hole, so that no search ends early. */
static void slot_erase(struct dialog_table *t, uint64_t hash, uint32_t cell)
{
    uint32_t mask = t->slots_mask, hole = (uint32_t)hash & mask;
    while (t->slots[hole].cell != cell) {
        CHECK(t->slots[hole].cell);
        hole = (hole + 1) & mask;
    }
    for (uint32_t i = (hole + 1) & mask; t->slots[i].cell; i = (i + 1) & mask) {
        uint32_t home = t->slots[i].tag & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct slot){0, 0};
}

uint32_t table_add(struct dialog_table *t, struct span call_id, struct span tag)
{
    static const struct span NUL = {(const uint8_t *)"", 1};
    uint32_t cell = slab_take(&t->dialogs);
    if (!cell)
        return 0;
    struct dialog *d = table_dialog(t, cell);
    if (!chain_append(&t->text, &d->text, call_id) || !chain_append(&t->text, &d->text, NUL) ||
        !chain_append(&t->text, &d->text, tag) || !chain_append(&t->text, &d->text, NUL)) {
        chain_cut(&t->text, &d->text, 0);
        slab_give(&t->dialogs, cell);
        return 0;
    }
    CHECK(d->text.n <= DIALOG_BYTES_MAX);
    d->key_bytes = d->base_bytes = (uint16_t)d->text.n;
    d->hash = table_key_hash(t, call_id, tag);
    slot_insert(t, d->hash, cell);
    return cell;
}

void table_remove(struct dialog_table *t, uint32_t cell)
{
    struct dialog *d = table_dialog(t, cell);
    for (unsigned kind = 0; kind < LINK_KINDS; kind++)
        table_place(t, cell, (enum link_kind)kind, LIST_NONE);
    slot_erase(t, d->hash, cell);
    chain_cut(&t->text, &d->text, 0);
    slab_give(&t->dialogs, cell);
}

static void unlink_from(struct dialog_table *t, struct link *l, enum link_kind kind)
{
    struct list *list = &t->lists[l->list];
    if (l->prev)
        table_dialog(t, l->prev)->links[kind].next = l->next;
    else
        list->head = l->next;
    if (l->next)
        table_dialog(t, l->next)->links[kind].prev = l->prev;
    else
        list->tail = l->prev;
}

void table_place(struct dialog_table *t, uint32_t cell, enum link_kind kind, unsigned list)
{
    struct link *l = &table_dialog(t, cell)->links[kind];
    if (l->list)
        unlink_from(t, l, kind);
    *l = (struct link){.list = (uint16_t)list};
    if (list == LIST_NONE)
        return;
    l->prev = t->lists[list].tail;
    if (l->prev)
        table_dialog(t, l->prev)->links[kind].next = cell;
    else
        t->lists[list].head = cell;
    t->lists[list].tail = cell;
}

static uint64_t tick_of(uint64_t us)
{
    return us >> TICK_SHIFT;
}

static void into_wheel(struct dialog_table *t, uint32_t cell)
{
    uint64_t tick = tick_of(table_dialog(t, cell)->deadline_us) + 1; /* never early */
    if (tick < t->tick_at)
        tick = t->tick_at;
    if (tick >= t->tick_at + WHEEL_TICKS)
        tick = t->tick_at + WHEEL_TICKS - 1;
    table_place(t, cell, LINK_TIMER, LIST_WHEEL + (unsigned)(tick % WHEEL_TICKS));
}

void table_arm(struct dialog_table *t, uint32_t cell, uint64_t now_us, uint64_t deadline_us)
{
    struct dialog *d = table_dialog(t, cell);
    bool later = d->links[LINK_TIMER].list && deadline_us >= d->deadline_us;
    if (!t->tick_known) {
        t->tick_at = tick_of(now_us);
        t->tick_known = true;
    }
    d->deadline_us = deadline_us;
    if (!later) /* a later deadline is found out when the earlier one comes */
        into_wheel(t, cell);
}

/* Time may jump by more than a turn (a replayed capture): one turn visits every list. */
static void skip_turns(struct dialog_table *t, uint64_t now_tick)
{
    if (now_tick >= t->tick_at + 2 * WHEEL_TICKS)
        t->tick_at = now_tick - WHEEL_TICKS - (now_tick - t->tick_at) % WHEEL_TICKS;
}

uint32_t table_due(struct dialog_table *t, uint64_t now_us)
{
    if (!t->tick_known)
        return 0;
    skip_turns(t, tick_of(now_us));
    for (; t->tick_at <= tick_of(now_us); t->tick_at++) {
        struct list *list = &t->lists[LIST_WHEEL + t->tick_at % WHEEL_TICKS];
        uint32_t last = list->tail;
        for (uint32_t cell = list->head; cell; cell = list->head) {
            if (table_dialog(t, cell)->deadline_us <= now_us) {
                table_place(t, cell, LINK_TIMER, LIST_NONE);
                return cell;
            }
            t->tick_at++; /* put back for a later tick than this one */
            into_wheel(t, cell);
            t->tick_at--;
            if (cell == last)
                break;
        }
    }
    return 0;
}

uint64_t table_silence_us(const struct dialog_table *t, const struct dialog *d)
{
    uint64_t session_us = (uint64_t)d->session_s * US_PER_S * 3 / 2;
    uint64_t silence_us = (uint64_t)t->limits.silence_s * US_PER_S;
    return session_us > silence_us ? session_us : silence_us;
}

static void defaults(struct dialog_limits *l)
{
    const struct {
        uint32_t *field, value;
    } ROWS[] = {{&l->no_reply_s, 34},    {&l->ringing_s, 185},  {&l->retry_s, 180},
                {&l->ending_s, 32},      {&l->tombstone_s, 60}, {&l->silence_s, 12 * 3600},
                {&l->checkpoint_ms, 200}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (*ROWS[i].field == 0)
            *ROWS[i].field = ROWS[i].value;
    if (l->dialogs_max == 0)
        l->dialogs_max = DIALOGS_MAX_DEFAULT;
    if (l->bytes_max == 0)
        l->bytes_max = (size_t)1 << 30;
}

enum err dialog_table_new(const struct dialog_limits *limits, struct dialog_seed seed,
                          struct dialog_table **out)
{
    struct dialog_table *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->limits = *limits;
    t->seed = (struct seed){seed.k0, seed.k1};
    defaults(&t->limits);
    size_t slots = SLOTS_MIN, cells = t->limits.bytes_max / TEXT_CELL_BYTES;
    while (slots < 2 * t->limits.dialogs_max)
        slots *= 2;
    t->slots = slots <= UINT32_MAX ? calloc(slots, sizeof *t->slots) : NULL;
    t->slots_mask = (uint32_t)(slots - 1);
    enum err e = t->slots && cells < UINT32_MAX ? OK : ERR_NOMEM;
    if (e == OK)
        e = slab_init(&t->dialogs, sizeof(struct dialog), (uint32_t)t->limits.dialogs_max);
    if (e == OK)
        e = slab_init(&t->text, TEXT_CELL_BYTES, (uint32_t)cells);
    if (e != OK)
        t = dialog_table_free(t);
    *out = t;
    return e;
}

struct dialog_table *dialog_table_free(struct dialog_table *t)
{
    if (!t)
        return NULL;
    slab_done(&t->dialogs);
    slab_done(&t->text);
    free(t->slots);
    explicit_bzero(t, sizeof *t);
    free(t);
    return NULL;
}

const struct dialog_counts *dialog_counts(const struct dialog_table *t)
{
    return &t->counts;
}

size_t dialog_live(const struct dialog_table *t)
{
    return t->live;
}

size_t dialog_bytes(const struct dialog_table *t)
{
    return sizeof *t + ((size_t)t->slots_mask + 1) * sizeof *t->slots + slab_bytes(&t->dialogs) +
           slab_bytes(&t->text);
}

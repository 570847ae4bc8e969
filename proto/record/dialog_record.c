#include "proto/record/dialog_record.h"

#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "proto/record/call_pack.h"
#include "proto/record/release.h"
#include "proto/record/sip_call.h"

enum {
    ANSWER_BYTES_MAX = 1024,    /* kept free of extras for what the 2xx and the end add */
    SKEW_US_MAX = 5 * US_PER_S, /* capture time against ours, feeds.md 12.3 */
};

/* ---- what is kept of the messages ---- */

struct sdp dialog_sdp(struct step *s)
{
    struct sdp sdp = {0};
    struct span text = sdp_in_body(s->m->content_type, s->m->body);
    if (text.n && sdp_parse(text, &sdp, NULL) != OK)
        sdp = (struct sdp){.secrets_dropped = sdp.secrets_dropped};
    s->t->counts.secrets += sdp.secrets_dropped;
    return sdp;
}

static void describe_source(const struct step *s, struct call *c)
{
    const struct dialog_meta *meta = s->meta;
    int64_t skew = meta->t_capture_us - meta->t_receive_us;
    c->feed_id = meta->feed_id;
    c->time_quality = meta->time_quality;
    c->switch_id = meta->agent_name;
    c->src_ip = meta->src;
    c->src_port = meta->src_port;
    c->dst_ip = meta->dst;
    c->dst_port = meta->dst_port;
    c->transport = (uint8_t)(meta->transport ? meta->transport : s->m->transport);
    if (meta->t_receive_us && (skew > SKEW_US_MAX || skew < -SKEW_US_MAX))
        c->flags |= CALL_CLOCK_SUSPECT;
}

/* limits.h: a field as sealed has FIELD_BYTES_MAX; an extra is cut by record_extra(). */
static void cut_fields(struct call *c)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++) {
        if (CALL_FIELDS[i].type != CALL_STR)
            continue;
        struct span *text = (struct span *)(void *)((uint8_t *)c + CALL_FIELDS[i].offset);
        if (text->n > FIELD_BYTES_MAX) {
            text->n = FIELD_BYTES_MAX;
            c->flags |= CALL_TRUNCATED;
        }
    }
}

/* Fields that the key or the end supply are not kept twice. */
static void pack_invite(struct step *s, struct buf *b)
{
    struct call c = {0};
    struct buf room = buf_of(s->t->room, sizeof s->t->room);
    struct sdp offer = dialog_sdp(s);
    sip_call_invite(s->m, &offer, &room, &c);
    describe_source(s, &c);
    cut_fields(&c);
    c.call_key = c.sip_call_id = c.from_tag = SPAN_EMPTY;
    s->d->flags |= c.flags;
    c.flags = 0;
    call_pack(&c, b);
}

static void pack_extras(struct step *s, struct buf *b)
{
    for (size_t i = 0; i < s->m->extras_count; i++) {
        size_t before = b->n;
        call_pack_extra(&s->m->extra[i], b);
        if (!buf_ok(b)) {
            s->t->counts.extras_lost += s->m->extras_count - i;
            s->d->flags |= CALL_EXTRAS_LOST;
            b->full = false;
            b->n = before;
            return;
        }
    }
}

void dialog_keep_invite(struct step *s)
{
    struct dialog *d = s->d;
    struct buf b = buf_of(s->t->scratch, DIALOG_BYTES_MAX - ANSWER_BYTES_MAX - d->key_bytes);
    pack_invite(s, &b);
    if (!buf_ok(&b)) {
        buf_reset(&b);
        d->flags |= CALL_TRUNCATED;
    }
    pack_extras(s, &b);
    if (!chain_append(&s->t->text, &d->text, buf_span(&b)))
        d->flags |= CALL_TRUNCATED | CALL_EXTRAS_LOST;
    d->base_bytes = (uint16_t)d->text.n;
}

void dialog_keep_more(struct step *s, const struct call *c)
{
    uint8_t items[ANSWER_BYTES_MAX];
    struct buf b = buf_of(items, sizeof items);
    call_pack(c, &b);
    if (!buf_ok(&b) || s->d->text.n + b.n > DIALOG_BYTES_MAX ||
        !chain_append(&s->t->text, &s->d->text, buf_span(&b)))
        s->d->flags |= CALL_TRUNCATED;
}

void dialog_keep_answer(struct step *s)
{
    struct buf room = buf_of(s->t->room, sizeof s->t->room);
    struct call c = {0};
    struct sdp sdp = dialog_sdp(s);
    sip_call_answer(s->m, &sdp, &room, &c);
    dialog_keep_more(s, &c);
}

bool dialog_copy_base(struct dialog_table *t, const struct dialog *from, struct dialog *to)
{
    struct buf b = buf_of(t->scratch, sizeof t->scratch);
    chain_read(&t->text, &from->text, from->base_bytes, &b);
    bool fits = chain_append(&t->text, &to->text, span_from(buf_span(&b), from->key_bytes));
    to->base_bytes = (uint16_t)to->text.n;
    return fits;
}

/* ---- the record ---- */

void dialog_hold(struct dialog *d, uint8_t hold, int64_t at)
{
    if (d->hold && !hold && at > d->hold_since)
        d->hold_ms += (uint32_t)((at - d->hold_since) / US_PER_MS);
    if (!d->hold && hold)
        d->hold_since = at;
    d->hold = hold;
}

/* The call as text, whole and contiguous: key, items of the INVITE, items of the answer. */
static struct span text_of(struct dialog_table *t, const struct dialog *d)
{
    struct buf b = buf_of(t->scratch, sizeof t->scratch);
    chain_read(&t->text, &d->text, d->text.n, &b);
    return buf_span(&b);
}

static void fill_key(const struct dialog *d, struct span key, struct record *r, struct buf *room)
{
    struct call *c = &r->call;
    struct span rest = span_sub(key, 0, d->key_bytes - 1U);
    c->sip_call_id = c->call_key = span_cut(&rest, '\0');
    c->from_tag = rest;
    size_t at = room->n;
    buf_put(room, key); /* Call-ID 0 From tag 0 */
    buf_put(room, c->to_tag);
    buf_u8(room, 0);
    buf_dec(room, d->cseq);
    r->dedup = span_from(buf_span(room), at);
}

/* RFC 3398 7.2.3, 8.2.1: BYE and CANCEL without Reason are normal clearing. */
static void fill_cause(const struct dialog *d, struct call *c)
{
    bool normal = d->state == ENDING || d->cancelled;
    c->q850 = d->q850;
    if (c->q850 == 0 && (normal || d->status >= 300)) {
        c->q850 = normal ? Q850_NORMAL_CLEARING : release_q850(d->status);
        if (c->q850)
            c->flags |= CALL_CAUSE_DERIVED;
    }
}

static enum disposition disposition_of(const struct dialog *d, bool given_up)
{
    if (d->state == ANSWERED || d->state == ENDING)
        return DISPOSITION_ANSWERED;
    if (d->cancelled)
        return DISPOSITION_CANCELLED;
    if (d->status >= 300)
        return release_disposition(d->status);
    return given_up ? DISPOSITION_UNKNOWN : DISPOSITION_TIMEOUT;
}

static void fill_times(struct dialog *d, struct call *c)
{
    c->t_start = d->t_start;
    c->t_progress = d->t_progress;
    c->t_answer = d->t_answer;
    c->t_end = d->t_end;
    c->t_receive = d->t_receive;
    call_durations(c);
    if (d->t_end)
        dialog_hold(d, 0, d->t_end);
    c->hold_ms = d->hold_ms;
    if (d->foreign)
        c->flags |= CALL_CLOCK_SUSPECT;
    if (d->state == ENDING && d->t_answer == 0) { /* the 2xx was lost: never a guessed duration */
        c->answered = 1;
        c->flags |= CALL_INCOMPLETE;
    }
}

/* rec_type says how the story ended; INCOMPLETE: an instant that billing needs is missing. */
static void fill_outcome(struct dialog *d, bool given_up, struct call *c)
{
    c->flags |= d->flags;
    c->disposition = (uint8_t)disposition_of(d, given_up);
    c->sip_status = d->status;
    c->attempts_auth = d->attempts_auth;
    c->redirect_count = (uint8_t)(c->redirect_count + d->redirects);
    c->forwarded = c->redirect_count != 0;
    c->release_side = d->release;
    fill_times(d, c);
    fill_cause(d, c);
    if (given_up)
        c->flags |= CALL_INCOMPLETE;
    if (c->flags & CALL_INCOMPLETE)
        c->rec_type = REC_INCOMPLETE;
    else
        c->rec_type = c->answered ? REC_FINAL : REC_ATTEMPT;
}

void dialog_saved_key(const struct dialog *d, struct span text, struct buf *b)
{
    buf_put(b, span_sub(text, 0, d->key_bytes));
    if (d->second_leg)
        buf_be32(b, d->to_tag);
}

void dialog_give_out(struct dialog_table *t, uint32_t cell, bool given_up, dialog_emit_fn *emit,
                     void *arg)
{
    uint8_t key[DIALOG_KEY_BYTES_MAX];
    struct buf saved = buf_of(key, sizeof key);
    struct dialog *d = table_dialog(t, cell);
    struct span text = text_of(t, d);
    struct buf room = buf_of(t->room, sizeof t->room);
    record_reset(&t->record);
    enum err e = call_unpack(span_from(text, d->key_bytes), &t->record, NULL);
    CHECK(e == OK); /* what is in memory we packed; dialog_restore checks what comes from outside */
    fill_key(d, span_sub(text, 0, d->key_bytes), &t->record, &room);
    fill_outcome(d, given_up, &t->record.call);
    if (d->saved)
        dialog_saved_key(d, text, &saved);
    t->record.saved = buf_span(&saved);
    t->counts.records++;
    emit(arg, &t->record);
}

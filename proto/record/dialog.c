#include "proto/record/dialog.h"

#include "proto/core/instant.h"
#include "proto/record/dialog_record.h"
#include "proto/record/release.h"

enum {
    KEY_BYTES_MAX = 2048,            /* Call-ID and From tag; the longest seen are under 200 */
    DOUBLE_BYE_US = 100 * US_PER_MS, /* two BYEs this close from both sides: a proxy's */
};

static uint64_t seconds(uint32_t s)
{
    return (uint64_t)s * US_PER_S;
}

static void arm(struct dialog_table *t, uint32_t cell, uint64_t now_us, uint64_t after_us)
{
    table_arm(t, cell, now_us, now_us + after_us);
}

/* ---- checkpoints: who needs one ---- */

static void mark_dirty(struct dialog_table *t, uint32_t cell, uint64_t now_us)
{
    struct dialog *d = table_dialog(t, cell);
    unsigned on = d->links[LINK_DIRTY].list;
    if (d->state == OVER) {
        table_place(t, cell, LINK_DIRTY, d->saved ? LIST_DIRTY_NOW : LIST_NONE);
    } else if (d->state == ANSWERED || d->state == ENDING) {
        if (on != LIST_DIRTY_NOW)
            table_place(t, cell, LINK_DIRTY, LIST_DIRTY_NOW);
    } else if (on == LIST_NONE) {
        d->dirty_us = now_us;
        table_place(t, cell, LINK_DIRTY, LIST_DIRTY_LATER);
    }
}

/* ---- instants ---- */

/* Durations want one clock: an instant of another agent stands only until the agent of the
 * INVITE shows the same event (feeds.md 12.3). */
static void stamp(struct step *s, int64_t *instant, uint8_t foreign_bit)
{
    bool foreign = s->meta->agent != s->d->agent;
    if (*instant == 0) {
        *instant = s->meta->t_capture_us;
        if (foreign)
            s->d->foreign |= foreign_bit;
    } else if (!foreign && (s->d->foreign & foreign_bit)) {
        *instant = s->meta->t_capture_us;
        s->d->foreign &= (uint8_t)~foreign_bit;
    }
}

static void forget_end(struct dialog *d)
{
    d->t_end = 0;
    d->foreign &= (uint8_t)~FOREIGN_END;
}

/* ---- the end ---- */

/* What is left of a call that was given out: its key, for a minute. */
static void bury(struct dialog_table *t, uint32_t cell, uint64_t now_us)
{
    struct dialog *d = table_dialog(t, cell);
    d->state = OVER;
    chain_cut(&t->text, &d->text, d->key_bytes);
    table_place(t, cell, LINK_AGE, LIST_OVER);
    table_place(t, cell, LINK_TIMER, LIST_NONE);
    arm(t, cell, now_us, seconds(t->limits.tombstone_s));
    mark_dirty(t, cell, now_us);
    t->live--;
}

static void finish(struct dialog_table *t, uint32_t cell, bool given_up, uint64_t now_us,
                   dialog_emit_fn *emit, void *arg)
{
    dialog_give_out(t, cell, given_up, emit, arg);
    bury(t, cell, now_us);
}

static void finish_step(struct step *s)
{
    finish(s->t, s->cell, false, s->now_us, s->emit, s->arg);
}

/* ---- room ---- */

/* The oldest tombstone whose deletion is not owed to a checkpoint. */
static uint32_t oldest_tombstone(const struct dialog_table *t)
{
    uint32_t cell = t->lists[LIST_OVER].head;
    while (cell && table_dialog(t, cell)->saved)
        cell = table_dialog(t, cell)->links[LINK_AGE].next;
    return cell;
}

/* Room for one more call: tombstones go first, then the oldest call that nobody answered,
 * as an incomplete record. Answered calls stay: they are money. */
static bool make_room(struct step *s)
{
    struct dialog_table *t = s->t;
    uint32_t cells = chain_cells(&t->text, DIALOG_BYTES_MAX);
    while (slab_left(&t->dialogs) == 0 || slab_left(&t->text) < cells) {
        uint32_t victim = oldest_tombstone(t);
        if (!victim) {
            victim = t->lists[LIST_UNANSWERED].head;
            if (!victim)
                return false;
            finish(t, victim, true, s->now_us, s->emit, s->arg);
            t->counts.evicted++;
            if (table_dialog(t, victim)->saved)
                return false; /* its room comes free with the next checkpoint */
        }
        table_remove(t, victim);
    }
    return true;
}

/* ---- the first INVITE ---- */

/* Retransmissions and second captures, for the counter: the steps are idempotent. */
static void count_repeats(struct step *s)
{
    struct dialog *d = s->d;
    uint32_t what[] = {(uint32_t)s->m->method, s->m->status, s->m->cseq, s->branch, s->to_tag};
    uint32_t hash = table_hash32(span_of(what, sizeof what));
    for (size_t i = 0; i < SEEN_MAX; i++)
        if (d->seen[i] == hash) {
            s->t->counts.repeated++;
            return;
        }
    d->seen[d->seen_next++ % SEEN_MAX] = hash;
}

static void start_attempt(struct step *s)
{
    struct dialog *d = s->d;
    d->state = CALLING;
    d->cseq = s->m->cseq;
    d->branch = s->branch;
    d->status = d->hop_status = 0;
    d->release = RELEASE_UNKNOWN;
    forget_end(d);
    table_place(s->t, s->cell, LINK_TIMER, LIST_NONE);
    arm(s->t, s->cell, s->now_us, seconds(s->t->limits.no_reply_s));
    mark_dirty(s->t, s->cell, s->now_us);
}

static void start_call(struct step *s)
{
    struct dialog_table *t = s->t;
    if (s->m->call_id.n + s->m->from_tag.n > KEY_BYTES_MAX || !make_room(s) ||
        !(s->cell = table_add(t, s->m->call_id, s->m->from_tag))) {
        t->counts.refused++;
        return;
    }
    s->d = table_dialog(t, s->cell);
    s->d->agent = s->meta->agent;
    s->d->t_start = s->meta->t_capture_us;
    s->d->t_receive = s->meta->t_receive_us;
    s->d->session_s = s->m->session_expires_s;
    t->live++;
    count_repeats(s);
    dialog_keep_invite(s);
    table_place(t, s->cell, LINK_AGE, LIST_UNANSWERED);
    start_attempt(s);
}

/* The same Call-ID and From tag again after the end: a new call that takes over the duty to
 * delete what a checkpoint may hold of the old one. */
static void start_again(struct step *s)
{
    bool saved = s->d->saved;
    if (s->d->state != OVER)
        finish(s->t, s->cell, s->d->state == ANSWERED, s->now_us, s->emit, s->arg);
    table_remove(s->t, s->cell);
    s->cell = 0;
    start_call(s);
    if (s->cell)
        s->d->saved = saved;
}

/* INVITE without To tag of a call that is known. */
static void invite_again(struct step *s)
{
    struct dialog *d = s->d;
    bool ended = d->state == OVER || d->state == ENDING || d->state == ANSWERED;
    if (s->m->cseq < d->cseq)
        return;
    if (s->m->cseq == d->cseq) { /* another branch: the other side of a proxy */
        s->t->counts.hops += s->branch != d->branch;
        s->t->counts.late += d->state == OVER;
    } else if (ended) {
        start_again(s);
    } else {
        d->redirects = (uint8_t)(d->redirects + (d->status / 100 == 3));
        start_attempt(s);
    }
}

/* ---- responses to INVITE ---- */

static void provisional(struct step *s)
{
    struct dialog *d = s->d;
    if (s->m->status > 100) {
        d->state = RINGING;
        stamp(s, &d->t_progress, FOREIGN_PROGRESS);
    }
    if (!d->cancelled) /* RFC 3261 16.8: Timer C starts anew */
        arm(s->t, s->cell, s->now_us, seconds(s->t->limits.ringing_s));
    mark_dirty(s->t, s->cell, s->now_us);
}

/* Whether a response or CANCEL belongs to the INVITE as the caller sent it, not to its copy
 * behind the proxy. RFC 2543 elements send no branch. */
static bool is_ours(const struct step *s)
{
    return s->m->branch.n == 0 || s->branch == s->d->branch;
}

/* The first 2xx. It wins over a CANCEL that crossed it (RFC 3261 9.1), and over a BYE that
 * was captured before it. */
static void answer(struct step *s)
{
    struct dialog *d = s->d;
    if (d->cancelled) {
        d->cancelled = false;
        d->release = RELEASE_UNKNOWN;
        d->q850 = 0;
        forget_end(d);
    }
    stamp(s, &d->t_answer, FOREIGN_ANSWER);
    d->cseq = s->m->cseq;
    d->status = s->m->status;
    d->to_tag = s->to_tag;
    d->answered_hop = !is_ours(s);
    if (s->m->session_expires_s)
        d->session_s = s->m->session_expires_s;
    dialog_keep_answer(s);
    if (d->state != ENDING) {
        d->state = ANSWERED;
        table_place(s->t, s->cell, LINK_AGE, LIST_ANSWERED);
        table_place(s->t, s->cell, LINK_TIMER, LIST_NONE);
        arm(s->t, s->cell, s->now_us, table_silence_us(s->t, d));
    }
    mark_dirty(s->t, s->cell, s->now_us);
}

/* A 2xx with another To tag: the INVITE was forked downstream and two answered. Two
 * dialogs, two records (RFC 3261 13.2.2.4; feeds.md 12.3). */
static void fork_leg(struct step *s)
{
    struct dialog_table *t = s->t;
    uint32_t first = s->cell;
    if (!make_room(s) || !(s->cell = table_add(t, s->m->call_id, s->m->from_tag))) {
        t->counts.refused++;
        return;
    }
    const struct dialog *a = table_dialog(t, first);
    struct dialog *b = s->d = table_dialog(t, s->cell);
    b->t_start = a->t_start;
    b->t_progress = a->t_progress;
    b->t_receive = s->meta->t_receive_us;
    b->agent = a->agent;
    b->branch = a->branch;
    b->foreign = a->foreign & FOREIGN_PROGRESS;
    b->attempts_auth = a->attempts_auth;
    b->redirects = a->redirects;
    b->flags = a->flags | CALL_FORK;
    b->second_leg = true;
    if (!dialog_copy_base(t, a, b))
        b->flags |= CALL_TRUNCATED;
    table_dialog(t, first)->flags |= CALL_FORK;
    mark_dirty(t, first, s->now_us);
    t->counts.forks++;
    t->live++;
    answer(s);
}

static void note_reason(struct step *s)
{
    const struct sip_reason *r = &s->m->reason;
    struct call c = {.cause_raw = r->text};
    if (s->d->q850 || (r->q850 == 0 && r->text.n == 0))
        return;
    s->d->q850 = r->q850;
    /* RFC 8606: the user's own switch says U; anything else is some network */
    if (r->where.n && !span_ieq(r->where, span_str("U")))
        s->d->release = RELEASE_NETWORK;
    if (c.cause_raw.n)
        dialog_keep_more(s, &c);
}

static void note_to_tag(struct step *s, struct span tag)
{
    struct call c = {.to_tag = tag};
    if (tag.n)
        dialog_keep_more(s, &c);
}

/* Busy and the 6xx speak for the callee; the rest any element on the way may say. */
static uint8_t failure_side(const struct dialog *d)
{
    if (d->cancelled)
        return RELEASE_CALLER;
    return d->status >= 600 || d->status == 486 ? RELEASE_CALLEE : RELEASE_NETWORK;
}

/* A final response that is not 2xx, to the INVITE as the caller sent it. */
static void failure(struct step *s)
{
    struct dialog *d = s->d;
    unsigned status = s->m->status;
    if (d->state == RETRY && d->status == status)
        return; /* retransmitted */
    d->status = (uint16_t)status;
    d->attempts_auth = (uint8_t)(d->attempts_auth + (status == 401 || status == 407));
    if (d->state == ENDING) { /* RFC 3261 15.1.2: the BYE ended an early dialog */
        d->state = RINGING;
        d->cancelled = true;
    }
    d->cancelled |= status == 487;    /* whoever cancelled, we did not see it */
    stamp(s, &d->t_end, FOREIGN_END); /* a CANCEL or BYE before it was the end */
    if (d->release == RELEASE_UNKNOWN)
        d->release = failure_side(d);
    if (release_retries(status) && !d->cancelled) {
        d->state = RETRY;
        table_place(s->t, s->cell, LINK_TIMER, LIST_NONE);
        arm(s->t, s->cell, s->now_us, seconds(s->t->limits.retry_s));
        mark_dirty(s->t, s->cell, s->now_us);
        return;
    }
    note_to_tag(s, s->m->to_tag);
    note_reason(s);
    finish_step(s);
}

/* While nobody has answered. A failure behind the proxy is not yet the caller's: the proxy
 * may try the next target. */
static void response_to_invite(struct step *s)
{
    struct dialog *d = s->d;
    if (s->m->status / 100 == 2)
        answer(s);
    else if (s->m->cseq != d->cseq)
        return; /* of an earlier attempt */
    else if (s->m->status < 200 && d->state != RETRY)
        provisional(s);
    else if (s->m->status >= 300 && is_ours(s))
        failure(s);
    else if (s->m->status >= 300)
        d->hop_status = s->m->status;
}

/* ---- inside the dialog ---- */

static void touch(struct step *s)
{
    if (s->d->state == ANSWERED)
        arm(s->t, s->cell, s->now_us, table_silence_us(s->t, s->d));
}

/* RFC 3264 8.4: what a re-INVITE or UPDATE offers counts once its 2xx has come. */
static void offer(struct step *s)
{
    struct span text = sdp_in_body(s->m->content_type, s->m->body);
    if (text.n == 0 || s->d->state != ANSWERED)
        return;
    uint8_t side = s->from_caller ? 1 : 2;
    struct sdp sdp = dialog_sdp(s);
    s->d->hold_next = (uint8_t)((s->d->hold & ~side) | (sdp.hold ? side : 0));
    s->d->hold_cseq = s->m->cseq;
}

static void accepted(struct step *s)
{
    struct dialog *d = s->d;
    if (s->m->session_expires_s)
        d->session_s = s->m->session_expires_s;
    if (d->hold_cseq == 0 || d->hold_cseq != s->m->cseq)
        return;
    dialog_hold(d, d->hold_next, s->meta->t_capture_us);
    d->hold_cseq = 0;
    mark_dirty(s->t, s->cell, s->now_us);
}

/* RFC 3261 13.2.1: an INVITE without offer is answered in the ACK. */
static void late_offer(struct step *s)
{
    struct call c = {0};
    if (s->d->state != ANSWERED || s->m->cseq != s->d->cseq || s->m->body.n == 0)
        return;
    struct sdp sdp = dialog_sdp(s);
    c.media_ip_a = sdp.media_ip;
    c.codec_in = sdp.codec;
    dialog_keep_more(s, &c);
    mark_dirty(s->t, s->cell, s->now_us);
}

static void begin_ending(struct step *s)
{
    struct dialog *d = s->d;
    if (d->state != ANSWERED) /* its 2xx was lost; the tag it brought is in the BYE */
        note_to_tag(s, s->from_caller ? s->m->to_tag : s->m->from_tag);
    d->state = ENDING;
    d->bye_from_caller = s->from_caller;
    d->release = s->from_caller ? RELEASE_CALLER : RELEASE_CALLEE;
    if (d->cancelled) { /* a CANCEL that came too late: RFC 3261 9.1 */
        d->cancelled = false;
        forget_end(d);
    }
    stamp(s, &d->t_end, FOREIGN_END);
    note_reason(s);
    table_place(s->t, s->cell, LINK_AGE, LIST_ANSWERED);
    table_place(s->t, s->cell, LINK_TIMER, LIST_NONE);
    arm(s->t, s->cell, s->now_us, seconds(s->t->limits.ending_s));
    mark_dirty(s->t, s->cell, s->now_us);
}

static void bye(struct step *s)
{
    struct dialog *d = s->d;
    if (d->state != ENDING) {
        begin_ending(s);
        return;
    }
    int64_t apart = s->meta->t_capture_us - d->t_end;
    stamp(s, &d->t_end, FOREIGN_END);
    if (s->from_caller != d->bye_from_caller && apart < DOUBLE_BYE_US && apart > -DOUBLE_BYE_US)
        d->release = RELEASE_NETWORK;
}

/* A challenged BYE did not end anything yet; the timer ends it if nobody tries again. */
static void response_to_bye(struct step *s)
{
    unsigned status = s->m->status;
    if (s->d->state == ENDING && status >= 200 && status != 401 && status != 407)
        finish_step(s);
}

/* RFC 3261 9.1: a CANCEL has the branch of the INVITE it cancels. One behind the proxy ends
 * a target, not the call. */
static void cancel(struct step *s)
{
    struct dialog *d = s->d;
    if ((d->state != CALLING && d->state != RINGING) || s->m->cseq != d->cseq || !is_ours(s))
        return;
    bool first = !d->cancelled;
    d->cancelled = true;
    d->release = RELEASE_CALLER;
    stamp(s, &d->t_end, FOREIGN_END);
    if (!first)
        return;
    note_reason(s);
    table_place(s->t, s->cell, LINK_TIMER, LIST_NONE);
    arm(s->t, s->cell, s->now_us, seconds(s->t->limits.ending_s)); /* 9.1: 64 x T1 */
    mark_dirty(s->t, s->cell, s->now_us);
}

/* ---- which call, which step ---- */

static void on_request(struct step *s)
{
    switch (s->m->method) {
    case SIP_INVITE:
        if (s->m->to_tag.n == 0)
            invite_again(s);
        else
            offer(s);
        break;
    case SIP_UPDATE:
        offer(s);
        break;
    case SIP_ACK:
        late_offer(s);
        break;
    case SIP_BYE:
        bye(s);
        break;
    case SIP_CANCEL:
        cancel(s);
        break;
    case SIP_PRACK:
    case SIP_INFO:
    case SIP_REFER:
    case SIP_REGISTER:
    case SIP_OPTIONS:
    case SIP_MESSAGE:
    case SIP_SUBSCRIBE:
    case SIP_NOTIFY:
    case SIP_PUBLISH:
    case SIP_OTHER:
    case SIP_METHOD_COUNT:
        break; /* they keep the call alive; REFER and Replaces link calls, never merge them */
    }
}

/* A further 2xx of the INVITE. Behind a proxy any tag may pass by; what the caller gets to
 * see decides: its first 2xx fixes the dialog, one with another tag is a fork. */
static void answered_again(struct step *s)
{
    struct dialog *d = s->d;
    bool other_tag = s->to_tag && d->to_tag != s->to_tag;
    if (!other_tag)
        stamp(s, &d->t_answer, FOREIGN_ANSWER); /* of the agent that saw the INVITE? */
    if (!is_ours(s))
        return;
    if (other_tag && d->answered_hop)
        answer(s);
    else if (other_tag && d->to_tag)
        fork_leg(s);
    d->answered_hop = false;
}

static void on_response(struct step *s)
{
    const struct dialog *d = s->d;
    bool answered = d->state == ANSWERED || (d->state == ENDING && d->t_answer);
    bool first_invite = s->m->method == SIP_INVITE && s->from_caller;
    if (s->m->method == SIP_BYE)
        response_to_bye(s);
    else if (first_invite && !answered)
        response_to_invite(s);
    else if (first_invite && s->m->status / 100 == 2 && s->m->cseq == d->cseq)
        answered_again(s);
    else if ((s->m->method == SIP_INVITE || s->m->method == SIP_UPDATE) && s->m->status / 100 == 2)
        accepted(s);
}

/* By the caller's tag: that of From when the caller began the transaction, else that of To. */
static bool find_call(struct step *s)
{
    const struct sip_msg *m = s->m;
    s->from_caller = true;
    s->cell = table_find(s->t, m->call_id, m->from_tag, s->to_tag);
    if (!s->cell && m->to_tag.n) {
        s->from_caller = false;
        s->cell = table_find(s->t, m->call_id, m->to_tag, s->from_tag);
    }
    s->d = s->cell ? table_dialog(s->t, s->cell) : NULL;
    return s->cell != 0;
}

/* A request inside a dialog names both tags; one with a callee's tag that never answered
 * belongs to a leg whose 2xx was lost, not to this one (RFC 3261 12.2.2). */
static bool other_leg(const struct step *s)
{
    uint32_t tag = s->from_caller ? s->to_tag : s->from_tag;
    bool inside = s->m->method == SIP_BYE && s->m->status == 0;
    return inside && s->d->to_tag && tag && s->d->to_tag != tag;
}

static void unknown_call(struct step *s)
{
    const struct sip_msg *m = s->m;
    bool about_calls = m->method >= SIP_INVITE && m->method <= SIP_PRACK;
    struct dialog_counts *n = &s->t->counts;
    if (m->method == SIP_INVITE && m->status == 0 && m->to_tag.n == 0)
        start_call(s);
    else if (!about_calls)
        n->ignored++;
    else if (m->status)
        n->orphan_responses++;
    else
        n->orphan_requests++;
}

static void count_kind(struct step *s)
{
    const struct sip_msg *m = s->m;
    struct dialog_counts *n = &s->t->counts;
    n->messages++;
    n->secrets += m->secrets_dropped;
    if (m->method == SIP_INVITE && m->status == 0)
        n->invites++;
    else if (m->method == SIP_INVITE)
        n->responses++;
    else if ((m->method == SIP_BYE || m->method == SIP_CANCEL) && m->status == 0)
        n->ends++;
    else if (s->cell)
        n->others++;
}

static void known_call(struct step *s)
{
    struct dialog *d = s->d;
    bool new_call = s->m->method == SIP_INVITE && s->m->status == 0 && s->m->to_tag.n == 0;
    count_repeats(s);
    if (other_leg(s)) {
        s->t->counts.orphan_requests++;
        return;
    }
    if (d->state == OVER && !new_call) {
        /* the ACK of a failure and the like belong to the end */
        s->t->counts.late += s->m->method != SIP_ACK;
        return;
    }
    d->t_receive = s->meta->t_receive_us;
    touch(s);
    if (s->m->status)
        on_response(s);
    else
        on_request(s);
}

void dialog_feed(struct dialog_table *t, const struct sip_msg *m, const struct dialog_meta *meta,
                 uint64_t now_us, dialog_emit_fn *emit, void *arg)
{
    struct step s = {.t = t,
                     .m = m,
                     .meta = meta,
                     .now_us = now_us,
                     .emit = emit,
                     .arg = arg,
                     .branch = table_hash32(m->branch),
                     .from_tag = m->from_tag.n ? table_hash32(m->from_tag) : 0,
                     .to_tag = m->to_tag.n ? table_hash32(m->to_tag) : 0};
    bool known = find_call(&s);
    count_kind(&s);
    if (known)
        known_call(&s);
    else
        unknown_call(&s);
}

/* ---- timers ---- */

/* Whether the outcome of a call that nobody answered is known although its end did not come.
 * What a target behind the proxy said is the best we know then. */
static bool settled(struct dialog *d)
{
    if (d->status == 0)
        d->status = d->hop_status;
    return d->cancelled || d->status >= 300;
}

static void expire(struct dialog_table *t, uint32_t cell, uint64_t now_us, dialog_emit_fn *emit,
                   void *arg)
{
    struct dialog *d = table_dialog(t, cell);
    if (d->state == OVER) {
        if (d->saved) /* no checkpoint was taken for a minute: it still owes the deletion */
            arm(t, cell, now_us, seconds(1));
        else
            table_remove(t, cell);
        return;
    }
    if (d->state == ANSWERED || (d->state != ENDING && !settled(d))) {
        t->counts.timeouts++;
        d->release = RELEASE_NETWORK;
    }
    finish(t, cell, d->state == ANSWERED, now_us, emit, arg);
}

void dialog_tick(struct dialog_table *t, uint64_t now_us, dialog_emit_fn *emit, void *arg)
{
    for (uint32_t cell; (cell = table_due(t, now_us)) != 0;)
        expire(t, cell, now_us, emit, arg);
}

void dialog_finish(struct dialog_table *t, uint64_t now_us, dialog_emit_fn *emit, void *arg)
{
    static const unsigned OPEN[] = {LIST_UNANSWERED, LIST_ANSWERED};
    for (size_t i = 0; i < sizeof OPEN / sizeof OPEN[0]; i++)
        for (uint32_t cell; (cell = t->lists[OPEN[i]].head) != 0;) {
            struct dialog *d = table_dialog(t, cell);
            bool ended = d->state == ENDING || (d->state != ANSWERED && settled(d));
            finish(t, cell, !ended, now_us, emit, arg);
        }
}

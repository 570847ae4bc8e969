/* recall.c - calls read back: the only place where call detail becomes output. It runs
 * under a grant whose audit line is on disk (answer.c), in steps, and emits in order of
 * time: a day's postings are gathered, opened once for their instants, sorted, opened
 * again and sent. */
#include <stdlib.h>

#include "proto/classify/field.h"
#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "proto/core/json_text.h"
#include "vault/state.h"

enum {
    RECALL_STEP_RECORDS = 64,         /* about a millisecond: what a commit may wait */
    RECALL_DAY_RECORDS_MAX = 1 << 22, /* of one customer and day: 100 MB of places */
    RECALL_DAYS_MAX = 3660
};

struct place { /* of one record */
    int64_t t_start;
    uint64_t seq;
    uint32_t month; /* whose family has it */
};

enum phase { GATHER, DATE, EMIT };

struct recall {
    uint32_t id;
    struct grant grant;
    struct decision decision;
    bool brief;
    int64_t from_us, to_us, day, last_day;
    enum phase phase;
    struct place *places; /* owned; of the current day */
    size_t places_count, places_cap, at;
    uint64_t rows, unreadable;
    struct arena arena;
};

struct recall *recall_free(struct recall *r)
{
    if (r) {
        arena_done(&r->arena);
        free(r->places);
        free(r);
    }
    return NULL;
}

/* --- what may be shown --- */

enum show { SHOW, MASK, HIDE };

/* Whose number or name a field holds. */
enum side { NO_NUMBER, OF_CALLER, OF_CALLED };
static enum side side_of(unsigned tag)
{
    static const struct {
        uint8_t tag, side;
    } NUMBERS[] = {{32, OF_CALLER}, {33, OF_CALLER},  {34, OF_CALLER}, {35, OF_CALLER},
                   {45, OF_CALLER}, {115, OF_CALLER}, {37, OF_CALLED}, {38, OF_CALLED},
                   {39, OF_CALLED}, {40, OF_CALLED},  {41, OF_CALLED}, {44, OF_CALLED}};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
        if (NUMBERS[i].tag == tag)
            return NUMBERS[i].side;
    return NO_NUMBER;
}

static bool other_party(enum side side, const struct call *c)
{
    if (side == NO_NUMBER || c->direction == DIRECTION_INTERNAL)
        return false;
    return !(side == OF_CALLER && c->direction == DIRECTION_ORIGINATING) &&
           !(side == OF_CALLED && c->direction == DIRECTION_TERMINATING);
}

/* RFC 3323: the caller asked for privacy; the called customer, and who reads for him, does
 * not learn the number. */
static bool withheld(const struct call *c)
{
    return (c->privacy & (PRIVACY_ID | PRIVACY_USER | PRIVACY_HEADER | PRIVACY_FULL)) != 0;
}

/* Is the caller hidden from who reads? */
static bool hides_caller(const struct recall *r, const struct call *c)
{
    return withheld(c) && other_party(OF_CALLER, c) && !(r->decision.fields & POLICY_WITHHELD);
}

/* Ids, addresses and channels (PJSIP/<number>-...) would give away what is masked or hidden. */
static bool gives_away(const struct call_field *f)
{
    enum { TAG_LRN = 46, TAG_TRUNK_IN = 50, TAG_TRUNK_OUT = 51 };
    return f->letter == 'T' || f->tag == TAG_LRN || f->tag == TAG_TRUNK_IN ||
           f->tag == TAG_TRUNK_OUT;
}

static enum show show_field(const struct recall *r, const struct call_field *f,
                            const struct call *c)
{
    unsigned fields = r->decision.fields;
    enum side side = side_of(f->tag);
    bool dates = f->tag >= 64 && f->tag < 80;
    if (f->letter == 'L')
        return fields & POLICY_LOCATION ? SHOW : HIDE;
    if (!(fields & POLICY_ALL_FIELDS))
        return dates || f->letter == 'U' ? SHOW : HIDE; /* location and what dates it */
    if (other_party(side, c)) {
        if (side == OF_CALLER && hides_caller(r, c))
            return HIDE;
        if (fields & POLICY_MASK_OTHER_PARTY)
            return MASK;
    }
    bool partly = (fields & POLICY_MASK_OTHER_PARTY) || hides_caller(r, c);
    return partly && gives_away(f) ? HIDE : SHOW;
}

/* --- rows --- */

enum { TAG_FEED = 1, TAG_CUSTOMER = 9, TAG_ACCOUNT_FIELD = 10 };

/* What a person wants to see at a glance; other formats carry everything. */
static bool in_brief(unsigned tag)
{
    static const uint8_t TAGS[] = {11, 32, 37, 64, 66, 67, 69, 81, 82, 120, 121};
    return memchr(TAGS, (int)tag, sizeof TAGS) != NULL;
}

static bool listed(const struct recall *r, const struct call_field *f)
{
    return !r->brief || in_brief(f->tag);
}

static enum column_kind column_kind(const struct call_field *f)
{
    switch ((enum call_type_of_field)f->type) {
    case CALL_TS:
        return COLUMN_TIME;
    case CALL_U8:
    case CALL_U16:
    case CALL_U32:
    case CALL_U64:
    case CALL_MS:
        return f->tag == TAG_FEED || f->tag == TAG_CUSTOMER || f->tag == TAG_ACCOUNT_FIELD
                   ? COLUMN_TEXT
                   : COLUMN_NUMBER;
    case CALL_STR:
    case CALL_IP:
    case CALL_ENUM:
        return COLUMN_TEXT;
    }
    return COLUMN_TEXT;
}

static const char *column_name(const struct call_field *f)
{
    return f->tag == TAG_FEED ? "feed" : f->name;
}

static void send_columns(struct session *s, const struct recall *r)
{
    uint8_t bytes[4096];
    struct buf b = buf_of(bytes, sizeof bytes);
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (listed(r, &CALL_FIELDS[i]))
            control_put_column(&b, column_kind(&CALL_FIELDS[i]), column_name(&CALL_FIELDS[i]));
    if (!r->brief)
        control_put_column(&b, COLUMN_JSON, "extra");
    CHECK(buf_ok(&b));
    session_reply(s, FRAME_COLUMNS, r->id, buf_span(&b));
}

static uint64_t uint_of(const struct call_field *f, const uint8_t *p)
{
    uint64_t u64 = 0;
    uint32_t u32;
    uint16_t u16;
    switch ((enum call_type_of_field)f->type) {
    case CALL_U8:
    case CALL_ENUM:
        return *p;
    case CALL_U16:
        memcpy(&u16, p, sizeof u16);
        return u16;
    case CALL_U32:
    case CALL_MS:
        memcpy(&u32, p, sizeof u32);
        return u32;
    case CALL_U64:
    case CALL_TS:
        memcpy(&u64, p, sizeof u64);
        return u64;
    case CALL_STR:
    case CALL_IP:
        break;
    }
    return u64;
}

static void put_ip(struct buf *b, const uint8_t *p)
{
    struct ip a;
    char text[IP_TEXT_BYTES];
    memcpy(&a, p, sizeof a);
    if (!ip_absent(a)) {
        ip_format(a, text);
        buf_str(b, text);
    }
}

/* Text of a value; empty when it is absent. */
static void put_value(struct session *s, struct buf *b, const struct call_field *f,
                      const struct call *c)
{
    struct vault *v = s->vault;
    const uint8_t *p = (const uint8_t *)c + f->offset;
    if (f->type == CALL_STR) {
        struct span text;
        memcpy(&text, p, sizeof text);
        buf_put(b, text);
        return;
    }
    if (f->type == CALL_IP) {
        put_ip(b, p);
        return;
    }
    uint64_t value = uint_of(f, p);
    if (value == 0)
        return;
    struct feed *feed = f->tag == TAG_FEED ? feed_by_id(v, (uint16_t)value) : NULL;
    size_t before = b->n;
    if (feed)
        buf_bytes(b, feed->name, feed->name_bytes);
    else if (f->tag == TAG_CUSTOMER && directory_customer_id(v->directory, value, b) != OK)
        b->n = before;
    else if (f->tag == TAG_ACCOUNT_FIELD &&
             directory_account_id(v->directory, (uint32_t)value, b) != OK)
        b->n = before;
    else if (f->type == CALL_ENUM)
        buf_str(b, call_enum_name(f, (unsigned)value));
    else if (f->tag != TAG_CUSTOMER && f->tag != TAG_ACCOUNT_FIELD)
        buf_dec(b, value);
}

/* The last four digits of the other party stay hidden (D-70). */
static void mask_tail(struct buf *b, size_t from)
{
    size_t hidden = 0;
    for (size_t i = b->n; i > from && hidden < 4; i--)
        if (byte_is_digit(b->p[i - 1])) {
            b->p[i - 1] = 'x';
            hidden++;
        }
    if (hidden < 4)
        b->n = from; /* too short to hide a part of it, or a name */
}

static void put_cell(struct session *s, struct buf *row, const struct recall *r,
                     const struct call_field *f, const struct call *c)
{
    uint8_t bytes[FIELD_BYTES_MAX + 64];
    struct buf cell = buf_of(bytes, sizeof bytes);
    enum show show = show_field(r, f, c);
    if (show != HIDE)
        put_value(s, &cell, f, c);
    if (show == MASK)
        mask_tail(&cell, 0);
    buf_lv(row, buf_span(&cell));
}

static bool show_extra(const struct recall *r, const struct call *c, const struct extra *x)
{
    unsigned fields = r->decision.fields;
    if (field_row(x->field)->handling == HANDLE_SEAL_L)
        return (fields & POLICY_LOCATION) != 0;
    return (fields & POLICY_ALL_FIELDS) && !(fields & POLICY_MASK_OTHER_PARTY) &&
           !hides_caller(r, c);
}

/* [{"field":"...","value":"..."},...]; those that no longer fit the frame are left out and
 * the last element says so. */
static void put_extras(struct buf *b, const struct recall *r, const struct record *rec)
{
    static const char CUT[] = ",{\"field\":\"...\",\"value\":\"cut\"}]";
    size_t limit = b->cap > sizeof CUT ? b->cap - sizeof CUT : 0;
    bool cut = false;
    buf_u8(b, '[');
    for (size_t i = 0; i < rec->extras_count && !cut; i++) {
        const struct extra *x = &rec->extra[i];
        if (!show_extra(r, &rec->call, x))
            continue;
        size_t before = b->n;
        buf_str(b, b->n > 1 ? ",{\"field\":" : "{\"field\":");
        buf_json(b, x->name.n ? x->name : field_name(x->field));
        buf_str(b, ",\"value\":");
        buf_json(b, x->value);
        buf_u8(b, '}');
        cut = !buf_ok(b) || b->n > limit;
        if (cut) {
            b->n = before;
            b->full = false;
        }
    }
    buf_str(b, cut ? CUT + (b->n == 1) : "]");
}

static enum err send_row(struct session *s, struct recall *r, const struct record *rec)
{
    enum { ROW_BYTES = WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES, EXTRAS_BYTES = ROW_BYTES / 2 };
    struct buf row = buf_of(arena_alloc(&r->arena, ROW_BYTES), ROW_BYTES);
    struct buf extras = buf_of(arena_alloc(&r->arena, EXTRAS_BYTES), EXTRAS_BYTES);
    if (!row.p || !extras.p)
        return ERR_NOMEM;
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (listed(r, &CALL_FIELDS[i]))
            put_cell(s, &row, r, &CALL_FIELDS[i], &rec->call);
    if (!r->brief) {
        put_extras(&extras, r, rec);
        buf_lv(&row, buf_span(&extras));
    }
    if (!buf_ok(&row))
        return ERR_LIMIT;
    session_reply(s, FRAME_ROW, r->id, buf_span(&row));
    r->rows++;
    return OK;
}

/* --- steps --- */

static enum err grow(struct recall *r)
{
    size_t cap = r->places_cap ? 2 * r->places_cap : 256;
    if (cap > RECALL_DAY_RECORDS_MAX)
        return ERR_LIMIT;
    struct place *more = realloc(r->places, cap * sizeof *more);
    if (!more)
        return ERR_NOMEM;
    r->places = more;
    r->places_cap = cap;
    return OK;
}

/* The places of one day in one family, from the postings. */
static enum err gather_from(struct session *s, struct recall *r, uint32_t month)
{
    uint64_t seqs[256];
    uint8_t tag[DAY_TAG_BYTES];
    size_t n = sizeof seqs / sizeof seqs[0];
    enum err e = sealer_day_tag(s->vault->sealer, r->grant.customer, month, r->day, tag);
    for (uint64_t from = 1; e == OK && n == sizeof seqs / sizeof seqs[0];) {
        e = store_postings(s->vault->store, tag, from, seqs, sizeof seqs / sizeof seqs[0], &n);
        for (size_t i = 0; e == OK && i < n; i++) {
            if (r->places_count == r->places_cap)
                e = grow(r);
            if (e == OK)
                r->places[r->places_count++] = (struct place){0, seqs[i], month};
        }
        from = n ? seqs[n - 1] + 1 : from;
    }
    return e == ERR_NOTFOUND ? OK : e; /* no record of that month ever came: it has no key */
}

/* A call that was far from the clock when it came is filed under month 0 (store_month()), even if
 * its month has a family by now. */
static enum err gather(struct session *s, struct recall *r)
{
    uint32_t month = instant_month(r->day * S_PER_DAY * US_PER_S);
    r->places_count = r->at = 0;
    r->phase = DATE;
    enum err e = month ? gather_from(s, r, month) : OK;
    return e == OK ? gather_from(s, r, 0) : e;
}

static enum err open_place(struct session *s, struct recall *r, const struct place *p,
                           struct opened *out)
{
    struct vault *v = s->vault;
    arena_reset(&r->arena);
    struct buf value = buf_of(arena_alloc(&r->arena, VALUE_BYTES_MAX + RECORD_BYTES_MAX),
                              VALUE_BYTES_MAX + RECORD_BYTES_MAX);
    enum err e = store_record(v->store, p->month, p->seq, &value);
    if (e == OK)
        e = commit_open(v, &r->grant, p->month, p->seq, buf_span(&value), &r->arena, out);
    return e;
}

/* A record that does not open is left out and counted: the others are shown, and the END
 * says that something is wrong. ERR_DENIED: an 8-byte day tag that two customers share. */
static enum err date_some(struct session *s, struct recall *r)
{
    size_t end = r->at + RECALL_STEP_RECORDS;
    for (; r->at < r->places_count && r->at < end; r->at++) {
        struct opened o;
        struct place *p = &r->places[r->at];
        enum err e = open_place(s, r, p, &o);
        if (e == ERR_STORE)
            return e;
        r->unreadable += e != OK && e != ERR_DENIED;
        const struct call *c = &o.record.call;
        p->t_start = e == OK ? commit_instant(c) : INT64_MIN; /* sorts first, and is skipped */
    }
    return OK;
}

static int by_time(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->t_start != y->t_start)
        return x->t_start < y->t_start ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static enum err emit_some(struct session *s, struct recall *r)
{
    size_t end = r->at + RECALL_STEP_RECORDS;
    enum err e = OK;
    for (; e == OK && !s->congested && r->at < r->places_count && r->at < end; r->at++) {
        struct opened o;
        const struct place *p = &r->places[r->at];
        if (p->t_start < r->from_us || p->t_start >= r->to_us)
            continue;
        e = open_place(s, r, p, &o);
        if (e == OK)
            e = send_row(s, r, &o.record);
    }
    return e;
}

static enum err advance(struct session *s, struct recall *r)
{
    enum err e = OK;
    switch (r->phase) {
    case GATHER:
        return gather(s, r);
    case DATE:
        e = date_some(s, r);
        if (e == OK && r->at == r->places_count) {
            if (r->places_count)
                qsort(r->places, r->places_count, sizeof *r->places, by_time);
            r->at = 0;
            r->phase = EMIT;
        }
        return e;
    case EMIT:
        e = emit_some(s, r);
        if (e == OK && r->at == r->places_count) {
            r->day++;
            r->phase = GATHER;
        }
        return e;
    }
    return e;
}

static enum err end(struct session *s, enum err e)
{
    struct recall *r = s->recall;
    uint8_t text[64];
    struct buf detail = buf_of(text, sizeof text);
    uint64_t seq;
    bool whole = e == OK && r->unreadable == 0;
    buf_str(&detail, "rows=");
    buf_dec(&detail, r->rows);
    buf_str(&detail, " unreadable=");
    buf_dec(&detail, r->unreadable);
    struct audit_event event = {.action = ACTION_CALLS_LIST,
                                .role = r->decision.role,
                                .outcome = whole ? AUDIT_DONE : AUDIT_FAILED,
                                .customer = r->grant.customer,
                                .rule = span_str(r->decision.rule),
                                .detail = buf_span(&detail)};
    enum err audited = answer_audit(s, &event, &seq);
    if (audited != OK)
        return audited;
    if (e == ERR_LIMIT)
        answer_end(s, r->id, CONTROL_FAILED, "one day has more calls than can be sorted");
    else if (e != OK)
        answer_end(s, r->id, CONTROL_FAILED, err_text(e));
    else if (r->unreadable)
        answer_end(s, r->id, CONTROL_INTEGRITY, "some records did not open: run verify --deep");
    else
        answer_end(s, r->id, CONTROL_DONE, "");
    s->recall = recall_free(r);
    return OK;
}

enum err recall_step(struct session *s, bool *out_more)
{
    struct recall *r = s->recall;
    *out_more = true;
    enum err e = advance(s, r);
    if (e == ERR_STORE)
        return e;
    if (e != OK || r->day > r->last_day) {
        *out_more = false;
        return end(s, e);
    }
    return OK;
}

static enum err time_arg(const struct control_request *q, const char *name, int64_t *out)
{
    uint64_t us;
    enum err e = span_u64(control_arg(q, name), INT64_MAX, &us);
    *out = e == OK ? (int64_t)us : 0;
    return e;
}

enum err recall_begin(struct session *s, uint32_t id, const struct control_request *q,
                      const struct decision *d, uint64_t customer)
{
    int64_t from, to;
    if (time_arg(q, "from", &from) != OK || time_arg(q, "to", &to) != OK || to <= from ||
        instant_day(to) - instant_day(from) > RECALL_DAYS_MAX) {
        answer_end(s, id, CONTROL_USAGE,
                   "--from and --to must be times, in this order, "
                   "at most ten years apart");
        return OK;
    }
    if (s->recall) {
        answer_end(s, id, CONTROL_FAILED, "one listing at a time");
        return OK;
    }
    struct audit_event event = {.action = ACTION_CALLS_LIST,
                                .role = d->role,
                                .outcome = AUDIT_ALLOWED,
                                .customer = customer,
                                .rule = span_str(d->rule),
                                .purpose = control_arg(q, "purpose"),
                                .case_text = control_arg(q, "case")};
    struct recall *r = calloc(1, sizeof *r);
    enum err e = r ? arena_init(&r->arena, (size_t)8 * WIRE_FRAME_BYTES_MAX) : ERR_NOMEM;
    uint64_t seq = 0;
    if (e == OK)
        e = answer_audit(s, &event, &seq);
    if (e == OK)
        e = vault_flush(s->vault); /* the line is on disk before the first byte (I6) */
    if (e != OK) {
        recall_free(r);
        return e;
    }
    r->id = id;
    r->decision = *d;
    r->grant = grant_after_audit(d, customer, seq);
    r->brief = span_is(control_arg(q, "columns"), "brief");
    r->from_us = from;
    r->to_us = to;
    r->day = instant_day(from);
    r->last_day = instant_day(to - 1);
    send_columns(s, r);
    s->recall = r;
    return OK;
}

#include "proto/wire/cu1.h"

#include "usage.pb-c.h"

#define CU1_SAME(code, number, text)                                                               \
    _Static_assert((int)CU1_FAULT_##code == (int)CPNI__ERROR__CODE__##code, "usage.proto");
CU1_FAULTS(CU1_SAME)
#undef CU1_SAME

const char *cu1_fault_text(enum cu1_fault f)
{
    static const char *const TEXT[CU1_FAULT_COUNT] = {
#define CU1_FAULT_TEXT(code, number, text) [CU1_FAULT_##code] = (text),
        CU1_FAULTS(CU1_FAULT_TEXT)
#undef CU1_FAULT_TEXT
    };
    return (unsigned)f < CU1_FAULT_COUNT ? TEXT[f] : TEXT[CU1_FAULT_UNKNOWN];
}

/* --- protobuf-c on an arena --- */

static void *give(void *arena, size_t n)
{
    return arena_alloc(arena, n);
}

static void keep(void *arena, void *p)
{
    (void)arena;
    (void)p; /* all of it goes at arena_reset() */
}

static Cpni__Envelope *unpack(struct span in, struct arena *a)
{
    ProtobufCAllocator from_arena = {give, keep, a};
    return cpni__envelope__unpack(&from_arena, in.n, in.p);
}

/* protobuf-c wants strings that end; NULL when the arena is full. */
static char *text(struct arena *a, struct span s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

static enum err pack(const Cpni__Envelope *m, struct buf *b)
{
    uint8_t *room = buf_room(b, cpni__envelope__get_packed_size(m));
    if (!room)
        return ERR_LIMIT;
    cpni__envelope__pack(m, room);
    return OK;
}

/* --- requests --- */

enum err cu1_put_request(const struct cu1_request *q, struct arena *a, struct buf *b)
{
    Cpni__Pull pull = CPNI__PULL__INIT;
    Cpni__Confirm confirm = CPNI__CONFIRM__INIT;
    Cpni__Envelope m = CPNI__ENVELOPE__INIT;
    char *stream = text(a, q->stream);
    if (!stream)
        return ERR_NOMEM;
    if (q->kind == CU1_PULL) {
        pull.stream = stream;
        pull.cursor = q->cursor;
        pull.max_rows = q->max_rows;
        pull.wait_ms = q->wait_ms;
        m.body_case = CPNI__ENVELOPE__BODY_PULL;
        m.pull = &pull;
    } else {
        confirm.stream = stream;
        confirm.cursor = q->cursor;
        m.body_case = CPNI__ENVELOPE__BODY_CONFIRM;
        m.confirm = &confirm;
    }
    return pack(&m, b);
}

static uint32_t at_most(uint32_t value, uint32_t max)
{
    return value < max ? value : max;
}

static struct cu1_request pull_request(const Cpni__Pull *p)
{
    uint32_t rows = p->max_rows ? p->max_rows : CU1_ROWS_DEFAULT;
    return (struct cu1_request){CU1_PULL, span_str(p->stream), p->cursor,
                                at_most(rows, PULL_ROWS_MAX), at_most(p->wait_ms, CU1_WAIT_MS_MAX)};
}

enum err cu1_get_request(struct span in, struct arena *a, struct cu1_request *out, struct diag *d)
{
    const Cpni__Envelope *m = unpack(in, a);
    struct cu1_request q;
    if (m && m->body_case == CPNI__ENVELOPE__BODY_PULL)
        q = pull_request(m->pull);
    else if (m && m->body_case == CPNI__ENVELOPE__BODY_CONFIRM)
        q = (struct cu1_request){CU1_CONFIRM, span_str(m->confirm->stream), m->confirm->cursor, 0,
                                 0};
    else
        return diag_set(d, ERR_SYNTAX, "not a Pull or Confirm", 0);
    if (q.stream.n > STREAM_BYTES_MAX)
        return diag_set(d, ERR_SYNTAX, "stream name", 0);
    *out = q;
    return OK;
}

/* --- answers, written --- */

static bool put_billed(Cpni__Row *to, const struct pull_row *row, struct arena *a)
{
    to->billed = arena_alloc(a, row->billed_count * sizeof *to->billed);
    for (size_t i = 0; to->billed && i < row->billed_count; i++) {
        Cpni__Billed *one = arena_alloc(a, sizeof *one);
        char *increment = text(a, row->billed[i].name);
        if (!one || !increment)
            return false;
        cpni__billed__init(one);
        one->increment = increment;
        one->seconds = row->billed[i].value;
        to->billed[to->n_billed++] = one;
    }
    return to->billed != NULL;
}

static bool put_failed(Cpni__Row *to, const struct pull_row *row, struct arena *a)
{
    to->failed = arena_alloc(a, row->failed_count * sizeof *to->failed);
    for (size_t i = 0; to->failed && i < row->failed_count; i++) {
        Cpni__Failed *one = arena_alloc(a, sizeof *one);
        char *outcome = text(a, row->failed[i].name);
        if (!one || !outcome)
            return false;
        cpni__failed__init(one);
        one->outcome = outcome;
        one->count = row->failed[i].value;
        to->failed[to->n_failed++] = one;
    }
    return to->failed != NULL;
}

static void put_sums(Cpni__Row *to, const struct pull_row *row)
{
    to->position = row->position;
    to->revision = row->revision;
    to->period_start = row->period_start_s;
    to->period = row->period_s;
    to->attempts = row->attempts;
    to->answered = row->answered;
    to->duration_ms = row->duration_ms;
    to->incomplete = row->incomplete;
    to->forwarded = row->forwarded;
}

static Cpni__Row *put_row(const struct pull_row *row, struct arena *a)
{
    Cpni__Row *to = arena_alloc(a, sizeof *to);
    if (!to)
        return NULL;
    cpni__row__init(to);
    put_sums(to, row);
    const struct {
        char **to;
        struct span from;
    } LABEL[] = {{&to->account, row->account},     {&to->service, row->service},
                 {&to->direction, row->direction}, {&to->call_type, row->call_type},
                 {&to->juris, row->juris},         {&to->rate_band, row->rate_band}};
    for (size_t i = 0; i < sizeof LABEL / sizeof LABEL[0]; i++) {
        *LABEL[i].to = text(a, LABEL[i].from);
        if (!*LABEL[i].to)
            return NULL;
    }
    return put_billed(to, row, a) && put_failed(to, row, a) ? to : NULL;
}

static enum err count_rows(struct reader r, size_t *out, struct diag *d)
{
    size_t n = 0;
    for (; reader_more(&r); n++)
        reader_lv(&r);
    *out = n;
    return reader_ok(&r) ? OK : diag_set(d, ERR_SYNTAX, "row runs past the answer", reader_at(&r));
}

static enum err put_all_rows(Cpni__Rows *to, struct reader r, struct arena *a, struct diag *d)
{
    size_t count = 0;
    enum err e = count_rows(r, &count, d);
    if (e != OK)
        return e;
    to->rows = arena_alloc(a, count * sizeof *to->rows);
    if (!to->rows)
        return ERR_NOMEM;
    while (reader_more(&r)) {
        struct pull_row row;
        e = pull_row_next(&r, &row, d);
        if (e != OK)
            return e;
        if (!(to->rows[to->n_rows] = put_row(&row, a)))
            return ERR_NOMEM;
        to->n_rows++;
        to->last = row.position;
        if (to->n_rows == 1)
            to->first = row.position;
    }
    return OK;
}

enum err cu1_put_rows(struct span stream, struct span pull_rows, struct arena *a, struct buf *b,
                      struct diag *d)
{
    Cpni__Chain chain = CPNI__CHAIN__INIT;
    Cpni__Rows rows = CPNI__ROWS__INIT;
    Cpni__Envelope m = CPNI__ENVELOPE__INIT;
    struct reader r = reader_of(pull_rows);
    struct pull_rows_head head;
    enum err e = pull_rows_head_decode(&r, &head, d);
    if (e == OK)
        e = put_all_rows(&rows, r, a, d);
    if (e != OK)
        return e;
    rows.stream = text(a, stream);
    if (!rows.stream)
        return ERR_NOMEM;
    rows.next_cursor = head.next_cursor;
    chain.sequence = head.chain_seq;
    chain.hash.data = (uint8_t *)head.chain_hash.p; /* packing only reads it */
    chain.hash.len = head.chain_hash.n;
    rows.chain = &chain;
    m.body_case = CPNI__ENVELOPE__BODY_ROWS;
    m.rows = &rows;
    return pack(&m, b);
}

enum err cu1_put_confirmed(struct span stream, uint64_t cursor, struct arena *a, struct buf *b)
{
    Cpni__Confirmed confirmed = CPNI__CONFIRMED__INIT;
    Cpni__Envelope m = CPNI__ENVELOPE__INIT;
    confirmed.stream = text(a, stream);
    if (!confirmed.stream)
        return ERR_NOMEM;
    confirmed.cursor = cursor;
    m.body_case = CPNI__ENVELOPE__BODY_CONFIRMED;
    m.confirmed = &confirmed;
    return pack(&m, b);
}

enum err cu1_put_fault(enum cu1_fault f, struct buf *b)
{
    Cpni__Error error = CPNI__ERROR__INIT;
    Cpni__Envelope m = CPNI__ENVELOPE__INIT;
    error.code = (Cpni__Error__Code)f;
    error.text = (char *)cu1_fault_text(f); /* packing only reads it */
    m.body_case = CPNI__ENVELOPE__BODY_ERROR;
    m.error = &error;
    return pack(&m, b);
}

enum err cu1_put_hint(const struct pull_position *p, struct arena *a, struct buf *b)
{
    Cpni__Hint hint = CPNI__HINT__INIT;
    Cpni__Envelope m = CPNI__ENVELOPE__INIT;
    hint.stream = text(a, p->stream);
    if (!hint.stream)
        return ERR_NOMEM;
    hint.position = p->position;
    m.body_case = CPNI__ENVELOPE__BODY_HINT;
    m.hint = &hint;
    return pack(&m, b);
}

/* --- answers, read --- */

static enum err get_row(const Cpni__Row *from, struct pull_row *to)
{
    if (from->n_billed > PULL_INCREMENTS_MAX || from->n_failed > PULL_FAILED_MAX)
        return ERR_LIMIT;
    *to = (struct pull_row){
        .position = from->position,
        .revision = from->revision,
        .account = span_str(from->account),
        .period_start_s = from->period_start,
        .period_s = from->period,
        .service = span_str(from->service),
        .direction = span_str(from->direction),
        .call_type = span_str(from->call_type),
        .juris = span_str(from->juris),
        .rate_band = span_str(from->rate_band),
        .attempts = from->attempts,
        .answered = from->answered,
        .duration_ms = from->duration_ms,
        .incomplete = from->incomplete,
        .forwarded = from->forwarded,
        .billed_count = from->n_billed,
        .failed_count = from->n_failed,
    };
    for (size_t i = 0; i < from->n_billed; i++)
        to->billed[i] =
            (struct pull_count){span_str(from->billed[i]->increment), from->billed[i]->seconds};
    for (size_t i = 0; i < from->n_failed; i++)
        to->failed[i] =
            (struct pull_count){span_str(from->failed[i]->outcome), from->failed[i]->count};
    return OK;
}

static enum err get_rows(const Cpni__Rows *from, struct arena *a, struct cu1_answer *to)
{
    struct pull_row *row = arena_alloc(a, from->n_rows * sizeof *row);
    if (!row)
        return ERR_NOMEM;
    for (size_t i = 0; i < from->n_rows; i++) {
        enum err e = get_row(from->rows[i], &row[i]);
        if (e != OK)
            return e;
    }
    *to = (struct cu1_answer){.kind = CU1_ROWS,
                              .stream = span_str(from->stream),
                              .cursor = from->next_cursor,
                              .head = {.next_cursor = from->next_cursor},
                              .row = row,
                              .rows_count = from->n_rows};
    if (from->chain) {
        to->head.chain_seq = from->chain->sequence;
        to->head.chain_hash = span_of(from->chain->hash.data, from->chain->hash.len);
    }
    return OK;
}

static enum cu1_fault fault_of(const Cpni__Error *e)
{
    int code = (int)e->code; /* a later version may have codes that we do not know */
    return code > 0 && code < CU1_FAULT_COUNT ? (enum cu1_fault)code : CU1_FAULT_UNKNOWN;
}

static enum err get_body(const Cpni__Envelope *m, struct arena *a, struct cu1_answer *to)
{
    switch ((int)m->body_case) {
    case CPNI__ENVELOPE__BODY_ROWS:
        return get_rows(m->rows, a, to);
    case CPNI__ENVELOPE__BODY_CONFIRMED:
        *to = (struct cu1_answer){.kind = CU1_CONFIRMED,
                                  .stream = span_str(m->confirmed->stream),
                                  .cursor = m->confirmed->cursor};
        return OK;
    case CPNI__ENVELOPE__BODY_HINT:
        *to = (struct cu1_answer){
            .kind = CU1_HINT, .stream = span_str(m->hint->stream), .cursor = m->hint->position};
        return OK;
    case CPNI__ENVELOPE__BODY_ERROR:
        *to = (struct cu1_answer){.kind = CU1_ERROR, .fault = fault_of(m->error)};
        return OK;
    default:
        return ERR_SYNTAX;
    }
}

enum err cu1_get_answer(struct span in, struct arena *a, struct cu1_answer *out, struct diag *d)
{
    const Cpni__Envelope *m = unpack(in, a);
    struct cu1_answer answer;
    enum err e = m ? get_body(m, a, &answer) : ERR_SYNTAX;
    if (e != OK)
        return diag_set(d, e, "not an answer", 0);
    *out = answer;
    return OK;
}

#include "proto/record/cdr_mapped.h"

#include "proto/core/instant.h"
#include "proto/frame/json.h"
#include "proto/record/cdr_transform.h"
#include "proto/record/release.h"

enum {
    NOWHERE = UINT16_MAX,
#define CALL_FIELD(tag, name, type, letter, meaning) TAG_##name = (tag),
#include "proto/record/call.def"
#undef CALL_FIELD
};

struct cell {
    struct span name, text;
    bool used; /* it is in a canonical field */
};

struct job {
    const struct cdr_mapper *x;
    const struct cdr_map *m;
    struct record *r;
    struct diag *d;
    const uint16_t *place;     /* cell of each source */
    bool stated[CDR_MAP_TAGS]; /* by tag: the sender gave this field */
    size_t cells_count;
    struct cell cell[CSV_COLUMNS_MAX];
};

/* ---- cells ---- */

static struct span text_of(const struct job *j, unsigned source)
{
    if (j->m->source[source].literal)
        return j->m->source[source].name;
    return j->place[source] < j->cells_count ? j->cell[j->place[source]].text : SPAN_EMPTY;
}

static enum err add_cell(struct job *j, struct span name, struct span text)
{
    if (j->cells_count == CSV_COLUMNS_MAX)
        return diag_set(j->d, ERR_LIMIT, "more members than a record may have", 0);
    j->cell[j->cells_count++] = (struct cell){name, text, false};
    return OK;
}

/* Where the text of a name that is there twice counts: in a document the last one (feeds.md 8);
 * in pairs the first, which the switch writes before what callers can fill. */
static void find_places(const struct job *j, uint16_t place[static CDR_MAP_SOURCES_MAX])
{
    for (size_t s = 0; s < j->m->sources_count; s++) {
        place[s] = NOWHERE;
        for (size_t i = 0; i < j->cells_count; i++) {
            bool later = j->m->format == CDR_JSON || place[s] == NOWHERE;
            if (later && span_eq(j->cell[i].name, j->m->source[s].name))
                place[s] = (uint16_t)i;
        }
    }
}

/* ---- the columns of a csv feed ---- */

static void place_columns(const struct cdr_map *m, struct cdr_columns *c)
{
    for (size_t s = 0; s < m->sources_count; s++) {
        const struct cdr_source *source = &m->source[s];
        c->place[s] = source->column ? (uint16_t)(source->column - 1) : NOWHERE;
        for (size_t i = 0; !source->column && i < c->count && c->place[s] == NOWHERE; i++)
            if (span_eq(c->name[i], source->name))
                c->place[s] = (uint16_t)i;
    }
    c->ready = true;
}

static void columns_of_map(const struct cdr_map *m, struct cdr_columns *c)
{
    c->told = false;
    c->count = m->columns_count;
    memcpy(c->name, m->column, m->columns_count * sizeof m->column[0]);
    place_columns(m, c);
}

static struct span column_text(const struct csv_row *row, size_t i)
{
    return row->column[i].quoted ? row->column[i].text : span_trim(row->column[i].text);
}

bool cdr_columns_told(const struct cdr_map *m, const struct csv_row *row, struct cdr_columns *c)
{
    struct buf names = buf_of(c->byte, sizeof c->byte);
    if (!m->has_title || !span_eq(column_text(row, 0), m->column[0]))
        return false;
    for (size_t i = 0; i < row->columns_count; i++) {
        size_t at = names.n;
        buf_put(&names, column_text(row, i));
        c->name[i] = span_from(buf_span(&names), at);
    }
    c->count = row->columns_count;
    c->told = true;
    place_columns(m, c);
    if (!buf_ok(&names))
        c->count = 0; /* no row has as many */
    return true;
}

/* "column 7" of a row that has more columns than names. */
static struct span column_number(struct buf *room, size_t i)
{
    size_t at = room->n;
    buf_str(room, "column ");
    buf_dec(room, i + 1);
    return span_from(buf_span(room), at);
}

static enum err read_row(struct job *j, const struct csv_row *row)
{
    const struct cdr_columns *c = j->x->columns;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < row->columns_count; i++)
        e = add_cell(j, i < c->count ? c->name[i] : column_number(j->x->room, i),
                     column_text(row, i));
    return e;
}

/* ---- pairs ---- */

static bool is_name_byte(uint8_t c)
{
    return byte_is_digit(c) || (byte_lower(c) >= 'a' && byte_lower(c) <= 'z') || c == '_' ||
           c == '-' || c == '.';
}

static bool begins_pair(struct span s)
{
    size_t n = 0;
    while (n < s.n && is_name_byte(s.p[n]))
        n++;
    return n > 0 && n < s.n && s.p[n] == '=';
}

/* Bytes of the value. Values are not escaped: one ends where a delimiter and the name of the next
 * pair follow (feeds.md 4.1). */
static size_t value_bytes(struct span delimiter, struct span s)
{
    size_t at = 0;
    while ((at += span_find_span(span_from(s, at), delimiter)) < s.n) {
        if (begins_pair(span_from(s, at + delimiter.n)))
            return at;
        at += delimiter.n;
    }
    return s.n;
}

static enum err read_pairs(struct job *j, struct span text)
{
    enum err e = OK;
    while (e == OK && text.n) {
        struct span rest = text;
        struct span name = span_trim(span_cut(&rest, '='));
        if (!begins_pair(text))
            return diag_set(j->d, ERR_SYNTAX, "no name=value", 0);
        size_t n = value_bytes(j->m->delimiter, rest);
        e = add_cell(j, name, span_trim(span_sub(rest, 0, n)));
        text = span_from(rest, n + j->m->delimiter.n);
    }
    return e;
}

/* The record in a line of a log. ERR_NOTFOUND: none. */
static enum err find_record(const struct cdr_map *m, struct span *line)
{
    size_t begin = span_find_span(*line, m->begin);
    if (m->begin.n && begin == line->n)
        return ERR_NOTFOUND;
    for (size_t i = 0; i < m->not_behind.count; i++)
        if (span_find_span(*line, m->not_behind.text[i]) < begin)
            return ERR_NOTFOUND;
    *line = m->begin.n ? span_from(*line, begin) : *line;
    return OK;
}

/* ---- documents ---- */

/* Of an element its place in the array. */
static enum err path_of(struct job *j, struct span inside, const struct json_item *item, size_t nth,
                        bool element, struct span *out)
{
    struct buf *room = j->x->room;
    struct span name;
    if (json_unescape(item->name, item->name_escaped, room, &name) != OK)
        return diag_set(j->d, ERR_LIMIT, "room for decoded values", 0);
    *out = name;
    if (inside.n == 0 && !element)
        return OK;
    size_t at = room->n;
    buf_put(room, inside);
    buf_u8(room, '.');
    if (element)
        buf_dec(room, nth);
    else
        buf_put(room, name);
    *out = span_from(buf_span(room), at);
    return buf_ok(room) ? OK : diag_set(j->d, ERR_LIMIT, "room for paths", 0);
}

/* The scanner bounds the depth: JSON_DEPTH_MAX. */
static enum err read_members(struct job *j, struct json *json, struct span inside, bool array)
{
    struct json_item item;
    enum err e;
    for (size_t nth = 0; (e = json_next(json, &item, j->d)) == OK && item.kind != JSON_END; nth++) {
        struct span path, text;
        e = path_of(j, inside, &item, nth, array, &path);
        if (e != OK)
            return e;
        if (item.kind == JSON_OBJECT || item.kind == JSON_ARRAY) {
            json_enter(json);
            e = read_members(j, json, path, item.kind == JSON_ARRAY);
        } else if (item.kind != JSON_NULL) {
            e = json_unescape(item.text, item.text_escaped, j->x->room, &text);
            e = e == OK ? add_cell(j, path, text) : diag_set(j->d, e, "room for values", 0);
        }
        if (e != OK)
            return e;
    }
    return e;
}

static enum err read_document(struct job *j, struct span text)
{
    struct json json;
    enum err e = json_open(&json, text, JSON_OBJECT, j->d);
    if (e == OK)
        e = read_members(j, &json, SPAN_EMPTY, false);
    if (e == OK)
        e = json_close(&json, j->d);
    return e == ERR_MORE ? ERR_SYNTAX : e;
}

/* ---- from cells to the record ---- */

static bool is_among(const struct job *j, const struct cdr_values *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (span_eq(v->text[i], text_of(j, v->source)))
            return true;
    return false;
}

/* Nothing is passed over that the map does not know: it could be a call. */
static enum err judge(struct job *j)
{
    if (is_among(j, &j->m->ignore))
        return ERR_NOTFOUND;
    if (j->m->select.count && !is_among(j, &j->m->select))
        return diag_set(j->d, ERR_SYNTAX, "neither selected nor ignored", 0);
    return OK;
}

static bool is_empty(const struct call_field *f, const void *member)
{
    static const struct ip NO_IP;
    static const uint8_t BYTES[] = {[CALL_U8] = 1, [CALL_U16] = 2, [CALL_U32] = 4, [CALL_U64] = 8,
                                    [CALL_TS] = 8, [CALL_MS] = 4,  [CALL_IP] = 16, [CALL_ENUM] = 1};
    if (f->type == CALL_STR)
        return ((const struct span *)member)->n == 0;
    return memcmp(member, &NO_IP, BYTES[f->type]) == 0;
}

static enum err apply_rule(struct job *j, const struct cdr_rule *rule)
{
    const struct call_field *f = rule->field;
    const void *member = (const uint8_t *)&j->r->call + f->offset;
    struct cdr_text t = {text_of(j, rule->source), rule, j->m, j->x->zone, j->x->room};
    if (t.text.n == 0 || !is_empty(f, member))
        return OK;
    if (cdr_transform(&t, &j->r->call)) {
        j->stated[f->tag] = true;
        /* A cause keeps seven bits; the number as it came stays an extra. */
        if (!j->m->source[rule->source].literal && rule->transform != CDR_CAUSE)
            j->cell[j->place[rule->source]].used = true;
    } else if (f->type == CALL_MS && t.text.p[0] == '-') {
        j->r->call.flags |= CALL_CLOCK_SUSPECT;
    } else if (f->type == CALL_TS || f->type == CALL_MS) {
        return diag_set(j->d, ERR_SYNTAX, f->name, 0);
    }
    return OK;
}

static enum err check_required(struct job *j)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (j->m->required[CALL_FIELDS[i].tag] && !j->stated[CALL_FIELDS[i].tag])
            return diag_set(j->d, ERR_SYNTAX, CALL_FIELDS[i].name, 0);
    return OK;
}

/* Of a secret member all that is in it, and each of them should there be two (I5). */
static bool is_dropped(const struct job *j, size_t cell)
{
    struct span name = j->cell[cell].name;
    for (size_t i = 0; i < j->m->drop.count; i++) {
        struct span secret = j->m->source[j->m->drop.at[i]].name;
        if (j->place[j->m->drop.at[i]] == cell || span_ieq(name, secret))
            return true;
        if (name.n > secret.n && name.p[secret.n] == '.' && secret.n &&
            span_ieq(span_sub(name, 0, secret.n), secret))
            return true;
    }
    return false;
}

static void add_extras(struct job *j)
{
    for (size_t i = 0; i < j->cells_count; i++)
        if (!j->cell[i].used && j->cell[i].text.n && !is_dropped(j, i))
            record_extra(j->r, 0, j->cell[i].name, j->cell[i].text);
}

static enum err set_key(struct job *j)
{
    struct buf *room = j->x->room;
    size_t at = room->n, bytes = 0;
    for (size_t i = 0; i < j->m->key.count; i++) {
        bytes += text_of(j, j->m->key.at[i]).n;
        buf_lv(room, text_of(j, j->m->key.at[i]));
    }
    j->r->dedup = span_from(buf_span(room), at);
    if (bytes == 0)
        return diag_set(j->d, ERR_SYNTAX, "key", 0);
    if (!buf_ok(room) || j->r->dedup.n > CDR_KEY_BYTES_MAX)
        return diag_set(j->d, ERR_LIMIT, "key", CDR_KEY_BYTES_MAX);
    return OK;
}

/* ---- what takes more than one field ---- */

/* ERR_NOTFOUND: nothing says it. ERR_SYNTAX: what says it has no column in this file. */
static enum err answered(const struct job *j, bool *out)
{
    const struct call *c = &j->r->call;
    const struct call_field *by = j->m->answered_by;
    bool there = j->m->format != CDR_CSV;
    for (size_t i = 0; i < j->m->rules_count; i++)
        there |= j->m->rule[i].field == by && j->place[j->m->rule[i].source] < j->cells_count;
    if (!there)
        return diag_set(j->d, ERR_SYNTAX, by->name, 0);
    bool is_time = by->type == CALL_TS; /* empty where there was no answer */
    *out = is_time               ? c->t_answer != 0
           : by->type == CALL_MS ? c->dur_bill_ms > 0
                                 : c->disposition == DISPOSITION_ANSWERED;
    return is_time || j->stated[by->tag] ? OK : ERR_NOTFOUND;
}

/* Fills *t from another instant and the milliseconds that are between. */
static void derive_instant(struct call *c, int64_t *t, int64_t from, int64_t ms)
{
    if (*t != 0 || from + ms * US_PER_MS <= 0 || from == 0)
        return;
    *t = from + ms * US_PER_MS;
    c->time_quality |= TIME_DERIVED;
}

/* Whole seconds may be rounded up; more than that is a switch's slip (feeds.md 4.4). */
static bool passes(uint32_t stated_ms, uint32_t measured_ms)
{
    return stated_ms > (uint64_t)measured_ms + 1000;
}

static void set_durations(const struct job *j, struct call *c)
{
    static const struct {
        uint8_t tag;
        uint16_t offset;
    } DURATIONS[] = {{TAG_dur_total_ms, offsetof(struct call, dur_total_ms)},
                     {TAG_dur_bill_ms, offsetof(struct call, dur_bill_ms)},
                     {TAG_dur_ring_ms, offsetof(struct call, dur_ring_ms)},
                     {TAG_pdd_ms, offsetof(struct call, pdd_ms)}};
    const struct call before = *c;
    call_durations(c);
    c->answered = before.answered;
    for (size_t i = 0; i < sizeof DURATIONS / sizeof DURATIONS[0]; i++) {
        uint32_t stated_ms, measured_ms;
        memcpy(&stated_ms, (const uint8_t *)&before + DURATIONS[i].offset, sizeof stated_ms);
        memcpy(&measured_ms, (uint8_t *)c + DURATIONS[i].offset, sizeof measured_ms);
        if (!j->stated[DURATIONS[i].tag])
            continue;
        if (measured_ms && passes(stated_ms, measured_ms))
            c->flags |= CALL_CLOCK_SUSPECT;
        memcpy((uint8_t *)c + DURATIONS[i].offset, &stated_ms, sizeof stated_ms);
    }
}

static void set_times(const struct job *j, struct call *c)
{
    const bool total = j->stated[TAG_dur_total_ms], bill = j->stated[TAG_dur_bill_ms];
    if (total) {
        derive_instant(c, &c->t_end, c->t_start, c->dur_total_ms);
        derive_instant(c, &c->t_start, c->t_end, -(int64_t)c->dur_total_ms);
    }
    if (c->answered && bill)
        derive_instant(c, &c->t_answer, c->t_end, -(int64_t)c->dur_bill_ms);
    set_durations(j, c);
    if (c->answered && !bill && (c->t_answer == 0 || c->t_end == 0))
        c->flags |= CALL_INCOMPLETE;
    if (!c->t_start && !c->t_answer && !c->t_end)
        c->time_quality |= TIME_OF_RECEIPT;
}

static void set_disposition(struct call *c)
{
    if (c->answered) {
        c->disposition = DISPOSITION_ANSWERED;
        return;
    }
    if (c->disposition == DISPOSITION_ANSWERED)
        c->disposition = DISPOSITION_UNKNOWN;
    if (c->flags & CALL_INCOMPLETE)
        return; /* whether it failed is the question */
    if (c->disposition == DISPOSITION_UNKNOWN && c->sip_status >= 300)
        c->disposition = (uint8_t)release_disposition(c->sip_status);
    if (c->disposition == DISPOSITION_UNKNOWN && c->q850)
        c->disposition = (uint8_t)release_disposition_q850(c->q850);
}

static enum err finish(struct job *j)
{
    struct call *c = &j->r->call;
    bool was_answered = false;
    enum err e = answered(j, &was_answered);
    if (e == ERR_SYNTAX)
        return e;
    c->answered = e == OK && was_answered;
    if (e == ERR_NOTFOUND)
        c->flags |= CALL_INCOMPLETE;
    set_times(j, c);
    set_disposition(c);
    if (c->call_key.n == 0)
        c->call_key = c->leg_id.n ? c->leg_id : c->sip_call_id;
    /* CUCM names one in every call; what went where it was sent was not redirected. */
    if (span_eq(c->redirecting_tn, c->connected_tn))
        c->redirecting_tn = SPAN_EMPTY;
    if (c->leg_role == 0)
        c->leg_role = 3; /* both parties in one record */
    c->rec_type = c->answered ? REC_FINAL : REC_ATTEMPT;
    if (c->flags & CALL_INCOMPLETE)
        c->rec_type = REC_INCOMPLETE;
    return OK;
}

static enum err make_record(struct job *j)
{
    enum err e = OK;
    record_reset(j->r);
    j->r->call.feed_kind = FEED_MAPPED;
    for (size_t i = 0; e == OK && i < j->m->rules_count; i++)
        e = apply_rule(j, &j->m->rule[i]);
    if (e == OK)
        e = check_required(j);
    if (e == OK)
        e = finish(j);
    if (e == OK)
        e = set_key(j);
    if (e == OK)
        add_extras(j);
    return e;
}

enum err cdr_mapped_row(const struct cdr_mapper *x, const struct csv_row *row, struct record *out,
                        struct diag *d)
{
    struct cdr_columns *c = x->columns;
    struct job j = {.x = x, .m = x->map, .r = out, .d = d, .place = c->place};
    if (!c->ready)
        columns_of_map(x->map, c);
    if (row->used > CDR_ROW_BYTES_MAX)
        return diag_set(d, ERR_LIMIT, "line", CDR_ROW_BYTES_MAX);
    enum err e = read_row(&j, row);
    if (e == OK)
        e = judge(&j);
    if (e == OK && c->told && row->columns_count != c->count)
        e = diag_set(d, ERR_SYNTAX, "not the columns of the title line", row->columns_count);
    return e == OK ? make_record(&j) : e;
}

enum err cdr_mapped_text(const struct cdr_mapper *x, struct span text, struct record *out,
                         struct diag *d)
{
    uint16_t place[CDR_MAP_SOURCES_MAX];
    struct job j = {.x = x, .m = x->map, .r = out, .d = d, .place = place};
    bool pairs = x->map->format == CDR_KV;
    enum err e = pairs ? find_record(x->map, &text) : OK;
    if (e == OK)
        e = pairs ? read_pairs(&j, text) : read_document(&j, text);
    find_places(&j, place);
    if (e == OK)
        e = judge(&j);
    return e == OK ? make_record(&j) : e;
}

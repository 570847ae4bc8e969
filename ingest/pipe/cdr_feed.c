#include "ingest/pipe/cdr_feed.h"

#include <stdlib.h>

#include "proto/frame/form.h"
#include "proto/frame/json.h"
#include "proto/record/cdr_mapped.h"
#include "proto/record/cdr_record.h"

struct cdr_scratch {
    struct csv_row row;
    struct record record;
    struct classify_counts counts;
    uint8_t derived[DERIVE_ROOM_BYTES];
    uint8_t columns[LINE_BYTES_MAX];           /* csv: unescaped */
    uint8_t values[CDR_FREESWITCH_ROOM_BYTES]; /* record: decoded */
    struct cdr_columns titles[FEEDS_MAX];      /* mapped: by the feed's index */
    uint8_t document[HTTP_BODY_BYTES_MAX];     /* body: percent- or base64-decoded */
};

enum err cdr_scratch_new(struct cdr_scratch **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? OK : ERR_NOMEM;
}

struct cdr_scratch *cdr_scratch_free(struct cdr_scratch *s)
{
    if (s)
        explicit_bzero(s, sizeof *s);
    free(s);
    return NULL;
}

/* The parser's result, classified at once (I5), into the batch. */
static enum err put(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s)
{
    struct buf derived = buf_of(s->derived, sizeof s->derived);
    classify_record(&s->record, &f->rules, &derived, &s->counts);
    pipe_classified(p, f, &s->counts);
    s->record.call.feed_id = f->id;
    s->record.call.feed_kind = (uint8_t)f->kind;
    s->record.call.t_receive = clock_wall_us(p->clock);
    return pipe_put(p, f, &s->record, SPAN_EMPTY);
}

_Static_assert((int)CDR_MAPPED_ROOM_BYTES <= (int)CDR_FREESWITCH_ROOM_BYTES, "one room for both");

static struct cdr_mapper mapper(const struct pipe_feed *f, struct cdr_scratch *s, struct buf *room)
{
    return (struct cdr_mapper){&f->map, &f->zone, &s->titles[f->index], room};
}

/* --- lines --- */

/* A record whose quote is never closed would swallow all that follow: beyond what a switch can
 * have written, its first line is given up instead. */
static bool quote_ran_away(const struct pipe_feed *f, struct span in)
{
    size_t bytes_max = f->kind == FEED_MAPPED ? (size_t)CDR_ROW_BYTES_MAX : CDR_LINE_BYTES_MAX;
    return in.n > bytes_max && csv_line_bytes(in) < in.n;
}

static enum err read_csv(const struct pipe_feed *f, struct cdr_scratch *s, struct span in,
                         bool at_end, struct diag *d)
{
    struct buf columns = buf_of(s->columns, sizeof s->columns);
    struct csv_dialect dialect = f->kind == FEED_MAPPED ? f->map.dialect : CSV_COMMA;
    return csv_next_as(dialect, in, at_end, &columns, &s->row, d);
}

static enum err read_cdr(const struct pipe_feed *f, struct cdr_scratch *s, struct span in,
                         struct diag *d)
{
    struct buf values = buf_of(s->values, sizeof s->values);
    struct span line = span_trim(span_sub(in, 0, s->row.used));
    struct cdr_mapper x = mapper(f, s, &values);
    return f->kind == FEED_MAPPED ? cdr_mapped_row(&x, &s->row, &s->record, d)
                                  : cdr_asterisk(&s->row, line, &f->zone, &values, &s->record, d);
}

static bool is_record(const struct pipe_feed *f, struct cdr_scratch *s, struct span in)
{
    struct diag d;
    return read_csv(f, s, in, false, &d) == OK && read_cdr(f, s, in, &d) == OK;
}

static bool is_title(const struct pipe_feed *f, struct cdr_scratch *s)
{
    return f->kind == FEED_MAPPED && cdr_columns_told(&f->map, &s->row, &s->titles[f->index]);
}

void cdr_feed_head(const struct pipe_feed *f, struct cdr_scratch *s, struct span head)
{
    struct diag d;
    bool csv = f->kind == FEED_MAPPED && f->map.format == CDR_CSV;
    head = span_from(head, csv_mark_bytes(head));
    if (csv && read_csv(f, s, head, false, &d) == OK)
        (void)is_title(f, s);
}

/* The row at the front. A writer that died amid a line leaves an open quote, which takes in the
 * lines that follow. A newline may also belong to a caller's name (feeds.md 3.1), but then what
 * stands behind it is no record by itself. */
static enum err read_row(const struct pipe_feed *f, struct cdr_scratch *s, struct span in,
                         bool at_end, struct diag *d)
{
    enum err e = read_csv(f, s, in, at_end, d);
    size_t first = csv_line_bytes(in);
    if ((e != OK && e != ERR_MORE) || first >= (e == OK ? s->row.used : in.n))
        return e; /* broken anyway, or a single line */
    if (is_record(f, s, span_from(in, first)))
        return diag_set(d, ERR_SYNTAX, "line cut short", first);
    return read_csv(f, s, in, at_end, d); /* once more: the row was used for the look ahead */
}

static void refuse_line(struct pipe *p, const struct pipe_feed *f, enum err e, size_t bytes,
                        const struct diag *d)
{
    pipe_received(p, f, bytes);
    pipe_refuse(p, f, METRIC_MALFORMED, e == ERR_LIMIT ? REASON_OVERSIZE : REASON_LINE, d);
}

/* What its parser did not take. A line of another kind is no mistake of anybody. */
static enum err refuse_cdr(struct pipe *p, const struct pipe_feed *f, enum err e,
                           enum reason reason, const struct diag *d)
{
    if (e == ERR_NOTFOUND)
        pipe_refuse(p, f, METRIC_IGNORED, REASON_NOT_A_CALL, NULL);
    else
        pipe_refuse(p, f, METRIC_MALFORMED, e == ERR_LIMIT ? REASON_OVERSIZE : reason, d);
    return OK;
}

static enum err csv_record(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                           struct span in, bool at_end, size_t *used)
{
    struct diag d = {"quote without its end", 0};
    enum err e = read_row(f, s, in, at_end, &d);
    if (e == ERR_MORE && !quote_ran_away(f, in))
        return ERR_MORE;
    if (e != OK) {
        *used = csv_line_bytes(in);
        if (e == ERR_LIMIT && *used > LINE_BYTES_MAX)
            return ERR_LIMIT;
        refuse_line(p, f, e, *used, &d);
        return OK;
    }
    *used = s->row.used;
    if (span_trim(span_sub(in, 0, s->row.used)).n == 0)
        return OK;
    pipe_received(p, f, s->row.used);
    e = is_title(f, s) ? ERR_NOTFOUND : read_cdr(f, s, in, &d);
    return e == OK ? put(p, f, s) : refuse_cdr(p, f, e, REASON_COLUMN, &d);
}

/* A document, or a line of pairs. */
static enum err read_text(const struct pipe_feed *f, struct cdr_scratch *s, struct span text,
                          struct diag *d)
{
    struct buf values = buf_of(s->values, sizeof s->values);
    struct cdr_mapper x = mapper(f, s, &values);
    return f->kind == FEED_MAPPED ? cdr_mapped_text(&x, text, &s->record, d)
                                  : cdr_freeswitch(text, &values, &s->record, d);
}

static enum err text_line(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                          struct span in, bool at_end, size_t *used)
{
    struct diag d = {"line", 0};
    bool pairs = f->kind == FEED_MAPPED && f->map.format == CDR_KV;
    size_t end = span_find(in, '\n');
    if (end == in.n && !at_end)
        return in.n > LINE_BYTES_MAX ? ERR_LIMIT : ERR_MORE;
    if (end > LINE_BYTES_MAX)
        return ERR_LIMIT;
    *used = end == in.n ? end : end + 1;
    struct span line = span_trim(span_sub(in, 0, end));
    if (line.n == 0)
        return OK;
    pipe_received(p, f, *used);
    enum err e = read_text(f, s, line, &d);
    return e == OK ? put(p, f, s) : refuse_cdr(p, f, e, pairs ? REASON_COLUMN : REASON_JSON, &d);
}

enum err cdr_feed_line(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                       struct span in, bool at_end, size_t *used)
{
    if (!pipe_room(p))
        return ERR_FULL;
    bool mapped = f->kind == FEED_MAPPED;
    bool rows = mapped ? f->map.format == CDR_CSV : f->kind == FEED_ASTERISK_CSV;
    size_t mark = mapped ? csv_mark_bytes(in) : 0; /* of each file that was put into this one */
    in = span_from(in, mark);
    enum err e =
        rows ? csv_record(p, f, s, in, at_end, used) : text_line(p, f, s, in, at_end, used);
    *used += e == OK ? mark : 0;
    return e;
}

/* --- bodies --- */

bool cdr_feed_posts(const struct pipe_feed *f)
{
    return f->kind == FEED_FREESWITCH_JSON || (f->kind == FEED_MAPPED && f->map.format == CDR_JSON);
}

static enum err refuse_document(struct pipe *p, const struct pipe_feed *f, struct cdr_posted *out,
                                struct diag d, size_t base)
{
    d.at += base;
    if (out->refused++ == 0)
        out->first = d;
    pipe_refuse(p, f, METRIC_MALFORMED, REASON_JSON, &d);
    return OK;
}

/* A document that was read, at `base` of the body. */
static enum err keep_document(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                              size_t base, struct cdr_posted *out)
{
    enum err e = put(p, f, s);
    if (e == OK)
        out->accepted++;
    return e == ERR_LIMIT ? refuse_document(p, f, out, (struct diag){"document", 0}, base) : e;
}

/* One document at `base` of the body. */
static enum err take_document(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                              struct span doc, size_t base, struct cdr_posted *out)
{
    struct diag d = {"document", 0};
    pipe_received(p, f, doc.n);
    enum err e = read_text(f, s, doc, &d);
    if (e == ERR_NOTFOUND && f->kind == FEED_MAPPED)
        return refuse_cdr(p, f, e, REASON_JSON, &d);
    return e == OK ? keep_document(p, f, s, base, out) : refuse_document(p, f, out, d, base);
}

static enum err take_array(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                           struct span text, struct cdr_posted *out)
{
    struct json j;
    struct json_item item;
    enum err e = json_open(&j, text, JSON_ARRAY, &out->first);
    while (e == OK && (e = json_next(&j, &item, &out->first)) == OK && item.kind != JSON_END) {
        struct span doc = item.text;
        if (item.kind == JSON_OBJECT)
            e = json_take(&j, &doc, &out->first);
        size_t at = doc.p ? (size_t)(doc.p - text.p) : 0;
        if (e == OK && item.kind == JSON_OBJECT)
            e = take_document(p, f, s, doc, at, out);
        else if (e == OK)
            e = refuse_document(p, f, out, (struct diag){"element is no object", 0}, at);
    }
    return e == OK ? json_close(&j, &out->first) : e;
}

/* Bytes of the object that `text` begins with. */
static enum err object_bytes(struct span text, size_t *out, struct diag *d)
{
    struct json j;
    struct json_item item = {.kind = JSON_OBJECT};
    enum err e = json_open(&j, text, JSON_OBJECT, d);
    while (e == OK && item.kind != JSON_END)
        e = json_next(&j, &item, d);
    *out = j.at;
    return e;
}

static enum err take_objects(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                             struct span text, struct cdr_posted *out)
{
    struct span rest = span_trim(text);
    struct diag d;
    /* Nearly always there is one, and then its end need not be looked for before it is read. */
    if (read_text(f, s, rest, &d) == OK) {
        pipe_received(p, f, rest.n);
        return keep_document(p, f, s, (size_t)(rest.p - text.p), out);
    }
    while (rest.n > 0) {
        size_t at = (size_t)(rest.p - text.p), n = 0;
        enum err e = object_bytes(rest, &n, &out->first);
        if (e != OK) {
            out->first.at += at;
            return e;
        }
        e = take_document(p, f, s, span_sub(rest, 0, n), at, out);
        if (e != OK)
            return e;
        rest = span_trim(span_from(rest, n));
    }
    return OK;
}

enum err cdr_feed_body(struct pipe *p, const struct pipe_feed *f, struct cdr_scratch *s,
                       struct span body, struct cdr_posted *out)
{
    struct buf room = buf_of(s->document, sizeof s->document);
    struct span text;
    *out = (struct cdr_posted){.first = {"no document", 0}};
    /* Asked once: a body that begins may fill the queue behind the batches in flight, or the
     * largest ones would never go through. */
    if (!pipe_room(p))
        return ERR_FULL;
    enum err e = form_cdr(body, &room, &text, &out->first);
    if (e == OK)
        text = span_trim(text);
    if (e == OK && text.n == 0)
        e = diag_set(&out->first, ERR_SYNTAX, "empty body", 0);
    if (e == OK && text.p[0] == '<')
        return ERR_VERSION;
    if (e == OK)
        e = text.p[0] == '[' ? take_array(p, f, s, text, out) : take_objects(p, f, s, text, out);
    if (e == OK || e == ERR_FULL)
        return e;
    pipe_refuse(p, f, METRIC_MALFORMED, REASON_JSON, &out->first);
    return e == ERR_NOTFOUND ? e : ERR_SYNTAX;
}

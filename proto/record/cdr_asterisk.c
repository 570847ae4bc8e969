#include "proto/record/cdr_record.h"

#include "proto/core/instant.h"

/* What a setter works with. */
struct column_job {
    struct span text;
    struct span name;
    const struct zone *zone;
    struct record *r;
    struct span clid_number;
};

/* The zone is NULL when the feed does not name one: then UTC is assumed, and said. */
static bool set_instant(struct column_job *j, void *member)
{
    int64_t local_us;
    bool ambiguous = false;
    uint8_t *quality = &j->r->call.time_quality;
    if (j->text.n == 0)
        return true; /* never answered */
    if (instant_parse(j->text, &local_us) != OK)
        return false;
    if (j->zone)
        local_us = zone_to_utc(j->zone, local_us, &ambiguous);
    else
        *quality |= TIME_ZONE_ASSUMED;
    if (ambiguous)
        *quality |= TIME_DST_AMBIGUOUS;
    if (!instant_has_fraction(j->text))
        *quality |= TIME_SECONDS_ONLY;
    *(int64_t *)member = local_us;
    return true;
}

/* "31", or "31.482" where the dialplan asks for fractions; milliseconds, cut. */
static bool set_seconds(struct column_job *j, void *member)
{
    uint64_t s, ms = 0;
    struct span rest = j->text;
    struct span whole = span_cut(&rest, '.');
    if (span_u64(whole, UINT32_MAX / 1000 - 1, &s) != OK)
        return false;
    for (uint64_t i = 0, scale = 100; i < rest.n; i++, scale /= 10) {
        if (!byte_is_digit(rest.p[i]))
            return false;
        ms += (uint64_t)(rest.p[i] - '0') * scale;
    }
    *(uint32_t *)member = (uint32_t)(s * 1000 + ms);
    return true;
}

static bool set_number(struct column_job *j, void *member)
{
    uint64_t v;
    if (j->text.n == 0)
        return true;
    if (span_u64(j->text, UINT32_MAX, &v) != OK)
        return false;
    *(uint32_t *)member = (uint32_t)v;
    return true;
}

static bool set_text(struct column_job *j, void *member)
{
    *(struct span *)member = j->text;
    return true;
}

static bool set_extra(struct column_job *j, void *member)
{
    (void)member;
    if (j->text.n)
        record_extra(j->r, 0, j->name, j->text);
    return true;
}

/* "Name" <number>, or one of them alone. */
static bool set_clid(struct column_job *j, void *member)
{
    struct span number = j->text;
    struct span name = span_trim(span_cut(&number, '<'));
    if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
        name = span_sub(name, 1, name.n - 2);
    *(struct span *)member = name;
    j->clid_number = span_cut(&number, '>');
    return true;
}

/* PJSIP/trunk-0000001f: technology, trunk, and a serial number of the channel in hex; Local
 * channels end in ";1" too. The whole is kept: it tells the leg. */
static bool set_channel(struct column_job *j, void *member)
{
    struct span trunk = j->text;
    if (span_find(trunk, '/') < trunk.n)
        span_cut(&trunk, '/');
    trunk = span_sub(trunk, 0, span_find(trunk, ';'));
    size_t serial = trunk.n;
    while (serial && trunk.p[serial - 1] != '-')
        serial--;
    if (serial > 1)
        trunk = span_sub(trunk, 0, serial - 1);
    *(struct span *)member = trunk;
    return set_extra(j, NULL);
}

static bool set_disposition(struct column_job *j, void *member)
{
    static const struct {
        struct span text;
        enum disposition code;
    } ROW[] = {{SPAN_LIT("ANSWERED"), DISPOSITION_ANSWERED},
               {SPAN_LIT("NO ANSWER"), DISPOSITION_NO_ANSWER},
               {SPAN_LIT("BUSY"), DISPOSITION_BUSY},
               {SPAN_LIT("FAILED"), DISPOSITION_FAILED},
               {SPAN_LIT("CANCEL"), DISPOSITION_CANCELLED},
               {SPAN_LIT("CONGESTION"), DISPOSITION_CONGESTION}};
    j->r->call.cause_raw = j->text;
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++)
        if (span_eq(j->text, ROW[i].text))
            *(uint8_t *)member = (uint8_t)ROW[i].code;
    return true;
}

enum column {
#define COLUMN(symbol, name, setter, member) COLUMN_##symbol,
#define EXTRA(symbol, name)                  COLUMN_##symbol,
#include "proto/record/cdr_maps.def"
};

static const struct {
    struct span name;
    bool (*set)(struct column_job *j, void *member); /* false: not of its form */
    size_t member;
} COLUMNS[] = {
#define COLUMN(symbol, name, setter, member)                                                       \
    {SPAN_LIT(name), set_##setter, offsetof(struct call, member)},
#define EXTRA(symbol, name) {SPAN_LIT(name), set_extra, 0},
#include "proto/record/cdr_maps.def"
};

#define C(symbol)             COLUMN_##symbol,
#define LAYOUT(name, columns) static const uint8_t LAYOUT_##name[] = {columns};
#include "proto/record/cdr_maps.def"
#undef C

/* The columns of one line in their order. */
enum { COLUMNS_MAX = 21, CUSTOM_COLUMNS_MIN = 16 };
struct layout {
    uint8_t column[COLUMNS_MAX];
    size_t count;
};

static void append(struct layout *l, const uint8_t *columns, size_t count)
{
    memcpy(l->column + l->count, columns, count);
    l->count += count;
}

/* ^([^-]+-)?[0-9]{9,}[.][0-9]+$: system name, epoch, counter */
static bool is_uniqueid(struct span s)
{
    size_t dash = span_find(s, '-');
    if (dash < s.n && dash > 0)
        s = span_from(s, dash + 1);
    struct span counter = s;
    struct span epoch = span_cut(&counter, '.');
    uint64_t v;
    return epoch.n >= 9 && span_u64(epoch, UINT64_MAX, &v) == OK &&
           span_u64(counter, UINT64_MAX, &v) == OK;
}

static bool is_time(struct span s)
{
    int64_t t;
    return instant_parse(s, &t) == OK;
}

/* A line of a layout has its start where the layout says, its end two behind if it has one, and
 * then its duration: in the other layout one of them is something else. */
static bool starts_at(const struct csv_row *row, size_t at)
{
    uint64_t s;
    struct span end = row->column[at + 2].text, duration = row->column[at + 3].text;
    return is_time(row->column[at].text) && (end.n == 0 || is_time(end)) &&
           span_u64(span_cut(&duration, '.'), UINT32_MAX, &s) == OK;
}

static bool csv_layout(const struct csv_row *row, struct layout *out)
{
    static const uint8_t UNIQUEID = COLUMN_UNIQUEID, USERFIELD = COLUMN_USERFIELD;
    size_t n = row->columns_count;
    bool new_columns = n >= sizeof LAYOUT_CSV + sizeof LAYOUT_CSV_NEW_COLUMNS;
    if (n < sizeof LAYOUT_CSV || n > COLUMNS_MAX || !starts_at(row, 9))
        return false;
    *out = (struct layout){.count = 0};
    append(out, LAYOUT_CSV, sizeof LAYOUT_CSV);
    size_t logged = n - sizeof LAYOUT_CSV - (new_columns ? sizeof LAYOUT_CSV_NEW_COLUMNS : 0);
    if (logged == 2 || (logged == 1 && is_uniqueid(row->column[sizeof LAYOUT_CSV].text)))
        append(out, &UNIQUEID, 1);
    if (out->count < sizeof LAYOUT_CSV + logged)
        append(out, &USERFIELD, 1);
    if (new_columns)
        append(out, LAYOUT_CSV_NEW_COLUMNS, sizeof LAYOUT_CSV_NEW_COLUMNS);
    return true;
}

static bool custom_layout(const struct csv_row *row, struct layout *out)
{
    size_t n = row->columns_count;
    if (n < CUSTOM_COLUMNS_MIN || n > sizeof LAYOUT_CUSTOM || !starts_at(row, 8))
        return false;
    *out = (struct layout){.count = 0};
    append(out, LAYOUT_CUSTOM, n);
    return true;
}

static enum err set_columns(const struct csv_row *row, const struct layout *l, struct column_job *j,
                            struct diag *d)
{
    for (size_t i = 0; i < l->count; i++) {
        unsigned column = l->column[i];
        j->text = row->column[i].text;
        j->name = COLUMNS[column].name;
        if (!COLUMNS[column].set(j, (uint8_t *)&j->r->call + COLUMNS[column].member))
            return diag_set(d, ERR_SYNTAX, (const char *)COLUMNS[column].name.p, i);
    }
    return OK;
}

/* Who called: the column src, else the number of clid; clid is what was shown. */
static void set_parties(struct call *c, struct span clid_number)
{
    if (c->calling_raw.n == 0)
        c->calling_raw = clid_number;
    else if (!span_eq(c->calling_raw, clid_number))
        c->presented_tn = clid_number;
    if (span_eq(c->calling_name, c->calling_raw))
        c->calling_name = SPAN_EMPTY; /* clid without a name */
    if (c->call_key.n == 0)
        c->call_key = c->leg_id;
    c->leg_role = 3; /* party A and B in one record */
}

static void set_outcome(struct call *c)
{
    uint32_t total_ms = c->dur_total_ms, bill_ms = c->dur_bill_ms;
    call_durations(c);
    /* Whole seconds of two instants can be one more than the switch counted; it knows. */
    c->dur_total_ms = total_ms;
    c->dur_bill_ms = bill_ms;
    if (c->disposition == DISPOSITION_ANSWERED && c->t_answer == 0) {
        c->answered = 1;
        c->flags |= CALL_INCOMPLETE;
    }
    c->rec_type = c->answered ? REC_FINAL : REC_ATTEMPT;
    if (c->flags & CALL_INCOMPLETE)
        c->rec_type = REC_INCOMPLETE;
}

/* feeds.md 3.1: one uniqueid can have several records with different sequences. Columns hold no
 * NUL byte, so that it separates without doubt. */
static enum err set_dedup(const struct csv_row *row, const struct layout *l, struct span line,
                          struct buf *room, struct record *r)
{
    bool has_sequence = l->column[l->count - 1] == COLUMN_SEQUENCE;
    struct span sequence = has_sequence ? row->column[l->count - 1].text : SPAN_EMPTY;
    if (r->call.leg_id.n == 0 || sequence.n == 0) {
        r->dedup = line;
        return OK;
    }
    size_t at = room->n;
    buf_put(room, r->call.call_key);
    buf_u8(room, 0);
    buf_put(room, r->call.leg_id);
    buf_u8(room, 0);
    buf_put(room, sequence);
    r->dedup = span_from(buf_span(room), at);
    return buf_ok(room) ? OK : ERR_LIMIT;
}

enum err cdr_asterisk(const struct csv_row *row, struct span line, const struct zone *zone,
                      struct buf *room, struct record *out, struct diag *d)
{
    struct layout l;
    struct column_job j = {.zone = zone, .r = out};
    if (line.n > CDR_LINE_BYTES_MAX)
        return diag_set(d, ERR_LIMIT, "line", CDR_LINE_BYTES_MAX);
    if (!csv_layout(row, &l) && !custom_layout(row, &l))
        return diag_set(d, ERR_SYNTAX, "neither cdr_csv nor cdr_custom", row->columns_count);
    record_reset(out);
    out->call.feed_kind = FEED_ASTERISK_CSV;
    enum err e = set_columns(row, &l, &j, d);
    if (e != OK)
        return e;
    set_parties(&out->call, j.clid_number);
    set_outcome(&out->call);
    if (set_dedup(row, &l, line, room, out) != OK)
        return diag_set(d, ERR_LIMIT, "room for the key of the record", row->columns_count);
    return OK;
}

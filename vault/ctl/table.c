#include "vault/ctl/table.h"

#include <stdlib.h>

#include "proto/core/instant.h"
#include "proto/core/json_text.h"
#include "proto/core/limits.h"

enum { CELL_BYTES = 2 * WIRE_FRAME_BYTES_MAX, HELD_BYTES = 1024 * 1024 };

struct column {
    enum column_kind kind;
    char name[40];
    size_t width; /* in characters, of the rows seen */
};

struct table {
    FILE *out; /* borrowed */
    enum ctl_format format;
    size_t columns_count;
    struct column column[TABLE_COLUMNS_MAX];
    bool head_printed;
    /* Rows that wait for their widths: be32 length, payload. */
    size_t held_rows;
    struct buf held;
    uint8_t held_bytes[HELD_BYTES];
    uint8_t cell[CELL_BYTES];
};

enum err table_new(FILE *out, enum ctl_format format, struct table **out_table)
{
    struct table *t = malloc(sizeof *t);
    if (!t)
        return ERR_NOMEM;
    t->out = out;
    t->format = format;
    t->columns_count = t->held_rows = 0;
    t->head_printed = false;
    t->held = buf_of(t->held_bytes, sizeof t->held_bytes);
    *out_table = t;
    return OK;
}

static void put(const struct table *t, struct span s)
{
    fwrite(s.p, 1, s.n, t->out);
}

/* --- cells --- */

static bool is_null(const struct column *c, struct span cell)
{
    return cell.n == 0 || (c->kind == COLUMN_TIME && span_is(cell, "0"));
}

static bool is_number(struct span cell)
{
    size_t i = cell.n && cell.p[0] == '-' ? 1 : 0;
    if (i == cell.n)
        return false;
    while (i < cell.n && (byte_is_digit(cell.p[i]) || cell.p[i] == '.'))
        i++;
    return i == cell.n;
}

/* Microseconds since 1970, also before it. */
static bool put_time(struct buf *b, struct span cell)
{
    bool before = cell.n && cell.p[0] == '-';
    uint64_t us;
    if (span_u64(span_from(cell, before), INT64_MAX, &us) != OK)
        return false;
    instant_format(b, before ? -(int64_t)us : (int64_t)us);
    return true;
}

/* Text of a cell without a format's quoting; the raw cell when it is not of its kind. */
static struct span plain(struct table *t, const struct column *c, struct span cell)
{
    struct buf b = buf_of(t->cell, sizeof t->cell);
    return c->kind == COLUMN_TIME && put_time(&b, cell) ? buf_span(&b) : cell;
}

/* --- CSV, RFC 4180 --- */

static void csv_cell(const struct table *t, struct span s)
{
    bool quote = false;
    for (size_t i = 0; i < s.n && !quote; i++)
        quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quote) {
        put(t, s);
        return;
    }
    fputc('"', t->out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            fputc('"', t->out);
        fputc(s.p[i], t->out);
    }
    fputc('"', t->out);
}

static void csv_row(struct table *t, struct reader r)
{
    for (size_t i = 0; i < t->columns_count; i++) {
        struct span cell = reader_lv(&r);
        if (i)
            fputc(',', t->out);
        if (!is_null(&t->column[i], cell))
            csv_cell(t, plain(t, &t->column[i], cell));
    }
    fputc('\n', t->out);
}

static void csv_head(const struct table *t)
{
    for (size_t i = 0; i < t->columns_count; i++)
        fprintf(t->out, "%s%s", i ? "," : "", t->column[i].name);
    fputc('\n', t->out);
}

/* --- JSON, one object a line --- */

static void json_text(struct table *t, struct span s)
{
    uint8_t copy[INSTANT_TEXT_BYTES];
    if (s.p == t->cell) { /* a time: its text is where the result goes */
        memcpy(copy, s.p, s.n);
        s.p = copy;
    }
    struct buf b = buf_of(t->cell, sizeof t->cell);
    buf_json(&b, s);
    put(t, buf_ok(&b) ? buf_span(&b) : span_str("null"));
}

static void json_cell(struct table *t, const struct column *c, struct span cell)
{
    bool raw = c->kind == COLUMN_JSON || (c->kind == COLUMN_NUMBER && is_number(cell));
    if (is_null(c, cell))
        fputs("null", t->out);
    else if (raw)
        put(t, cell);
    else
        json_text(t, plain(t, c, cell));
}

static void json_row(struct table *t, struct reader r)
{
    fputc('{', t->out);
    for (size_t i = 0; i < t->columns_count; i++) {
        fprintf(t->out, "%s\"%s\":", i ? "," : "", t->column[i].name);
        json_cell(t, &t->column[i], reader_lv(&r));
    }
    fputs("}\n", t->out);
}

/* --- the table --- */

/* The next character as a terminal may have it; *n = bytes of it in s. */
static struct span printable(struct span s, size_t *n)
{
    size_t bytes = utf8_sequence(s);
    bool control = bytes == 0 || s.p[0] < 0x20 || s.p[0] == 0x7f ||
                   (bytes == 2 && s.p[0] == 0xc2 && s.p[1] < 0xa0); /* C1 controls */
    *n = bytes ? bytes : 1;
    return control ? span_str("?") : span_sub(s, 0, bytes);
}

/* Characters of the cell, at most TABLE_CELL_COLUMNS_MAX; prints them when out is given. */
static size_t show(struct span s, FILE *out)
{
    size_t width = 0, n;
    for (struct span rest = s; rest.n; rest = span_from(rest, n), width++) {
        struct span c = printable(rest, &n);
        bool cut = width == TABLE_CELL_COLUMNS_MAX - 1 && rest.n > n;
        if (cut)
            c = span_str("\xe2\x80\xa6"); /* an ellipsis: there is more in json and csv */
        if (out)
            fwrite(c.p, 1, c.n, out);
        if (cut)
            return width + 1;
    }
    return width;
}

static void pad(const struct table *t, size_t columns)
{
    fprintf(t->out, "%*s", (int)columns, "");
}

static void table_cell(const struct table *t, const struct column *c, struct span s, bool last)
{
    size_t width = show(s, NULL);
    size_t space = c->width > width ? c->width - width : 0;
    if (c->kind == COLUMN_NUMBER)
        pad(t, space);
    show(s, t->out);
    if (c->kind != COLUMN_NUMBER && !last)
        pad(t, space);
    fputs(last ? "\n" : "  ", t->out);
}

static void print_row(struct table *t, struct reader r)
{
    for (size_t i = 0; i < t->columns_count; i++) {
        struct column *c = &t->column[i];
        struct span cell = reader_lv(&r);
        struct span s = is_null(c, cell) ? span_str("-") : plain(t, c, cell);
        table_cell(t, c, s, i + 1 == t->columns_count);
    }
}

static void print_head(struct table *t)
{
    for (size_t i = 0; i < t->columns_count; i++)
        table_cell(t, &t->column[i], span_str(t->column[i].name), i + 1 == t->columns_count);
}

static void measure(struct table *t, struct reader r)
{
    for (size_t i = 0; i < t->columns_count; i++) {
        struct column *c = &t->column[i];
        struct span cell = reader_lv(&r);
        size_t width = is_null(c, cell) ? 1 : show(plain(t, c, cell), NULL);
        if (width > c->width)
            c->width = width;
    }
}

void table_flush(struct table *t)
{
    if (t->format == FORMAT_TABLE && t->columns_count && !t->head_printed) {
        print_head(t);
        t->head_printed = true;
    }
    struct reader r = reader_of(buf_span(&t->held));
    while (reader_more(&r)) {
        uint32_t bytes = reader_be32(&r);
        print_row(t, reader_of(reader_take(&r, bytes)));
    }
    buf_reset(&t->held);
    t->held_rows = 0;
    fflush(t->out);
}

static void hold(struct table *t, struct span row)
{
    size_t before = t->held.n;
    measure(t, reader_of(row));
    buf_be32(&t->held, (uint32_t)row.n);
    buf_put(&t->held, row);
    t->held_rows++;
    if (buf_ok(&t->held) && t->held_rows < TABLE_SAMPLE_ROWS)
        return;
    bool lost = !buf_ok(&t->held);
    if (lost)
        t->held.n = before;
    table_flush(t);
    if (lost)
        print_row(t, reader_of(row));
}

/* --- what it is fed with --- */

static enum err read_columns(struct table *t, struct reader *r)
{
    for (t->columns_count = 0; reader_more(r); t->columns_count++) {
        unsigned kind = reader_u8(r);
        struct span name = reader_lv(r);
        struct column *c = &t->column[t->columns_count];
        if (!reader_ok(r) || t->columns_count == TABLE_COLUMNS_MAX || kind < COLUMN_TEXT ||
            kind > COLUMN_JSON || name.n == 0 || name.n >= sizeof c->name)
            return ERR_SYNTAX;
        c->kind = (enum column_kind)kind;
        c->width = name.n;
        memcpy(c->name, name.p, name.n);
        c->name[name.n] = 0;
    }
    return t->columns_count ? OK : ERR_SYNTAX;
}

enum err table_columns(struct table *t, struct span columns, struct diag *d)
{
    struct reader r = reader_of(columns);
    table_flush(t);
    t->head_printed = false;
    if (read_columns(t, &r) != OK) {
        t->columns_count = 0;
        return diag_set(d, ERR_SYNTAX, "columns of a listing", reader_at(&r));
    }
    if (t->format == FORMAT_CSV)
        csv_head(t);
    return OK;
}

static bool row_fits(const struct table *t, struct span row)
{
    struct reader r = reader_of(row);
    for (size_t i = 0; i < t->columns_count; i++)
        reader_lv(&r);
    return t->columns_count && reader_ok(&r) && !reader_more(&r);
}

enum err table_row(struct table *t, struct span row, struct diag *d)
{
    if (!row_fits(t, row))
        return diag_set(d, ERR_SYNTAX, "row of a listing", 0);
    if (t->format == FORMAT_CSV)
        csv_row(t, reader_of(row));
    else if (t->format == FORMAT_JSON)
        json_row(t, reader_of(row));
    else if (t->head_printed)
        print_row(t, reader_of(row));
    else
        hold(t, row);
    return OK;
}

struct table *table_free(struct table *t)
{
    if (t) {
        table_flush(t);
        explicit_bzero(t, sizeof *t); /* it may have shown calls */
    }
    free(t);
    return NULL;
}

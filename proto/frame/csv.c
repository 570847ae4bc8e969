#include "proto/frame/csv.h"

#include "proto/core/bytescan.h"

/* What is being read: at most LINE_BYTES_MAX bytes of the caller's input. */
struct line {
    struct span in;
    size_t at;
    bool whole; /* nothing follows `in` */
    struct buf *scratch;
    struct csv_dialect dialect;
    struct bytescan
        scan; /* for all bytes that may end anything; each end passes over the others' */
};

enum stop { STOP_COLUMN, STOP_LINE }; /* what ended a column */

/* `in` is used up before the record is. */
static enum err ends_early(const struct line *l, const char *what, struct diag *d)
{
    if (l->whole)
        return diag_set(d, ERR_SYNTAX, what, l->in.n);
    if (l->in.n == LINE_BYTES_MAX)
        return diag_set(d, ERR_LIMIT, "line length", l->in.n);
    return diag_set(d, ERR_MORE, what, l->in.n);
}

/* The delimiter, the line end, NUL, or the end of the input, at or behind `at`. */
static size_t column_end(struct line *l, size_t at)
{
    const uint8_t quote = l->dialect.quote;
    while ((at = bytescan_next(&l->scan, at)) < l->in.n && quote && l->in.p[at] == quote)
        at++;
    return at;
}

/* The quote, NUL, or the end of the input. */
static size_t quote_end(struct line *l, size_t at)
{
    const uint8_t quote = l->dialect.quote;
    while ((at = bytescan_next(&l->scan, at)) < l->in.n && l->in.p[at] != quote && l->in.p[at] != 0)
        at++;
    return at;
}

/* A tab may be the delimiter. */
static bool is_blank(const struct line *l, uint8_t c)
{
    return (c == ' ' || c == '\t') && c != l->dialect.delimiter;
}

/* A column without quotes: up to the delimiter or the line end. */
static enum err read_bare(struct line *l, struct csv_column *out, enum stop *out_stop,
                          struct diag *d)
{
    size_t start = l->at;
    size_t end = column_end(l, start);
    if (end == l->in.n && !l->whole)
        return ends_early(l, "line end", d);
    if (end < l->in.n && l->in.p[end] == 0)
        return diag_set(d, ERR_SYNTAX, "NUL byte", end);
    *out_stop = end < l->in.n && l->in.p[end] == l->dialect.delimiter ? STOP_COLUMN : STOP_LINE;
    l->at = end < l->in.n ? end + 1 : end;
    if (*out_stop == STOP_LINE && end > start && l->in.p[end - 1] == '\r')
        end--;
    *out = (struct csv_column){.text = span_sub(l->in, start, end - start)};
    return OK;
}

/* Behind a quote: does a delimiter or the line end follow, blanks aside? OK: the column ends there.
 * ERR_NOTFOUND: the quote is text. ERR_MORE: the input ends before that is clear. */
static enum err read_close(struct line *l, size_t at, enum stop *out_stop)
{
    while (at < l->in.n && is_blank(l, l->in.p[at]))
        at++;
    if (at < l->in.n && l->in.p[at] == l->dialect.delimiter) {
        *out_stop = STOP_COLUMN;
        l->at = at + 1;
        return OK;
    }
    if (at < l->in.n && l->in.p[at] == '\r')
        at++;
    if (at == l->in.n ? !l->whole : l->in.p[at] != '\n')
        return at == l->in.n ? ERR_MORE : ERR_NOTFOUND;
    *out_stop = STOP_LINE;
    l->at = at < l->in.n ? at + 1 : at;
    return OK;
}

/* The pieces of a column between doubled quotes, put together in the scratch once there are
 * two; until then the column is a span of the input. */
struct pieces {
    size_t start; /* in the input: what is not in the scratch yet */
    size_t mark;  /* in the scratch */
    bool copied;
};

static enum err add_piece(struct line *l, struct pieces *ps, size_t end)
{
    buf_put(l->scratch, span_sub(l->in, ps->start, end - ps->start));
    ps->copied = true;
    return buf_ok(l->scratch) ? OK : ERR_LIMIT;
}

static enum err finish_pieces(struct line *l, struct pieces *ps, size_t end, struct csv_column *out)
{
    out->quoted = true;
    if (!ps->copied) {
        out->text = span_sub(l->in, ps->start, end - ps->start);
        return OK;
    }
    enum err e = add_piece(l, ps, end);
    out->text = span_from(buf_span(l->scratch), ps->mark);
    return e;
}

/* l->at is behind the opening quote. */
static enum err read_quoted(struct line *l, struct csv_column *out, enum stop *out_stop,
                            struct diag *d)
{
    const uint8_t quote = l->dialect.quote;
    struct pieces ps = {.start = l->at, .mark = l->scratch->n};
    for (size_t at = l->at;; at++) {
        at = quote_end(l, at);
        if (at == l->in.n)
            return ends_early(l, "quote is not closed", d);
        if (l->in.p[at] == 0)
            return diag_set(d, ERR_SYNTAX, "NUL byte", at);
        if (at + 1 < l->in.n && l->in.p[at + 1] == quote) {
            if (add_piece(l, &ps, at + 1) != OK)
                return diag_set(d, ERR_LIMIT, "scratch for doubled quotes", at);
            ps.start = at + 2;
            at++;
            continue;
        }
        enum err e = read_close(l, at + 1, out_stop);
        if (e == ERR_MORE)
            return ends_early(l, "line end", d);
        if (e == OK && finish_pieces(l, &ps, at, out) != OK)
            return diag_set(d, ERR_LIMIT, "scratch for doubled quotes", at);
        if (e == OK)
            return OK;
    }
}

/* Nearly every column: quoted, without a quote inside, or bare, without a blank in front, and the
 * delimiter follows. False: it is anything else, or wrong, and nothing was done. */
static bool quick_column(struct line *l, struct csv_column *out)
{
    const uint8_t *in = l->in.p;
    const size_t n = l->in.n;
    if (l->at >= n || is_blank(l, in[l->at]))
        return false;
    const bool quoted = l->dialect.quote && in[l->at] == l->dialect.quote;
    const size_t start = l->at + quoted;
    const size_t end = quoted ? quote_end(l, start) : column_end(l, start);
    const size_t delimiter = end + quoted;
    if (delimiter >= n || (quoted && in[end] == 0) || in[delimiter] != l->dialect.delimiter)
        return false;
    *out = (struct csv_column){.text = span_of(in + start, end - start), .quoted = quoted};
    l->at = delimiter + 1;
    return true;
}

/* FreeSWITCH's built-in template has a blank before the quote. */
static enum err read_column(struct line *l, struct csv_column *out, enum stop *out_stop,
                            struct diag *d)
{
    if (quick_column(l, out)) {
        *out_stop = STOP_COLUMN;
        return OK;
    }
    size_t at = l->at;
    while (at < l->in.n && is_blank(l, l->in.p[at]))
        at++;
    if (!l->dialect.quote || at == l->in.n || l->in.p[at] != l->dialect.quote)
        return read_bare(l, out, out_stop, d);
    l->at = at + 1;
    return read_quoted(l, out, out_stop, d);
}

enum err csv_next(struct span in, bool at_end, struct buf *scratch, struct csv_row *out,
                  struct diag *d)
{
    return csv_next_as(CSV_COMMA, in, at_end, scratch, out, d);
}

enum err csv_next_as(struct csv_dialect dialect, struct span in, bool at_end, struct buf *scratch,
                     struct csv_row *out, struct diag *d)
{
    struct line l = {.in = span_sub(in, 0, LINE_BYTES_MAX),
                     .whole = at_end && in.n <= LINE_BYTES_MAX,
                     .scratch = scratch,
                     .dialect = dialect};
    enum stop stop = STOP_COLUMN;
    size_t count = 0;
    l.scan =
        bytescan_of((struct bytescan_set){{dialect.delimiter, '\n', dialect.quote, 0}, 0}, l.in);
    buf_reset(scratch);
    if (in.n == 0)
        return diag_set(d, ERR_MORE, "line", 0);
    while (stop == STOP_COLUMN) {
        if (count == CSV_COLUMNS_MAX)
            return diag_set(d, ERR_LIMIT, "columns", l.at);
        enum err e = read_column(&l, &out->column[count], &stop, d);
        if (e != OK)
            return e;
        count++;
    }
    out->columns_count = count;
    out->used = l.at;
    return OK;
}

size_t csv_line_bytes(struct span in)
{
    size_t end = span_find(in, '\n');
    return end < in.n ? end + 1 : in.n;
}

size_t csv_mark_bytes(struct span in)
{
    static const struct span MARK = SPAN_LIT("\xef\xbb\xbf");
    return span_starts(in, MARK) ? MARK.n : 0;
}

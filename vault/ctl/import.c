#include "vault/ctl/import.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/frame/csv.h"
#include "vault/ctl/conn.h"
#include "vault/ctl/progress.h"
#include "vault/ctl/rules.h"
#include "vault/ctl/table.h"

enum {
    ROWS_BYTES = 32 * 1024, /* of one request */
    REQUEST_BYTES = ROWS_BYTES + 256,
    VALUE_BYTES_MAX = 255,
    ROW_BYTES_MAX = 8 + 3 * (2 + VALUE_BYTES_MAX) + 1
};

enum import_column { CUSTOMER_ID, ACCOUNT_ID, KIND, VALUE, IMPORT_COLUMNS };
static const char *const COLUMN_NAME[IMPORT_COLUMNS] = {"customer_id", "account_id", "kind",
                                                        "value"};

struct import_file {
    const struct ctl *ctl;
    struct conn conn;
    struct number_rules rules;
    const char *name; /* of the file, for messages */
    struct span text; /* mapped */
    size_t at;
    uint64_t line;
    size_t column[IMPORT_COLUMNS]; /* index in the file's rows */
    uint64_t problems;
    struct buf rows; /* of the next request */
    struct csv_row row;
    struct buf scratch;
    uint8_t scratch_bytes[LINE_BYTES_MAX];
    uint8_t rows_bytes[ROWS_BYTES], request_bytes[REQUEST_BYTES];
};

/* --- values --- */

static void put_number(const struct number_rules *rules, struct span value, struct buf *b)
{
    uint8_t room[NUMBER_TEXT_BYTES_MAX];
    struct buf digits = buf_of(room, sizeof room);
    struct number n;
    number_read(rules, value, &digits, &n);
    buf_put(b, n.tn);
}

/* A prefix may be too short to be told by a plan, so it is only completed: no area code of
 * country code 1 begins with 1. */
static void put_prefix(const struct number_rules *rules, struct span digits, struct buf *b)
{
    bool bare = digits.n && digits.p[0] != '+' && rules->plan != PLAN_RAW;
    if (bare)
        buf_str(b, rules->plan == PLAN_NANP && digits.p[0] != '1' ? "+1" : "+");
    buf_put(b, digits);
}

static void put_range(const struct number_rules *rules, struct span value, struct buf *b)
{
    struct span last = value;
    struct span first = span_cut(&last, '-');
    if (first.n == value.n) {
        put_prefix(rules, value, b);
        return;
    }
    put_number(rules, span_trim(first), b);
    buf_str(b, "-");
    put_number(rules, span_trim(last), b);
}

void import_value(const struct number_rules *rules, enum entry_kind kind, struct span value,
                  struct buf *b)
{
    if (kind == ENTRY_NUMBER)
        put_number(rules, value, b);
    else if (kind == ENTRY_RANGE)
        put_range(rules, value, b);
    else
        buf_put(b, value);
}

/* --- problems --- */

static void problem(struct import_file *f, uint64_t line, struct span what)
{
    f->problems++;
    fprintf(f->ctl->err, "%s:%" PRIu64 ": %.*s\n", f->name, line, (int)what.n,
            (const char *)what.p);
}

static bool on_problem(void *arg, struct span payload)
{
    struct reader r = reader_of(payload);
    struct span digits = reader_lv(&r);
    struct span what = reader_lv(&r);
    uint64_t line;
    if (!reader_ok(&r) || span_u64(digits, UINT64_MAX, &line) != OK)
        return false;
    problem(arg, line, what);
    return true;
}

/* --- requests --- */

static enum control_status ask(struct import_file *f, const char *verb, const char *name,
                               struct span value, const struct conn_ops *ops)
{
    struct buf b = buf_of(f->request_bytes, sizeof f->request_bytes);
    control_put_verb(&b, verb);
    if (value.n)
        control_put_arg(&b, name, value);
    return conn_ask(f->ctl, &f->conn, buf_span(&b), ops);
}

static enum control_status send_rows(struct import_file *f)
{
    struct conn_ops ops = {.row = on_problem, .arg = f};
    if (f->rows.n == 0)
        return CONTROL_DONE;
    enum control_status status = ask(f, "customer import-rows", "rows", buf_span(&f->rows), &ops);
    buf_reset(&f->rows);
    return status;
}

static bool on_counts_columns(void *arg, struct span payload)
{
    return table_columns(arg, payload, NULL) == OK;
}

static bool on_counts_row(void *arg, struct span payload)
{
    return table_row(arg, payload, NULL) == OK;
}

static enum control_status commit(struct import_file *f)
{
    struct conn_ops ops = {.columns = on_counts_columns, .row = on_counts_row};
    struct table *t;
    if (table_new(f->ctl->out, f->ctl->format, &t) != OK)
        return (enum control_status)ctl_fail(f->ctl, CONTROL_FAILED, "out of memory");
    ops.arg = t;
    enum control_status status = ask(f, "customer import-commit", "", SPAN_EMPTY, &ops);
    table_free(t);
    return status;
}

/* --- rows --- */

/* The next row of the file and its line; false at the end, or when a row cannot be read
 * (which is a problem, and the end: where the next row begins is then a guess). */
static bool next_row(struct import_file *f, uint64_t *out_line)
{
    struct diag d;
    struct span rest = span_from(f->text, f->at);
    if (rest.n == 0)
        return false;
    *out_line = f->line;
    enum err e = csv_next(rest, true, &f->scratch, &f->row, &d);
    if (e != OK) {
        problem(f, f->line, span_str(d.what));
        return false;
    }
    for (size_t i = 0; i < f->row.used; i++)
        f->line += rest.p[i] == '\n';
    f->at += f->row.used;
    return true;
}

static struct span cell(const struct import_file *f, enum import_column c)
{
    return f->column[c] < f->row.columns_count ? span_trim(f->row.column[f->column[c]].text)
                                               : SPAN_EMPTY;
}

static bool read_header(struct import_file *f)
{
    uint64_t line;
    if (!next_row(f, &line))
        return false;
    for (size_t c = 0; c < IMPORT_COLUMNS; c++) {
        size_t i = 0;
        while (i < f->row.columns_count &&
               !span_is(span_trim(f->row.column[i].text), COLUMN_NAME[c]))
            i++;
        if (i == f->row.columns_count)
            return false;
        f->column[c] = i;
    }
    return true;
}

static bool blank(const struct import_file *f)
{
    return f->row.columns_count == 1 && f->row.column[0].text.n == 0;
}

static const char *put_row(struct import_file *f, uint64_t line)
{
    enum entry_kind kind;
    uint8_t room[2 * VALUE_BYTES_MAX];
    struct buf value = buf_of(room, sizeof room);
    for (size_t c = 0; c < IMPORT_COLUMNS; c++)
        if (cell(f, (enum import_column)c).n == 0)
            return "a column is empty";
    if (entry_kind_by_name(cell(f, KIND), &kind) != OK)
        return "kind is not number, range, domain, trunk, account_code or address";
    import_value(&f->rules, kind, cell(f, VALUE), &value);
    if (!buf_ok(&value) || value.n > VALUE_BYTES_MAX ||
        cell(f, CUSTOMER_ID).n > CUSTOMER_ID_BYTES_MAX ||
        cell(f, ACCOUNT_ID).n > CUSTOMER_ID_BYTES_MAX)
        return "a column is too long";
    buf_be64(&f->rows, line);
    buf_lv(&f->rows, cell(f, CUSTOMER_ID));
    buf_lv(&f->rows, cell(f, ACCOUNT_ID));
    buf_u8(&f->rows, (uint8_t)kind);
    buf_lv(&f->rows, buf_span(&value));
    return NULL;
}

static enum control_status send_file(struct import_file *f)
{
    enum control_status status = CONTROL_DONE;
    struct progress bar = progress_on(f->ctl->err);
    uint64_t line;
    while (status == CONTROL_DONE && next_row(f, &line)) {
        const char *wrong = blank(f) ? NULL : put_row(f, line);
        if (wrong)
            problem(f, line, span_str(wrong));
        if (f->rows.cap - f->rows.n < ROW_BYTES_MAX) {
            status = send_rows(f);
            progress_show(&bar, f->at, f->text.n);
        }
    }
    if (status == CONTROL_DONE)
        status = send_rows(f);
    progress_clear(&bar);
    return status;
}

static enum control_status import(struct import_file *f, bool move)
{
    static const struct conn_ops NOTHING = {.arg = NULL};
    if (!read_header(f))
        return (enum control_status)ctl_fail(
            f->ctl, CONTROL_FAILED,
            "the file's first line must name customer_id, account_id, kind and value");
    enum control_status status =
        ask(f, "customer import-begin", "move", span_str(move ? "1" : ""), &NOTHING);
    if (status == CONTROL_DONE)
        status = send_file(f);
    /* The vault would refuse too, but it does not know of the problems found here. */
    if (status == CONTROL_DONE && f->problems)
        return (enum control_status)ctl_fail(f->ctl, CONTROL_FAILED,
                                             "nothing was changed: see the lines above");
    return status == CONTROL_DONE ? commit(f) : status;
}

/* --- files --- */

static enum err map_file(const char *path, struct span *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOTFOUND;
    enum err e = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? OK : ERR_NOTFOUND;
    *out = SPAN_EMPTY;
    if (e == OK && st.st_size) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            e = ERR_NOMEM;
        else
            *out = span_of(p, (size_t)st.st_size);
    }
    close(fd);
    return e;
}

int import_run(const struct ctl *c, const struct ctl_args *a)
{
    struct span text;
    if (map_file(a->operand, &text) != OK)
        return ctl_fail(c, CONTROL_NOTFOUND, "the file cannot be read");
    struct import_file *f = malloc(sizeof *f);
    if (!f)
        return ctl_fail(c, CONTROL_FAILED, "out of memory");
    f->ctl = c;
    f->name = a->operand;
    f->text = text;
    f->at = csv_mark_bytes(text);
    f->line = 1;
    f->problems = 0;
    f->rows = buf_of(f->rows_bytes, sizeof f->rows_bytes);
    f->scratch = buf_of(f->scratch_bytes, sizeof f->scratch_bytes);
    rules_from_args(a, &f->rules);
    enum control_status status = conn_open(c, &f->conn);
    if (status == CONTROL_DONE) {
        status = import(f, ctl_arg(a, "move") != NULL);
        conn_close(&f->conn);
    }
    free(f);
    if (text.n)
        munmap((void *)text.p, text.n);
    return (int)status;
}

#include "tests/lib/mapped_file.h"

#include <stdlib.h>

#include "proto/core/check.h"
#include "tests/lib/test_file.h"

struct mapped_file *mapped_file_new(const char *name)
{
    struct mapped_file *f = calloc(1, sizeof *f);
    size_t line;
    CHECK(f);
    zone_fixed(&f->zone, 0);
    f->map_text = test_file(CPNI_SOURCE_DIR "/deploy/maps", name);
    if (cdr_map_parse(f->map_text, &f->map, &line, &f->d) != OK) {
        fprintf(stderr, "%s:%zu: %s\n", name, line, f->d.what);
        abort();
    }
    return f;
}

void mapped_file_free(struct mapped_file *f)
{
    test_file_free(f->map_text);
    free(f);
}

static enum err next_row(struct mapped_file *f, const struct cdr_mapper *x)
{
    struct buf scratch = buf_of(f->scratch, sizeof f->scratch);
    struct span in = f->rest;
    enum err e = csv_next_as(f->map.dialect, in, true, &scratch, &f->row, &f->d);
    size_t used = e == OK ? f->row.used : csv_line_bytes(in);
    f->rest = span_from(in, used);
    if (e != OK || cdr_columns_told(&f->map, &f->row, &f->columns))
        return e != OK ? e : ERR_NOTFOUND;
    return cdr_mapped_row(x, &f->row, &f->record, &f->d);
}

enum err mapped_file_next(struct mapped_file *f)
{
    struct buf room = buf_of(f->room, sizeof f->room);
    struct cdr_mapper x = {&f->map, &f->zone, &f->columns, &room};
    f->d = (struct diag){"", 0};
    if (f->rest.n == 0)
        return ERR_MORE;
    if (f->map.format == CDR_CSV)
        return next_row(f, &x);
    bool lines = f->map.format == CDR_KV;
    struct span line = span_sub(f->rest, 0, lines ? csv_line_bytes(f->rest) : f->rest.n);
    f->rest = span_from(f->rest, line.n);
    return cdr_mapped_text(&x, span_trim(line), &f->record, &f->d);
}

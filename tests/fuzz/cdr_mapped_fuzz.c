/* A map, a NUL, and a file that is read through it: each line refused, ignored, or a record that
 * classifies and encodes. */
#include "proto/classify/classify.h"
#include "proto/core/check.h"
#include "proto/record/cdr_mapped.h"
#include "proto/wire/record_wire.h"

static struct cdr_map map;
static struct cdr_columns columns;
static struct csv_row row;
static struct record r;
static uint8_t scratch_bytes[LINE_BYTES_MAX], room_bytes[CDR_MAPPED_ROOM_BYTES];

/* The first line or document of *rest, taken from it. */
static enum err next(struct span *rest, const struct cdr_mapper *x, struct diag *d)
{
    struct buf scratch = buf_of(scratch_bytes, sizeof scratch_bytes);
    struct span line = span_sub(*rest, 0, csv_line_bytes(*rest));
    if (map.format != CDR_CSV) {
        *rest = span_from(*rest, line.n);
        return cdr_mapped_text(x, span_trim(line), &r, d);
    }
    enum err e = csv_next_as(map.dialect, *rest, true, &scratch, &row, d);
    *rest = span_from(*rest, e == OK ? row.used : line.n);
    if (e == OK && cdr_columns_told(&map, &row, &columns))
        return ERR_NOTFOUND;
    return e == OK ? cdr_mapped_row(x, &row, &r, d) : e;
}

static void seal(void)
{
    static uint8_t wire[RECORD_BYTES_MAX];
    static const struct derive_rules RULES = {.numbers = {.plan = PLAN_NANP}};
    uint8_t derived[DERIVE_ROOM_BYTES];
    struct buf out = buf_of(wire, sizeof wire), numbers = buf_of(derived, sizeof derived);
    struct classify_counts counts = {.unknown = 0};
    classify_record(&r, &RULES, &numbers, &counts);
    CHECK(r.dedup.n > 0 && record_encode(&r, &out) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone zone;
    struct span rest = span_of(data, size);
    struct span text = span_cut(&rest, 0);
    struct diag d = {"", 0};
    size_t line;
    if (cdr_map_parse(text, &map, &line, &d) != OK)
        return 0;
    columns.ready = false;
    zone_fixed(&zone, -5 * 3600);
    while (rest.n) {
        struct buf room = buf_of(room_bytes, sizeof room_bytes);
        struct cdr_mapper x = {&map, &zone, &columns, &room};
        enum err e = next(&rest, &x, &d);
        CHECK(e == OK || e == ERR_NOTFOUND || e == ERR_SYNTAX || e == ERR_LIMIT);
        if (e == OK)
            seal();
    }
    return 0;
}

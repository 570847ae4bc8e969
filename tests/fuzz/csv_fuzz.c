/* A file read to its end, also as a tail that grows: columns lie in the input or the scratch,
 * and a record that is complete does not depend on what follows it. */
#include "proto/core/check.h"
#include "proto/frame/csv.h"
#include "tests/lib/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[LINE_BYTES_MAX];
    static struct csv_row row, again;
    for (struct span rest = span_of(data, size); rest.n;) {
        struct buf scratch = buf_of(room, sizeof room);
        struct diag d = {0};
        enum err e = csv_next(rest, true, &scratch, &row, &d);
        CHECK(e != ERR_MORE && d.at <= rest.n);
        size_t used = e == OK ? row.used : csv_line_bytes(rest);
        CHECK(used > 0 && used <= rest.n);
        for (size_t i = 0; e == OK && i < row.columns_count; i++)
            CHECK(exact_inside(row.column[i].text, rest) ||
                  exact_inside(row.column[i].text, buf_span(&scratch)));
        if (csv_next(rest, false, &scratch, &again, &d) == OK)
            CHECK(e == OK && again.used == row.used && again.columns_count == row.columns_count);
        rest = span_from(rest, used);
    }
    return 0;
}

/* A table file: refused with a line that exists, or a table whose states are two letters. */
#include "proto/classify/npa.h"
#include "proto/core/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npa_table t;
    struct diag d = {"", 0};
    size_t line = 0;
    if (npa_load(span_of(data, size), &t, &line, &d) != OK) {
        CHECK(d.at <= size && line >= 1 && line <= size + 1);
        return 0;
    }
    for (unsigned npa = 0; npa <= NPA_END; npa++) {
        struct npa_row row = npa_find(&t, npa);
        CHECK(row.kind < NPA_KIND_COUNT);
        CHECK((row.kind == NPA_US) ==
              (row.region[0] >= 'A' && row.region[1] <= 'Z' && row.region[0]));
    }
    return 0;
}

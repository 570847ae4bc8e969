/* A mapping file: refused with a line that is there, or a map whose every index is in it. */
#include "proto/core/check.h"
#include "proto/record/cdr_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cdr_map m;
    struct diag d = {"", 0};
    size_t line;
    if (cdr_map_parse(span_of(data, size), &m, &line, &d) != OK) {
        CHECK(d.at <= size && line > 0 && line <= size + 1 && d.what[0]);
        return 0;
    }
    CHECK(line == 0 && m.answered_by && m.key.count > 0 && m.rules_count > 0);
    for (size_t i = 0; i < m.rules_count; i++) {
        CHECK(m.rule[i].source < m.sources_count && m.rule[i].transform < CDR_TRANSFORM_COUNT);
        CHECK((m.rule[i].transform == CDR_TIME) == (m.rule[i].format.n > 0));
    }
    for (size_t i = 0; i < m.drop.count; i++)
        CHECK(m.drop.at[i] < m.sources_count);
    return 0;
}

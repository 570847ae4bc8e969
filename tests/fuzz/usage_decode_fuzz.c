/* Keys and totals that decode encode alike, byte for byte. */
#include "proto/core/check.h"
#include "proto/usage/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct usage_key key;
    struct usage_totals totals;
    struct usage_rules rules = {.period_s = 3600};
    struct diag d = {"", 0};
    uint8_t again[USAGE_TOTALS_BYTES_MAX];
    if (usage_key_decode(in, &key, &d) == OK) {
        usage_key_encode(&key, again);
        CHECK(memcmp(again, data, USAGE_KEY_BYTES) == 0);
    }
    CHECK(d.at <= size);
    if (usage_totals_decode(in, &totals, &d) == OK) {
        struct buf b = buf_of(again, sizeof again);
        usage_totals_encode(&totals, &b);
        CHECK(span_eq(buf_span(&b), in));
    }
    CHECK(d.at <= size);
    if (usage_increments_parse(in, &rules, &d) == OK)
        CHECK(rules.increments_count > 0 && rules.increments_count <= USAGE_INCREMENTS_MAX);
    CHECK(d.at <= size);
    return 0;
}

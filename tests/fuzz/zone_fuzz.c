/* A zone file: refused, or a zone in which every local time has a UTC within two days. */
#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "proto/record/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone z;
    struct diag d = {"", 0};
    if (zone_load(span_of(data, size), &z, &d) != OK) {
        CHECK(d.at <= size);
        return 0;
    }
    for (int64_t year = -10; year < 120; year++) {
        int64_t local = year * 31556952 * US_PER_S;
        bool ambiguous;
        int64_t off = zone_to_utc(&z, local, &ambiguous) - local;
        CHECK(off / US_PER_S <= 2 * S_PER_DAY && off / US_PER_S >= -2 * S_PER_DAY);
    }
    return 0;
}

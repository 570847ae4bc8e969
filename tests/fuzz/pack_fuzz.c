/* Records lie inside their row, one behind another; what is taken out is gone, and the others
 * are as they were. */
#include <stdlib.h>

#include "proto/core/check.h"
#include "vault/store/pack.h"

static const uint8_t FIRST[8] = {0, 0, 0, 0, 0, 0, 1, 0};

static size_t count(struct span row, uint64_t but)
{
    struct pack_reader r = pack_reader_of(span_of(FIRST, sizeof FIRST), row);
    struct span value;
    const uint8_t *end = row.p;
    size_t n = 0;
    for (uint64_t seq; pack_next(&r, &seq, &value); n += seq != but) {
        CHECK(value.p > end && value.p + value.n <= row.p + row.n);
        end = value.p + value.n - 1;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span key = span_of(FIRST, sizeof FIRST), row = span_of(data, size), value;
    uint64_t seq = 256 + data[size - 1] % PACK_RECORDS_MAX;
    struct buf out = buf_of(malloc(size), size);
    CHECK(out.p);
    size_t others = count(row, seq);
    enum err e = pack_without(key, row, seq, &out);
    if (e == OK) {
        CHECK(count(buf_span(&out), UINT64_MAX) == others);
        CHECK(out.n == 0 || pack_find(key, buf_span(&out), seq, &value) == ERR_NOTFOUND);
        CHECK(out.n > 0 || others == 0);
    }
    free(out.p);
    return 0;
}

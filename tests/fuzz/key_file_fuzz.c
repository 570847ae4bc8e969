/* Any text as a key file; what it gives is texts that end. */
#include "ingest/forward/key_file.h"
#include "proto/core/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_file k;
    struct diag d = {.at = 0};
    if (key_file_parse(span_of(data, size), &k, &d) == OK) {
        CHECK(strlen(k.public_key) == KEY_TEXT_BYTES - 1);
        CHECK(strlen(k.secret_key) == KEY_TEXT_BYTES - 1);
        CHECK(strlen(k.name) < sizeof k.name && strlen(k.endpoint) < sizeof k.endpoint);
    }
    CHECK(d.at <= size);
    return 0;
}

/* A checkpoint from a disk that somebody else wrote: be16 length of the key, key, value. What
 * is taken must end like any call, and be saved again as it was. */
#include "proto/core/check.h"
#include "proto/core/reader.h"
#include "proto/record/dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_record(void *arg, const struct record *r)
{
    (void)arg;
    CHECK(r->call.flags & CALL_RESTORED);
}

static void ignore_value(void *arg, struct span key, struct span value)
{
    (void)key;
    CHECK(value.n == 0); /* nothing changed but the end: it is deleted */
    ++*(unsigned *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dialog_limits limits = {.dialogs_max = 4, .bytes_max = 128 * 1024};
    struct reader in = reader_of(span_of(data, size));
    struct span key = reader_take(&in, reader_be16(&in));
    struct span value = reader_take(&in, reader_left(&in));
    struct dialog_table *t;
    struct diag d = {0};
    unsigned deleted = 0;
    CHECK(dialog_table_new(&limits, (struct dialog_seed){1, 2}, &t) == OK);
    if (dialog_restore(t, key, value, 1000, &d) == OK) {
        CHECK(dialog_live(t) == 1 && dialog_restore(t, key, value, 1000, &d) == ERR_CONFLICT);
        dialog_checkpoint(t, 1000, ignore_value, &deleted);
        CHECK(deleted == 0);
        dialog_tick(t, UINT64_MAX / 8, ignore_record, NULL);
        dialog_checkpoint(t, UINT64_MAX / 8, ignore_value, &deleted);
        CHECK(deleted == 1 && dialog_live(t) == 0);
    } else {
        CHECK(d.what && d.at <= size);
    }
    dialog_table_free(t);
    return 0;
}

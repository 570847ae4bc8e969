/* A document walked, and skipped: both come to the same end; strings decode into their own
 * length. */
#include "proto/core/check.h"
#include "proto/frame/json.h"
#include "tests/lib/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err read_all(struct span in, enum json_kind kind, bool walk, struct diag *d)
{
    static uint8_t bytes[1 << 20];
    struct json j;
    struct json_item item;
    struct span text;
    unsigned depth = 1;
    enum err e = json_open(&j, in, kind, d);
    while (e == OK && depth && (e = json_next(&j, &item, d)) == OK) {
        CHECK(exact_inside(item.name, in) && exact_inside(item.text, in));
        struct buf room = buf_of(bytes, item.text.n);
        if (item.kind == JSON_STRING && item.text.n <= sizeof bytes)
            CHECK(json_unescape(item.text, item.text_escaped, &room, &text) == OK);
        depth -= item.kind == JSON_END;
        if (walk && (item.kind == JSON_OBJECT || item.kind == JSON_ARRAY)) {
            json_enter(&j);
            depth++;
        }
    }
    return e == OK ? json_close(&j, d) : e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    for (enum json_kind kind = JSON_OBJECT; kind <= JSON_ARRAY; kind++) {
        struct diag walked = {0}, skipped = {0};
        enum err e = read_all(in, kind, true, &walked);
        CHECK(read_all(in, kind, false, &skipped) == e);
        CHECK(walked.at == skipped.at && walked.at <= size);
    }
    return 0;
}

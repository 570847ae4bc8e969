/* Any text under any plan: a number in E.164 of at most 15 digits, or the text itself. */
#include "proto/classify/number.h"
#include "proto/core/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct number_rules RULES[] = {
        {.plan = PLAN_RAW},
        {.plan = PLAN_NANP, .area_code = "212", .extension_digits_max = 4},
        {.plan = PLAN_E164, .country_code = "44", .extension_digits_max = 4}};
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        uint8_t bytes[NUMBER_TEXT_BYTES_MAX];
        struct buf room = buf_of(bytes, sizeof bytes);
        struct number n;
        struct span raw = number_strip(span_of(data, size));
        CHECK(raw.n <= size);
        number_read(&RULES[i], raw, &room, &n);
        CHECK(n.e164 ? n.tn.n >= 8 && n.tn.p[0] == '+' && n.tn.p[1] != '0' : span_eq(n.tn, raw));
        for (size_t k = 1; n.e164 && k < n.tn.n; k++)
            CHECK(byte_is_digit(n.tn.p[k]));
    }
    return 0;
}

/* Proves that the table says of each byte what its bits promise: the classes spelled out. */
#include <criterion/criterion.h>

#include "proto/record/sip_byte.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The bytes of a class from `first` on: those of a list, or all but those of a list. */
static const struct {
    enum sip_byte bit;
    unsigned first;
    const char *all, *all_but;
} CLASSES[] = {
    {SIP_TOKEN, 0, ALNUM "-.!%*_+`'~", NULL}, {SIP_USER, 0, ALNUM "-_.!~*'()&=+$/#", NULL},
    {SIP_HOST, 0, ALNUM "-._", NULL},         {SIP_PARAM, 0, ALNUM "-_.!~*'+$&/#", NULL},
    {SIP_WORD, ' ', NULL, "\"<>\\,\x7f"},     {SIP_QUOTED, ' ', NULL, "\"<>\\\x7f"},
    {SIP_VISIBLE, ' ' + 1, NULL, ""},         {SIP_LOGIN, ' ' + 1, NULL, "<>\",/@"},
};

Test(sip_byte, classes)
{
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++)
        for (unsigned c = 0; c < 256; c++) {
            const char *list = CLASSES[i].all ? CLASSES[i].all : CLASSES[i].all_but;
            bool listed = c && memchr(list, (int)c, strlen(list));
            bool in = c >= CLASSES[i].first && listed == (CLASSES[i].all != NULL);
            cr_expect_eq((SIP_BYTE[c] & CLASSES[i].bit) != 0, in, "class %zu, byte %u", i, c);
        }
}

Test(sip_byte, runs)
{
    cr_expect_eq(sip_run(span_str("Call-ID :"), 0, SIP_TOKEN), 7);
    cr_expect_eq(sip_run(span_str("abc"), 1, SIP_TOKEN), 3);
    cr_expect_eq(sip_run(span_str("abc"), 3, SIP_TOKEN), 3);
    cr_expect_eq(sip_run(SPAN_EMPTY, 0, SIP_TOKEN), 0);
    cr_expect_eq(sip_run(span_str("a=b"), 0, SIP_PARAM | SIP_USER), 3);
}

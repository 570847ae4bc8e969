/* Proves: every kind of entry has a name of its own, and nothing else is one. */
#include <criterion/criterion.h>

#include "proto/wire/entry_kind.h"

Test(entry_kind, names_round_trip)
{
    for (unsigned i = 0; i < ENTRY_KIND_COUNT; i++) {
        enum entry_kind kind = ENTRY_KIND_COUNT;
        cr_expect_eq(entry_kind_by_name(span_str(entry_kind_name((enum entry_kind)i)), &kind), OK);
        cr_expect_eq(kind, i);
    }
    enum entry_kind untouched = ENTRY_TRUNK;
    cr_expect_eq(entry_kind_by_name(span_str("numbers"), &untouched), ERR_NOTFOUND);
    cr_expect_eq(untouched, ENTRY_TRUNK);
    cr_expect_str_eq(entry_kind_name(ENTRY_KIND_COUNT), "unknown");
}

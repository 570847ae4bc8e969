/* entry_kind.h - by what the directory finds a customer: the kinds of a row of the import
 * file, as they go from cpnictl to the vault. */
#ifndef CPNI_WIRE_ENTRY_KIND_H
#define CPNI_WIRE_ENTRY_KIND_H

#include "proto/core/span.h"

/* ENTRY_KIND(code, "name in the import file"); stored by number: add at the end only */
/* clang-format off */
#define ENTRY_KINDS(X)                  \
    X(NUMBER, "number")                 \
    X(RANGE, "range")                   \
    X(DOMAIN, "domain")                 \
    X(TRUNK, "trunk")                   \
    X(ACCOUNT_CODE, "account_code")     \
    X(ADDRESS, "address")
/* clang-format on */
enum entry_kind {
#define ENTRY_CODE(code, name) ENTRY_##code,
    ENTRY_KINDS(ENTRY_CODE)
#undef ENTRY_CODE
        ENTRY_KIND_COUNT
};
MUST_CHECK enum err entry_kind_by_name(struct span name, enum entry_kind *out); /* ERR_NOTFOUND */
const char *entry_kind_name(enum entry_kind kind); /* "unknown" when out of range */

#endif

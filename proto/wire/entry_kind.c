#include "proto/wire/entry_kind.h"

static const char *const NAMES[ENTRY_KIND_COUNT] = {
#define ENTRY_NAME(code, name) [ENTRY_##code] = (name),
    ENTRY_KINDS(ENTRY_NAME)
#undef ENTRY_NAME
};

enum err entry_kind_by_name(struct span name, enum entry_kind *out)
{
    for (unsigned i = 0; i < ENTRY_KIND_COUNT; i++) {
        if (!span_is(name, NAMES[i]))
            continue;
        *out = (enum entry_kind)i;
        return OK;
    }
    return ERR_NOTFOUND;
}

const char *entry_kind_name(enum entry_kind kind)
{
    return kind < ENTRY_KIND_COUNT ? NAMES[kind] : "unknown";
}

#include "proto/core/err.h"

static const struct {
    const char *name, *text;
} TABLE[ERR_COUNT] = {[OK] = {"OK", "done"},
#define ERR_ROW(code, text) [ERR_##code] = {"ERR_" #code, text},
                      ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

const char *err_name(enum err e)
{
    return (unsigned)e < ERR_COUNT ? TABLE[e].name : "ERR_?";
}

const char *err_text(enum err e)
{
    return (unsigned)e < ERR_COUNT ? TABLE[e].text : "unknown error code";
}

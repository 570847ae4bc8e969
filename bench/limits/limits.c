#include "bench/limits/limits.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/pace.h"
#include "bench/place.h"
#include "proto/core/instant.h"

/* clang-format off */
static const struct {
    const char *name, *unit;
    limit_fn *measure;
} LIMITS[] = {
    {"memcpy_bytes",   "B/s", limit_memcpy},
    {"seals",          "/s",  limit_seal},
    {"hashes",         "/s",  limit_hash},
    {"fdatasyncs",     "/s",  limit_fdatasync},
    {"store_rows",     "/s",  limit_store},
    {"udp_datagrams",  "/s",  limit_udp},
    {"tcp_bytes",      "B/s", limit_tcp},
    {"sip_messages",   "/s",  limit_sip},
};
/* clang-format on */

double limit_rate(double work, uint64_t start_us)
{
    uint64_t us = pace_now_us() - start_us;
    return work * US_PER_S / (double)(us ? us : 1);
}

static enum err measure(const struct limits_options *o, size_t i, struct series *s)
{
    struct limits_once once = {.until_us = 0};
    struct place place;
    double value = 0;
    enum err e = place_folder(o->dir, &place);
    if (e != OK)
        return e;
    once.dir = place.dir;
    once.until_us = pace_now_us() + o->ms * US_PER_MS;
    e = LIMITS[i].measure(&once, &value);
    if (e == OK)
        series_put(s, LIMITS[i].name, LIMITS[i].unit, 0, BETTER_HIGHER, value);
    place_done(&place);
    return e;
}

/* Run by run through all of them, so that a slow minute falls on all alike. */
enum err limits_run(const struct limits_options *o, struct series **out, struct diag *d)
{
    struct series *s = series_new("limits", "machine");
    enum err e = s ? OK : ERR_NOMEM;
    for (uint64_t run = 0; e == OK && run < o->runs; run++) {
        for (size_t i = 0; e == OK && i < sizeof LIMITS / sizeof LIMITS[0]; i++) {
            diag_set(d, OK, LIMITS[i].name, 0);
            e = measure(o, i, s);
        }
        s->runs++;
    }
    if (e == OK)
        *out = s;
    else
        free(s);
    return e;
}

#include "bench/ceiling.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum role { INGEST, VAULT, ROLE_COUNT };
static const char *const ROLE_NAME[ROLE_COUNT] = {"ingest", "vault"};

/* So many of a limit's things for each ... */
enum per { PER_BYTE, PER_ITEM, PER_ROW, PER_COUNT };

/* clang-format off */
static const struct demand {
    const char *feed; /* NULL: any */
    enum role role;
    const char *limit;
    enum per per;
    double times;
} DEMANDS[] = {
    {"csv",     INGEST, "memcpy_bytes",  PER_BYTE, 1}, /* read(2) out of the page cache */
    {"hep-udp", INGEST, "udp_datagrams", PER_ITEM, 1},
    {"hep-tcp", INGEST, "tcp_bytes",     PER_BYTE, 1},
    {"json",    INGEST, "tcp_bytes",     PER_BYTE, 1},
    {NULL,      VAULT,  "seals",         PER_ROW,  1},
    {NULL,      VAULT,  "hashes",        PER_ROW,  2}, /* duplicate tag and day tag */
    {NULL,      VAULT,  "store_rows",    PER_ROW,  1},
};
/* clang-format on */
enum { DEMANDS_COUNT = sizeof DEMANDS / sizeof DEMANDS[0] };

static bool applies(const struct demand *d, const char *feed)
{
    return !d->feed || strcmp(d->feed, feed) == 0;
}

/* What a record of this series is made of. */
static void count(const struct series *s, double out[static PER_COUNT])
{
    double records = series_median(s, "records"), items = series_median(s, "items");
    records = records > 0 ? records : 1;
    out[PER_ITEM] = items / records;
    out[PER_BYTE] = series_median(s, "item_bytes") * out[PER_ITEM];
    out[PER_ROW] = series_median(s, "attempts_expected") / records;
}

/* Seconds a record, of one demand; 0 where the limit was not measured. */
static double seconds(const struct demand *d, const double per_record[static PER_COUNT],
                      const struct series *limits)
{
    double limit = series_median(limits, d->limit);
    return limit > 0 ? d->times * per_record[d->per] / limit : 0;
}

struct load {
    double s, most;   /* seconds a record; of the greatest demand */
    const char *what; /* which that is */
};

static void add_up(const struct series *s, const char *feed, const struct series *limits,
                   struct load load[static ROLE_COUNT])
{
    double per_record[PER_COUNT];
    count(s, per_record);
    for (size_t i = 0; i < DEMANDS_COUNT; i++) {
        struct load *l = &load[DEMANDS[i].role];
        double t = applies(&DEMANDS[i], feed) ? seconds(&DEMANDS[i], per_record, limits) : 0;
        l->s += t;
        if (t > l->most) {
            l->most = t;
            l->what = DEMANDS[i].limit;
        }
    }
}

void ceiling_put(struct series *s, const char *feed, const struct series *limits)
{
    struct load load[ROLE_COUNT] = {{0, 0, ""}, {0, 0, ""}};
    const struct figure *rate = series_figure(s, "records_per_s");
    if (!feed || !rate || strcmp(s->mode, "daemon") != 0)
        return;
    add_up(s, feed, limits, load);
    enum role full = load[INGEST].s > load[VAULT].s ? INGEST : VAULT;
    if (load[full].s <= 0)
        return;
    series_put(s, "ceiling_records_per_s", "/s", 0, BETTER_NEITHER, 1 / load[full].s);
    for (size_t i = 0; i < rate->runs; i++)
        series_put(s, "ceiling_ratio", "", 3, BETTER_HIGHER, rate->run[i] * load[full].s);
    snprintf(s->bound, sizeof s->bound, "%s: %s", ROLE_NAME[full], load[full].what);
}

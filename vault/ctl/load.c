#include "vault/ctl/load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/load.h"
#include "proto/record/cdr_map.h"
#include "vault/ctl/progress.h"
#include "vault/ctl/table.h"

enum {
    ZONE_BYTES_MAX = 64 * 1024, /* the largest TZif file of 2024 has 4 KiB */
    NPA_BYTES_MAX = 64 * 1024,  /* 800 codes of 20 bytes */
    PATH_BYTES = 256
};

struct loading {
    const struct ctl *ctl;
    const char *path;
    struct progress bar;
    struct buf zone, npa, map_text;
    struct cdr_map map;
    uint8_t zone_bytes[ZONE_BYTES_MAX], npa_bytes[NPA_BYTES_MAX], map_bytes[CDR_MAP_BYTES_MAX + 1];
};

/* --- what the options name --- */

/* The whole of a small file; false: not there, or larger than b. */
static bool slurp(const char *path, struct buf *b)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n;
    while ((n = read(fd, b->p + b->n, b->cap - b->n)) > 0)
        b->n += (size_t)n;
    close(fd);
    return n == 0 && b->n < b->cap;
}

/* A name of the zone database leads to a file of it and nowhere else. */
static bool zone_name_is_plain(const char *name)
{
    return name[0] != '/' && !strstr(name, "..");
}

static bool read_zone(struct loading *l, const char *name)
{
    char path[PATH_BYTES];
    bool fixed = strcmp(name, "UTC") == 0 || name[0] == '+' || name[0] == '-';
    if (fixed)
        return true;
    return zone_name_is_plain(name) &&
           snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name) < (int)sizeof path &&
           slurp(path, &l->zone);
}

/* Without a table every area code is unknown, and so is the jurisdiction: said, not guessed. */
static bool read_npa(struct loading *l, const char *given)
{
    static const char *const PLACE[] = {CPNI_NPA_FILE, "deploy/npa.csv"};
    if (given)
        return slurp(given, &l->npa);
    for (size_t i = 0; i < sizeof PLACE / sizeof PLACE[0]; i++) {
        if (slurp(PLACE[i], &l->npa))
            return true;
        buf_reset(&l->npa);
    }
    fprintf(l->ctl->err, "cpnictl: no table of area codes (--npa): jurisdictions stay unknown\n");
    return true;
}

/* What is wrong is told with its line. */
static bool read_map(struct loading *l, const char *path)
{
    size_t line;
    struct diag d = {"no such file, or longer than a map may be", 0};
    if (!slurp(path, &l->map_text)) {
        fprintf(l->ctl->err, "%s: %s\n", path, d.what);
        return false;
    }
    if (cdr_map_parse(buf_span(&l->map_text), &l->map, &line, &d) == OK)
        return true;
    fprintf(l->ctl->err, "%s:%zu: %s\n", path, line, d.what);
    return false;
}

static enum feed_kind kind_by_name(const char *name)
{
    static const char *const NAME[FEED_KIND_COUNT] = {
#define KIND_NAME(code, text) [FEED_##code] = (text),
        FEED_KINDS(KIND_NAME)
#undef KIND_NAME
    };
    for (size_t i = 1; name && i < FEED_KIND_COUNT; i++)
        if (strcmp(name, NAME[i]) == 0)
            return (enum feed_kind)i;
    return FEED_UNKNOWN;
}

static const char *or_else(const char *value, const char *preset)
{
    return value ? value : preset;
}

/* --- what the load tells --- */

static void on_progress(void *arg, uint64_t bytes, uint64_t total)
{
    struct loading *l = arg;
    progress_show(&l->bar, bytes, total);
}

static void on_problem(void *arg, const struct load_problem *p)
{
    struct loading *l = arg;
    progress_clear(&l->bar);
    fprintf(l->ctl->err, "%s: %s %" PRIu64 ": %s: %s at byte %zu\n", l->path, p->unit, p->number,
            p->reason, p->what, p->at);
}

static int print_result(const struct ctl *c, const struct load_result *r)
{
    const struct {
        const char *name;
        uint64_t value;
    } CELL[] = {{"read", r->read},
                {"accepted", r->accepted},
                {"duplicate", r->duplicate},
                {"rejected", r->rejected},
                {"ignored", r->ignored}};
    uint8_t columns_room[256], row_room[256], digits_room[20];
    struct buf columns = buf_of(columns_room, sizeof columns_room);
    struct buf row = buf_of(row_room, sizeof row_room);
    struct table *t;
    for (size_t i = 0; i < sizeof CELL / sizeof CELL[0]; i++) {
        struct buf digits = buf_of(digits_room, sizeof digits_room);
        buf_dec(&digits, CELL[i].value);
        control_put_column(&columns, COLUMN_NUMBER, CELL[i].name);
        buf_lv(&row, buf_span(&digits));
    }
    if (table_new(c->out, c->format, &t) != OK)
        return ctl_fail(c, CONTROL_FAILED, "out of memory");
    bool ok = table_columns(t, buf_span(&columns), NULL) == OK &&
              table_row(t, buf_span(&row), NULL) == OK;
    table_free(t);
    return ok ? CONTROL_DONE : ctl_fail(c, CONTROL_FAILED, "the result cannot be shown");
}

/* --- the load --- */

static int load_over(struct loading *l, struct load *load)
{
    struct vault_link *link;
    struct load_result result = {0};
    struct diag d = {.what = NULL};
    if (vault_link_connect(l->ctl->socket_path, load_frame, load, &link) != OK)
        return ctl_fail(l->ctl, CONTROL_UNREACHABLE,
                        "the daemon is not reachable: is cpnid running? see --socket");
    enum err e = load_file(load, link, l->path, &result, &d);
    vault_link_free(link);
    progress_clear(&l->bar);
    int status = print_result(l->ctl, &result);
    return e == OK ? status : ctl_fail(l->ctl, ctl_status(e), d.what ? d.what : err_text(e));
}

static int load_with(struct loading *l, const struct ctl_args *a)
{
    const char *map = ctl_arg(a, "map");
    const char *zone = or_else(ctl_arg(a, "timezone"), map ? NULL : "UTC");
    enum feed_kind kind = kind_by_name(ctl_arg(a, "kind"));
    struct load *load;
    struct diag d = {.what = "out of memory"};
    if (map ? kind != FEED_UNKNOWN && kind != FEED_MAPPED : kind == FEED_MAPPED)
        return ctl_fail(l->ctl, CONTROL_USAGE, "--kind mapped and --map want each other");
    if (map && !read_map(l, map))
        return ctl_fail(l->ctl, CONTROL_USAGE, "--map is no mapping file");
    if (zone && !read_zone(l, zone))
        return ctl_fail(l->ctl, CONTROL_USAGE, "--timezone is not a zone of this machine");
    if (!read_npa(l, ctl_arg(a, "npa")))
        return ctl_fail(l->ctl, CONTROL_NOTFOUND, "the table of area codes cannot be read");
    struct load_options o = {
        .feed = {INGEST_FEED_DEFAULTS, .name = ctl_arg(a, "feed"), .kind = map ? FEED_MAPPED : kind,
                 .default_country = ctl_arg(a, "country-code"), .timezone = zone,
                 .tzif = buf_span(&l->zone), .map = buf_span(&l->map_text)},
        .npa = buf_span(&l->npa),
        .progress = on_progress,
        .problem = on_problem,
        .arg = l,
    };
    o.feed.number_plan = or_else(ctl_arg(a, "number-plan"), o.feed.number_plan);
    if (load_new(&o, &load, &d) != OK)
        return ctl_fail(l->ctl, CONTROL_USAGE, d.what);
    int status = load_over(l, load);
    load_free(load);
    return status;
}

int load_run(const struct ctl *c, const struct ctl_args *a)
{
    struct loading *l = malloc(sizeof *l);
    if (!l)
        return ctl_fail(c, CONTROL_FAILED, "out of memory");
    l->ctl = c;
    l->path = a->operand;
    l->bar = progress_on(c->err);
    l->zone = buf_of(l->zone_bytes, sizeof l->zone_bytes);
    l->npa = buf_of(l->npa_bytes, sizeof l->npa_bytes);
    l->map_text = buf_of(l->map_bytes, sizeof l->map_bytes);
    int status = load_with(l, a);
    free(l);
    return status;
}

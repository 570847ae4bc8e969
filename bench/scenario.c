#include "bench/scenario.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/inside.h"
#include "bench/outside.h"
#include "bench/spread.h"

enum {
    RECORDS_MAX = 100000000,
    CUSTOMERS_MAX = 400000, /* what one import takes, at two entries each */
    RATE_MAX = 10000000,
    SECONDS_MAX = 86400,
    OPEN_CALLS_MAX = 500000,
    OFFSET_MAX = 50000,
    WORKERS_MAX = 16,
    BURST_MAX = 1000,
    READS_MAX = 1000000,
    MIB_MAX = 100000,
    SLO_MAX = 60000,
    NPA_BYTES_MAX = 64 * 1024
};

#define AT(member) offsetof(struct scenario_options, member)
static const struct option_row ROWS[] = {
    {"in-process", OPTION_FLAG, NULL, AT(in_process), 0, 0,
     "parse, classify and commit in this process and one thread, without a daemon"},
    {"runs", OPTION_NUMBER, "N", AT(runs), 1, SPREAD_RUNS_MAX,
     "times to run it, each on an empty vault; figures are medians with their spread (default 1)"},
    {"records", OPTION_NUMBER, "N", AT(records), 1, RECORDS_MAX, "calls to make (default 200000)"},
    {"customers", OPTION_NUMBER, "N", AT(customers), 1, CUSTOMERS_MAX,
     "customers in the directory, called by Zipf's law (default 10000)"},
    {"rate", OPTION_NUMBER, "R", AT(rate), 0, RATE_MAX,
     "lines, messages or documents a second (mixed: calls), sent when due however slow the "
     "receiver is; 0 = as fast as it goes, or as the scenario says"},
    {"seconds", OPTION_NUMBER, "S", AT(seconds), 0, SECONDS_MAX,
     "with a rate: as many calls as last so long, instead of --records"},
    {"ramp", OPTION_FLAG, NULL, AT(ramp), 0, 0,
     "look for the largest rate that is kept up without loss, beginning at --rate, and run at it"},
    {"slo-ms", OPTION_NUMBER, "MS", AT(slo_ms), 0, SLO_MAX,
     "with --ramp: the 99.9th percentile of latency may not be over this"},
    {"burst", OPTION_NUMBER, "X", AT(burst), 1, BURST_MAX,
     "with a rate: the items of each second come X times as fast, then none until it is over"},
    {"hot", OPTION_NUMBER, "PERCENT", AT(hot), 0, 100, "so many of all calls are of one customer"},
    {"uniform", OPTION_FLAG, NULL, AT(uniform), 0, 0,
     "every customer calls alike: few find their key in a cache"},
    {"reads", OPTION_NUMBER, "N", AT(reads), 0, READS_MAX,
     "in the end, read back the month of N customers, drawn evenly"},
    {"live", OPTION_FLAG, NULL, AT(live), 0, 0,
     "make the input while it is sent: for runs that are longer than the memory"},
    {"disk-mib", OPTION_NUMBER, "N", AT(disk_mib), 0, MIB_MAX,
     "let the daemon write N MiB a second at most, by a control group (version 2, as root)"},
    {"seed", OPTION_NUMBER, "N", AT(seed), 1, UINT64_MAX, "the same seed makes the same calls"},
    {"open-calls", OPTION_NUMBER, "N", AT(open_calls), 1, OPEN_CALLS_MAX,
     "hep: calls between whose messages those of others lie (default 10000)"},
    {"workers", OPTION_NUMBER, "N", AT(workers), 1, WORKERS_MAX, "ingest processes (default 1)"},
    {"port-offset", OPTION_NUMBER, "N", AT(port_offset), 1, OFFSET_MAX,
     "added to the daemon's ports (default 20000)"},
    {"json", OPTION_TEXT, "FILE", AT(json), 0, 0, "results for compare and report; - = stdout"},
    {"state-dir", OPTION_TEXT, "DIR", AT(state_dir), 0, 0,
     "folder to work in, without a state in it (default: a temporary one)"},
    {"keep", OPTION_FLAG, NULL, AT(keep), 0, 0, "leave the folder and print its name"},
    {"cpnid", OPTION_TEXT, "FILE", AT(cpnid), 0, 0,
     "daemon to start (default: the one built or installed with cpnibench)"},
    {"npa", OPTION_TEXT, "FILE", AT(npa), 0, 0, "table of area codes (default: the installed one)"},
};
enum { ROWS_COUNT = sizeof ROWS / sizeof ROWS[0] };
#undef AT
const struct option_table SCENARIO_OPTIONS = {.row = ROWS,
                                              .count = ROWS_COUNT,
                                              .operand = "SCENARIO",
                                              .operand_member =
                                                  offsetof(struct scenario_options, name)};

static const struct scenario_options DEFAULTS = {.records = 200000,
                                                 .customers = 10000,
                                                 .seed = 1,
                                                 .open_calls = 10000,
                                                 .port_offset = 20000,
                                                 .workers = 1,
                                                 .runs = 1};

/* --- the scenarios --- */

enum feed { CSV, HEP_UDP, HEP_TCP, JSON };
static const struct {
    const char *name;
    enum stock_kind kind;
    enum lane_way way;
} FEEDS[] = {[CSV] = {"csv", STOCK_CSV, LANE_FILE},
             [HEP_UDP] = {"hep-udp", STOCK_HEP, LANE_UDP},
             [HEP_TCP] = {"hep-tcp", STOCK_HEP, LANE_TCP},
             [JSON] = {"json", STOCK_JSON, LANE_HTTP}};

/* clang-format off */
static const struct scenario {
    const char *name;
    size_t feeds_count;
    enum feed feed[OUTSIDE_LANES_MAX];
    struct scenario_options own;
    const char *help;
} SCENARIOS[] = {
    {"csv",         1, {CSV},                {.records = 0},
     "lines of Asterisk's Master.csv, appended to a followed file"},
    {"hep-udp",     1, {HEP_UDP},            {.records = 0}, "SIP in HEP 3, by datagrams"},
    {"hep-tcp",     1, {HEP_TCP},            {.records = 0}, "SIP in HEP 3, over one connection"},
    {"json",        1, {JSON},               {.records = 0},
     "FreeSWITCH's mod_json_cdr, posted over 64 connections"},
    {"mixed",       3, {CSV, HEP_TCP, JSON}, {.records = 0},
     "a third of the calls each, at the same time"},
    {"burst",       1, {CSV},                {.rate = 20000, .seconds = 10, .burst = 10},
     "csv: each second's lines in its first tenth"},
    {"hot",         1, {CSV},                {.hot = 90},
     "csv: one customer makes 90 % of the calls"},
    {"cold",        1, {CSV},                {.customers = 200000, .uniform = true},
     "csv: more customers than the daemon's caches hold, all alike"},
    {"customers",   1, {CSV},                {.customers = 400000},
     "csv: as many customers as one import takes"},
    {"soak",        1, {CSV},                {.rate = 20000, .seconds = 1200, .live = true},
     "csv: 20 minutes at a steady rate; memory and latency must stay flat"},
    {"growth",      1, {CSV},                {.records = 10000000, .customers = 100000,
                                              .live = true, .reads = 1000},
     "csv: ten million records; what the last ones cost, and reading a month back"},
    {"slow-disk",   1, {CSV},                {.rate = 10000, .seconds = 20, .disk_mib = 10},
     "csv: a disk that takes 10 MiB a second"},
};
/* clang-format on */
enum { SCENARIOS_COUNT = sizeof SCENARIOS / sizeof SCENARIOS[0] };

bool scenario_row(size_t i, struct scenario_row *out)
{
    if (i < SCENARIOS_COUNT)
        *out = (struct scenario_row){SCENARIOS[i].name, SCENARIOS[i].help};
    return i < SCENARIOS_COUNT;
}

static const struct scenario *find(const char *name)
{
    for (size_t i = 0; i < SCENARIOS_COUNT; i++)
        if (span_is(span_str(name), SCENARIOS[i].name))
            return &SCENARIOS[i];
    return NULL;
}

const char *scenario_feed(const char *name)
{
    const struct scenario *s = find(name);
    return s && s->feeds_count == 1 ? FEEDS[s->feed[0]].name : NULL;
}

static void fill_number(const struct option_row *row, struct scenario_options *o,
                        const struct scenario_options *from)
{
    uint64_t have, other;
    memcpy(&have, (const uint8_t *)o + row->member, sizeof have);
    memcpy(&other, (const uint8_t *)from + row->member, sizeof other);
    if (have == 0)
        memcpy((uint8_t *)o + row->member, &other, sizeof other);
}

static void fill_from(struct scenario_options *o, const struct scenario_options *from)
{
    for (size_t i = 0; i < ROWS_COUNT; i++)
        if (ROWS[i].kind == OPTION_NUMBER)
            fill_number(&ROWS[i], o, from);
    o->uniform |= from->uniform;
    o->live |= from->live;
}

enum err scenario_fill(struct scenario_options *o, struct diag *d)
{
    const struct scenario *s = find(o->name);
    if (!s)
        return diag_set(d, ERR_NOTFOUND, "there is no such scenario: cpnibench scenarios", 0);
    if (o->in_process && s->feeds_count > 1)
        return diag_set(d, ERR_NOTFOUND, "several feeds do not run in one process", 0);
    struct scenario_options own = s->own;
    if (o->records)
        own.seconds = 0; /* the scenario's length gives way to the one that was asked for */
    fill_from(o, &own);
    fill_from(o, &DEFAULTS);
    return OK;
}

/* --- the table of area codes --- */

struct npa_file {
    char path[PATH_MAX]; /* absolute: the daemon and this process change their folder */
    size_t bytes;
    uint8_t text[NPA_BYTES_MAX];
};

static bool read_npa(const char *path, struct npa_file *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out->text, sizeof out->text);
    if (fd >= 0)
        close(fd);
    out->bytes = n > 0 ? (size_t)n : 0;
    return n > 0 && realpath(path, out->path);
}

static enum err find_npa(const char *given, struct npa_file *out)
{
    const char *const PLACE[] = {given ? given : CPNI_NPA_FILE, given ? given : "deploy/npa.csv"};
    return read_npa(PLACE[0], out) || read_npa(PLACE[1], out) ? OK : ERR_NOTFOUND;
}

/* --- the run --- */

/* The outcomes of calls.c make 6.46 messages of a call on average. */
static uint64_t items_per_100(enum stock_kind kind)
{
    return kind == STOCK_HEP ? 646 : 100;
}

uint64_t scenario_items_per_100(const struct scenario_options *o)
{
    const struct scenario *s = find(o->name);
    return s->feeds_count == 1 ? items_per_100(FEEDS[s->feed[0]].kind) : 100;
}

/* So that the input lasts as long as was asked. */
static uint64_t records_of(const struct scenario_options *o)
{
    return o->rate && o->seconds ? o->rate * o->seconds * 100 / scenario_items_per_100(o) + 1
                                 : o->records;
}

/* Everything a run needs, half-built until it is open. */
struct running {
    const struct scenario_options *options;
    const struct scenario *scenario;
    struct npa_file npa;
    struct place place;
    struct stock stock[OUTSIDE_LANES_MAX];
};

/* A lane's own pace: of several, calls are what --rate counts. */
static struct pace pace_of(const struct running *r, size_t lane)
{
    const struct scenario_options *o = r->options;
    uint64_t rate = o->rate;
    if (r->scenario->feeds_count > 1)
        rate = rate * items_per_100(r->stock[lane].kind) / 100 / r->scenario->feeds_count;
    return (struct pace){.rate = o->rate && !rate ? 1 : rate, .burst = o->burst};
}

/* Lanes differ in their seeds, or they would tell of the same calls. */
static enum err make_stock(struct running *r, size_t lane, struct diag *d)
{
    const struct scenario_options *o = r->options;
    struct calls_options calls = {.seed = o->seed + lane,
                                  .count = records_of(o) / r->scenario->feeds_count,
                                  .customers = (uint32_t)o->customers,
                                  .uniform = o->uniform,
                                  .hot_percent = (unsigned)o->hot};
    enum err e = stock_init(&r->stock[lane], FEEDS[r->scenario->feed[lane]].kind, &calls,
                            (uint32_t)o->open_calls);
    if (e != OK)
        return diag_set(d, e, "out of memory for the input", 0);
    if (!o->live || o->in_process)
        stock_make(&r->stock[lane], STOCK_ALL);
    return OK;
}

static void describe(const struct running *r, struct result *out)
{
    const struct scenario_options *o = r->options;
    *out = (struct result){.scenario = r->scenario->name,
                           .mode = o->in_process ? "in process" : "daemon",
                           .seed = o->seed,
                           .customers = o->customers,
                           .rate = o->rate};
    for (size_t i = 0; i < r->scenario->feeds_count; i++) {
        out->records += r->stock[i].records;
        out->items += r->stock[i].items_count;
        out->bytes += r->stock[i].bytes;
    }
}

static enum err run_inside(const struct running *r, struct result *out, struct diag *d)
{
    struct inside_options in = {.place = &r->place,
                                .stock = &r->stock[0],
                                .customers = (uint32_t)r->options->customers,
                                .pace = pace_of(r, 0),
                                .npa = span_of(r->npa.text, r->npa.bytes)};
    return inside_run(&in, out, d);
}

static enum err run_outside(struct running *r, struct result *out, struct diag *d)
{
    const struct scenario_options *o = r->options;
    struct outside_options of = {.place = &r->place,
                                 .lanes_count = r->scenario->feeds_count,
                                 .customers = (uint32_t)o->customers,
                                 .reads = o->reads,
                                 .disk_bytes_per_s = o->disk_mib << 20,
                                 .port_offset = (uint16_t)o->port_offset,
                                 .workers = (unsigned)o->workers,
                                 .cpnid = o->cpnid,
                                 .npa_path = r->npa.path};
    for (size_t i = 0; i < of.lanes_count; i++)
        of.lane[i] = (struct lane){
            .stock = &r->stock[i], .way = FEEDS[r->scenario->feed[i]].way, .pace = pace_of(r, i)};
    return outside_run(&of, out, d);
}

static enum err run_in_place(struct running *r, struct result *out, struct diag *d)
{
    const struct scenario_options *o = r->options;
    enum err e = place_new(o->state_dir, o->keep, &r->place, d);
    if (e != OK)
        return e;
    e = o->in_process ? run_inside(r, out, d) : run_outside(r, out, d);
    if (o->keep)
        printf("kept in %s\n", r->place.dir);
    place_done(&r->place);
    return e;
}

enum err scenario_run(const struct scenario_options *o, struct result *out, struct diag *d)
{
    struct running r = {.options = o, .scenario = find(o->name)};
    *out = (struct result){.records = 0};
    if (find_npa(o->npa, &r.npa) != OK)
        return diag_set(d, ERR_SYNTAX, "the table of area codes cannot be read: --npa", 0);
    enum err e = OK;
    for (size_t i = 0; e == OK && i < r.scenario->feeds_count; i++)
        e = make_stock(&r, i, d);
    if (e == OK) {
        describe(&r, out);
        e = run_in_place(&r, out, d);
    }
    for (size_t i = 0; i < r.scenario->feeds_count; i++)
        stock_done(&r.stock[i]);
    return e;
}

/* --- generate --- */

#define AT(member) offsetof(struct generate_options, member)
static const struct option_row GENERATE_ROWS[] = {
    {"records", OPTION_NUMBER, "N", AT(records), 1, RECORDS_MAX, "calls to make (default 1000)"},
    {"customers", OPTION_NUMBER, "N", AT(customers), 1, CUSTOMERS_MAX,
     "customers, called by Zipf's law (default 100)"},
    {"seed", OPTION_NUMBER, "N", AT(seed), 0, UINT64_MAX, "the same seed makes the same calls"},
    {"open-calls", OPTION_NUMBER, "N", AT(open_calls), 1, OPEN_CALLS_MAX,
     "hep: calls between whose messages those of others lie (default 100)"},
};
#undef AT
const struct option_table GENERATE_OPTIONS = {
    .row = GENERATE_ROWS,
    .count = sizeof GENERATE_ROWS / sizeof GENERATE_ROWS[0],
    .operand = "csv|hep|json|customers",
    .operand_member = offsetof(struct generate_options, kind)};

static void generate_customers(const struct generate_options *o, FILE *out)
{
    uint8_t room[256];
    struct buf b = buf_of(room, sizeof room);
    uint64_t count = population_entries((uint32_t)o->customers);
    population_csv_head(&b);
    fwrite(b.p, 1, b.n, out);
    for (uint64_t i = 0; i < count; i++) {
        buf_reset(&b);
        population_csv_row((uint32_t)o->customers, i, &b);
        fwrite(b.p, 1, b.n, out);
    }
}

enum err scenario_generate(const struct generate_options *o, FILE *out)
{
    static const char *const NAME[STOCK_KINDS] = {"csv", "hep", "json"};
    struct calls_options calls = {
        .seed = o->seed, .count = o->records, .customers = (uint32_t)o->customers};
    struct stock stock;
    unsigned kind = 0;
    while (kind < STOCK_KINDS && !span_is(span_str(o->kind), NAME[kind]))
        kind++;
    if (kind == STOCK_KINDS) {
        if (!span_is(span_str(o->kind), "customers"))
            return ERR_NOTFOUND;
        generate_customers(o, out);
        return OK;
    }
    enum err e = stock_init(&stock, (enum stock_kind)kind, &calls, (uint32_t)o->open_calls);
    if (e == OK)
        stock_make(&stock, STOCK_ALL);
    for (size_t i = 0; e == OK && i < stock.items_count; i++) {
        struct span item = stock_item(&stock, i);
        fwrite(item.p, 1, item.n, out);
        if (kind == STOCK_JSON)
            fputc('\n', out); /* a document a line */
    }
    if (e == OK)
        stock_done(&stock);
    return e;
}

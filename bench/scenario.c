#include "bench/scenario.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/inside.h"
#include "bench/outside.h"

enum {
    RECORDS_MAX = 100000000,
    CUSTOMERS_MAX = 400000, /* what one import takes, at two entries each */
    RATE_MAX = 10000000,
    SECONDS_MAX = 86400,
    OPEN_CALLS_MAX = 500000,
    OFFSET_MAX = 50000,
    WORKERS_MAX = 16,
    NPA_BYTES_MAX = 64 * 1024
};

static const struct kind_of_run {
    const char *name;
    enum stock_kind kind;
    enum outside_way way;
} SCENARIOS[] = {
    {"csv", STOCK_CSV, OUTSIDE_FILE},
    {"hep-udp", STOCK_HEP, OUTSIDE_UDP},
    {"hep-tcp", STOCK_HEP, OUTSIDE_TCP},
    {"json", STOCK_JSON, OUTSIDE_HTTP},
};

#define AT(member) offsetof(struct scenario_options, member)
static const struct option_row ROWS[] = {
    {"in-process", OPTION_FLAG, NULL, AT(in_process), 0, 0,
     "parse, classify and commit in this process and one thread, without a daemon"},
    {"records", OPTION_NUMBER, "N", AT(records), 1, RECORDS_MAX, "calls to make (default 200000)"},
    {"customers", OPTION_NUMBER, "N", AT(customers), 1, CUSTOMERS_MAX,
     "customers in the directory, called by Zipf's law (default 10000)"},
    {"rate", OPTION_NUMBER, "R", AT(rate), 0, RATE_MAX,
     "lines, messages or documents a second, sent when due however slow the receiver is; 0 = as "
     "fast as it goes (default 0)"},
    {"seconds", OPTION_NUMBER, "S", AT(seconds), 0, SECONDS_MAX,
     "with --rate: as many calls as last so long, instead of --records"},
    {"seed", OPTION_NUMBER, "N", AT(seed), 0, UINT64_MAX, "the same seed makes the same calls"},
    {"open-calls", OPTION_NUMBER, "N", AT(open_calls), 1, OPEN_CALLS_MAX,
     "hep: calls between whose messages those of others lie (default 10000)"},
    {"workers", OPTION_NUMBER, "N", AT(workers), 1, WORKERS_MAX, "ingest processes (default 1)"},
    {"port-offset", OPTION_NUMBER, "N", AT(port_offset), 0, OFFSET_MAX,
     "added to the daemon's ports (default 20000)"},
    {"json", OPTION_TEXT, "FILE", AT(json), 0, 0, "the report as one JSON object; - = stdout"},
    {"state-dir", OPTION_TEXT, "DIR", AT(state_dir), 0, 0,
     "folder to work in, without a state in it (default: a temporary one)"},
    {"keep", OPTION_FLAG, NULL, AT(keep), 0, 0, "leave the folder and print its name"},
    {"cpnid", OPTION_TEXT, "FILE", AT(cpnid), 0, 0,
     "daemon to start (default: the one built or installed with cpnibench)"},
    {"npa", OPTION_TEXT, "FILE", AT(npa), 0, 0, "table of area codes (default: the installed one)"},
};
#undef AT
const struct option_table SCENARIO_OPTIONS = {ROWS, sizeof ROWS / sizeof ROWS[0],
                                              "csv|hep-udp|hep-tcp|json",
                                              offsetof(struct scenario_options, name)};

static const struct kind_of_run *find(const char *name)
{
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++)
        if (span_is(span_str(name), SCENARIOS[i].name))
            return &SCENARIOS[i];
    return NULL;
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

/* So that the input lasts as long as was asked: the outcomes of calls.c make 6.46 messages of a
 * call on average. */
static uint64_t records_of(const struct scenario_options *o, const struct kind_of_run *k)
{
    const uint64_t items_per_100 = k->kind == STOCK_HEP ? 646 : 100;
    return o->rate && o->seconds ? o->rate * o->seconds * 100 / items_per_100 + 1 : o->records;
}

static void describe(const struct scenario_options *o, const struct stock *s, struct result *out)
{
    *out = (struct result){.scenario = find(o->name)->name,
                           .mode = o->in_process ? "in process" : "daemon",
                           .seed = o->seed,
                           .customers = o->customers,
                           .rate = o->rate,
                           .records = s->records,
                           .items = s->items_count,
                           .bytes = s->bytes};
}

static enum err run_in(const struct place *place, const struct scenario_options *o,
                       const struct stock *stock, const struct npa_file *npa, struct result *out,
                       struct diag *d)
{
    if (o->in_process) {
        struct inside_options in = {.place = place,
                                    .stock = stock,
                                    .customers = (uint32_t)o->customers,
                                    .rate = o->rate,
                                    .npa = span_of(npa->text, npa->bytes)};
        return inside_run(&in, out, d);
    }
    struct outside_options out_of = {.place = place,
                                     .stock = stock,
                                     .way = find(o->name)->way,
                                     .customers = (uint32_t)o->customers,
                                     .rate = o->rate,
                                     .port_offset = (uint16_t)o->port_offset,
                                     .workers = (unsigned)o->workers,
                                     .cpnid = o->cpnid,
                                     .npa_path = npa->path};
    return outside_run(&out_of, out, d);
}

static enum err run_with(const struct scenario_options *o, const struct stock *stock,
                         const struct npa_file *npa, struct result *out, struct diag *d)
{
    struct place place;
    enum err e = place_new(o->state_dir, o->keep, &place, d);
    if (e != OK)
        return e;
    e = run_in(&place, o, stock, npa, out, d);
    if (o->keep)
        printf("kept in %s\n", place.dir);
    place_done(&place);
    return e;
}

enum err scenario_run(const struct scenario_options *o, struct result *out, struct diag *d)
{
    const struct kind_of_run *k = find(o->name);
    struct stock stock;
    struct npa_file npa;
    *out = (struct result){.records = 0};
    if (!k)
        return diag_set(d, ERR_NOTFOUND, "there is no such scenario", 0);
    if (find_npa(o->npa, &npa) != OK)
        return diag_set(d, ERR_SYNTAX, "the table of area codes cannot be read: --npa", 0);
    struct calls_options calls = {
        .seed = o->seed, .count = records_of(o, k), .customers = (uint32_t)o->customers};
    enum err e = stock_init(&stock, k->kind, &calls, (uint32_t)o->open_calls);
    if (e != OK)
        return diag_set(d, e, "out of memory for the input", 0);
    describe(o, &stock, out);
    e = run_with(o, &stock, &npa, out, d);
    stock_done(&stock);
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
    GENERATE_ROWS, sizeof GENERATE_ROWS / sizeof GENERATE_ROWS[0], "csv|hep|json|customers",
    offsetof(struct generate_options, kind)};

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

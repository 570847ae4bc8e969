/* Proves that captures of others, from real programs and laboratories, give the calls that
 * tshark and a count of its fields give: for each capture the same Call-IDs with the same
 * outcome, final code, answer, end and length. Skipped without the corpus. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/source/capture.h"
#include "proto/core/instant.h"
#include "proto/frame/json.h"
#include "proto/record/dialog.h"

enum { CALLS_MAX = 64, TEXT_MAX = 64 * 1024, NAME_MAX_BYTES = 512 };

/* One call as the truth has it, and what was found of it. */
struct known {
    char call_id[256];
    char outcome[32], found[32];
    unsigned code, found_code, records;
    int64_t start, answer, end; /* us; 0 = none */
    int64_t found_start, found_answer, found_end;
    bool bye;
};

struct capture_run {
    struct dialog_table *table;
    struct arena arena;
    struct sip_msg msg;
    int64_t first_us;
    struct known call[CALLS_MAX];
    size_t calls;
    unsigned strangers; /* records of calls that the truth does not have */
    unsigned refused;   /* messages */
    const char *file;
};

static const char *corpus(void)
{
    const char *dir = getenv("CPNI_CORPUS");
    return dir ? dir : CPNI_SOURCE_DIR "/../shared/corpus";
}

static struct known *known_call(struct capture_run *run, struct span call_id)
{
    for (size_t i = 0; i < run->calls; i++)
        if (span_is(call_id, run->call[i].call_id))
            return &run->call[i];
    return NULL;
}

/* The truth's words: README of the corpus. */
static const char *outcome_of(const struct call *c)
{
    if (c->answered)
        return "answered";
    if (c->disposition == DISPOSITION_CANCELLED)
        return "cancelled";
    return c->sip_status >= 300 ? "failed" : "incomplete";
}

static void on_record(void *arg, const struct record *r)
{
    struct capture_run *run = arg;
    struct known *k = known_call(run, r->call.sip_call_id);
    if (!k) {
        run->strangers++;
        return;
    }
    k->records++;
    snprintf(k->found, sizeof k->found, "%s", outcome_of(&r->call));
    k->found_code = r->call.sip_status;
    k->found_start = r->call.t_start;
    k->found_answer = r->call.t_answer;
    k->found_end = r->call.t_end;
}

static enum err on_message(void *arg, const struct traffic_item *item)
{
    struct capture_run *run = arg;
    struct diag d = {0};
    if (item->kind != TRAFFIC_SIP)
        return OK;
    if (run->first_us == 0)
        run->first_us = item->t_us;
    if (sip_msg_parse(item->payload, &run->arena, &run->msg, &d) == OK) {
        struct dialog_meta meta = {.t_capture_us = item->t_us};
        uint64_t now = (uint64_t)(item->t_us - run->first_us);
        dialog_tick(run->table, now, on_record, run);
        dialog_feed(run->table, &run->msg, &meta, now, on_record, run);
    } else {
        run->refused++;
    }
    arena_reset(&run->arena);
    return OK;
}

static int64_t us_of(struct span number)
{
    char z[64];
    if (number.n >= sizeof z)
        return 0;
    memcpy(z, number.p, number.n);
    z[number.n] = '\0';
    return llrint(strtod(z, NULL) * US_PER_S);
}

static void copy_text(struct span s, char *out, size_t cap)
{
    cr_assert_lt(s.n, cap);
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

static void read_member(struct known *k, const struct json_item *item)
{
    if (span_is(item->name, "call_id"))
        copy_text(item->text, k->call_id, sizeof k->call_id);
    else if (span_is(item->name, "outcome"))
        copy_text(item->text, k->outcome, sizeof k->outcome);
    else if (span_is(item->name, "code") && item->kind == JSON_NUMBER)
        k->code = (unsigned)(us_of(item->text) / US_PER_S);
    else if (span_is(item->name, "start"))
        k->start = us_of(item->text);
    else if (span_is(item->name, "answer") && item->kind == JSON_NUMBER)
        k->answer = us_of(item->text);
    else if (span_is(item->name, "end") && item->kind == JSON_NUMBER)
        k->end = us_of(item->text);
    else if (span_is(item->name, "bye"))
        k->bye = item->kind == JSON_TRUE;
}

static void read_calls(struct capture_run *run, struct json *j)
{
    struct json_item call, member;
    json_enter(j);
    while (json_next(j, &call, NULL) == OK && call.kind != JSON_END) {
        cr_assert_lt(run->calls, CALLS_MAX);
        struct known *k = &run->call[run->calls++];
        json_enter(j);
        while (json_next(j, &member, NULL) == OK && member.kind != JSON_END)
            read_member(k, &member);
    }
}

static void read_truth(struct capture_run *run, const char *path)
{
    static char text[TEXT_MAX];
    struct json j;
    struct json_item item;
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    cr_assert_lt(n, sizeof text);
    cr_assert_eq(json_open(&j, span_of(text, n), JSON_OBJECT, NULL), OK, "%s", path);
    while (json_next(&j, &item, NULL) == OK && item.kind != JSON_END)
        if (span_is(item.name, "call_list"))
            read_calls(run, &j);
}

/* Doubles hold microseconds since 1970 to about a quarter. A message in several segments has
 * several instants: tshark takes the last segment's, our stream that of the segment with which
 * it hands the message on (a body over SIP_MESSAGE_BYTES_MAX is not waited for). */
enum { ROUNDING_US = 1, SEGMENTS_US = 1000 };

static bool near(int64_t a, int64_t b, int64_t us)
{
    return a - b <= us && b - a <= us;
}

static bool same_instant(int64_t a, int64_t b)
{
    return near(a, b, ROUNDING_US);
}

static void compare(const struct capture_run *run, const struct known *k)
{
    cr_expect_eq(k->records, 1, "%s: %s gave %u records", run->file, k->call_id, k->records);
    cr_expect_str_eq(k->found, k->outcome, "%s: %s is %s, not %s", run->file, k->call_id, k->found,
                     k->outcome);
    cr_expect_eq(k->found_code, k->code, "%s: %s ended %u, not %u", run->file, k->call_id,
                 k->found_code, k->code);
    cr_expect(near(k->found_start, k->start, SEGMENTS_US), "%s: start of %s", run->file,
              k->call_id);
    cr_expect(same_instant(k->found_answer, k->answer), "%s: answer of %s", run->file, k->call_id);
    if (k->bye) /* of other calls the truth's end is not defined */
        cr_expect(same_instant(k->found_end, k->end), "%s: end of %s", run->file, k->call_id);
    else if (k->answer)
        cr_expect_eq(k->found_end, 0, "%s: end of %s", run->file, k->call_id);
}

static void run_capture(const char *dir, const char *file)
{
    static struct capture_run run;
    static const struct dialog_limits DEFAULTS;
    char path[NAME_MAX_BYTES];
    struct capture *c = NULL;
    struct diag d = {0};
    enum err e;
    run = (struct capture_run){.file = file};
    snprintf(path, sizeof path, "%s/pcap/%s.truth.json", dir, file);
    read_truth(&run, path);
    snprintf(path, sizeof path, "%s/pcap/%s", dir, file);
    cr_assert_eq(arena_init(&run.arena, 4 * SIP_MESSAGE_BYTES_MAX), OK);
    cr_assert_eq(dialog_table_new(&DEFAULTS, (struct dialog_seed){1, 2}, &run.table), OK);
    cr_assert_eq(capture_open(path, &c, &d), OK, "%s", path);
    while ((e = capture_read(c, 1000, on_message, &run, &d)) == OK)
        ;
    cr_expect_eq(e, ERR_NOTFOUND, "%s: %s", file, err_name(e));
    dialog_finish(run.table, UINT64_MAX / 2, on_record, &run);
    for (size_t i = 0; i < run.calls; i++)
        compare(&run, &run.call[i]);
    cr_expect_eq(run.strangers, 0, "%s: %u records of other calls", file, run.strangers);
    printf("%s: %zu calls, %llu messages, %u refused, %llu repeated\n", file, run.calls,
           (unsigned long long)dialog_counts(run.table)->messages, run.refused,
           (unsigned long long)dialog_counts(run.table)->repeated);
    dialog_table_free(run.table);
    arena_done(&run.arena);
    capture_free(c);
}

Test(corpus, captures)
{
    char path[NAME_MAX_BYTES];
    snprintf(path, sizeof path, "%s/pcap", corpus());
    DIR *dir = opendir(path);
    if (!dir) {
        printf("skipped: no corpus at %s\n", path);
        return;
    }
    size_t files = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (!strstr(e->d_name, ".pcap") || strstr(e->d_name, ".json"))
            continue;
        run_capture(corpus(), e->d_name);
        files++;
    }
    closedir(dir);
    cr_expect_gt(files, 0);
}

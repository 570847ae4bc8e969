/* Proves, with CDR files of others and the maps that are shipped: as many calls as the truth has,
 * answered and billed as it says, and its sample rows member by member; lines that are no calls are
 * ignored, none is refused. Skipped without the corpus. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "proto/core/instant.h"
#include "proto/frame/json.h"
#include "tests/lib/mapped_file.h"
#include "tests/lib/test_file.h"

enum how {
    AS_TEXT,
    AS_EPOCH_S,
    AS_SECONDS,
    AS_CLOCK,  /* 18:57:52.320  UTC Mon Dec 05 2022 */
    AS_LOCAL_S /* 2011-04-04 11:12:11 */
};

struct member {
    const char *name; /* in the truth; of an array NULL: by its place */
    const char *field;
    enum how how;
};

static const struct file {
    const char *name, *map;
    const char *count;     /* of calls, in the truth */
    const char *samples;   /* in the truth; NULL = none */
    unsigned sample_is[4]; /* which record each sample is */
    unsigned calls, answered, incomplete, ignored;
    uint64_t total_ms, bill_ms; /* of answered calls; the first only where the switch states it */
    struct member member[12];
} FILES[] = {
    {"cucm-cdr.txt",
     "cucm.map",
     "records",
     "sample",
     {0, 1, 2, 3},
     3,
     1,
     0,
     2,
     13000,
     11000,
     {{"globalCallID_callId", "call_key", AS_TEXT},
      {"dateTimeOrigination", "t_start", AS_EPOCH_S},
      {"callingPartyNumber", "calling_raw", AS_TEXT},
      {"originalCalledPartyNumber", "called_raw", AS_TEXT},
      {"finalCalledPartyNumber", "connected_tn", AS_TEXT},
      {"dateTimeConnect", "t_answer", AS_EPOCH_S},
      {"dateTimeDisconnect", "t_end", AS_EPOCH_S},
      {"duration", "dur_bill_ms", AS_SECONDS},
      {"origDeviceName", "trunk_in", AS_TEXT},
      {"destDeviceName", "trunk_out", AS_TEXT}}},
    {"cucm-cdr-fixture.txt", "cucm.map", "records", NULL, {0}, 1, 1, 0, 1, 66000, 60000, {{0}}},
    /* Quality of calls: two rows of type 2, a title line and one of types. */
    {"cucm-cmr.txt", "cucm.map", NULL, NULL, {0}, 0, 0, 0, 4, 0, 0, {{0}}},
    {"audiocodes-sbc.txt",
     "audiocodes.map",
     "CALL_END",
     "sample",
     {9, 0, 9, 9},
     1,
     1,
     0,
     4,
     37337,
     30000,
     {{"call_id", "sip_call_id", AS_TEXT},
      {"source", "src_ip", AS_TEXT},
      {"seconds", "dur_bill_ms", AS_SECONDS},
      {"reason", "cause_raw", AS_TEXT},
      {"setup", "t_start", AS_CLOCK},
      {"connect", "t_answer", AS_CLOCK},
      {"release", "t_end", AS_CLOCK}}},
    /* One row bills -6 seconds: a record that is incomplete, and bills nothing. */
    {"generic-100.csv",
     "cdr-stats.map",
     "records",
     "rows",
     {0, 1, 2, 99},
     100,
     99,
     1,
     0,
     14382000,
     13842000,
     {{NULL, "calling_raw", AS_TEXT},
      {NULL, "calling_name", AS_TEXT},
      {NULL, "called_raw", AS_TEXT},
      {NULL, "dur_total_ms", AS_SECONDS},
      {NULL, "dur_bill_ms", AS_SECONDS},
      {NULL, "q850", AS_TEXT},
      {NULL, "leg_id", AS_TEXT},
      {NULL, "t_start", AS_EPOCH_S}}},
    {"generic-report.csv",
     "voip-report.map",
     "records",
     "rows",
     {0, 1, 2, 9},
     10,
     3,
     0,
     0,
     91000,
     50000,
     {{NULL, "calling_raw", AS_TEXT},
      {NULL, "called_raw", AS_TEXT},
      {NULL, "cause_raw", AS_TEXT},
      {NULL, "dur_total_ms", AS_SECONDS},
      {NULL, "dur_bill_ms", AS_SECONDS},
      {NULL, "trunk_out", AS_TEXT},
      {NULL, "t_start", AS_LOCAL_S}}},
    /* The document has neither an answer nor a duration. */
    {"kazoo-cdr.json",
     "kazoo.map",
     "records",
     "sample",
     {0, 9, 9, 9},
     1,
     0,
     1,
     0,
     0,
     0,
     {{"call_id", "leg_id", AS_TEXT},
      {"caller_id_name", "calling_name", AS_TEXT},
      {"caller_id_number", "calling_raw", AS_TEXT},
      {"handling_server_name", "switch_id", AS_TEXT}}},
    /* The other lines are transactions, said twice, once as JSON. */
    {"kamailio-acc.log",
     "kamailio-cdr.map",
     "cdr_lines",
     "sample",
     {0, 1, 99, 99},
     14,
     8,
     0,
     56,
     12062,
     12062,
     {{"callid", "sip_call_id", AS_TEXT},
      {"src_user", "calling_raw", AS_TEXT},
      {"dst_user", "called_raw", AS_TEXT}}},
};

/* ---- the truth ---- */

/* The scanner at the member of that name, in the object that it walks or in one inside. */
static bool find(struct json *j, const char *name, struct json_item *out)
{
    while (json_next(j, out, NULL) == OK && out->kind != JSON_END) {
        if (span_is(out->name, name))
            return true;
        if (out->kind != JSON_OBJECT)
            continue;
        json_enter(j);
        if (find(j, name, out))
            return true;
    }
    return false;
}

static uint64_t truth_count(struct span truth, const char *name)
{
    struct json j;
    struct json_item item;
    uint64_t n = UINT64_MAX;
    cr_assert_eq(json_open(&j, truth, JSON_OBJECT, NULL), OK);
    cr_assert(find(&j, name, &item) && span_u64(item.text, UINT64_MAX, &n) == OK);
    return n;
}

static void put_clock(char text[static 64], int64_t us)
{
    static const char DAY[] = "ThuFriSatSunMonTueWed",
                      MONTH[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil t = instant_civil(us);
    snprintf(text, 64, "%02d:%02d:%02d.%03d  UTC %.3s %.3s %02d %04d", t.hour, t.minute, t.second,
             t.us / 1000, DAY + 3 * (instant_day(us) % 7), MONTH + (ptrdiff_t)3 * (t.month - 1),
             t.day, t.year);
}

static void put_local(char text[static 64], int64_t us)
{
    struct civil t = instant_civil(us);
    snprintf(text, 64, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute,
             t.second);
}

static void put_as(const struct call *c, const struct member *m, struct buf *out)
{
    const struct call_field *f = NULL;
    for (size_t i = 0; !f && i < CALL_FIELDS_COUNT; i++)
        f = strcmp(CALL_FIELDS[i].name, m->field) == 0 ? &CALL_FIELDS[i] : NULL;
    cr_assert(f, "%s", m->field);
    const void *at = (const uint8_t *)c + f->offset;
    int64_t us = f->type == CALL_TS ? *(const int64_t *)at : 0;
    char text[64] = "";
    if (m->how == AS_EPOCH_S)
        buf_dec(out, (uint64_t)us / US_PER_S);
    else if (m->how == AS_SECONDS)
        buf_dec(out, *(const uint32_t *)at / 1000);
    else if (m->how == AS_CLOCK && us)
        put_clock(text, us);
    else if (m->how == AS_LOCAL_S && us)
        put_local(text, us);
    else if (f->type == CALL_IP)
        ip_format(*(const struct ip *)at, text);
    else if (f->type == CALL_U8)
        buf_dec(out, *(const uint8_t *)at);
    else if (f->type == CALL_STR)
        buf_put(out, *(const struct span *)at);
    buf_str(out, text);
}

static void compare(const struct file *file, const struct call *c, const struct json_item *item,
                    size_t nth)
{
    for (size_t i = 0; i < 12 && file->member[i].field; i++) {
        const struct member *m = &file->member[i];
        uint8_t bytes[256];
        struct buf got = buf_of(bytes, sizeof bytes);
        if (m->name ? !span_is(item->name, m->name) : i != nth)
            continue;
        put_as(c, m, &got);
        cr_expect(span_eq(buf_span(&got), item->text), "%s: %s is %.*s, not %.*s", file->name,
                  m->field, (int)got.n, (const char *)got.p, (int)item->text.n,
                  (const char *)item->text.p);
    }
}

/* Sample k of the truth is this record. */
static unsigned compare_sample(const struct file *file, struct span truth, unsigned k,
                               const struct call *c)
{
    struct json j;
    struct json_item item;
    unsigned members = 0;
    cr_assert_eq(json_open(&j, truth, JSON_OBJECT, NULL), OK);
    cr_assert(find(&j, file->samples, &item));
    json_enter(&j);
    for (unsigned i = 0; i <= k; i++)
        cr_assert(json_next(&j, &item, NULL) == OK && item.kind != JSON_END);
    json_enter(&j);
    for (; json_next(&j, &item, NULL) == OK && item.kind != JSON_END; members++)
        compare(file, c, &item, members);
    return members;
}

/* ---- the files ---- */

struct sums {
    unsigned calls, answered, incomplete, ignored, refused, members;
    uint64_t total_ms, bill_ms;
};

static void add(struct sums *s, const struct call *c)
{
    s->calls++;
    s->answered += c->answered;
    s->incomplete += c->rec_type == REC_INCOMPLETE;
    s->total_ms += c->answered ? c->dur_total_ms : 0;
    s->bill_ms += c->answered ? c->dur_bill_ms : 0;
}

static struct sums read_file(const struct file *file, struct span text, struct span truth)
{
    struct sums s = {0};
    struct mapped_file *f = mapped_file_new(file->map);
    f->rest = text;
    for (enum err e; (e = mapped_file_next(f)) != ERR_MORE;) {
        s.ignored += e == ERR_NOTFOUND;
        s.refused += e != OK && e != ERR_NOTFOUND;
        if (e != OK)
            continue;
        for (unsigned k = 0; file->samples && k < 4; k++)
            if (file->sample_is[k] == s.calls)
                s.members += compare_sample(file, truth, k, &f->record.call);
        add(&s, &f->record.call);
    }
    mapped_file_free(f);
    return s;
}

Test(cdr_mapped_corpus, files)
{
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        const struct file *file = &FILES[i];
        char path[128], truth_path[160];
        snprintf(path, sizeof path, "cdr/%s", file->name);
        snprintf(truth_path, sizeof truth_path, "%s.truth.json", path);
        struct span text = corpus_file(path), truth = corpus_file(truth_path);
        if (!text.p || !truth.p)
            continue;
        struct sums s = read_file(file, text, truth);
        cr_expect_eq(s.calls, file->count ? truth_count(truth, file->count) : 0, "%s: %u calls",
                     file->name, s.calls);
        cr_expect_eq(s.calls, file->calls, "%s: %u calls", file->name, s.calls);
        cr_expect_eq(s.answered, file->answered, "%s: %u answered", file->name, s.answered);
        cr_expect_eq(s.incomplete, file->incomplete, "%s: %u", file->name, s.incomplete);
        cr_expect_eq(s.ignored, file->ignored, "%s: %u ignored", file->name, s.ignored);
        cr_expect_eq(s.refused, 0, "%s: %u refused", file->name, s.refused);
        cr_expect_eq(s.total_ms, file->total_ms, "%s: %ju ms", file->name, (uintmax_t)s.total_ms);
        cr_expect_eq(s.bill_ms, file->bill_ms, "%s: %ju ms", file->name, (uintmax_t)s.bill_ms);
        cr_expect_eq(s.members > 0, file->samples != NULL, "%s: samples", file->name);
        test_file_free(text);
        test_file_free(truth);
    }
}

#include "tests/lib/vault_fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/check.h"
#include "proto/core/instant.h"
#include "proto/wire/pull.h"
#include "proto/wire/record_wire.h"

struct peer fix_peer_all(void)
{
    return (struct peer){.uid = 1000,
                         .gid = 1000,
                         .roles = ((role_set)1 << ROLE_COUNT) - 1,
                         .ingest = true,
                         .worker = true,
                         .forward = true};
}

static void forget(struct fix *f)
{
    for (size_t i = 0; i < f->frames_count; i++)
        free(f->frame[i].p);
    f->frames_count = 0;
}

static void on_frame(void *arg, const struct frame *in)
{
    struct fix *f = arg;
    CHECK(f->frames_count < FIX_FRAMES_MAX);
    struct fix_frame *out = &f->frame[f->frames_count++];
    *out = (struct fix_frame){in->type, in->id, in->payload.n, malloc(in->payload.n + 1)};
    CHECK(out->p);
    if (in->payload.n)
        memcpy(out->p, in->payload.p, in->payload.n);
}

static int64_t fix_clock(void *arg)
{
    return ((struct fix *)arg)->now_us;
}

static int64_t fix_monotonic(void *arg)
{
    return ((struct fix *)arg)->monotonic_us;
}

static void open_vault(struct fix *f)
{
    struct diag d = {0};
    enum err e = vault_open(&f->options, &f->vault, &d);
    if (e != OK)
        fprintf(stderr, "vault_open: %s: %s\n", err_name(e), d.what ? d.what : "");
    CHECK(e == OK);
    CHECK(vault_link_local(f->vault, &f->peer, on_frame, f, &f->link) == OK);
}

void fix_init(struct fix *f, const struct peer *p)
{
    struct diag d = {0};
    struct civil noon = {2026, 11, 20, 12, 0, 0, 0};
    memset(f, 0, sizeof *f);
    f->now_us = instant_from_civil(noon);
    f->peer = *p;
    snprintf(f->dir, sizeof f->dir, "/tmp/cpni-fix-XXXXXX");
    CHECK(mkdtemp(f->dir) && chdir(f->dir) == 0);
    vault_options_default(&f->options);
    f->options.memory_bytes = (size_t)32 << 20;
    f->options.key_cache_slots = 256;
    f->options.segment_records = 64;
    f->options.clock = (struct vault_clock){fix_clock, f};
    f->options.monotonic = (struct vault_clock){fix_monotonic, f};
    f->batch_bytes = malloc(WIRE_FRAME_BYTES_MAX);
    CHECK(f->batch_bytes);
    f->batch = buf_of(f->batch_bytes, WIRE_FRAME_BYTES_MAX - FRAME_HEAD_BYTES);
    enum err e = vault_create(&f->options, &d);
    if (e != OK)
        fprintf(stderr, "vault_create: %s: %s\n", err_name(e), d.what ? d.what : "");
    CHECK(e == OK);
    open_vault(f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void fix_done(struct fix *f)
{
    forget(f);
    vault_link_free(f->link);
    vault_close(f->vault, true);
    free(f->batch_bytes);
    CHECK(chdir("/") == 0);
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fix_reopen(struct fix *f, bool clean)
{
    vault_link_free(f->link);
    vault_close(f->vault, clean);
    open_vault(f);
}

void fix_as(struct fix *f, const struct peer *p)
{
    f->peer = *p;
    vault_link_free(f->link);
    CHECK(vault_link_local(f->vault, &f->peer, on_frame, f, &f->link) == OK);
}

enum err fix_send(struct fix *f, enum frame_type type, struct span payload)
{
    forget(f);
    return vault_send(f->link, type, ++f->next_id, payload);
}

const struct fix_frame *fix_find(const struct fix *f, enum frame_type type)
{
    for (size_t i = 0; i < f->frames_count; i++)
        if (f->frame[i].type == type)
            return &f->frame[i];
    return NULL;
}

uint16_t fix_hello(struct fix *f, const char *feed, uint8_t kind)
{
    uint8_t bytes[128];
    struct buf b = buf_of(bytes, sizeof bytes);
    buf_lv(&b, span_str(feed));
    buf_u8(&b, kind);
    CHECK(fix_send(f, FRAME_HELLO, buf_span(&b)) == OK);
    const struct fix_frame *w = fix_find(f, FRAME_WELCOME);
    if (!w)
        return 0;
    struct reader r = reader_of(span_of(w->p, w->n));
    return reader_be16(&r);
}

void fix_call(struct record *r, uint16_t feed, const char *from, const char *to, int64_t t,
              const char *dedup)
{
    record_reset(r);
    struct call *c = &r->call;
    c->feed_id = feed;
    c->feed_kind = FEED_ASTERISK_CSV;
    c->rec_type = REC_FINAL;
    c->calling_tn = span_str(from);
    c->called_tn = span_str(to);
    c->t_start = t;
    c->t_progress = t + 2 * US_PER_S;
    c->t_answer = t + 5 * US_PER_S;
    c->t_end = t + 66 * US_PER_S + US_PER_S / 2;
    c->disposition = DISPOSITION_ANSWERED;
    c->call_type = CALL_TYPE_NATIONAL;
    c->juris = JURIS_INTERSTATE;
    c->svc_type = SERVICE_VOICE;
    c->rate_band = RATE_FLAT;
    call_durations(c);
    r->dedup = span_str(dedup);
}

void fix_add(struct fix *f, const struct record *r)
{
    static uint8_t bytes[RECORD_BYTES_MAX];
    struct buf b = buf_of(bytes, sizeof bytes);
    CHECK(record_encode(r, &b) == OK);
    batch_put_record(&f->batch, buf_span(&b));
    CHECK(buf_ok(&f->batch));
}

struct receipt fix_commit(struct fix *f)
{
    struct receipt receipt = {.status = ERR_NOTFOUND};
    enum err e = fix_send(f, FRAME_BATCH, buf_span(&f->batch));
    buf_reset(&f->batch);
    const struct fix_frame *r = e == OK ? fix_find(f, FRAME_RECEIPT) : NULL;
    if (r)
        CHECK(receipt_decode(span_of(r->p, r->n), &receipt, NULL) == OK);
    return receipt;
}

static enum control_status end_status(const struct fix *f)
{
    const struct fix_frame *end = fix_find(f, FRAME_END);
    return end && end->n ? (enum control_status)end->p[0] : CONTROL_UNREACHABLE;
}

enum control_status fix_ask(struct fix *f, const char *verb, ...)
{
    uint8_t bytes[8192];
    struct buf b = buf_of(bytes, sizeof bytes);
    va_list ap;
    control_put_verb(&b, verb);
    va_start(ap, verb);
    for (const char *name; (name = va_arg(ap, const char *)) != NULL;)
        control_put_arg(&b, name, span_str(va_arg(ap, const char *)));
    va_end(ap);
    CHECK(fix_send(f, FRAME_REQUEST, buf_span(&b)) == OK);
    return end_status(f);
}

const char *fix_end_text(const struct fix *f)
{
    static char text[512];
    const struct fix_frame *end = fix_find(f, FRAME_END);
    text[0] = '\0';
    if (end) {
        struct reader r = reader_of(span_of(end->p, end->n));
        reader_u8(&r);
        struct span s = reader_lv(&r);
        snprintf(text, sizeof text, "%.*s", (int)s.n, s.n ? (const char *)s.p : "");
    }
    return text;
}

size_t fix_rows(const struct fix *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->frames_count; i++)
        n += f->frame[i].type == FRAME_ROW;
    return n;
}

static size_t column_index(const struct fix *f, const char *column)
{
    const struct fix_frame *c = fix_find(f, FRAME_COLUMNS);
    struct reader r = reader_of(c ? span_of(c->p, c->n) : SPAN_EMPTY);
    for (size_t i = 0; reader_more(&r); i++) {
        reader_u8(&r);
        if (span_is(reader_lv(&r), column))
            return i;
    }
    return FIX_COLUMNS_MAX;
}

const char *fix_cell(const struct fix *f, size_t row, const char *column)
{
    static char text[8][4096];
    static unsigned turn;
    char *out = text[turn++ % 8];
    size_t at = column_index(f, column);
    out[0] = '\0';
    for (size_t i = 0, n = 0; i < f->frames_count; i++) {
        if (f->frame[i].type != FRAME_ROW || n++ != row)
            continue;
        struct reader r = reader_of(span_of(f->frame[i].p, f->frame[i].n));
        struct span cell = SPAN_EMPTY;
        for (size_t k = 0; k <= at && reader_more(&r); k++)
            cell = k == at ? reader_lv(&r) : (reader_lv(&r), SPAN_EMPTY);
        snprintf(out, sizeof text[0], "%.*s", (int)cell.n, cell.n ? (const char *)cell.p : "");
        break;
    }
    return out;
}

static uint8_t kind_code(struct span name)
{
    static const char *const NAMES[] = {"number", "range",        "domain",
                                        "trunk",  "account_code", "address"};
    for (uint8_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (span_is(name, NAMES[i]))
            return i;
    CHECK(false); /* the test names a kind that is none */
    return 0;
}

enum control_status fix_import(struct fix *f, const char *lines)
{
    uint8_t rows[16384], bytes[20000];
    struct buf r = buf_of(rows, sizeof rows), b = buf_of(bytes, sizeof bytes);
    struct span text = span_str(lines);
    for (uint64_t line = 1; text.n; line++) {
        struct span row = span_cut(&text, '\n');
        struct span customer = span_cut(&row, ','), account = span_cut(&row, ',');
        struct span kind = span_cut(&row, ',');
        buf_be64(&r, line);
        buf_lv(&r, customer);
        buf_lv(&r, account);
        buf_u8(&r, kind_code(kind));
        buf_lv(&r, row);
    }
    CHECK(buf_ok(&r));
    CHECK(fix_ask(f, "customer import-begin", NULL) == CONTROL_DONE);
    control_put_verb(&b, "customer import-rows");
    control_put_arg(&b, "rows", buf_span(&r));
    CHECK(fix_send(f, FRAME_REQUEST, buf_span(&b)) == OK);
    return fix_ask(f, "customer import-commit", NULL);
}

/* --- usage --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const uint8_t CONSUMER_KEY[CONSUMER_KEY_BYTES] = {0x42};

static void ensure_consumer(struct fix *f)
{
    uint8_t bytes[256];
    struct buf b = buf_of(bytes, sizeof bytes);
    control_put_verb(&b, "usage consumer add");
    control_put_arg(&b, "name", span_str("fixture"));
    control_put_arg(&b, "public-key", span_of(CONSUMER_KEY, sizeof CONSUMER_KEY));
    control_put_arg(&b, "family", span_str("usage"));
    control_put_arg(&b, "account-id", span_str("1"));
    CHECK(fix_send(f, FRAME_REQUEST, buf_span(&b)) == OK); /* done, or there already */
}

static void put_text(char *line, size_t cap, const struct pull_row *w)
{
    int n = snprintf(line, cap, "%.*s %lld/%u %.*s %.*s %.*s %.*s %llu %llu %llu %llu",
                     (int)w->account.n, (const char *)w->account.p, (long long)w->period_start_s,
                     w->period_s, (int)w->service.n, (const char *)w->service.p,
                     (int)w->direction.n, (const char *)w->direction.p, (int)w->call_type.n,
                     (const char *)w->call_type.p, (int)w->juris.n, (const char *)w->juris.p,
                     (unsigned long long)w->attempts, (unsigned long long)w->answered,
                     (unsigned long long)w->duration_ms, (unsigned long long)w->incomplete);
    for (size_t i = 0; i < w->billed_count && (size_t)n < cap; i++)
        n += snprintf(line + n, cap - (size_t)n, " %.*s=%llu", (int)w->billed[i].name.n,
                      (const char *)w->billed[i].name.p, (unsigned long long)w->billed[i].value);
}

static struct reader pull_from(struct fix *f, uint64_t cursor, struct pull_rows_head *head)
{
    uint8_t ask[256];
    struct buf b = buf_of(ask, sizeof ask);
    struct pull_ask a = {span_of(CONSUMER_KEY, sizeof CONSUMER_KEY), span_str("usage.calls"),
                         cursor, 0};
    pull_ask_encode(&a, &b);
    CHECK(fix_send(f, FRAME_PULL, buf_span(&b)) == OK);
    const struct fix_frame *rows = fix_find(f, FRAME_ROWS);
    CHECK(rows);
    struct reader r = reader_of(span_of(rows->p, rows->n));
    CHECK(pull_rows_head_decode(&r, head, NULL) == OK);
    return r;
}

char *fix_usage(struct fix *f)
{
    enum { LINES_MAX = 4096, LINE_BYTES = 512 };
    char **lines = calloc(LINES_MAX, sizeof *lines);
    size_t count = 0, bytes = 1;
    struct pull_rows_head head;
    ensure_consumer(f);
    pull_from(f, INT64_MAX, &head); /* who has everything makes the vault write all totals */
    for (uint64_t cursor = 0;; cursor = head.next_cursor) {
        struct reader r = pull_from(f, cursor, &head);
        if (head.next_cursor == cursor)
            break;
        while (reader_more(&r)) {
            struct pull_row w;
            CHECK(pull_row_next(&r, &w, NULL) == OK && count < LINES_MAX);
            lines[count] = malloc(LINE_BYTES);
            put_text(lines[count], LINE_BYTES, &w);
            bytes += strlen(lines[count++]) + 1;
        }
    }
    qsort(lines, count, sizeof *lines, by_text);
    char *all = calloc(1, bytes);
    for (size_t i = 0; i < count; i++) {
        strcat(all, lines[i]);
        strcat(all, "\n");
        free(lines[i]);
    }
    free(lines);
    return all;
}

/* --- the disk --- */

static struct span wanted;
static bool found;

static int search_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    if (type != FTW_F || st->st_size == 0)
        return 0;
    FILE *file = fopen(path, "rb");
    uint8_t *p = malloc((size_t)st->st_size);
    size_t n = file && p ? fread(p, 1, (size_t)st->st_size, file) : 0;
    struct span all = span_of(p, n);
    found |= span_find_span(all, wanted) < n;
    if (file)
        fclose(file);
    free(p);
    return 0;
}

bool fix_disk_has(const struct fix *f, struct span bytes)
{
    uint8_t hex[1024];
    struct buf b = buf_of(hex, sizeof hex);
    buf_hex(&b, bytes);
    found = false;
    wanted = bytes;
    nftw(f->dir, search_file, 16, FTW_PHYS);
    wanted = buf_span(&b);
    nftw(f->dir, search_file, 16, FTW_PHYS);
    return found;
}

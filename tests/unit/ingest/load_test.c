/* Proves: a file is told by its first bytes and loaded by the front end of its feed; every record
 * of it is durable when load_file() returns, a second run adds nothing, what is refused is named
 * by line, document or packet without a value, and a vault that refuses or is gone is an error. */
#include "ingest/load.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/fake_vault.h"
#include "tests/lib/hep_builder.h"

struct bed {
    struct fake_vault vault;
    struct load_options options;
    char path[64];
    FILE *file;
    unsigned problems;
    struct load_problem last;
    uint64_t progress;
};

static void on_problem(void *arg, const struct load_problem *p)
{
    struct bed *b = arg;
    b->problems++;
    b->last = *p;
}

static void on_progress(void *arg, uint64_t bytes, uint64_t total)
{
    struct bed *b = arg;
    (void)total;
    cr_expect_geq(bytes, b->progress);
    b->progress = bytes;
}

static void setup(struct bed *b, const char *name, enum feed_kind kind)
{
    memset(b, 0, sizeof *b);
    fake_vault_init(&b->vault);
    b->vault.known_kind = kind; /* we do not say it: the vault knows */
    b->options.feed = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    b->options.feed.name = name;
    b->options.feed.timezone = "UTC";
    b->options.progress = on_progress;
    b->options.problem = on_problem;
    b->options.arg = b;
    strcpy(b->path, "/tmp/load_test.XXXXXX");
    b->file = fdopen(mkstemp(b->path), "w");
    cr_assert_not_null(b->file);
}

static void teardown(struct bed *b)
{
    cr_expect_eq(b->vault.violations, 0);
    unlink(b->path);
    fake_vault_done(&b->vault);
}

static enum err run(struct bed *b, struct load_result *r)
{
    struct load *l;
    struct diag d;
    fflush(b->file);
    b->problems = 0;
    b->progress = 0;
    cr_assert_eq(load_new(&b->options, &l, &d), OK, "%s", d.what);
    b->vault.link.on_frame = load_frame;
    b->vault.link.arg = l;
    enum err e = load_file(l, &b->vault.link, b->path, r, &d);
    load_free(l);
    return e;
}

static void cdr(struct bed *b, unsigned i)
{
    fprintf(b->file,
            "\"\",\"12125550%03u\",\"12125550199\",\"ctx\",\"\",\"PJSIP/a-%u\",\"\",\"Dial\",\"\","
            "\"2026-11-20 10:00:00\",,\"2026-11-20 10:00:09\",9,0,\"NO ANSWER\","
            "\"DOCUMENTATION\",\"1763632800.%u\",\"\"\n",
            100 + i % 100, i, i);
}

Test(load, asterisk_lines_twice)
{
    struct bed b;
    struct load_result r;
    setup(&b, "asterisk", FEED_ASTERISK_CSV);
    fputs("\xef\xbb\xbf", b.file);        /* a byte order mark */
    for (unsigned i = 0; i < 5000; i++) { /* dozens of batches: receipts are waited for */
        if (i == 7)
            fputs("1,2,3\n", b.file);
        cdr(&b, i);
    }
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.read, 5001);
    cr_expect_eq(r.accepted, 5000);
    cr_expect_eq(r.duplicate, 0);
    cr_expect_eq(r.rejected, 1);
    cr_expect_eq(b.problems, 1);
    cr_expect_str_eq(b.last.unit, "line");
    cr_expect_eq(b.last.number, 8);
    cr_expect_str_eq(b.last.reason, "column");
    cr_expect_gt(b.progress, 0);
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.accepted, 0);
    cr_expect_eq(r.duplicate, 5000);
    cr_expect_eq(b.vault.records_count, 5000);
    teardown(&b);
}

static void document(struct bed *b, unsigned i, const char *newline)
{
    fprintf(b->file,
            "{\"core-uuid\":\"c\",%s\"variables\":{\"uuid\":\"u%u\","
            "\"start_uepoch\":\"1763632800000000\",\"end_uepoch\":\"1763632865000000\"}}%s",
            newline, i, newline);
}

Test(load, json_documents)
{
    struct bed b;
    struct load_result r;
    setup(&b, "switch", FEED_FREESWITCH_JSON);
    document(&b, 1, "\n"); /* with line ends inside */
    fputs("{\"x\":1}", b.file);
    document(&b, 2, "\r\n");
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.read, 3);
    cr_expect_eq(r.accepted, 2);
    cr_expect_eq(r.rejected, 1);
    cr_expect_str_eq(b.last.unit, "document");
    cr_expect_eq(b.last.number, 2);
    teardown(&b);
}

Test(load, json_lines_of_a_large_file)
{
    struct bed b;
    struct load_result r;
    setup(&b, "switch", FEED_FREESWITCH_JSON);
    for (unsigned i = 0; i < 30000; i++) {
        if (i == 20000)
            fputs("{\"x\"\n", b.file);
        document(&b, i, "");
        fprintf(b.file, "%*s\n", 60, "");
    }
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.accepted, 30000);
    cr_expect_eq(r.rejected, 1);
    cr_expect_str_eq(b.last.unit, "line");
    cr_expect_eq(b.last.number, 20001);
    teardown(&b);
}

Test(load, mapped_file)
{
    struct bed b;
    struct load_result r;
    setup(&b, "report", FEED_MAPPED);
    b.options.feed.map = span_str("format = csv\nkey = #1\nignore = #1: title\n"
                                  "answered-by = dur_bill_ms\ndur_bill_ms = #2: seconds\n");
    fputs("\xef\xbb\xbftitle,bill\n1,2\n2,x\n3,4", b.file);
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.accepted, 2);
    cr_expect_eq(r.rejected, 1);
    cr_expect_eq(r.ignored, 1);
    cr_expect_eq(b.last.number, 3);
    cr_expect_str_eq(b.last.what, "dur_bill_ms");
    b.options.feed.map = SPAN_EMPTY;
    cr_expect_eq(run(&b, &r), ERR_CONFLICT, "the vault says that the feed is mapped");
    teardown(&b);
}

/* Documents with line ends inside, as of a switch that has a reader of its own. */
Test(load, mapped_documents)
{
    struct bed b;
    struct load_result r;
    setup(&b, "report", FEED_MAPPED);
    b.options.feed.map = span_str("format = json\nkey = id\nanswered-by = dur_bill_ms\n"
                                  "dur_bill_ms = bill: seconds\n");
    fputs("{\"id\":1,\n\"bill\":2}\n{\"id\":2}\n{\"bill\":2}", b.file);
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.accepted, 2);
    cr_expect_eq(r.rejected, 1);
    cr_expect_str_eq(b.last.unit, "document");
    teardown(&b);
}

static void put32(struct bed *b, uint32_t v)
{
    cr_assert_eq(fwrite(&v, 4, 1, b->file), 1);
}

static void capture_head(struct bed *b)
{
    put32(b, 0xa1b2c3d4); /* pcap, microseconds, our byte order */
    put32(b, 2 | 4 << 16);
    put32(b, 0);
    put32(b, 0);
    put32(b, 65535);
    put32(b, 101); /* raw IP */
}

/* One UDP datagram between 192.0.2.1 and 192.0.2.2. */
static void packet(struct bed *b, struct span payload, uint32_t t_s)
{
    uint8_t bytes[4096];
    struct buf p = buf_of(bytes, sizeof bytes);
    buf_be16(&p, 0x4500);
    buf_be16(&p, (uint16_t)(28 + payload.n));
    buf_be32(&p, 0);
    buf_be32(&p, 0x40110000);
    buf_be32(&p, 0xc0000201);
    buf_be32(&p, 0xc0000202);
    buf_be32(&p, 5060u << 16 | 5060);
    buf_be16(&p, (uint16_t)(8 + payload.n));
    buf_be16(&p, 0);
    buf_put(&p, payload);
    cr_assert(buf_ok(&p));
    put32(b, t_s);
    put32(b, 0);
    put32(b, (uint32_t)p.n);
    put32(b, (uint32_t)p.n);
    cr_assert_eq(fwrite(p.p, p.n, 1, b->file), 1);
}

static void sip_packet(struct bed *b, enum hep_sip kind, unsigned i, uint32_t t_s)
{
    uint8_t bytes[2048];
    struct buf m = buf_of(bytes, sizeof bytes);
    sip_build(&m, kind, i);
    packet(b, buf_span(&m), t_s);
}

Test(load, capture_with_an_open_call_and_a_broken_message)
{
    static const uint32_t T = 1763632800;
    struct bed b;
    struct load_result r;
    struct record rec;
    setup(&b, "hep", FEED_HEP);
    capture_head(&b);
    sip_packet(&b, HEP_SIP_INVITE, 1, T);
    sip_packet(&b, HEP_SIP_REGISTER, 9, T);
    sip_packet(&b, HEP_SIP_OK, 1, T + 3);
    packet(&b, span_str("INVITE sip:x SIP/2.0\r\nbroken\r\n\r\n"), T + 3);
    sip_packet(&b, HEP_SIP_INVITE, 2, T + 4);
    sip_packet(&b, HEP_SIP_OK, 2, T + 5); /* its end is not in the capture */
    sip_packet(&b, HEP_SIP_BYE, 1, T + 33);
    sip_packet(&b, HEP_SIP_BYE_OK, 1, T + 33);
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.accepted, 2);
    cr_expect_eq(r.rejected, 1);
    cr_expect_str_eq(b.last.unit, "packet");
    cr_expect_eq(b.last.number, 4);
    fake_vault_record(&b.vault, 0, &rec);
    cr_expect_eq(rec.call.dur_bill_ms, 30000);
    fake_vault_record(&b.vault, 1, &rec);
    cr_expect(rec.call.flags & CALL_INCOMPLETE);
    cr_expect_eq(rec.call.dur_bill_ms, 0);
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.duplicate, 2);
    cr_expect_eq(b.vault.records_count, 2);
    cr_expect_eq(b.vault.lives_count, 0, "a capture leaves no live dialogs");
    teardown(&b);
}

/* Timers run on the capture's own time: a call that was never answered ends by Timer B. */
Test(load, timers_run_on_capture_time)
{
    static const uint32_t T = 1763632800;
    struct bed b;
    struct load_result r;
    struct record rec;
    setup(&b, "hep", FEED_HEP);
    capture_head(&b);
    sip_packet(&b, HEP_SIP_INVITE, 1, T);
    sip_packet(&b, HEP_SIP_REGISTER, 9, T + 300);
    cr_assert_eq(run(&b, &r), OK);
    fake_vault_record(&b.vault, 0, &rec);
    cr_expect_eq(rec.call.disposition, DISPOSITION_TIMEOUT);
    teardown(&b);
}

Test(load, more_open_calls_than_the_queue_holds)
{
    struct bed b;
    struct load_result r;
    setup(&b, "hep", FEED_HEP);
    capture_head(&b);
    for (unsigned i = 0; i < 40000; i++)
        sip_packet(&b, HEP_SIP_INVITE, i, 1763632800);
    cr_assert_eq(run(&b, &r), OK);
    cr_expect_eq(r.accepted, 40000);
    cr_expect_eq(r.rejected, 0);
    teardown(&b);
}

Test(load, refusals)
{
    struct bed b;
    struct load_result r;
    setup(&b, "asterisk", FEED_ASTERISK_CSV);
    document(&b, 1, "");
    cr_expect_eq(run(&b, &r), ERR_CONFLICT, "JSON for a CSV feed");
    b.vault.known_kind = FEED_UNKNOWN;
    b.options.feed.name = "nobody";
    cr_expect_eq(run(&b, &r), ERR_NOTFOUND, "no such feed");
    b.options.feed.name = "asterisk";
    strcpy(b.path + strlen(b.path), "x");
    cr_expect_eq(run(&b, &r), ERR_NOTFOUND, "no such file");
    b.path[strlen(b.path) - 1] = '\0';
    teardown(&b);
}

Test(load, vault_refuses)
{
    struct bed b;
    struct load_result r;
    setup(&b, "asterisk", FEED_ASTERISK_CSV);
    cdr(&b, 1);
    b.vault.refuse = ERR_STORE;
    cr_expect_eq(run(&b, &r), ERR_STORE);
    cr_expect_eq(r.accepted, 0);
    teardown(&b);
}

Test(load, empty_file)
{
    struct bed b;
    struct load_result r;
    setup(&b, "asterisk", FEED_ASTERISK_CSV);
    cr_expect_eq(run(&b, &r), OK);
    cr_expect_eq(r.read, 0);
    teardown(&b);
}

Test(load, configuration)
{
    struct bed b;
    struct load *l;
    struct diag d;
    setup(&b, "asterisk", FEED_ASTERISK_CSV);
    b.options.feed.number_plan = "mars";
    cr_expect_eq(load_new(&b.options, &l, &d), ERR_SYNTAX);
    cr_expect_not_null(strstr(d.what, "number_plan"));
    teardown(&b);
}

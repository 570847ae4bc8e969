/* Proves: what the capture reader finds in files made by others equals what another dissector
 * found in them (messages, requests by method, responses by code, TCP, IPv6, times) but for a
 * table of rules; HEP frames of a capture parse to the same messages; damaged files are errors
 * that name the packet. The corpus is no part of the project: its tests say so when it is
 * absent. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "ingest/source/capture.h"
#include "proto/core/instant.h"
#include "proto/frame/hep.h"
#include "proto/frame/json.h"
#include "tests/lib/exact.h"
#include "tests/lib/packets.h"

enum { NAMES_MAX = 32, CODES = 700, PATH_MAX_TEST = 1024 };

/* Counts of one capture, ours or those of the truth file. */
struct tally {
    uint64_t messages, tcp, ipv6;
    uint64_t code[CODES];
    struct {
        char name[24];
        uint64_t count;
    } method[NAMES_MAX];
    int64_t first_us, last_us;
};

static void count_method(struct tally *t, struct span name, uint64_t count)
{
    size_t i = 0;
    while (i < NAMES_MAX && t->method[i].count && !span_is(name, t->method[i].name))
        i++;
    cr_assert(i < NAMES_MAX && name.n < sizeof t->method[i].name);
    memcpy(t->method[i].name, name.p, name.n);
    t->method[i].count += count;
}

static uint64_t method_count(const struct tally *t, const char *name)
{
    for (size_t i = 0; i < NAMES_MAX; i++)
        if (strcmp(t->method[i].name, name) == 0)
            return t->method[i].count;
    return 0;
}

static void count_message(struct tally *t, struct span message)
{
    static const struct span VERSION = SPAN_LIT("SIP/");
    struct span line = message;
    struct span first = span_cut(&line, ' ');
    uint64_t code;
    t->messages++;
    if (!span_starts(first, VERSION))
        count_method(t, first, 1);
    else if (span_u64(span_cut(&line, ' '), CODES - 1, &code) == OK)
        t->code[code]++;
}

static enum err count_item(void *arg, const struct traffic_item *item)
{
    struct tally *t = arg;
    struct span message = item->payload;
    struct hep h;
    if (item->kind == TRAFFIC_HEP) {
        cr_assert(hep_parse(item->payload, 0, &h, NULL) == OK);
        message = h.payload;
    }
    count_message(t, message);
    t->tcp += item->ip_proto == 6;
    t->ipv6 += item->src.ip[10] != 0xff;
    if (t->first_us == 0)
        t->first_us = item->t_us;
    t->last_us = item->t_us;
    return OK;
}

static struct traffic_counts read_capture(const char *path, struct tally *t)
{
    struct capture *c;
    struct diag d = {0};
    enum err e = capture_open(path, &c, &d);
    cr_assert(e == OK, "%s: %s", path, d.what);
    while ((e = capture_read(c, 100, count_item, t, &d)) == OK)
        ;
    cr_assert(e == ERR_NOTFOUND, "%s: packet %zu: %s", path, d.at, d.what);
    struct capture_progress p = capture_progress(c);
    cr_expect(p.bytes == p.total && p.total > 0, "%s", path);
    struct traffic_counts counts = capture_counts(c);
    capture_free(c);
    return counts;
}

/* The truth files, read with our own scanner. */

static uint64_t number_of(const struct json_item *item)
{
    uint64_t value = 0;
    cr_assert(span_u64(item->text, UINT64_MAX, &value) == OK);
    return value;
}

static enum err read_methods(struct json *j, struct tally *t)
{
    struct json_item item;
    enum err e;
    json_enter(j);
    while ((e = json_next(j, &item, NULL)) == OK && item.kind != JSON_END)
        count_method(t, item.name, number_of(&item));
    return e;
}

static enum err read_codes(struct json *j, struct tally *t)
{
    struct json_item item;
    uint64_t code;
    enum err e;
    json_enter(j);
    while ((e = json_next(j, &item, NULL)) == OK && item.kind != JSON_END) {
        if (span_u64(item.name, CODES - 1, &code) == OK)
            t->code[code] = number_of(&item);
        else
            count_method(t, item.name, number_of(&item)); /* start_lines of hep has both */
    }
    return e;
}

/* "1120469572.844249000": seconds and nanoseconds. */
static int64_t time_of(struct span text)
{
    uint64_t ns = 0;
    struct span rest = text;
    uint64_t s = 0;
    cr_assert(span_u64(span_cut(&rest, '.'), UINT32_MAX, &s) == OK);
    cr_assert(span_u64(rest, 999999999, &ns) == OK);
    return (int64_t)s * US_PER_S + (int64_t)ns / 1000;
}

static enum err read_member(struct json *j, const struct json_item *item, struct tally *t,
                            uint64_t *neither)
{
    if (span_is(item->name, "messages") || span_is(item->name, "records"))
        t->messages = number_of(item);
    else if (span_is(item->name, "neither"))
        *neither = number_of(item);
    else if (span_is(item->name, "messages_tcp"))
        t->tcp = number_of(item);
    else if (span_is(item->name, "messages_ipv6"))
        t->ipv6 = number_of(item);
    else if (span_is(item->name, "first_time"))
        t->first_us = time_of(item->text);
    else if (span_is(item->name, "last_time"))
        t->last_us = time_of(item->text);
    else if (span_is(item->name, "requests"))
        return read_methods(j, t);
    else if (span_is(item->name, "response_codes") || span_is(item->name, "start_lines"))
        return read_codes(j, t);
    return OK;
}

static void read_truth(const char *path, struct tally *t)
{
    static uint8_t text[256 * 1024];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    struct json j;
    struct json_item item;
    uint64_t neither = 0;
    enum err e = json_open(&j, span_of(text, n), JSON_OBJECT, NULL);
    while (e == OK && (e = json_next(&j, &item, NULL)) == OK && item.kind != JSON_END)
        e = read_member(&j, &item, t, &neither);
    cr_assert(e == OK && json_close(&j, NULL) == OK, "%s", path);
    /* "neither": counted as SIP by port, but no request and no response. */
    t->messages -= neither;
    t->tcp -= t->tcp < neither ? t->tcp : neither;
}

static void compare(const char *name, const struct tally *ours, const struct tally *truth)
{
    cr_expect(ours->messages == truth->messages, "%s: %lu of %lu", name,
              (unsigned long)ours->messages, (unsigned long)truth->messages);
    for (size_t i = 0; i < NAMES_MAX && truth->method[i].count; i++)
        cr_expect(method_count(ours, truth->method[i].name) == truth->method[i].count, "%s: %s",
                  name, truth->method[i].name);
    for (size_t i = 0; i < NAMES_MAX && ours->method[i].count; i++)
        cr_expect(method_count(truth, ours->method[i].name) == ours->method[i].count, "%s: %s",
                  name, ours->method[i].name);
    for (size_t i = 0; i < CODES; i++)
        cr_expect(ours->code[i] == truth->code[i], "%s: %zu", name, i);
    cr_expect(ours->tcp == truth->tcp && ours->ipv6 == truth->ipv6, "%s", name);
}

/* False: there is no corpus here. */
static bool corpus_folder(const char *folder, char path[static PATH_MAX_TEST])
{
    const char *root = getenv("CPNI_CORPUS");
    snprintf(path, PATH_MAX_TEST, "%s/%s", root ? root : CPNI_SOURCE_DIR "/../shared/corpus",
             folder);
    if (access(path, R_OK) == 0)
        return true;
    fprintf(stderr, "skipped: no corpus at %s\n", path);
    return false;
}

static bool is_capture(const char *name)
{
    struct span s = span_str(name);
    return span_ends(s, span_str(".pcap")) || span_ends(s, span_str(".pcapng"));
}

/* Where we differ from the other dissector, and the rule by which we do. */
static const struct {
    const char *file;
    int64_t earlier_us; /* our first message */
} RULE[] = {
    /* sip_stream.h: a message whose body is too large to keep is given when its head is
     * complete; the other waits for the segment that ends the body. */
    {"tcp-body-large.pcap", 6},
};

static int64_t earlier_us(const char *file)
{
    for (size_t i = 0; i < sizeof RULE / sizeof RULE[0]; i++)
        if (strcmp(RULE[i].file, file) == 0)
            return RULE[i].earlier_us;
    return 0;
}

Test(capture, finds_what_another_dissector_found)
{
    char folder[PATH_MAX_TEST], path[PATH_MAX_TEST + 300];
    if (!corpus_folder("pcap", folder))
        return;
    DIR *dir = opendir(folder);
    size_t files = 0;
    cr_assert(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!is_capture(entry->d_name))
            continue;
        struct tally *ours = calloc(1, sizeof *ours), *truth = calloc(1, sizeof *truth);
        cr_assert(ours && truth);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        struct traffic_counts counts = read_capture(path, ours);
        snprintf(path, sizeof path, "%s/%s.truth.json", folder, entry->d_name);
        read_truth(path, truth);
        compare(entry->d_name, ours, truth);
        if (truth->messages) {
            cr_expect(ours->first_us == truth->first_us - earlier_us(entry->d_name), "%s",
                      entry->d_name);
            cr_expect(ours->last_us == truth->last_us, "%s", entry->d_name);
        }
        cr_expect(counts.malformed == 0 && counts.bytes_lost == 0, "%s", entry->d_name);
        free(ours);
        free(truth);
        files++;
    }
    closedir(dir);
    cr_expect(files >= 20, "%zu files", files);
}

Test(capture, hep_frames_hold_the_same_messages)
{
    static struct tally ours, truth;
    char folder[PATH_MAX_TEST], path[PATH_MAX_TEST + 64];
    if (!corpus_folder("hep", folder))
        return;
    snprintf(path, sizeof path, "%s/kamailio-hep3-udp.pcap", folder);
    struct traffic_counts counts = read_capture(path, &ours);
    strcat(path, ".truth.json");
    read_truth(path, &truth);
    compare("hep", &ours, &truth);
    cr_expect(counts.hep == truth.messages && counts.sip == 0);
}

/* Captures of our own making: little-endian pcap, version 2.4, microseconds. */

static uint8_t file_bytes[4096];

static void put_le32(struct buf *b, uint32_t v)
{
    buf_be32(b, __builtin_bswap32(v));
}

static void put_file_head(struct buf *b, uint32_t link_type)
{
    put_le32(b, 0xa1b2c3d4);
    buf_be32(b, 0x02000400);
    put_zeros(b, 8);
    put_le32(b, 65535);
    put_le32(b, link_type);
}

static void put_packet(struct buf *b, uint32_t sec, struct span frame)
{
    put_le32(b, sec);
    put_le32(b, 7);
    put_le32(b, (uint32_t)frame.n);
    put_le32(b, (uint32_t)frame.n);
    buf_put(b, frame);
}

static void write_file(char path[static 64], struct span bytes)
{
    strcpy(path, "/tmp/capture_test.XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

static enum err keep_item(void *arg, const struct traffic_item *item)
{
    *(struct traffic_item *)arg = *item;
    return OK;
}

static struct span sample_file(void)
{
    uint8_t room[512];
    struct buf file = buf_of(file_bytes, sizeof file_bytes), frame = buf_of(room, sizeof room);
    struct ends e = {1, 2, 5060, 5061};
    put_file_head(&file, 1);
    put_packet(&file, 100, udp_frame(&frame, e, span_str("SIP/2.0 100 Trying\r\n\r\n")));
    put_packet(&file, 101, udp_frame(&frame, e, span_str("SIP/2.0 180 Ringing\r\n\r\n")));
    return buf_span(&file);
}

Test(capture, packets_are_read_as_many_as_asked_for)
{
    char path[64];
    struct capture *c;
    struct traffic_item item;
    write_file(path, sample_file());
    cr_assert(capture_open(path, &c, NULL) == OK);
    cr_expect(capture_read(c, 1, keep_item, &item, NULL) == OK);
    cr_expect(item.t_us == INT64_C(100) * US_PER_S + 7 && capture_progress(c).packets == 1);
    cr_expect(capture_read(c, 5, keep_item, &item, NULL) == ERR_NOTFOUND);
    cr_expect(item.t_us == INT64_C(101) * US_PER_S + 7 && capture_counts(c).sip == 2);
    cr_expect(capture_read(c, 5, keep_item, &item, NULL) == ERR_NOTFOUND, "still at the end");
    capture_free(c);
    unlink(path);
}

/* A file cut at every byte: what is whole is read; the error names the packet that is not. */
Test(capture, damaged_files_are_errors_that_name_the_packet)
{
    struct span whole = sample_file();
    size_t first_end = 24 + 16 + ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES + 22;
    for (size_t n = 0; n < whole.n; n++) {
        char path[64];
        struct capture *c;
        struct traffic_item item;
        struct diag d = {0};
        write_file(path, span_sub(whole, 0, n));
        enum err e = capture_open(path, &c, &d);
        cr_expect((e == OK) == (n >= 24) && (e == OK || e == ERR_SYNTAX), "%zu bytes", n);
        if (e == OK) {
            e = capture_read(c, 10, keep_item, &item, &d);
            bool clean = n == 24 || n == first_end;
            cr_expect(e == (clean ? ERR_NOTFOUND : ERR_SYNTAX), "%zu bytes: %s", n, err_name(e));
            cr_expect(clean || d.at == (n < first_end ? 1 : 2), "%zu bytes: %zu", n, d.at);
            cr_expect(capture_counts(c).sip == (n >= first_end), "%zu bytes", n);
            capture_free(c);
        }
        unlink(path);
    }
}

static enum err full(void *arg, const struct traffic_item *item)
{
    (void)arg;
    (void)item;
    return ERR_FULL;
}

Test(capture, what_cannot_be_opened_is_said_so)
{
    char path[64];
    struct capture *c;
    struct diag d;
    cr_expect(capture_open("/nonexistent/file.pcap", &c, &d) == ERR_NOTFOUND);
    struct buf file = buf_of(file_bytes, sizeof file_bytes);
    put_file_head(&file, 105); /* 802.11 */
    write_file(path, buf_span(&file));
    cr_expect(capture_open(path, &c, &d) == ERR_SYNTAX);
    unlink(path);
    write_file(path, sample_file());
    cr_assert(capture_open(path, &c, &d) == OK);
    cr_expect(capture_read(c, 10, full, NULL, &d) == ERR_FULL, "the caller's answer");
    capture_free(c);
    unlink(path);
}

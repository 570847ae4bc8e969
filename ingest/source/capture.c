#include "ingest/source/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "proto/core/instant.h"
#include "proto/frame/packet.h"

struct capture {
    pcap_t *pcap; /* owns the file */
    struct traffic *traffic;
    int link_type;
    int64_t t_us; /* of the last packet */
    bool ended;
    struct capture_progress progress;
};

/* The number in files is 101, but libpcap gives this system's own (pcap/dlt.h). */
static int file_link_type(int dlt)
{
    return dlt == DLT_RAW ? 101 : dlt;
}

static uint64_t file_bytes(FILE *file)
{
    struct stat st;
    return fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

/* libpcap's own error texts stay behind: they may quote the file's contents. */
static enum err open_file(struct capture *c, const char *path, struct diag *d)
{
    char unused[PCAP_ERRBUF_SIZE];
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return diag_set(d, ERR_NOTFOUND, "capture file cannot be opened", 0);
    c->progress.total = file_bytes(file);
    c->pcap = pcap_fopen_offline(file, unused);
    if (!c->pcap) {
        if (file != stdin)
            fclose(file);
        return diag_set(d, ERR_SYNTAX, "not a pcap or pcapng file", 0);
    }
    c->link_type = file_link_type(pcap_datalink(c->pcap));
    struct packet p;
    if (packet_parse(c->link_type, SPAN_EMPTY, &p, NULL) == ERR_NOTFOUND)
        return diag_set(d, ERR_SYNTAX, "link type of the capture", 0);
    return OK;
}

enum err capture_open(const char *path, struct capture **out, struct diag *d)
{
    struct capture *c = calloc(1, sizeof *c);
    if (!c || traffic_new(&c->traffic) != OK) {
        capture_free(c);
        return diag_set(d, ERR_NOMEM, "capture", 0);
    }
    enum err e = open_file(c, path, d);
    if (e == OK)
        *out = c;
    else
        capture_free(c);
    return e;
}

struct capture *capture_free(struct capture *c)
{
    if (c) {
        if (c->pcap)
            pcap_close(c->pcap);
        traffic_free(c->traffic);
    }
    free(c);
    return NULL;
}

static enum err finish(struct capture *c, traffic_fn *fn, void *arg)
{
    c->ended = true;
    enum err e = traffic_finish(c->traffic, c->t_us, fn, arg);
    return e == OK ? ERR_NOTFOUND : e;
}

static enum err read_one(struct capture *c, traffic_fn *fn, void *arg, struct diag *d)
{
    struct pcap_pkthdr *head;
    const u_char *bytes;
    switch (pcap_next_ex(c->pcap, &head, &bytes)) {
    case 1:
        break;
    case PCAP_ERROR_BREAK: /* end of the file */
        return c->ended ? ERR_NOTFOUND : finish(c, fn, arg);
    default:
        return diag_set(d, ERR_SYNTAX, "damaged capture file", c->progress.packets + 1);
    }
    c->progress.packets++;
    c->t_us = (int64_t)head->ts.tv_sec * US_PER_S + head->ts.tv_usec;
    return traffic_feed(c->traffic, c->link_type, span_of(bytes, head->caplen), c->t_us, fn, arg);
}

enum err capture_read(struct capture *c, size_t packets_max, traffic_fn *fn, void *arg,
                      struct diag *d)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < packets_max; i++)
        e = read_one(c, fn, arg, d);
    return e;
}

struct capture_progress capture_progress(const struct capture *c)
{
    struct capture_progress p = c->progress;
    long at = ftell(pcap_file(c->pcap));
    if (at > 0)
        p.bytes = (uint64_t)at;
    return p;
}

struct traffic_counts capture_counts(const struct capture *c)
{
    return traffic_counts(c->traffic);
}

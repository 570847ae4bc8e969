/* dialog_story.h - SIP stories for the tests of the dialog table. A story is lines
 *
 *   <ms> <method or status> [key=value]...        a message
 *   <ms> tick                                     the timers run
 *   <ms> finish                                   the input ends
 *
 *   of=BYE     method a response answers (INVITE)     cs=2   CSeq (1)
 *   br=p1      branch of the top Via (a1)             to=x   To tag (none)
 *   by=callee  begun by the callee: tags swapped      id=k   Call-ID (one)
 *   from=y     From tag (alice)                       agent=2
 *   sdp=sendonly  a body with this direction          h=Name:value  a header, '_' for blanks
 *
 * What the table gives out is written as one line a record:
 *
 *   <rec_type> <disposition> <status> <cause>[d] <side> <start>/<progress>/<answer>/<end>
 *   bill=<ms> [auth=n] [redirect=n] [hold=ms] [flags]      instants in ms, '-' = none
 *
 * cause has a d when it was derived; flags: I incomplete, F fork, C clock suspect,
 * R restored, T truncated, X extras lost. */
#ifndef CPNI_TEST_DIALOG_STORY_H
#define CPNI_TEST_DIALOG_STORY_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/core/instant.h"
#include "proto/record/dialog.h"

#define STORY_T0 ((int64_t)1795302253 * US_PER_S)

struct story {
    struct dialog_table *t;
    struct arena arena;
    char out[16 * 1024]; /* records, one a line */
    size_t out_bytes;
    struct sip_msg msg; /* large: not on the stack */
};

static inline void story_init(struct story *s, const struct dialog_limits *limits, uint64_t seed)
{
    static const struct dialog_limits DEFAULTS;
    s->out_bytes = 0;
    s->out[0] = '\0';
    cr_assert_eq(arena_init(&s->arena, 4 * SIP_MESSAGE_BYTES_MAX), OK);
    cr_assert_eq(
        dialog_table_new(limits ? limits : &DEFAULTS, (struct dialog_seed){seed, ~seed}, &s->t),
        OK);
}

static inline void story_done(struct story *s)
{
    s->t = dialog_table_free(s->t);
    arena_done(&s->arena);
}

static inline const char *story_ms(int64_t us, char room[24])
{
    if (us == 0)
        return "-";
    snprintf(room, 24, "%lld", (long long)((us - STORY_T0) / US_PER_MS));
    return room;
}

static inline const char *story_name(const char *field, unsigned value)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (strcmp(CALL_FIELDS[i].name, field) == 0)
            return call_enum_name(&CALL_FIELDS[i], value);
    return "?";
}

__attribute__((format(printf, 2, 3))) static inline void story_say(struct story *s,
                                                                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(s->out + s->out_bytes, sizeof s->out - s->out_bytes, format, args);
    va_end(args);
    cr_assert(n >= 0 && (size_t)n < sizeof s->out - s->out_bytes);
    s->out_bytes += (size_t)n;
}

static inline void story_emit(void *arg, const struct record *r)
{
    static const struct {
        uint32_t bit;
        const char *letter;
    } FLAGS[] = {{CALL_INCOMPLETE, "I"}, {CALL_FORK, "F"},      {CALL_CLOCK_SUSPECT, "C"},
                 {CALL_RESTORED, "R"},   {CALL_TRUNCATED, "T"}, {CALL_EXTRAS_LOST, "X"}};
    struct story *s = arg;
    const struct call *c = &r->call;
    char a[24], b[24], d[24], e[24];
    story_say(s, "%s %s %u %u%s %s %s/%s/%s/%s bill=%u", story_name("rec_type", c->rec_type),
              story_name("disposition", c->disposition), c->sip_status, c->q850,
              c->flags & CALL_CAUSE_DERIVED ? "d" : "", story_name("release_side", c->release_side),
              story_ms(c->t_start, a), story_ms(c->t_progress, b), story_ms(c->t_answer, d),
              story_ms(c->t_end, e), c->dur_bill_ms);
    if (c->attempts_auth)
        story_say(s, " auth=%u", c->attempts_auth);
    if (c->redirect_count)
        story_say(s, " redirect=%u", c->redirect_count);
    if (c->hold_ms)
        story_say(s, " hold=%u", c->hold_ms);
    for (size_t i = 0, first = 1; i < sizeof FLAGS / sizeof FLAGS[0]; i++)
        if (c->flags & FLAGS[i].bit) {
            story_say(s, "%s%s", first ? " " : "", FLAGS[i].letter);
            first = 0;
        }
    story_say(s, "\n");
}

/* The value of key=... in a line, or what it is by default. Copies into room. */
static inline const char *story_key(const char *line, const char *key, const char *other,
                                    char room[256])
{
    char want[32];
    snprintf(want, sizeof want, " %s=", key);
    const char *at = strstr(line, want);
    if (!at)
        return other;
    at += strlen(want);
    size_t n = strcspn(at, " \n");
    cr_assert(n < 256);
    memcpy(room, at, n);
    room[n] = '\0';
    return room;
}

static inline size_t story_text(const char *line, const char *what, char *out, size_t cap)
{
    char of[256], cs[256], br[256], to[256], from[256], id[256], by[256], sdp[256], h[256];
    char a[300], b[300] = "", body[512] = "", start[300], header[300] = "";
    int status = atoi(what);
    const char *method = status ? story_key(line, "of", "INVITE", of) : what;
    const char *tag = story_key(line, "to", "", to), *hold = story_key(line, "sdp", "", sdp);
    bool callee = strcmp(story_key(line, "by", "", by), "callee") == 0;
    if (status)
        snprintf(start, sizeof start, "SIP/2.0 %d Phrase", status);
    else
        snprintf(start, sizeof start, "%s sip:+12125550102@example.net SIP/2.0", method);
    snprintf(a, sizeof a, "<sip:+12125550101@example.com>;tag=%s",
             story_key(line, "from", "alice", from));
    snprintf(b, sizeof b, "<sip:+12125550102@example.net>%s%s", *tag ? ";tag=" : "", tag);
    if (*hold)
        snprintf(body, sizeof body,
                 "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\na=%s\r\na=crypto:1 x\r\n",
                 hold);
    if (*story_key(line, "h", "", h)) {
        snprintf(header, sizeof header, "%s\r\n", h);
        for (char *p = header; *p; p++)
            if (*p == '_')
                *p = ' ';
    }
    int n = snprintf(out, cap,
                     "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%s\r\nFrom: %s\r\nTo: %s\r\n"
                     "Call-ID: %s\r\nCSeq: %s %s\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                     start, story_key(line, "br", "a1", br), callee ? b : a, callee ? a : b,
                     story_key(line, "id", "one", id), story_key(line, "cs", "1", cs), method,
                     header, *body ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
    cr_assert(n > 0 && (size_t)n < cap);
    return (size_t)n;
}

/* One line; time of capture and of the timers are the same here. */
static inline void story_line(struct story *s, const char *line)
{
    char what[32], agent[256], text[4096];
    long ms;
    struct diag d = {0};
    cr_assert_eq(sscanf(line, "%ld %31s", &ms, what), 2, "story line: %s", line);
    uint64_t now = (uint64_t)ms * US_PER_MS;
    if (strcmp(what, "tick") == 0) {
        dialog_tick(s->t, now, story_emit, s);
        return;
    }
    if (strcmp(what, "finish") == 0) {
        dialog_finish(s->t, now, story_emit, s);
        return;
    }
    struct dialog_meta meta = {.feed_id = 3,
                               .agent = (uint32_t)atoi(story_key(line, "agent", "1", agent)),
                               .t_capture_us = STORY_T0 + (int64_t)ms * US_PER_MS};
    size_t n = story_text(line, what, text, sizeof text);
    enum err e = sip_msg_parse(span_of(text, n), &s->arena, &s->msg, &d);
    cr_assert_eq(e, OK, "%s: %s", line, d.what ? d.what : "");
    dialog_feed(s->t, &s->msg, &meta, now, story_emit, s);
    arena_reset(&s->arena);
}

/* Calls fn behind each line if it is given (the checkpoint property). */
static inline void story_tell(struct story *s, const char *text, void (*behind)(struct story *s))
{
    while (*text) {
        char line[512];
        size_t n = strcspn(text, "\n");
        cr_assert(n < sizeof line);
        memcpy(line, text, n);
        line[n] = '\0';
        story_line(s, line);
        if (behind)
            behind(s);
        text += n + (text[n] == '\n');
    }
}

#endif

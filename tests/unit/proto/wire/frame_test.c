/* Proves that a frame comes back as it was sent, that each prefix asks for more, and that what our
 * own programs never send is refused at its offset. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "proto/wire/frame.h"

#define TYPE_OF(name, code) FRAME_##name,
static const enum frame_type TYPES[] = {FRAME_TYPES(TYPE_OF)};

static void whole(uint8_t *out, enum frame_type type, uint32_t id, struct span payload)
{
    frame_head(out, type, id, payload.n);
    memcpy(out + FRAME_HEAD_BYTES, payload.p, payload.n);
}

Test(frame, every_type_comes_back)
{
    uint8_t bytes[64];
    struct span payload = span_str("payload");
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        struct frame f;
        size_t used = 0;
        whole(bytes, TYPES[i], 0xfedcba98u, payload);
        cr_assert_eq(frame_next(span_of(bytes, sizeof bytes), &f, &used, NULL), OK);
        cr_expect_eq(f.type, TYPES[i]);
        cr_expect_eq(f.id, 0xfedcba98u);
        cr_expect(span_eq(f.payload, payload));
        cr_expect_eq(used, FRAME_HEAD_BYTES + payload.n);
    }
}

Test(frame, every_prefix_asks_for_more)
{
    uint8_t bytes[64];
    struct span payload = span_str("0123456789");
    whole(bytes, FRAME_BATCH, 1, payload);
    for (size_t n = 0; n < FRAME_HEAD_BYTES + payload.n; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, bytes, n);
        struct frame f;
        struct diag d;
        size_t used = 99;
        cr_expect_eq(frame_next(span_of(exact, n), &f, &used, &d), ERR_MORE, "%zu bytes", n);
        cr_expect_eq(used, 99);
        cr_expect_leq(d.at, n);
        free(exact);
    }
}

Test(frame, the_largest_payload_passes_and_one_byte_more_does_not)
{
    uint8_t head[FRAME_HEAD_BYTES];
    struct frame f;
    size_t used;
    frame_head(head, FRAME_ROW, 1, WIRE_FRAME_BYTES_MAX);
    cr_expect_eq(frame_next(span_of(head, sizeof head), &f, &used, NULL), ERR_MORE);
    head[3]++;
    cr_expect_eq(frame_next(span_of(head, sizeof head), &f, &used, NULL), ERR_LIMIT);
}

Test(frame, what_nobody_sends_is_refused)
{
    static const struct {
        const char *name;
        size_t byte;
        uint8_t value;
        enum err expected;
        size_t at;
    } ROW[] = {
        {"older version", 4, 0, ERR_VERSION, 4},   {"newer version", 4, 2, ERR_VERSION, 4},
        {"type zero", 5, 0, ERR_SYNTAX, 5},        {"unknown type", 5, 255, ERR_SYNTAX, 5},
        {"reserved byte 6", 6, 1, ERR_SYNTAX, 6},  {"reserved byte 7", 7, 1, ERR_SYNTAX, 6},
        {"length of 4 GB", 0, 0xff, ERR_LIMIT, 0},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        uint8_t head[FRAME_HEAD_BYTES];
        struct frame f;
        struct diag d = {0};
        size_t used;
        frame_head(head, FRAME_BATCH, 1, 0);
        head[ROW[i].byte] = ROW[i].value;
        cr_expect_eq(frame_next(span_of(head, sizeof head), &f, &used, &d), ROW[i].expected, "%s",
                     ROW[i].name);
        cr_expect_eq(d.at, ROW[i].at, "%s", ROW[i].name);
    }
}

/* A programmer's error, not an input. */
Test(frame, a_head_for_too_much_aborts, .signal = SIGABRT)
{
    uint8_t head[FRAME_HEAD_BYTES];
    frame_head(head, FRAME_BATCH, 1, WIRE_FRAME_BYTES_MAX + 1);
}

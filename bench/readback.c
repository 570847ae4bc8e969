#include "bench/readback.h"

#include "bench/dice.h"
#include "bench/pace.h"
#include "bench/put.h"
#include "proto/core/instant.h"
#include "proto/wire/control.h"

static void put_instant(struct buf *b, const char *name, struct civil at)
{
    uint8_t digits[20];
    struct buf text = buf_of(digits, sizeof digits);
    buf_dec(&text, (uint64_t)instant_from_civil(at));
    control_put_arg(b, name, buf_span(&text));
}

/* The month of calls.c. */
static void put_request(uint32_t customer, struct buf *b)
{
    char id[POPULATION_ID_BYTES];
    population_customer(customer, id);
    control_put_verb(b, "calls list");
    control_put_arg(b, "customer", span_str(id));
    put_instant(b, "from", (struct civil){.year = 2026, .month = 11, .day = 1});
    put_instant(b, "to", (struct civil){.year = 2026, .month = 12, .day = 1});
    control_put_arg(b, "purpose", span_str("BILL"));
}

static void on_row(void *arg, struct span payload)
{
    struct readback *r = arg;
    (void)payload;
    r->rows++;
}

enum err readback_run(struct ask *a, const struct readback_options *o, struct readback *out)
{
    uint8_t room[256];
    struct dice d = dice_of(o->seed, o->customers);
    enum err e = OK;
    *out = (struct readback){.reads = 0};
    a->row = on_row;
    a->arg = out;
    for (; e == OK && out->reads < o->reads; out->reads++) {
        struct buf b = buf_of(room, sizeof room);
        put_request(dice_below(&d, o->customers), &b);
        uint64_t start_us = pace_now_us();
        e = ask_send(a, FRAME_REQUEST, buf_span(&b));
        histogram_add(&out->latency, pace_now_us() - start_us, 1);
    }
    a->row = NULL;
    return e;
}

/* Proves: a document is one that our own parser reads, of the size that FreeSWITCH's have, with the
 * fields of the call. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/generate.h"
#include "proto/record/cdr_record.h"

enum { COUNT = 300 };
static const uint8_t DISPOSITION[] = {[OUTCOME_ANSWERED] = DISPOSITION_ANSWERED,
                                      [OUTCOME_CANCELLED] = DISPOSITION_CANCELLED,
                                      [OUTCOME_NO_ANSWER] = DISPOSITION_NO_ANSWER,
                                      [OUTCOME_BUSY] = DISPOSITION_BUSY,
                                      [OUTCOME_FAILED] = DISPOSITION_CONGESTION};

static struct record record;

static void check(const struct bench_call *call, struct span document, uint8_t *room)
{
    struct buf b = buf_of(room, CDR_FREESWITCH_ROOM_BYTES);
    char code[POPULATION_ID_BYTES], domain[POPULATION_ID_BYTES];
    struct diag d = {.what = ""};
    population_code(call->caller, code);
    population_domain(call->caller, domain);
    cr_assert_eq(cdr_freeswitch(document, &b, &record, &d), OK, "%s at %zu", d.what, d.at);
    const struct call *c = &record.call;
    cr_expect(span_is(c->customer_hint, code) && span_is(c->domain, domain));
    cr_expect(span_is(c->calling_raw, call->from) && span_is(c->called_raw, call->to));
    cr_expect_eq(c->t_start, call->start_us);
    cr_expect_eq(c->t_answer, call->answer_us);
    cr_expect_eq(c->t_end, call->end_us);
    cr_expect_eq(c->dur_bill_ms, call->answer_us ? (call->end_us - call->answer_us) / 1000 : 0);
    cr_expect_eq(c->disposition, DISPOSITION[call->outcome]);
    cr_expect_eq(c->flags & CALL_EXTRAS_LOST, 0u);
    cr_expect_gt(record.extras_count, 50u);
}

Test(generate_json, documents_are_read_back_as_the_calls_they_are)
{
    uint8_t bytes[GENERATE_JSON_BYTES_MAX], *room = malloc(CDR_FREESWITCH_ROOM_BYTES);
    struct calls calls;
    struct calls_options o = {.seed = 4, .count = COUNT, .customers = 50};
    cr_assert(room);
    cr_assert_eq(calls_init(&calls, &o), OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct buf b = buf_of(bytes, sizeof bytes);
        struct bench_call call;
        calls_make(&calls, i, &call);
        generate_json(&call, &b);
        cr_assert(buf_ok(&b));
        cr_expect(b.n > 5000 && b.n < 6000, "%zu bytes", b.n);
        check(&call, buf_span(&b), room);
    }
    calls_done(&calls);
    free(room);
}

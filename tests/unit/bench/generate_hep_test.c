/* Proves: every message parses as HEP and SIP of a realistic size, and a call's messages make one
 * record with its parties, instants and outcome, with the message that is said to end it. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/generate.h"
#include "proto/frame/hep.h"
#include "proto/record/dialog.h"

enum { COUNT = 300 };
static const uint8_t DISPOSITION[] = {[OUTCOME_ANSWERED] = DISPOSITION_ANSWERED,
                                      [OUTCOME_CANCELLED] = DISPOSITION_CANCELLED,
                                      [OUTCOME_NO_ANSWER] = DISPOSITION_NO_ANSWER,
                                      [OUTCOME_BUSY] = DISPOSITION_BUSY,
                                      [OUTCOME_FAILED] = DISPOSITION_FAILED};

struct rig {
    struct dialog_table *table;
    struct arena arena;
    struct sip_msg msg;
    struct bench_call call;
    unsigned records;
};

static void on_record(void *arg, const struct record *r)
{
    struct rig *rig = arg;
    const struct bench_call *call = &rig->call;
    const struct call *c = &r->call;
    char domain[POPULATION_ID_BYTES];
    population_domain(call->caller, domain);
    rig->records++;
    cr_expect(span_is(c->domain, domain));
    cr_expect(span_is(c->calling_tn, call->from) && span_is(c->called_tn, call->to));
    cr_expect_eq(c->t_start, call->start_us);
    cr_expect_eq(c->t_answer, call->answer_us);
    cr_expect_eq(c->dur_bill_ms, call->answer_us ? (call->end_us - call->answer_us) / 1000 : 0);
    cr_expect_eq(c->disposition, DISPOSITION[call->outcome]);
    cr_expect_eq(c->flags, c->flags & CALL_CAUSE_DERIVED, "flags %x", c->flags);
}

static void feed(struct rig *rig, unsigned step, uint64_t now_us)
{
    uint8_t bytes[GENERATE_HEP_BYTES_MAX];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct hep hep;
    struct diag d = {.what = ""};
    generate_hep(&rig->call, step, &b);
    cr_assert(buf_ok(&b));
    cr_assert_eq(hep_parse(buf_span(&b), 0, &hep, &d), OK, "%s", d.what);
    cr_assert(hep.payload_type == HEP_SIP && hep.t_us == generate_step_us(&rig->call, step));
    cr_expect(hep.payload.n >= 350 && hep.payload.n <= 950, "%zu bytes", hep.payload.n);
    arena_reset(&rig->arena);
    cr_assert_eq(sip_msg_parse(hep.payload, &rig->arena, &rig->msg, &d), OK, "%s", d.what);
    struct dialog_meta meta = {.feed_id = 1, .agent = hep.agent_id, .t_capture_us = hep.t_us};
    dialog_feed(rig->table, &rig->msg, &meta, now_us, on_record, rig);
}

Test(generate_hep, the_messages_of_a_call_make_its_record)
{
    static const struct dialog_limits LIMITS;
    struct rig *rig = calloc(1, sizeof *rig);
    struct calls calls;
    struct calls_options o = {.seed = 4, .count = COUNT, .customers = 50};
    unsigned seen[OUTCOME_COUNT] = {0};
    cr_assert_eq(calls_init(&calls, &o), OK);
    cr_assert_eq(arena_init(&rig->arena, 4 * SIP_MESSAGE_BYTES_MAX), OK);
    cr_assert_eq(dialog_table_new(&LIMITS, (struct dialog_seed){1, 2}, &rig->table), OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        calls_make(&calls, i, &rig->call);
        seen[rig->call.outcome]++;
        for (unsigned step = 0; step < generate_steps(&rig->call); step++) {
            unsigned before = rig->records;
            feed(rig, step, 1 + i);
            cr_assert_eq(rig->records - before, generate_ends(&rig->call, step) ? 1u : 0u,
                         "call %llu, step %u", (unsigned long long)i, step);
        }
    }
    const struct dialog_counts *n = dialog_counts(rig->table);
    cr_expect_eq(rig->records, (unsigned)COUNT);
    cr_expect_eq(n->orphan_requests + n->orphan_responses + n->ignored + n->repeated, 0u);
    for (unsigned k = 0; k < OUTCOME_COUNT; k++)
        cr_expect_gt(seen[k], 0u, "outcome %u", k);
    dialog_table_free(rig->table);
    arena_done(&rig->arena);
    calls_done(&calls);
    free(rig);
}

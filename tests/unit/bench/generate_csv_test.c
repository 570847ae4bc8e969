/* Proves: a line is one that our own parser reads, with the fields of the call, and no two are
 * alike (a line is its own duplicate key). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/generate.h"
#include "proto/core/instant.h"
#include "proto/record/cdr_record.h"

enum { COUNT = 500 };
static const uint8_t DISPOSITION[] = {[OUTCOME_ANSWERED] = DISPOSITION_ANSWERED,
                                      [OUTCOME_CANCELLED] = DISPOSITION_NO_ANSWER,
                                      [OUTCOME_NO_ANSWER] = DISPOSITION_NO_ANSWER,
                                      [OUTCOME_BUSY] = DISPOSITION_BUSY,
                                      [OUTCOME_FAILED] = DISPOSITION_FAILED};

static struct record record;

static void check(const struct bench_call *call, const struct span line)
{
    static uint8_t columns_room[1024], room[CDR_ASTERISK_ROOM_BYTES];
    struct buf columns = buf_of(columns_room, sizeof columns_room), b = buf_of(room, sizeof room);
    char code[POPULATION_ID_BYTES];
    struct csv_row row;
    struct diag d = {.what = ""};
    population_code(call->caller, code);
    cr_assert_eq(csv_next(line, true, &columns, &row, &d), OK, "%s", d.what);
    cr_assert_eq(row.columns_count, 18u);
    cr_assert_eq(row.used, line.n);
    cr_assert_eq(cdr_asterisk(&row, span_trim(line), NULL, &b, &record, &d), OK, "%s", d.what);
    const struct call *c = &record.call;
    cr_expect(span_is(c->customer_hint, code));
    cr_expect(span_is(c->calling_raw, call->from + 2) && span_is(c->called_raw, call->to + 2));
    cr_expect_eq(c->t_start, call->start_us);
    cr_expect_eq(c->t_answer, call->answer_us);
    cr_expect_eq(c->t_end, call->end_us);
    cr_expect_eq(c->dur_bill_ms, call->answer_us ? (call->end_us - call->answer_us) / 1000 : 0);
    cr_expect_eq(c->disposition, DISPOSITION[call->outcome]);
}

Test(generate_csv, lines_are_read_back_as_the_calls_they_are)
{
    uint8_t room[GENERATE_CSV_BYTES_MAX];
    char before[GENERATE_CSV_BYTES_MAX] = "";
    struct calls calls;
    struct calls_options o = {.seed = 4, .count = COUNT, .customers = 50, .whole_seconds = true};
    cr_assert_eq(calls_init(&calls, &o), OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct buf b = buf_of(room, sizeof room);
        struct bench_call call;
        calls_make(&calls, i, &call);
        generate_csv(&call, &b);
        cr_assert(buf_ok(&b));
        cr_expect(b.n > 200 && b.n < 350, "%zu bytes", b.n);
        check(&call, buf_span(&b));
        cr_assert(!span_is(buf_span(&b), before));
        memcpy(before, b.p, b.n);
        before[b.n] = 0;
    }
    calls_done(&calls);
}

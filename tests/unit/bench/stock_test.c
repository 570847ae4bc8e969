/* Proves: a stock is the same every time, made at once or little by little, holds each message of
 * each call once and in the order of its call, knows which of them make a record, and lies in
 * memory without gaps. */
#include "bench/stock.h"

#include <criterion/criterion.h>

#include "bench/generate.h"

static const struct calls_options OPTIONS = {.seed = 2, .count = 400, .customers = 20};
static struct stock s;

static void check_layout(void)
{
    size_t at = 0, ends = 0;
    for (size_t i = 0; i < s.items_count; i++) {
        cr_assert_eq(s.item[i].at, at);
        at += s.item[i].bytes;
        ends += s.item[i].ends;
    }
    cr_expect_eq(at, s.bytes);
    cr_expect_eq(ends, OPTIONS.count);
    cr_expect_eq(s.truth.total.attempts >= OPTIONS.count, true);
    struct span some = stock_items(&s, 3, 5);
    cr_expect(some.p == stock_item(&s, 3).p && some.n == s.item[3].bytes + s.item[4].bytes);
    cr_expect_eq(stock_items(&s, 0, s.items_count).n, s.bytes);
}

Test(stock, every_kind_lies_without_gaps_and_twice_alike)
{
    for (unsigned kind = 0; kind < STOCK_KINDS; kind++) {
        struct stock again;
        cr_assert_eq(stock_init(&s, (enum stock_kind)kind, &OPTIONS, 50), OK);
        cr_assert_eq(stock_init(&again, (enum stock_kind)kind, &OPTIONS, 50), OK);
        stock_make(&s, STOCK_ALL);
        for (size_t items = 0; !stock_whole(&again); items += 7) /* little by little */
            stock_make(&again, items);
        check_layout();
        cr_expect_eq(s.bytes, again.bytes);
        cr_expect_eq(memcmp(s.room, again.room, s.bytes), 0);
        cr_expect_eq(truth_differences(&s.truth, &again.truth), 0u);
        stock_done(&again);
        stock_done(&s);
    }
}

static size_t find(struct span message, size_t from)
{
    for (size_t i = from; i < s.items_count; i++)
        if (span_eq(stock_item(&s, i), message))
            return i;
    return s.items_count;
}

Test(stock, messages_of_a_call_stay_in_order_between_those_of_others)
{
    struct calls calls;
    struct bench_call call;
    uint8_t room[GENERATE_HEP_BYTES_MAX];
    size_t items = 0;
    cr_assert_eq(calls_init(&calls, &OPTIONS), OK);
    cr_assert_eq(stock_init(&s, STOCK_HEP, &OPTIONS, 50), OK);
    stock_make(&s, STOCK_ALL);
    for (uint64_t i = 0; i < OPTIONS.count; i++) {
        calls_make(&calls, i, &call);
        size_t at = 0, first = 0;
        for (unsigned step = 0; step < generate_steps(&call); step++, items++) {
            struct buf b = buf_of(room, sizeof room);
            generate_hep(&call, step, &b);
            at = find(buf_span(&b), at);
            cr_assert_lt(at, s.items_count);
            first = step ? first : at;
        }
        cr_expect(i < 100 || generate_steps(&call) < 7 || at - first > 100, "others lie between");
    }
    cr_expect_eq(items, s.items_count);
    stock_done(&s);
    calls_done(&calls);
}

Test(stock, what_was_sent_is_given_back_and_the_rest_is_there)
{
    enum { MANY = 20000 };
    struct calls_options o = {.seed = 2, .count = MANY, .customers = 20};
    struct stock again;
    cr_assert_eq(stock_init(&s, STOCK_CSV, &o, 1), OK);
    cr_assert_eq(stock_init(&again, STOCK_CSV, &o, 1), OK);
    stock_make(&s, STOCK_ALL);
    stock_make(&again, STOCK_ALL);
    stock_forget(&s, 1);
    cr_expect_eq(s.forgotten_bytes, 0u, "not for a page");
    stock_forget(&s, MANY - 10);
    cr_expect_gt(s.forgotten_bytes, s.bytes / 2);
    cr_expect_leq(s.forgotten_bytes, s.item[MANY - 10].at);
    for (size_t i = MANY - 10; i < MANY; i++)
        cr_expect(span_eq(stock_item(&s, i), stock_item(&again, i)));
    stock_done(&again);
    stock_done(&s);
}

/* Proves the three indexes of the dialog table against plain models: what was added is found
 * and what was removed is not, whatever collides; no deadline comes early or is missed, however
 * time jumps. */
#include "proto/record/dialog_table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct dialog_table *table(size_t dialogs_max)
{
    struct dialog_table *t;
    const struct dialog_limits limits = {.dialogs_max = dialogs_max};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){3, 4}, &t), OK);
    return t;
}

static struct span name_of(unsigned i)
{
    static char text[16];
    snprintf(text, sizeof text, "c%u", i);
    return span_str(text);
}

/* 8 dialogs in 16 slots: runs, wraps and holes all the time. */
Test(dialog_table, finding)
{
    enum { KEYS = 40, LIVE = 8 };
    struct dialog_table *t = table(LIVE);
    uint32_t cell_of[KEYS] = {0};
    unsigned live = 0;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        unsigned k = (unsigned)rand() % KEYS;
        if (cell_of[k]) {
            table_remove(t, cell_of[k]);
            cell_of[k] = 0;
            live--;
        } else {
            cell_of[k] = table_add(t, name_of(k), span_str("tag"));
            cr_assert_eq(cell_of[k] != 0, live < LIVE, "only a full table refuses");
            live += cell_of[k] != 0;
        }
        for (unsigned i = 0; i < KEYS; i++)
            cr_assert_eq(table_find(t, name_of(i), span_str("tag"), 0), cell_of[i]);
    }
    cr_expect_eq(t->dialogs.used, live);
    dialog_table_free(t);
}

/* "a" + "bc" is not "ab" + "c", and legs of one key differ by their To tag. */
Test(dialog_table, keys)
{
    struct dialog_table *t = table(8);
    uint32_t one = table_add(t, span_str("a"), span_str("bc"));
    uint32_t two = table_add(t, span_str("ab"), span_str("c"));
    uint32_t leg = table_add(t, span_str("a"), span_str("bc"));
    table_dialog(t, one)->to_tag = 11;
    table_dialog(t, leg)->to_tag = 12;
    cr_expect_eq(table_find(t, span_str("a"), span_str("bc"), 11), one);
    cr_expect_eq(table_find(t, span_str("a"), span_str("bc"), 12), leg);
    cr_expect_eq(table_find(t, span_str("ab"), span_str("c"), 0), two);
    cr_expect_eq(table_find(t, span_str("abc"), SPAN_EMPTY, 0), 0);
    table_dialog(t, one)->state = OVER;
    table_dialog(t, leg)->state = ANSWERED;
    cr_expect_eq(table_find(t, span_str("a"), span_str("bc"), 99), leg, "the live one");
    dialog_table_free(t);
}

Test(dialog_table, lists_keep_their_order)
{
    struct dialog_table *t = table(8);
    uint32_t a = table_add(t, span_str("a"), SPAN_EMPTY),
             b = table_add(t, span_str("b"), SPAN_EMPTY);
    uint32_t c = table_add(t, span_str("c"), SPAN_EMPTY);
    const struct list *list = &t->lists[LIST_UNANSWERED];
    table_place(t, a, LINK_AGE, LIST_UNANSWERED);
    table_place(t, b, LINK_AGE, LIST_UNANSWERED);
    table_place(t, c, LINK_AGE, LIST_UNANSWERED);
    table_place(t, a, LINK_DIRTY, LIST_DIRTY_NOW);
    table_place(t, b, LINK_AGE, LIST_ANSWERED);
    cr_expect(list->head == a && list->tail == c);
    cr_expect(table_dialog(t, a)->links[LINK_AGE].next == c);
    table_place(t, a, LINK_AGE, LIST_UNANSWERED);
    cr_expect(list->head == c && list->tail == a, "placed again: at the end");
    table_remove(t, c);
    cr_expect(list->head == a && list->tail == a);
    table_remove(t, a);
    cr_expect(list->head == 0 && list->tail == 0 && t->lists[LIST_DIRTY_NOW].head == 0);
    dialog_table_free(t);
}

/* Deadlines from nothing to days, moved at random, time in steps and jumps: each comes up once,
 * not before its time, and at most a tick after it. */
Test(dialog_table, deadlines)
{
    enum { TIMERS = 200 };
    static const uint64_t REACH_US[] = {1000, 1000000, 200000000, 2000000000, 90000000000};
    struct dialog_table *t = table(TIMERS);
    uint32_t cell[TIMERS];
    uint64_t deadline[TIMERS] = {0}, now = 12345678; /* deadline 0 = not armed */
    srand(7);
    for (unsigned i = 0; i < TIMERS; i++)
        cell[i] = table_add(t, name_of(i), SPAN_EMPTY);
    for (int round = 0; round < 3000; round++) {
        for (int k = 0; k < 3; k++) {
            unsigned i = (unsigned)rand() % TIMERS;
            deadline[i] = now + (uint64_t)rand() % REACH_US[rand() % 5];
            table_arm(t, cell[i], now, deadline[i]);
        }
        now += (uint64_t)rand() % REACH_US[rand() % 4];
        for (uint32_t due; (due = table_due(t, now)) != 0;) {
            unsigned i = 0;
            while (cell[i] != due)
                i++;
            cr_assert(deadline[i] && deadline[i] <= now, "early, or twice");
            deadline[i] = 0;
        }
        for (unsigned i = 0; i < TIMERS; i++)
            cr_assert(deadline[i] == 0 || deadline[i] + (2U << TICK_SHIFT) > now, "missed");
    }
    now += 200000000000;
    unsigned left = 0, came = 0;
    for (unsigned i = 0; i < TIMERS; i++)
        left += deadline[i] != 0;
    while (table_due(t, now))
        came++;
    cr_expect_eq(came, left);
    dialog_table_free(t);
}

Test(dialog_table, limits_that_cannot_be)
{
    struct dialog_table *t;
    const struct dialog_limits limits = {.bytes_max = SIZE_MAX};
    cr_expect_eq(dialog_table_new(&limits, (struct dialog_seed){3, 4}, &t), ERR_NOMEM);
    cr_expect_null(t);
}

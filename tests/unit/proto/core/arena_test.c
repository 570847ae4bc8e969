/* Proves: an arena gives aligned blocks that do not overlap, says no when it is full or told
 * to, and leaves no text behind after a reset. */
#include <criterion/criterion.h>

#include "proto/core/arena.h"

Test(arena, blocks_are_aligned_and_apart)
{
    struct arena a;
    cr_assert(arena_init(&a, 64) == OK);
    uint8_t *one = arena_alloc(&a, 3), *two = arena_alloc(&a, 8);
    cr_assert(one && two);
    cr_expect((uintptr_t)two % 8 == 0 && two >= one + 3);
    arena_done(&a);
}

Test(arena, full_is_full)
{
    struct arena a;
    cr_assert(arena_init(&a, 32) == OK);
    cr_expect(arena_alloc(&a, 33) == NULL);
    cr_expect(arena_alloc(&a, SIZE_MAX) == NULL);
    cr_expect(arena_alloc(&a, 25) != NULL);
    cr_expect(arena_alloc(&a, 1) == NULL, "aligned, the next block would begin at 32");
    arena_reset(&a);
    cr_expect(arena_alloc(&a, 32) != NULL);
    arena_done(&a);
}

Test(arena, reset_and_done_wipe)
{
    struct arena a;
    struct span copy;
    cr_assert(arena_init(&a, 32) == OK);
    cr_assert(arena_copy(&a, span_str("2125550123"), &copy) == OK);
    cr_expect(span_is(copy, "2125550123"));
    arena_reset(&a);
    for (size_t i = 0; i < copy.n; i++)
        cr_expect(copy.p[i] == 0, "byte %zu", i);
    arena_done(&a);
    cr_expect(a.p == NULL && arena_alloc(&a, 1) == NULL);
}

Test(arena, the_nth_allocation_fails)
{
    struct arena a;
    struct span copy;
    cr_assert(arena_init(&a, 256) == OK);
    for (size_t n = 1; n <= 4; n++) {
        a.fail_at = n;
        for (size_t i = 1; i <= 5; i++)
            cr_expect((arena_copy(&a, span_str("x"), &copy) == OK) == (i != n), "%zu of %zu", i, n);
    }
    arena_done(&a);
}

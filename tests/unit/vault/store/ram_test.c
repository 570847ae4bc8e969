/* Proves the engine of the other tests: order, replacement, deletion, and cursors that keep their
 * moment. What a store does with it is in store_test.c. */
#include "tests/unit/vault/store/scratch.h"

static struct engine *made(void)
{
    struct engine *e;
    struct store_options o = {.create = true};
    cr_assert_eq(STORE_RAM.open(&o, &e, NULL), OK);
    return e;
}

static void put(struct engine *e, const char *key, const char *value)
{
    STORE_RAM.put(e, 1, span_str(key), span_str(value));
}

static void expect_rows(struct cursor *c, const char *text)
{
    uint8_t bytes[64];
    struct buf b = buf_of(bytes, sizeof bytes);
    struct span key, value;
    for (; STORE_RAM.cursor_row(c, &key, &value); STORE_RAM.cursor_next(c)) {
        buf_put(&b, key);
        buf_put(&b, value);
    }
    cr_expect(span_is(buf_span(&b), text));
    cr_expect_eq(STORE_RAM.cursor_free(c), OK);
}

static struct cursor *cursor(struct engine *e, const char *from)
{
    unsigned table = 1;
    struct cursor *c;
    cr_assert_eq(STORE_RAM.cursors(e, &table, 1, span_str(from), &c), OK);
    return c;
}

Test(ram, is_a_sorted_map_with_cursors_of_one_moment)
{
    struct engine *e = made();
    put(e, "m", "1"), put(e, "a", "2"), put(e, "z", "3"), put(e, "m", "4");
    scratch_commit_engine(&STORE_RAM, e);
    struct cursor *before = cursor(e, "");
    STORE_RAM.del(e, 1, span_str("m"));
    put(e, "b", "5");
    scratch_commit_engine(&STORE_RAM, e);
    expect_rows(cursor(e, ""), "a2b5z3");
    expect_rows(cursor(e, "aa"), "b5z3");
    expect_rows(before, "a2m4z3");
    STORE_RAM.close(e);
}

Test(ram, finds_the_row_at_or_before_a_key)
{
    static const struct {
        const char *key, *rest;
    } CASES[] = {{"a", "b2m4"}, {"b", "b2m4"}, {"c", "b2m4"}, {"m", "m4"}, {"z", "m4"}};
    struct engine *e = made();
    put(e, "b", "2"), put(e, "m", "4");
    scratch_commit_engine(&STORE_RAM, e);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct cursor *c = cursor(e, "zz");
        STORE_RAM.cursor_floor(c, span_str(CASES[i].key));
        expect_rows(c, CASES[i].rest);
    }
    STORE_RAM.close(e);
}

Test(ram, begins_empty)
{
    struct engine *e;
    struct store_options o = {.create = false};
    cr_expect_eq(STORE_RAM.open(&o, &e, NULL), ERR_NOTFOUND);
    e = made();
    put(e, "k", "v"); /* an open batch is freed with it */
    expect_rows(cursor(e, ""), "");
    STORE_RAM.close(e);
}

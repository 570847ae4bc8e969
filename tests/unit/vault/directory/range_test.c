/* Proves: a range becomes prefixes that hold exactly its numbers, each once (against brute
 * force), and no fewer would do; anything that is not a range is refused. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "vault/directory/range.h"

struct prefixes {
    size_t count;
    char text[400][PREFIX_BYTES_MAX + 1];
};

static enum err keep(void *arg, struct span prefix)
{
    struct prefixes *p = arg;
    cr_assert(p->count < 400 && prefix.n <= PREFIX_BYTES_MAX);
    memcpy(p->text[p->count], prefix.p, prefix.n);
    p->text[p->count++][prefix.n] = '\0';
    return OK;
}

static struct prefixes prefixes_of(const char *range)
{
    struct prefixes p = {0};
    cr_assert_eq(range_prefixes(span_str(range), keep, &p), OK, "%s", range);
    return p;
}

static size_t holders(const struct prefixes *p, const char *number)
{
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++)
        count += strncmp(number, p->text[i], strlen(p->text[i])) == 0;
    return count;
}

/* Ten neighbours that are all there would have been one prefix. */
static bool could_be_fewer(const struct prefixes *p)
{
    for (size_t i = 0; i + 9 < p->count; i++) {
        size_t n = strlen(p->text[i]);
        if (n > 1 && strlen(p->text[i + 9]) == n && p->text[i][n - 1] == '0' &&
            p->text[i + 9][n - 1] == '9' && strncmp(p->text[i], p->text[i + 9], n - 1) == 0)
            return true;
    }
    return false;
}

Test(range, every_range_of_three_digits)
{
    for (int from = 0; from < 1000; from += 17)
        for (int to = from; to < 1000; to += 13) {
            char range[32], number[16];
            snprintf(range, sizeof range, "%03d-%03d", from, to);
            struct prefixes p = prefixes_of(range);
            cr_assert_not(could_be_fewer(&p), "%s", range);
            for (int n = 0; n < 1000; n++) {
                snprintf(number, sizeof number, "%03d", n);
                size_t want = n >= from && n <= to;
                if (holders(&p, number) != want)
                    cr_assert_eq(holders(&p, number), want, "%s in %s", number, range);
            }
        }
}

Test(range, written_forms)
{
    static const struct {
        const char *range, *first;
        size_t count;
    } ROWS[] = {
        {"+1212555", "+1212555", 1},
        {"1212555", "1212555", 1},
        {"+12125550100-+12125550199", "+121255501", 1},
        {"+12125550100-12125550199", "+121255501", 1},
        {"+12125550100-+12125550149", "+1212555010", 5},
        {"+12125550155-+12125550155", "+12125550155", 1},
        {"+12125550158-+12125550161", "+12125550158", 4},
        {"0100-0199", "01", 1},
        {"000-999", "0", 10}, /* no prefix is empty: it would be everybody's */
        {"000000000000000001-999999999999999998", "000000000000000001", 2 * (17 * 9 + 4)},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct prefixes p = prefixes_of(ROWS[i].range);
        cr_expect_eq(p.count, ROWS[i].count, "%s: %zu", ROWS[i].range, p.count);
        cr_expect_str_eq(p.text[0], ROWS[i].first);
    }
}

Test(range, what_is_no_range)
{
    static const char *const ROWS[] = {
        "",
        "+",
        "-",
        "+1-",
        "-1",
        "12-+13",
        "+2-+1",
        "+10-+9",
        "1-2-3",
        "+1 2",
        "12a",
        "++1",
        "1234567890123456789",
        "1234567890123456789-1234567890123456790",
        "*69",
        "+12125550100-99",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct prefixes p = {0};
        cr_expect_eq(range_prefixes(span_str(ROWS[i]), keep, &p), ERR_SYNTAX, "%s", ROWS[i]);
        cr_expect_eq(p.count, 0);
    }
}

static enum err refuse(void *arg, struct span prefix)
{
    ++*(int *)arg;
    return prefix.n ? ERR_NOMEM : OK;
}

Test(range, an_error_ends_the_walk)
{
    int calls = 0;
    cr_expect_eq(range_prefixes(span_str("10-59"), refuse, &calls), ERR_NOMEM);
    cr_expect_eq(calls, 1);
}

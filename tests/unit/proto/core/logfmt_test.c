/* Proves: a line is one line of key=value pairs whatever is put in, and never overflows. */
#include "proto/core/logfmt.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct span line_of(struct logfmt *l, const char *value)
{
    logfmt_begin(l, 0, "info", "vault", "opened");
    logfmt_str(l, "k", value);
    return logfmt_end(l);
}

Test(logfmt, values)
{
    static const struct {
        const char *value, *shown;
    } ROWS[] = {
        {"plain", "plain"},
        {"10.0.0.1:5060", "10.0.0.1:5060"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"new\nline\x1b[0m", "\"new?line?[0m\""},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct logfmt l;
        char want[200];
        snprintf(want, sizeof want,
                 "ts=1970-01-01T00:00:00.000000Z level=info role=vault event=opened k=%s\n",
                 ROWS[i].shown);
        struct span got = line_of(&l, ROWS[i].value);
        cr_expect(span_is(got, want), "%.*s", (int)got.n, (const char *)got.p);
    }
}

Test(logfmt, a_pair_that_does_not_fit_is_left_out_whole)
{
    static char big[LOGFMT_BYTES_MAX];
    struct logfmt l;
    memset(big, 'x', sizeof big - 1);
    logfmt_begin(&l, 0, "info", "vault", "opened");
    logfmt_str(&l, "big", big);
    logfmt_number(&l, "after", 18446744073709551615U);
    struct span got = logfmt_end(&l);
    cr_expect(span_ends(got, span_str("event=opened after=18446744073709551615\n")), "%.*s",
              (int)got.n, (const char *)got.p);
}

/* Every length up to and over the room: ends in one newline, within the line. */
Test(logfmt, every_length_ends_in_a_newline)
{
    static char value[LOGFMT_BYTES_MAX + 8];
    for (size_t n = 0; n < sizeof value; n++) {
        struct logfmt l;
        memset(value, ' ', n); /* quoted */
        value[n] = '\0';
        struct span got = line_of(&l, value);
        cr_assert_leq(got.n, LOGFMT_BYTES_MAX);
        cr_assert_eq(span_find(got, '\n'), got.n - 1);
    }
}

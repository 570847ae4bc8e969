/* The messages between forward and vault: what is written is what is read, every prefix and
 * every tail is refused, and a row that does not fit leaves no half. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/wire/pull.h"

static const uint8_t KEY[CONSUMER_KEY_BYTES] = {1, 2, 3, [31] = 32};

static struct pull_row sample_row(void)
{
    return (struct pull_row){
        .position = 77,
        .revision = 3,
        .account = span_str("acct-9"),
        .period_start_s = -86400,
        .period_s = 3600,
        .service = span_str("voice"),
        .direction = span_str("originating"),
        .call_type = span_str("national"),
        .juris = span_str("interstate"),
        .rate_band = span_str("flat"),
        .attempts = 1000,
        .answered = 900,
        .duration_ms = UINT64_MAX,
        .incomplete = 4,
        .forwarded = 5,
        .billed_count = 2,
        .billed = {{span_str("1/1"), 60}, {span_str("6/6"), 66}},
        .failed_count = 1,
        .failed = {{span_str("busy"), 96}},
    };
}

static bool count_eq(const struct pull_count *a, const struct pull_count *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!span_eq(a[i].name, b[i].name) || a[i].value != b[i].value)
            return false;
    return true;
}

static void expect_row(const struct pull_row *a, const struct pull_row *b)
{
    cr_expect_eq(a->position, b->position);
    cr_expect_eq(a->revision, b->revision);
    cr_expect_eq(a->period_start_s, b->period_start_s);
    cr_expect_eq(a->period_s, b->period_s);
    cr_expect(span_eq(a->account, b->account));
    cr_expect(span_eq(a->service, b->service));
    cr_expect(span_eq(a->direction, b->direction));
    cr_expect(span_eq(a->call_type, b->call_type));
    cr_expect(span_eq(a->juris, b->juris));
    cr_expect(span_eq(a->rate_band, b->rate_band));
    cr_expect_eq(a->attempts, b->attempts);
    cr_expect_eq(a->answered, b->answered);
    cr_expect_eq(a->duration_ms, b->duration_ms);
    cr_expect_eq(a->incomplete, b->incomplete);
    cr_expect_eq(a->forwarded, b->forwarded);
    cr_assert_eq(a->billed_count, b->billed_count);
    cr_assert_eq(a->failed_count, b->failed_count);
    cr_expect(count_eq(a->billed, b->billed, a->billed_count));
    cr_expect(count_eq(a->failed, b->failed, a->failed_count));
}

/* --- one decoder a row: the whole is read, every prefix and one byte more are refused --- */

static void put_ask(struct buf *b)
{
    pull_ask_encode(&(struct pull_ask){span_of(KEY, 32), span_str("usage.calls"), 9, 100}, b);
}
static enum err get_ask(struct span in)
{
    struct pull_ask a;
    enum err e = pull_ask_decode(in, &a, NULL);
    if (e == OK)
        cr_expect(span_eq(a.consumer_key, span_of(KEY, 32)) && span_is(a.stream, "usage.calls") &&
                  a.cursor == 9 && a.max_rows == 100);
    return e;
}

static void put_consumer(struct buf *b)
{
    pull_consumer_encode(&(struct pull_consumer){span_str("billing"), PULL_USAGE | PULL_AGG}, b);
}
static enum err get_consumer(struct span in)
{
    struct pull_consumer c;
    enum err e = pull_consumer_decode(in, &c, NULL);
    if (e == OK && in.n)
        cr_expect(span_is(c.name, "billing") && c.families == 3);
    return e;
}

static void put_position(struct buf *b)
{
    pull_position_encode(&(struct pull_position){span_str("agg.calls"), 1ULL << 40}, b);
}
static enum err get_position(struct span in)
{
    struct pull_position p;
    enum err e = pull_position_decode(in, &p, NULL);
    if (e == OK)
        cr_expect(span_is(p.stream, "agg.calls") && p.position == 1ULL << 40);
    return e;
}

static void put_row(struct buf *b)
{
    struct pull_row row = sample_row();
    pull_row_encode(&row, b);
}
static enum err get_row(struct span in)
{
    struct pull_row row, want = sample_row();
    struct reader r = reader_of(in);
    enum err e = pull_row_next(&r, &row, NULL);
    if (e == OK)
        expect_row(&row, &want);
    return e == OK && reader_more(&r) ? ERR_SYNTAX : e;
}

static void put_head(struct buf *b)
{
    pull_rows_head_encode(&(struct pull_rows_head){12, 34, span_of(KEY, 32)}, b);
}
static enum err get_head(struct span in)
{
    struct reader r = reader_of(in);
    struct pull_rows_head h;
    enum err e = pull_rows_head_decode(&r, &h, NULL);
    if (e == OK)
        cr_expect(h.next_cursor == 12 && h.chain_seq == 34 &&
                  span_eq(h.chain_hash, span_of(KEY, 32)));
    return e == OK && reader_more(&r) ? ERR_SYNTAX : e;
}

static const struct {
    const char *name;
    void (*put)(struct buf *b);
    enum err (*get)(struct span in);
} MESSAGE[] = {
    {"pull_ask", put_ask, get_ask},           {"consumer", put_consumer, get_consumer},
    {"position", put_position, get_position}, {"row", put_row, get_row},
    {"rows head", put_head, get_head},
};
enum { MESSAGES = sizeof MESSAGE / sizeof MESSAGE[0] };

Test(pull, reads_what_was_written)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        uint8_t room[2048];
        struct buf b = buf_of(room, sizeof room);
        MESSAGE[i].put(&b);
        cr_expect(buf_ok(&b), "%s", MESSAGE[i].name);
        cr_expect_eq(MESSAGE[i].get(buf_span(&b)), OK, "%s", MESSAGE[i].name);
    }
}

Test(pull, refuses_every_prefix_and_one_byte_more)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        uint8_t room[2048] = {0};
        struct buf b = buf_of(room, sizeof room);
        MESSAGE[i].put(&b);
        for (size_t n = 0; n <= b.n + 1; n++) {
            uint8_t *exact = malloc(n ? n : 1); /* the sanitizer sees byte n + 1 */
            memcpy(exact, room, n);
            bool nobody = MESSAGE[i].get == get_consumer && n == 0; /* an unknown key */
            if (n != b.n && !nobody)
                cr_expect_neq(MESSAGE[i].get(span_of(exact, n)), OK, "%s, %zu bytes",
                              MESSAGE[i].name, n);
            free(exact);
        }
    }
}

Test(pull, a_buffer_too_small_holds_whole_rows_only)
{
    uint8_t room[2048];
    struct pull_row row = sample_row();
    struct buf whole = buf_of(room, sizeof room);
    pull_row_encode(&row, &whole);
    for (size_t cap = 0; cap < 2 * whole.n; cap++) {
        struct buf b = buf_of(room, cap);
        pull_row_encode(&row, &b);
        pull_row_encode(&row, &b);
        cr_expect(!buf_ok(&b));
        cr_expect_eq(b.n, cap < whole.n ? 0 : whole.n, "%zu bytes", cap);
    }
}

Test(pull, a_row_with_an_account_that_no_directory_gives_is_left_out)
{
    uint8_t account[PULL_ROW_BYTES_MAX] = {0}, room[4 * PULL_ROW_BYTES_MAX];
    struct pull_row row = sample_row();
    row.account = span_of(account, sizeof account);
    struct buf b = buf_of(room, sizeof room);
    pull_row_encode(&row, &b);
    cr_expect(!buf_ok(&b));
    cr_expect_eq(b.n, 0);
}

Test(pull, refuses_numbers_out_of_range)
{
    uint8_t room[256];
    char stream[STREAM_BYTES_MAX + 1], name[CONSUMER_NAME_BYTES_MAX + 1];
    memset(stream, 's', sizeof stream);
    memset(name, 'n', sizeof name);
    struct pull_ask a = {span_of(KEY, 32), span_str("usage.calls"), 0, PULL_ROWS_MAX + 1};
    struct buf b = buf_of(room, sizeof room);
    pull_ask_encode(&a, &b);
    cr_expect_eq(pull_ask_decode(buf_span(&b), &a, NULL), ERR_LIMIT);

    a = (struct pull_ask){span_of(KEY, 32), span_of(stream, sizeof stream), 0, 1};
    buf_reset(&b);
    pull_ask_encode(&a, &b);
    cr_expect_eq(pull_ask_decode(buf_span(&b), &a, NULL), ERR_LIMIT);

    struct pull_consumer c = {span_of(name, sizeof name), PULL_USAGE};
    buf_reset(&b);
    pull_consumer_encode(&c, &b);
    cr_expect_eq(pull_consumer_decode(buf_span(&b), &c, NULL), ERR_LIMIT);

    struct pull_position p = {span_of(stream, sizeof stream), 1};
    buf_reset(&b);
    pull_position_encode(&p, &b);
    cr_expect_eq(pull_position_decode(buf_span(&b), &p, NULL), ERR_LIMIT);
}

Test(pull, an_unknown_key_has_no_name_and_no_family)
{
    struct pull_consumer c = {span_str("old"), PULL_USAGE};
    cr_expect_eq(pull_consumer_decode(SPAN_EMPTY, &c, NULL), OK);
    cr_expect(c.name.n == 0 && c.families == 0);
}

Test(pull, a_row_cannot_say_more_counts_than_there_is_room)
{
    uint8_t room[2048];
    struct pull_row row = sample_row();
    row.billed_count = row.failed_count = 0;
    struct buf b = buf_of(room, sizeof room);
    pull_row_encode(&row, &b);
    room[b.n - 2] = PULL_INCREMENTS_MAX + 1; /* the number of increments */
    struct reader r = reader_of(buf_span(&b));
    struct diag d = {0};
    cr_expect_eq(pull_row_next(&r, &row, &d), ERR_SYNTAX);
    cr_expect_str_eq(d.what, "row");
}

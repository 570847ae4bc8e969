/* Proves: what is packed is read back with its sequence, in one row and by single records; a pack
 * takes one month, consecutive records, and no more than it may; a record that was taken out is
 * gone and the others are not; any cut or changed length is found out or gives what is there. */
#include "vault/store/pack.h"

#include "tests/unit/vault/store/scratch.h"

enum { TABLE = 14, FIRST = 1000 };

static struct pack pack;
static uint8_t key_bytes[8];

static void setup(void)
{
    cr_assert_eq(pack_init(&pack), OK);
}

static void teardown(void)
{
    pack_done(&pack);
}

TestSuite(pack, .init = setup, .fini = teardown);

static struct span key(void)
{
    struct buf b = buf_of(key_bytes, sizeof key_bytes);
    buf_be64(&b, pack.first);
    return buf_span(&b);
}

static struct span row(void)
{
    return buf_span(&pack.bytes);
}

static void fill(uint32_t records)
{
    for (uint64_t seq = FIRST; seq < FIRST + records; seq++) {
        uint8_t value[SCRATCH_VALUE_BYTES];
        scratch_value(seq, value);
        pack_add(&pack, TABLE, seq, span_of(value, sizeof value));
    }
}

static void expect_value(uint64_t seq, struct span value)
{
    uint8_t expected[SCRATCH_VALUE_BYTES];
    scratch_value(seq, expected);
    cr_expect(span_eq(value, span_of(expected, sizeof expected)), "record %lu", seq);
}

Test(pack, gives_back_what_it_took)
{
    fill(40);
    struct pack_reader r = pack_reader_of(key(), row());
    struct span value;
    uint64_t expected = FIRST;
    for (uint64_t seq; pack_next(&r, &seq, &value); expected++) {
        cr_assert_eq(seq, expected);
        expect_value(seq, value);
    }
    cr_expect(pack_ok(&r));
    cr_expect_eq(expected, FIRST + 40);
    cr_expect_eq(pack_end(key(), row()), FIRST + 40);
}

Test(pack, finds_single_records)
{
    fill(10);
    struct span value;
    for (uint64_t seq = FIRST; seq < FIRST + 10; seq++) {
        cr_assert_eq(pack_find(key(), row(), seq, &value), OK);
        expect_value(seq, value);
    }
    cr_expect_eq(pack_find(key(), row(), FIRST - 1, &value), ERR_NOTFOUND);
    cr_expect_eq(pack_find(key(), row(), FIRST + 10, &value), ERR_NOTFOUND);
}

Test(pack, takes_one_month_and_a_bounded_number)
{
    cr_expect(pack_takes(&pack, TABLE, PACK_VALUE_BYTES_MAX));
    cr_expect_not(pack_takes(&pack, TABLE, PACK_VALUE_BYTES_MAX + 1));
    fill(1);
    cr_expect(pack_takes(&pack, TABLE, 100));
    cr_expect_not(pack_takes(&pack, TABLE + 1, 100));
    cr_expect_not(pack_takes(&pack, TABLE, PACK_BYTES));
    pack_reset(&pack);
    fill(PACK_RECORDS_MAX);
    cr_expect_not(pack_takes(&pack, TABLE, 1));
    pack_reset(&pack);
    cr_expect(pack_takes(&pack, TABLE + 1, 100));
}

Test(pack, a_record_larger_than_a_row_is_alone)
{
    static uint8_t large[PACK_VALUE_BYTES_MAX];
    struct span value;
    memset(large, 0x5a, sizeof large);
    pack_add(&pack, TABLE, 7, span_of(large, sizeof large));
    cr_expect_not(pack_takes(&pack, TABLE, 1));
    cr_assert_eq(pack_find(key(), row(), 7, &value), OK);
    cr_expect(span_eq(value, span_of(large, sizeof large)));
}

/* One after the other, in an order that is not theirs, until nothing is left. */
Test(pack, records_are_taken_out_one_by_one)
{
    enum { RECORDS = 23, STEP = 7 };
    fill(RECORDS);
    static uint8_t memory[2][PACK_BYTES];
    struct span at = row();
    bool gone[RECORDS] = {0};
    for (uint64_t i = 0; i < RECORDS; i++) {
        uint64_t victim = i * STEP % RECORDS;
        struct buf out = buf_of(memory[i & 1], at.n);
        cr_assert_eq(pack_without(key(), at, FIRST + victim, &out), OK);
        gone[victim] = true;
        at = buf_span(&out);
        if (i == RECORDS - 1)
            break;
        cr_expect_eq(pack_end(key(), at), FIRST + RECORDS);
        for (uint64_t j = 0; j < RECORDS; j++) {
            struct span value;
            cr_expect_eq(pack_find(key(), at, FIRST + j, &value), gone[j] ? ERR_NOTFOUND : OK);
            if (!gone[j])
                expect_value(FIRST + j, value);
        }
        struct buf again = buf_of(memory[~i & 1], at.n);
        cr_expect_eq(pack_without(key(), at, FIRST + victim, &again), ERR_NOTFOUND);
    }
    cr_expect_eq(at.n, 0, "nothing is left of a row without records");
}

/* A damaged row gives no record that was not there: whole records, in their order, then the
 * end or the damage. */
Test(pack, a_cut_row_is_damaged_or_shorter)
{
    fill(5);
    size_t damaged = 0;
    for (size_t n = 0; n < row().n; n++) {
        struct pack_reader r = pack_reader_of(key(), span_sub(row(), 0, n));
        struct span value;
        uint64_t expected = FIRST;
        for (uint64_t seq; pack_next(&r, &seq, &value); expected++) {
            cr_assert_eq(seq, expected);
            expect_value(seq, value);
        }
        cr_expect_lt(expected, FIRST + 5);
        damaged += !pack_ok(&r);
    }
    cr_expect_eq(damaged, row().n - 5, "only a cut between two records is none");
}

Test(pack, another_format_is_damage)
{
    fill(2);
    struct span value;
    pack.bytes.p[0]++;
    cr_expect_eq(pack_find(key(), row(), FIRST, &value), ERR_FORGED);
    cr_expect_eq(pack_find(key(), SPAN_EMPTY, FIRST, &value), ERR_FORGED);
    pack.bytes.p[0]--;
    cr_expect_eq(pack_find(span_sub(key(), 0, 7), row(), FIRST, &value), ERR_FORGED);
}

/* Proves: a lane sends what is due and no more, in order and whole, by file and by datagrams; one
 * whose input is made while it is sent sends the same. outside_test.c has the others. */
#include "bench/lane.h"

#include <criterion/criterion.h>
#include <fcntl.h>

#include "tests/unit/bench/listener.h"

static const struct calls_options CALLS = {.seed = 4, .count = 700, .customers = 20};
static struct stock stock, again;
static struct daemon dm;

static void send_all(struct lane *l)
{
    uint64_t now = 0;
    for (unsigned turn = 0; !lane_sent_all(l); turn++) {
        size_t from = l->next;
        size_t sent = lane_send(l, now);
        cr_assert_eq(l->next, from + sent);
        cr_assert_lt(turn, 100000u);
        now += 1000;
    }
}

static void by_file(bool whole)
{
    static uint8_t room[512 * 1024];
    struct lane l = {.stock = &stock, .way = LANE_FILE, .pace = {.rate = 100000}};
    struct diag d = {.what = ""};
    snprintf(dm.file, sizeof dm.file, "/tmp/lane_test-%ld", (long)getpid());
    close(open(dm.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    cr_assert_eq(stock_init(&stock, STOCK_CSV, &CALLS, 1), OK);
    cr_assert_eq(stock_init(&again, STOCK_CSV, &CALLS, 1), OK);
    stock_make(&again, STOCK_ALL);
    if (whole)
        stock_make(&stock, STOCK_ALL);
    cr_assert_eq(lane_open(&l, &dm, NULL, &d), OK, "%s", d.what);
    send_all(&l);
    lane_close(&l);
    int fd = open(dm.file, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, room, sizeof room);
    close(fd);
    unlink(dm.file);
    cr_expect_eq((size_t)n, again.bytes);
    cr_expect_eq(memcmp(room, again.room, again.bytes), 0);
    cr_expect_eq(truth_differences(&stock.truth, &again.truth), 0u);
    stock_done(&stock);
    stock_done(&again);
}

Test(lane, a_file_gets_all_lines)
{
    by_file(true);
}

Test(lane, input_made_while_it_is_sent_is_the_same)
{
    by_file(false);
}

Test(lane, datagrams_when_they_are_due)
{
    struct listener at = listen_on(SOCK_DGRAM);
    struct lane l = {.stock = &stock, .way = LANE_UDP, .pace = {.rate = 1000}};
    struct diag d = {.what = ""};
    uint8_t room[2048];
    cr_assert_eq(stock_init(&stock, STOCK_HEP, &CALLS, 10), OK);
    stock_make(&stock, STOCK_ALL);
    dm.hep_port = at.port;
    cr_assert_eq(lane_open(&l, &dm, NULL, &d), OK, "%s", d.what);
    cr_expect_eq(lane_send(&l, 0), 1u, "the first is due at once");
    cr_expect_eq(lane_send(&l, 999), 0u);
    cr_expect_eq(lane_send(&l, 3000), 3u);
    for (size_t i = 0; i < 4; i++) {
        ssize_t n = recv(at.fd, room, sizeof room, 0);
        cr_assert_eq((size_t)n, stock_item(&stock, i).n);
        cr_expect_eq(memcmp(room, stock_item(&stock, i).p, (size_t)n), 0);
    }
    lane_close(&l);
    stock_done(&stock);
    close(at.fd);
}

Test(lane, what_cannot_be_opened_is_told)
{
    struct lane l = {.stock = &stock, .way = LANE_FILE};
    struct diag d = {.what = NULL};
    snprintf(dm.file, sizeof dm.file, "/nonexistent/file");
    cr_expect_eq(lane_open(&l, &dm, NULL, &d), ERR_STORE);
    cr_expect_not_null(d.what);
    lane_close(&l);
}

/* Proves with a clock of its own and no real process: what is started when, that deaths are
 * followed by longer and longer waits, and that stopping goes group by group, kills who is
 * late, and starts again whom a draining group still needs. */
#include "ingest/cpnid/supervise.h"

#include <criterion/criterion.h>
#include <signal.h>

enum { VAULT, FORWARD, INGEST0, INGEST1, COUNT };

struct world {
    struct supervisor s;
    uint64_t now_ms;
    unsigned starts[COUNT], restarts[COUNT];
    int last_signal[COUNT];
    bool refuse_spawn;
};

static bool spawn(void *arg, unsigned i)
{
    struct world *w = arg;
    w->starts[i]++;
    w->last_signal[i] = 0;
    return !w->refuse_spawn;
}

static void send_signal(void *arg, unsigned i, int signo)
{
    ((struct world *)arg)->last_signal[i] = signo;
}

static void restarting(void *arg, unsigned i, uint32_t delay_ms)
{
    (void)delay_ms;
    ((struct world *)arg)->restarts[i]++;
}

static const struct supervise_ops OPS = {spawn, send_signal, restarting};

static void begin(struct world *w)
{
    static const unsigned ORDER[COUNT] = {3, 2, 1, 1};
    *w = (struct world){.now_ms = 1000};
    w->s = (struct supervisor){.ops = &OPS, .arg = w, .drain_ms = 500, .count = COUNT};
    for (unsigned i = 0; i < COUNT; i++)
        w->s.process[i].stop_order = ORDER[i];
    cr_assert_eq(supervise_tick(&w->s, w->now_ms), UINT32_MAX);
    for (unsigned i = 0; i < COUNT; i++) {
        cr_assert_eq(w->starts[i], 1);
        cr_assert(!supervise_all_up(&w->s));
        supervise_ready(&w->s, i);
    }
    cr_assert(supervise_all_up(&w->s));
}

static uint32_t tick(struct world *w, uint64_t passed_ms)
{
    w->now_ms += passed_ms;
    return supervise_tick(&w->s, w->now_ms);
}

static void die(struct world *w, unsigned i)
{
    supervise_exited(&w->s, i, false, w->now_ms);
}

Test(supervise, a_dead_role_comes_back_after_its_delay_and_not_before)
{
    struct world w;
    begin(&w);
    die(&w, FORWARD);
    cr_expect_not(supervise_all_up(&w.s));
    cr_expect_eq(tick(&w, 0), 100);
    cr_expect_eq(tick(&w, 99), 1);
    cr_expect_eq(w.starts[FORWARD], 1);
    cr_expect_eq(tick(&w, 1), UINT32_MAX);
    cr_expect_eq(w.starts[FORWARD], 2);
    cr_expect_eq(w.restarts[FORWARD], 1);
    die(&w, FORWARD);
    cr_expect_eq(tick(&w, 0), 200);
    cr_expect_eq(w.starts[VAULT], 1);
}

Test(supervise, a_system_without_room_for_a_process_is_asked_again_later)
{
    struct world w;
    begin(&w);
    die(&w, VAULT);
    w.refuse_spawn = true;
    cr_expect_eq(tick(&w, 100), 200);
    cr_expect_eq(w.starts[VAULT], 2);
    w.refuse_spawn = false;
    cr_expect_eq(tick(&w, 200), UINT32_MAX);
    cr_expect_eq(w.starts[VAULT], 3);
}

Test(supervise, stops_in_order)
{
    struct world w;
    begin(&w);
    supervise_stop(&w.s);
    cr_expect_eq(tick(&w, 0), 500);
    cr_expect_eq(w.last_signal[INGEST0], SIGTERM);
    cr_expect_eq(w.last_signal[INGEST1], SIGTERM);
    cr_expect_eq(w.last_signal[FORWARD], 0);
    die(&w, INGEST0);
    tick(&w, 10);
    cr_expect_eq(w.last_signal[FORWARD], 0, "a worker still drains");
    die(&w, INGEST1);
    cr_expect_eq(tick(&w, 10), 500);
    cr_expect_eq(w.last_signal[FORWARD], SIGTERM);
    cr_expect_eq(w.last_signal[VAULT], 0);
    die(&w, FORWARD);
    tick(&w, 0);
    cr_expect_eq(w.last_signal[VAULT], SIGTERM);
    cr_expect_not(supervise_finished(&w.s));
    die(&w, VAULT);
    tick(&w, 0);
    cr_expect(supervise_finished(&w.s));
    cr_expect_eq(w.s.exit_code, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        cr_expect_eq(w.starts[i], 1);
        cr_expect_eq(w.restarts[i], 0);
    }
}

Test(supervise, who_does_not_end_in_time_is_killed)
{
    struct world w;
    begin(&w);
    supervise_stop(&w.s);
    tick(&w, 0);
    die(&w, INGEST1);
    cr_expect_eq(tick(&w, 499), 1);
    cr_expect_eq(w.last_signal[INGEST0], SIGTERM);
    cr_expect_eq(tick(&w, 1), UINT32_MAX);
    cr_expect_eq(w.last_signal[INGEST0], SIGKILL);
    die(&w, INGEST0);
    tick(&w, 0);
    cr_expect_eq(w.last_signal[FORWARD], SIGTERM);
}

Test(supervise, the_vault_is_started_again_for_workers_that_drain)
{
    struct world w;
    begin(&w);
    supervise_stop(&w.s);
    tick(&w, 0);
    die(&w, VAULT);
    cr_expect_eq(tick(&w, 0), 100);
    tick(&w, 100);
    cr_expect_eq(w.starts[VAULT], 2);
    cr_expect_eq(w.starts[INGEST0], 1);
    die(&w, INGEST0);
    die(&w, INGEST1);
    die(&w, FORWARD);
    tick(&w, 0);
    cr_expect_eq(w.last_signal[VAULT], SIGTERM);
    die(&w, VAULT);
    tick(&w, 100000);
    cr_expect(supervise_finished(&w.s));
    cr_expect_eq(w.starts[VAULT], 2);
}

Test(supervise, a_stop_while_a_role_waits_to_be_restarted)
{
    struct world w;
    begin(&w);
    for (unsigned i = 0; i < COUNT; i++)
        die(&w, i);
    supervise_stop(&w.s);
    tick(&w, 0);
    cr_expect(supervise_finished(&w.s));
    tick(&w, 100000);
    for (unsigned i = 0; i < COUNT; i++)
        cr_expect_eq(w.starts[i], 1);
}

Test(supervise, a_role_that_refuses_ends_the_daemon_and_is_not_started_again)
{
    struct world w;
    begin(&w);
    supervise_exited(&w.s, VAULT, true, w.now_ms);
    tick(&w, 0);
    cr_expect_eq(w.last_signal[INGEST0], SIGTERM);
    cr_expect_eq(w.restarts[VAULT], 0);
    for (unsigned i = FORWARD; i < COUNT; i++) {
        die(&w, i);
        tick(&w, 400);
    }
    while (!supervise_finished(&w.s)) {
        tick(&w, 1);
        for (unsigned i = 0; i < COUNT; i++)
            if (w.s.process[i].state != PROCESS_DOWN)
                die(&w, i);
    }
    cr_expect_eq(w.starts[VAULT], 1);
    cr_expect_eq(w.s.exit_code, ROLE_EXIT_REFUSED);
}

Test(supervise, a_replaced_worker_is_no_death)
{
    struct world w;
    begin(&w);
    supervise_replace(&w.s, INGEST0);
    cr_expect_eq(w.last_signal[INGEST0], SIGTERM);
    tick(&w, 5);
    cr_expect_eq(w.starts[INGEST0], 1);
    die(&w, INGEST0);
    tick(&w, 0);
    cr_expect_eq(w.starts[INGEST0], 2);
    cr_expect_eq(w.restarts[INGEST0], 0);
    die(&w, INGEST0);
    cr_expect_eq(tick(&w, 0), 100, "its own deaths count from the beginning");
}

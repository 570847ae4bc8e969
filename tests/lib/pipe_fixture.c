#include "tests/lib/pipe_fixture.h"

#include "proto/core/check.h"

static int64_t wall(void *arg)
{
    return ((struct pipe_fixture *)arg)->wall_us;
}

static uint64_t mono(void *arg)
{
    return ((struct pipe_fixture *)arg)->mono_us;
}

static void on_welcome(void *arg, size_t feed, uint16_t id, enum feed_kind kind, struct reader *r)
{
    (void)feed, (void)kind, (void)r;
    ((struct pipe_fixture *)arg)->feed.id = id;
}

static void on_live(void *arg, struct span key, struct span value)
{
    (void)arg, (void)key, (void)value;
}

static void on_refused(void *arg, const struct pipe_feed *f, enum metric id, enum reason reason,
                       const struct diag *d)
{
    struct pipe_fixture *x = arg;
    (void)f, (void)id, (void)reason;
    x->last = *d;
    x->refusals++;
}

static void turn(struct pipe_fixture *x)
{
    CHECK(uplink_turn(x->uplink) == OK);
    CHECK(x->vault.link.ops->receive(&x->vault.link) == OK);
}

void pipe_fixture_init(struct pipe_fixture *x, enum feed_kind kind)
{
    struct diag d;
    size_t line;
    memset(x, 0, sizeof *x);
    fake_vault_init(&x->vault);
    x->wall_us = 1763632800000000;
    x->mono_us = 1000000000;
    x->clock = (struct clock_ops){wall, mono, x};
    x->hello = (struct uplink_feed){span_str("feed"), kind};
    struct uplink_options o = {&x->hello, 1, 1, {on_welcome, on_live, x}};
    CHECK(uplink_new(&o, &x->uplink) == OK);
    CHECK(metrics_init(&x->metrics) == OK);
    CHECK(npa_load(span_str("npa,country,region\n212,US,NY\n"), &x->npa, &line, &d) == OK);
    CHECK(pipe_init(&x->pipe, uplink_outlet(x->uplink), &x->clock, &x->metrics) == OK);
    x->pipe.refused = on_refused;
    x->pipe.refused_arg = x;
    x->conf = (struct ingest_feed){INGEST_FEED_DEFAULTS};
    x->conf.name = "feed";
    x->conf.kind = kind;
    x->conf.timezone = "UTC";
    CHECK(pipe_feed_init(&x->feed, &x->conf, 0, &x->npa, &d) == OK);
    x->vault.link.on_frame = uplink_frame;
    x->vault.link.arg = x->uplink;
    uplink_attach(x->uplink, &x->vault.link);
    turn(x);
    CHECK(x->feed.id != 0);
}

void pipe_fixture_done(struct pipe_fixture *x)
{
    CHECK(x->vault.violations == 0);
    metrics_done(&x->metrics);
    pipe_done(&x->pipe);
    uplink_free(x->uplink);
    fake_vault_done(&x->vault);
}

void pipe_fixture_settle(struct pipe_fixture *x)
{
    outlet_close_batch(uplink_outlet(x->uplink));
    for (int i = 0; i < 1000 && !outlet_idle(uplink_outlet(x->uplink)); i++)
        turn(x);
    CHECK(outlet_idle(uplink_outlet(x->uplink)));
}

uint64_t pipe_fixture_count(const struct pipe_fixture *x, enum metric id, enum reason reason)
{
    return metric_get_at(&x->metrics, id, 0, reason);
}

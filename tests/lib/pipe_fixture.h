/* pipe_fixture.h - a pipe with its outlet before a fake vault, a clock that stands still, metrics,
 * and one feed: what the tests of the front ends need. */
#ifndef CPNI_TESTS_PIPE_FIXTURE_H
#define CPNI_TESTS_PIPE_FIXTURE_H

#include "ingest/pipe/pipe.h"
#include "ingest/pipe/uplink.h"
#include "tests/lib/fake_vault.h"

struct pipe_fixture {
    struct fake_vault vault;
    struct uplink_feed hello;
    struct uplink *uplink;
    struct pipe pipe;
    struct clock_ops clock;
    int64_t wall_us;
    uint64_t mono_us;
    struct metrics metrics;
    struct npa_table npa;
    struct ingest_feed conf;
    struct pipe_feed feed;
    struct diag last; /* of what was refused last */
    unsigned refusals;
};

void pipe_fixture_init(struct pipe_fixture *x, enum feed_kind kind);
void pipe_fixture_done(struct pipe_fixture *x);
/* Closes the batch and lets the vault commit it. */
void pipe_fixture_settle(struct pipe_fixture *x);
uint64_t pipe_fixture_count(const struct pipe_fixture *x, enum metric id, enum reason reason);

#endif

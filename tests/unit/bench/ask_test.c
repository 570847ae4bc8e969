/* Proves: the directory is imported whole and so that customers are found; a second import changes
 * nothing; the consumer gets its keys; refusals are errors. */
#include "bench/ask.h"

#include <criterion/criterion.h>

#include "proto/wire/control.h"
#include "tests/lib/vault_fixture.h"

static struct fix f;
static struct ask ask;

static void setup(void)
{
    struct peer all = fix_peer_all();
    all.forward = true;
    fix_init(&f, &all);
    ask = (struct ask){.link = NULL};
    cr_assert_eq(vault_link_local(f.vault, &all, ask_frame, &ask, &ask.link), OK);
}

static void teardown(void)
{
    vault_link_free(ask.link);
    fix_done(&f);
}

TestSuite(ask, .init = setup, .fini = teardown);

Test(ask, the_directory_is_imported_whole)
{
    enum { CUSTOMERS = 700 };
    struct vault_totals t;
    cr_assert_eq(ask_import(&ask, CUSTOMERS), OK);
    cr_assert_eq(ask_import(&ask, CUSTOMERS), OK);
    vault_totals(f.vault, &t);
    cr_expect_eq(t.customers, (uint64_t)CUSTOMERS);
    cr_expect_eq(t.entries, population_entries(CUSTOMERS));
}

Test(ask, a_consumer_gets_its_keys_once)
{
    struct key_file key = {.name = ""};
    struct rows none;
    cr_assert_eq(rows_init(&none), OK);
    cr_assert_eq(ask_consumer(&ask, &key), OK);
    cr_expect_eq(strlen(key.server_key), KEY_TEXT_BYTES - 1u);
    cr_expect_eq(ask_totals(&ask, &key, &none), OK);
    cr_expect_eq(none.count, 0u);
    cr_expect_eq(ask_consumer(&ask, &key), ERR_DENIED, "the name is taken");
    rows_done(&none);
}

Test(ask, refusals_are_errors)
{
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    struct key_file stranger = {.name = ""};
    struct rows none;
    control_put_verb(&b, "no such");
    cr_expect_eq(ask_send(&ask, FRAME_REQUEST, buf_span(&b)), ERR_DENIED);
    cr_assert_eq(rows_init(&none), OK);
    key_file_generate(&stranger);
    cr_expect_eq(ask_totals(&ask, &stranger, &none), ERR_DENIED);
    rows_done(&none);
}

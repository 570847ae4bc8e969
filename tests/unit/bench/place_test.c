/* Proves: a place has a vault in it that opens, is gone afterwards unless it is to be kept, and is
 * never made where a state is already; the working directory stays. */
#include "bench/place.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Test(place, made_and_removed)
{
    struct place p;
    struct diag d;
    char before[4096], after[4096], path[2 * PLACE_BYTES];
    cr_assert(getcwd(before, sizeof before));
    cr_assert_eq(place_new(NULL, false, &p, &d), OK, "%s", d.what);
    cr_assert(getcwd(after, sizeof after));
    cr_expect_str_eq(before, after);
    place_path(&p, "state/keyring", path);
    cr_expect_eq(access(path, R_OK), 0);
    place_path(&p, "state", path);
    cr_expect_str_eq(path, p.state);
    place_done(&p);
    cr_expect_neq(access(path, F_OK), 0);
}

Test(place, kept_and_not_overwritten)
{
    struct place p, again;
    struct diag d;
    char dir[] = "/tmp/cpnibench-test-XXXXXX", path[2 * PLACE_BYTES];
    cr_assert(mkdtemp(dir));
    cr_assert_eq(place_new(dir, true, &p, &d), OK, "%s", d.what);
    place_path(&p, "state/keyring", path);
    place_done(&p);
    cr_expect_eq(access(path, R_OK), 0);
    cr_expect_eq(place_new(dir, false, &again, &d), ERR_CONFLICT);
    cr_expect_not_null(d.what);
    cr_expect_eq(access(path, R_OK), 0, "a refusal removes nothing");
    p = (struct place){.keep = false};
    snprintf(p.dir, sizeof p.dir, "%s", dir);
    place_done(&p);
    cr_expect_neq(access(dir, F_OK), 0);
}

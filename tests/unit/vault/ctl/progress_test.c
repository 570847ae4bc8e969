/* The bar: on a terminal only, drawn when the percentage changes, and taken away. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "vault/ctl/progress.h"

Test(progress, says_nothing_where_there_is_no_terminal)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    struct progress p = progress_on(f);
    progress_show(&p, 1, 2);
    progress_clear(&p);
    fclose(f);
    cr_expect_eq(bytes, 0);
    free(text);
}

/* What a terminal was sent, up to now. */
static size_t drawn(int master, char *room, size_t cap)
{
    ssize_t n = read(master, room, cap - 1);
    room[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

Test(progress, draws_on_a_terminal)
{
    char room[512];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    FILE *f = fopen(ptsname(master), "w");
    cr_assert_not_null(f);
    struct progress p = progress_on(f);
    progress_show(&p, 1, 0); /* of an unknown whole there is no part */
    cr_expect_eq(drawn(master, room, sizeof room), 0);
    progress_show(&p, 1, 4);
    drawn(master, room, sizeof room);
    cr_expect_not_null(strstr(room, "[##########                              ]  25%"), "%s", room);
    progress_show(&p, 10001, 40000);
    cr_expect_eq(drawn(master, room, sizeof room), 0, "the same percentage");
    progress_show(&p, 9, 4); /* more than the whole: it grew meanwhile */
    drawn(master, room, sizeof room);
    cr_expect_not_null(strstr(room, "100%"));
    progress_clear(&p);
    cr_expect_gt(drawn(master, room, sizeof room), 0);
    progress_clear(&p);
    cr_expect_eq(drawn(master, room, sizeof room), 0, "cleared once");
    fclose(f);
    close(master);
}

/* Proves feeds.md 12.1 and 12.3 one transition and one race at a time: what each story of
 * messages gives out, to the millisecond. */
#include "dialog_stories.h"

Test(dialog, stories)
{
    for (size_t i = 0; i < sizeof STORIES / sizeof STORIES[0]; i++) {
        static struct story s;
        story_init(&s, NULL, 1);
        story_tell(&s, STORIES[i].story, NULL);
        cr_expect_str_eq(s.out, STORIES[i].records, "%s:\n%s", STORIES[i].name, s.out);
        story_done(&s);
    }
}

static struct dialog_counts counts_of(const char *text)
{
    static struct story s;
    story_init(&s, NULL, 1);
    story_tell(&s, text, NULL);
    struct dialog_counts n = *dialog_counts(s.t);
    story_done(&s);
    return n;
}

/* Each message is counted once by what became of it. */
Test(dialog, counts)
{
    struct dialog_counts n = counts_of("0 REGISTER\n1 200 of=REGISTER\n2 OPTIONS\n3 MESSAGE");
    cr_expect_eq(n.messages, 4);
    cr_expect_eq(n.ignored, 4);

    n = counts_of("0 BYE to=b\n1 200 of=BYE to=b\n2 180 to=b\n3 INVITE to=b\n4 CANCEL");
    cr_expect_eq(n.orphan_requests, 3);
    cr_expect_eq(n.orphan_responses, 2);

    n = counts_of("0 INVITE\n500 INVITE\n501 INVITE br=p1\n502 100\n503 100\n504 180 to=b");
    cr_expect_eq(n.invites, 3);
    cr_expect_eq(n.responses, 3);
    cr_expect_eq(n.repeated, 2, "an INVITE and a 100, not %lu", (unsigned long)n.repeated);
    cr_expect_eq(n.hops, 1);

    n = counts_of("0 INVITE\n5 486 to=b\n6 ACK to=b\n7 486 to=b\n8 BYE to=b");
    cr_expect_eq(n.records, 1);
    cr_expect_eq(n.late, 2, "the 486 and the BYE; the ACK belongs to the end");

    n = counts_of("0 INVITE\n5 200 to=b\n6 200 to=c\n7 BYE to=zz cs=2");
    cr_expect_eq(n.forks, 1);
    cr_expect_eq(n.orphan_requests, 1, "a tag that never answered");

    n = counts_of("0 INVITE sdp=sendrecv\n40000 tick");
    cr_expect_eq(n.timeouts, 1);
    cr_expect_eq(n.secrets, 1, "the a=crypto line");
}

/* Tombstones go first, then the oldest unanswered call, as an incomplete record; answered
 * calls are never given up, new ones are refused instead. */
Test(dialog, a_full_table)
{
    static struct story s;
    const struct dialog_limits limits = {.dialogs_max = 3};
    story_init(&s, &limits, 1);
    story_tell(&s, "0 INVITE id=a\n1 486 id=a to=x\n2 INVITE id=b\n3 INVITE id=c\n4 INVITE id=d",
               NULL);
    cr_expect_str_eq(s.out, "attempt busy 486 17d callee 0/-/-/1 bill=0\n", "a's tombstone went");
    story_tell(&s, "5 INVITE id=e", NULL);
    cr_expect(strstr(s.out, "incomplete unknown 0 0 unknown 2/-/-/- bill=0 I\n"), "b went");
    cr_expect_eq(dialog_counts(s.t)->evicted, 1);
    cr_expect_eq(dialog_live(s.t), 3);
    story_tell(&s, "6 200 id=c to=x\n7 200 id=d to=x\n8 200 id=e to=x\n9 INVITE id=f", NULL);
    cr_expect_eq(dialog_counts(s.t)->refused, 1);
    cr_expect_eq(dialog_counts(s.t)->evicted, 1);
    story_done(&s);
}

/* Memory grows with the calls that live, and what they gave back is used again. */
Test(dialog, memory_is_reused)
{
    static struct story s;
    const struct dialog_limits limits = {.dialogs_max = 20000};
    story_init(&s, &limits, 1);
    size_t first = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 2000; i++) {
            char line[128];
            snprintf(line, sizeof line, "%d INVITE id=c%d", round * 1000000, i + round * 10000);
            story_line(&s, line);
            snprintf(line, sizeof line, "%d 486 to=b id=c%d", round * 1000000, i + round * 10000);
            s.out_bytes = 0;
            story_line(&s, line);
        }
        dialog_tick(s.t, (uint64_t)(round * 1000000 + 500000) * US_PER_MS, story_emit, &s);
        cr_expect_eq(dialog_live(s.t), 0);
        if (round == 0)
            first = dialog_bytes(s.t);
    }
    cr_expect_eq(dialog_bytes(s.t), first);
    story_done(&s);
}

/* Proves that a restart of the ingest role loses no call: each story, interrupted behind each
 * of its messages by a checkpoint and a restore into a new table with another seed, gives the
 * records of the uninterrupted run, marked as restored. And that damaged checkpoints are
 * refused, whatever is wrong with them. */
#include "dialog_stories.h"

enum { KEPT_MAX = 64, VALUE_BYTES_MAX = 2 * DIALOG_BYTES_MAX };

/* What the vault would hold. */
static struct kept {
    uint8_t key[512], value[VALUE_BYTES_MAX];
    size_t key_bytes, value_bytes; /* key_bytes 0 = free */
} kept[KEPT_MAX];
static unsigned puts_count, deletes_count;

static struct kept *slot_of(struct span key)
{
    struct kept *free_slot = NULL;
    for (size_t i = 0; i < KEPT_MAX; i++) {
        if (kept[i].key_bytes && span_eq(key, span_of(kept[i].key, kept[i].key_bytes)))
            return &kept[i];
        if (kept[i].key_bytes == 0 && !free_slot)
            free_slot = &kept[i];
    }
    cr_assert(free_slot);
    return free_slot;
}

static void keep(void *arg, struct span key, struct span value)
{
    struct kept *k = slot_of(key);
    (void)arg;
    if (value.n == 0) {
        cr_expect(k->key_bytes, "only what was saved is deleted");
        k->key_bytes = 0;
        deletes_count++;
        return;
    }
    cr_assert(key.n <= sizeof k->key && value.n <= sizeof k->value);
    memcpy(k->key, key.p, key.n);
    memcpy(k->value, value.p, value.n);
    k->key_bytes = key.n;
    k->value_bytes = value.n;
    puts_count++;
}

static void forget(void)
{
    memset(kept, 0, sizeof kept);
    puts_count = deletes_count = 0;
}

static size_t held(void)
{
    size_t n = 0;
    for (size_t i = 0; i < KEPT_MAX; i++)
        n += kept[i].key_bytes != 0;
    return n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Records in no order, without the mark: "... R", "... IFR". */
static void normalize(char *text, char *out)
{
    char *line[64];
    size_t n = 0;
    for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n")) {
        size_t end = strlen(p);
        bool marked = p[end - 1] == 'R';
        if (marked)
            p[p[end - 2] == ' ' ? end - 2 : end - 1] = '\0';
        line[n++] = p;
    }
    qsort(line, n, sizeof *line, by_text);
    for (size_t i = 0; i < n; i++)
        out += sprintf(out, "%s\n", line[i]);
    *out = '\0';
}

static void restart(struct story *s, uint64_t now_us)
{
    struct story next = {0};
    const struct dialog_limits limits = {.checkpoint_ms = 1};
    dialog_checkpoint(s->t, now_us + US_PER_S, keep, NULL);
    story_init(&next, &limits, 99);
    for (size_t i = 0; i < KEPT_MAX; i++)
        if (kept[i].key_bytes) {
            enum err e = dialog_restore(next.t, span_of(kept[i].key, kept[i].key_bytes),
                                        span_of(kept[i].value, kept[i].value_bytes), now_us, NULL);
            cr_assert_eq(e, OK, "%s", err_name(e));
        }
    dialog_table_free(s->t);
    arena_done(&s->arena);
    s->t = next.t;
    s->arena = next.arena;
}

/* Tells the story with a restart behind line `at`; at < 0: none. False: no such line. */
static bool tell(struct story *s, const char *text, int at)
{
    const struct dialog_limits limits = {.checkpoint_ms = 1};
    bool reached = at < 0;
    story_init(s, &limits, 1);
    forget();
    for (int i = 0; *text; i++) {
        char line[512];
        size_t n = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        story_line(s, line);
        if (i == at) {
            /* a call that is over is not kept: what comes late would be an orphan */
            reached = dialog_live(s->t) > 0;
            if (reached)
                restart(s, (uint64_t)atol(line) * US_PER_MS);
        }
        text += n + (text[n] == '\n');
    }
    dialog_tick(s->t, UINT64_MAX / 4, story_emit, s);
    return reached;
}

static size_t lines_of(const char *text)
{
    size_t n = 1;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

Test(dialog_save, a_restart_anywhere_changes_no_record)
{
    size_t restarts = 0;
    for (size_t i = 0; i < sizeof STORIES / sizeof STORIES[0]; i++) {
        static struct story s;
        static char want[16 * 1024], got[16 * 1024];
        tell(&s, STORIES[i].story, -1);
        normalize(s.out, want);
        story_done(&s);
        for (size_t at = 0; at < lines_of(STORIES[i].story); at++) {
            bool live = tell(&s, STORIES[i].story, (int)at);
            normalize(s.out, got);
            if (live)
                cr_expect_str_eq(got, want, "%s, behind line %zu:\n%s", STORIES[i].name, at, got);
            restarts += live;
            story_done(&s);
        }
    }
    cr_expect_gt(restarts, 100);
}

/* Answered calls at once; others when they are older than checkpoint_ms; each change again. */
Test(dialog_save, who_is_saved_when)
{
    static struct story s;
    forget();
    story_init(&s, NULL, 1); /* 200 ms */
    story_tell(&s, "0 INVITE id=a\n100 INVITE id=b", NULL);
    dialog_checkpoint(s.t, 199 * US_PER_MS, keep, NULL);
    cr_expect_eq(held(), 0);
    dialog_checkpoint(s.t, 200 * US_PER_MS, keep, NULL);
    cr_expect_eq(held(), 1, "a is old enough");
    story_tell(&s, "210 200 id=b to=x", NULL);
    dialog_checkpoint(s.t, 210 * US_PER_MS, keep, NULL);
    cr_expect_eq(held(), 2, "b was answered");
    cr_expect_eq(puts_count, 2);
    dialog_checkpoint(s.t, 900 * US_PER_MS, keep, NULL);
    cr_expect_eq(puts_count, 2, "nothing changed");
    story_tell(&s, "910 486 id=a to=x\n920 BYE id=b to=x cs=2", NULL);
    dialog_checkpoint(s.t, 930 * US_PER_MS, keep, NULL);
    cr_expect_eq(held(), 1);
    cr_expect_eq(puts_count, 3, "b is ending");
    story_tell(&s, "940 200 of=BYE id=b to=x cs=2\n950 INVITE id=c\n960 486 id=c to=y", NULL);
    dialog_checkpoint(s.t, 970 * US_PER_MS, keep, NULL);
    cr_expect_eq(held(), 0);
    cr_expect_eq(deletes_count, 2, "c came and went unsaved");
    story_done(&s);
}

/* A tombstone that owes a deletion outlives its minute and the need for room. */
Test(dialog_save, no_deletion_is_forgotten)
{
    static struct story s;
    const struct dialog_limits limits = {.dialogs_max = 1, .checkpoint_ms = 1};
    forget();
    story_init(&s, &limits, 1);
    story_tell(&s, "0 INVITE id=a", NULL);
    dialog_checkpoint(s.t, US_PER_S, keep, NULL);
    cr_expect_eq(held(), 1);
    story_tell(&s, "2000 486 id=a to=x\n100000 tick\n100001 INVITE id=b", NULL);
    cr_expect_eq(dialog_counts(s.t)->refused, 1);
    dialog_checkpoint(s.t, 200 * US_PER_S, keep, NULL);
    cr_expect_eq(held(), 0);
    story_tell(&s, "200001 INVITE id=b", NULL);
    cr_expect_eq(dialog_live(s.t), 1);
    story_done(&s);
}

/* The same Call-ID again before the checkpoint: the new call takes over the old one's place. */
Test(dialog_save, a_new_call_of_the_same_key_takes_over)
{
    static struct story s;
    forget();
    story_init(&s, NULL, 1);
    story_tell(&s, "0 INVITE", NULL);
    dialog_checkpoint(s.t, US_PER_S, keep, NULL);
    story_tell(&s, "2000 486 to=x\n2001 INVITE cs=2 br=a2\n2002 486 cs=2 br=a2 to=y", NULL);
    dialog_checkpoint(s.t, 3 * US_PER_S, keep, NULL);
    cr_expect_eq(held(), 0);
    story_done(&s);
}

static struct kept one_checkpoint(void)
{
    static struct story s;
    forget();
    story_init(&s, NULL, 1);
    story_tell(&s, "0 INVITE sdp=sendrecv\n20 180 to=b\n500 200 to=b sdp=sendrecv", NULL);
    dialog_checkpoint(s.t, US_PER_S, keep, NULL);
    story_done(&s);
    cr_assert_eq(held(), 1);
    return kept[0];
}

static enum err restore(struct span key, struct span value)
{
    struct dialog_table *t;
    const struct dialog_limits limits = {.dialogs_max = 4};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){5, 6}, &t), OK);
    struct diag d = {0};
    enum err e = dialog_restore(t, key, value, 0, &d);
    cr_expect_eq(dialog_live(t), e == OK);
    dialog_table_free(t);
    return e;
}

Test(dialog_save, damaged_checkpoints_are_refused)
{
    static struct kept k;
    k = one_checkpoint();
    struct span key = span_of(k.key, k.key_bytes), value = span_of(k.value, k.value_bytes);
    cr_expect_eq(restore(key, value), OK);
    cr_expect_eq(restore(SPAN_EMPTY, value), ERR_SYNTAX);
    cr_expect_eq(restore(span_sub(key, 0, key.n - 1), value), ERR_SYNTAX);
    cr_expect_eq(restore(key, SPAN_EMPTY), ERR_VERSION);
    for (size_t n = 1; n < 100; n++)
        cr_expect_neq(restore(key, span_sub(value, 0, n)), OK, "first %zu bytes", n);
    k.value[0] = 2;
    cr_expect_eq(restore(key, value), ERR_VERSION);
    k.value[0] = 1;
    k.value[1] = 0x80; /* t_start before 1970 */
    cr_expect_eq(restore(key, value), ERR_SYNTAX);
}

Test(dialog_save, a_call_is_there_once)
{
    static struct kept k;
    k = one_checkpoint();
    struct span key = span_of(k.key, k.key_bytes), value = span_of(k.value, k.value_bytes);
    struct dialog_table *t;
    const struct dialog_limits limits = {.dialogs_max = 1};
    cr_assert_eq(dialog_table_new(&limits, (struct dialog_seed){5, 6}, &t), OK);
    cr_expect_eq(dialog_restore(t, key, value, 0, NULL), OK);
    cr_expect_eq(dialog_restore(t, key, value, 0, NULL), ERR_CONFLICT);
    k.key[0] ^= 1;
    cr_expect_eq(dialog_restore(t, key, value, 0, NULL), ERR_FULL);
    dialog_table_free(t);
}

/* Proves: what is called durable is the count of the answer before the last, and nothing is asked
 * while an answer is due. The vault is a row of frames here. */
#include "bench/watch.h"

#include <criterion/criterion.h>

#include "proto/wire/control.h"

static unsigned requests;
static enum err received;

static enum err count_send(struct vault_link *l, enum frame_type type, uint32_t id,
                           struct span payload)
{
    (void)l, (void)id, (void)payload;
    cr_expect_eq(type, FRAME_REQUEST);
    requests++;
    return OK;
}

static enum err nothing(struct vault_link *l)
{
    (void)l;
    return received;
}

static const struct vault_link_ops OPS = {.send = count_send, .receive = nothing};
static struct vault_link link_of_test = {.ops = &OPS};

static void answer(struct watch *w, uint32_t id, const char *accepted, uint8_t status)
{
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    buf_lv(&b, span_str("daemon"));
    buf_lv(&b, span_str("accepted"));
    buf_lv(&b, span_str(accepted));
    watch_frame(w, &(struct frame){FRAME_ROW, id, buf_span(&b)});
    buf_reset(&b);
    control_put_end(&b, (enum control_status)status, "");
    watch_frame(w, &(struct frame){FRAME_END, id, buf_span(&b)});
}

Test(watch, a_count_is_durable_when_the_next_answer_has_come)
{
    struct watch w = {.link = &link_of_test};
    cr_assert_eq(watch_turn(&w, 1000), OK);
    cr_assert_eq(watch_turn(&w, 100000), OK);
    cr_expect_eq(requests, 1u, "the first answer is due");
    answer(&w, w.id, "5", CONTROL_DONE);
    cr_expect_eq(w.durable, 0u);
    cr_assert_eq(watch_turn(&w, 200000), OK);
    answer(&w, w.id - 1, "7", CONTROL_DONE);
    cr_expect_eq(w.durable, 0u, "an answer to another question");
    answer(&w, w.id, "9", CONTROL_DONE);
    cr_expect_eq(w.durable, 5u);
    cr_expect_eq(w.heard, 9u);
    cr_assert_eq(watch_turn(&w, 200001), OK);
    cr_expect_eq(requests, 2u, "not so soon");
}

Test(watch, a_refusal_and_a_vault_that_went_away_end_it)
{
    struct watch w = {.link = &link_of_test};
    cr_assert_eq(watch_turn(&w, 1000), OK);
    answer(&w, w.id, "0", CONTROL_DENIED);
    cr_expect_eq(watch_turn(&w, 2000), ERR_NET);
    w = (struct watch){.link = &link_of_test};
    received = ERR_SHUTDOWN;
    cr_expect_eq(watch_turn(&w, 1000), ERR_NET);
    received = OK;
}

#include "bench/watch.h"

#include "proto/core/instant.h"
#include "proto/wire/control.h"

/* An answer costs the vault some 5 us, so this is one part in a thousand of its core. */
enum { POLL_US = 5 * US_PER_MS };

static const char SCOPE[] = "daemon", NAME[] = "accepted"; /* one row of the many */

static void on_row(struct watch *w, struct span payload)
{
    struct reader r = reader_of(payload);
    struct span scope = reader_lv(&r), name = reader_lv(&r), digits = reader_lv(&r);
    uint64_t value;
    if (!reader_ok(&r) || span_u64(digits, UINT64_MAX, &value) != OK)
        return;
    if (span_is(scope, SCOPE) && span_is(name, NAME))
        w->accepted = value;
}

void watch_frame(void *watch, const struct frame *f)
{
    struct watch *w = watch;
    if (f->id != w->id)
        return;
    if (f->type == FRAME_ROW)
        on_row(w, f->payload);
    if (f->type != FRAME_END)
        return;
    w->asked = false;
    w->refused = f->payload.n == 0 || f->payload.p[0] != CONTROL_DONE;
    w->durable = w->heard;
    w->heard = w->accepted;
}

enum err watch_open(struct watch *w, const char *socket_path)
{
    *w = (struct watch){.id = 0};
    return vault_link_connect(socket_path, watch_frame, w, &w->link);
}

void watch_close(struct watch *w)
{
    w->link = vault_link_free(w->link);
}

static enum err ask(struct watch *w, uint64_t now_us)
{
    uint8_t room[64];
    struct buf b = buf_of(room, sizeof room);
    control_put_verb(&b, "status");
    control_put_arg(&b, "scope", span_str(SCOPE));
    control_put_arg(&b, "name", span_str(NAME));
    w->id++;
    w->asked = true;
    w->next_us = now_us + POLL_US;
    return vault_send(w->link, FRAME_REQUEST, w->id, buf_span(&b));
}

enum err watch_turn(struct watch *w, uint64_t now_us)
{
    enum err e = w->link->ops->receive(w->link);
    if (e == OK && !w->asked && now_us >= w->next_us)
        e = ask(w, now_us);
    return e == OK && !w->refused ? OK : ERR_NET;
}

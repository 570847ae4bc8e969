/* dialog_record.h - what a dialog keeps of its messages, and the record made of it at the end.
 * Private to the dialog table: dialog.c decides when. */
#ifndef CPNI_RECORD_DIALOG_RECORD_H
#define CPNI_RECORD_DIALOG_RECORD_H

#include "proto/record/dialog_table.h"
#include "proto/record/sdp.h"

/* One message on its way through the table. */
struct step {
    struct dialog_table *t;
    const struct sip_msg *m;
    const struct dialog_meta *meta;
    uint64_t now_us;
    dialog_emit_fn *emit;
    void *arg;
    uint32_t branch, from_tag, to_tag; /* hashes; tags: 0 = none */
    uint32_t cell;
    struct dialog *d;
    bool from_caller; /* the transaction was begun by the caller */
};

/* The description in the message; its secrets are counted, also when it cannot be read. */
struct sdp dialog_sdp(struct step *s);

/* The INVITE in at most DIALOG_BYTES_MAX less what the answer needs. A field that does not
 * fit drops all of them: headers of that size are an attack, the call is still counted. */
void dialog_keep_invite(struct step *s);
/* Adds items behind those of the INVITE; without room the call loses them, not itself. */
void dialog_keep_more(struct step *s, const struct call *c);
/* What the 2xx says. */
void dialog_keep_answer(struct step *s);
/* The items of the INVITE, for a second leg. False: no room. */
bool dialog_copy_base(struct dialog_table *t, const struct dialog *from, struct dialog *to);

/* The hold state from `at` on; closes or opens the time on hold. */
void dialog_hold(struct dialog *d, uint8_t hold, int64_t at);

/* Key of the dialog's checkpoint, from its text, appended to b; DIALOG_KEY_BYTES_MAX is room. */
enum { DIALOG_LEG_BYTES = 4, DIALOG_KEY_BYTES_MAX = DIALOG_BYTES_MAX + DIALOG_LEG_BYTES };
void dialog_saved_key(const struct dialog *d, struct span text, struct buf *b);

/* Gives the record out; the dialog stays. given_up: it did not end, we stopped. */
void dialog_give_out(struct dialog_table *t, uint32_t cell, bool given_up, dialog_emit_fn *emit,
                     void *arg);

#endif

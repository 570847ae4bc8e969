#include "proto/classify/classify.h"

static struct span cut(struct span kept, struct span whole, struct classify_counts *counts)
{
    counts->cut += kept.n < whole.n;
    return kept;
}

void classify_extras(enum feed_kind kind, struct extra extra[], size_t *count,
                     struct classify_counts *counts)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const struct extra *x = &extra[i];
        uint16_t field = x->field == FIELD_UNKNOWN ? field_by_variable(kind, x->name) : x->field;
        const struct field_row *row = field_row(field);
        struct span value = x->value;
        counts->by_handling[row->handling]++;
        counts->unknown += field == FIELD_UNKNOWN;
        if (row->kinds & CPNI_D)
            value = cut(number_cut_postd(value), value, counts);
        if (row->handling != HANDLE_DROP)
            extra[kept++] = (struct extra){field, x->name, value};
    }
    *count = kept;
}

/* Digits dialled into the answered call are no part of the number called. */
static void cut_post_dial(struct call *c, struct classify_counts *counts)
{
    struct span *const NUMBER[] = {&c->calling_tn,   &c->calling_raw,        &c->presented_tn,
                                   &c->called_tn,    &c->called_raw,         &c->dialed_digits,
                                   &c->connected_tn, &c->redirecting_tn,     &c->charge_tn,
                                   &c->lrn,          &c->original_called_tn, &c->stir_orig_tn};
    for (size_t i = 0; i < sizeof NUMBER / sizeof NUMBER[0]; i++)
        *NUMBER[i] = cut(number_strip(*NUMBER[i]), *NUMBER[i], counts);
}

void classify_record(struct record *r, const struct derive_rules *rules, struct buf *room,
                     struct classify_counts *counts)
{
    classify_extras((enum feed_kind)r->call.feed_kind, r->extra, &r->extras_count, counts);
    cut_post_dial(&r->call, counts);
    derive(rules, &r->call, room);
    record_bound(r);
}

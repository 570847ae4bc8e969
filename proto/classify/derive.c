#include "proto/classify/derive.h"

/* One end of the call, as far as jurisdiction goes. */
enum place { PLACE_UNKNOWN, PLACE_US, PLACE_ABROAD };
struct end {
    enum place place;
    char region[2];
    enum juris_basis basis;
};

static struct end end_of(const struct number_rules *rules, const struct number *n,
                         enum juris_basis basis)
{
    struct end e = {.basis = basis};
    if (!n->e164)
        return e;
    struct npa_row row = npa_find(rules->npa, n->npa);
    if (n->npa == 0)
        e.place = n->dest_class == DEST_WORLD ? PLACE_ABROAD : PLACE_UNKNOWN;
    else if (row.kind == NPA_CANADA || row.kind == NPA_OTHER)
        e.place = PLACE_ABROAD;
    else if (row.kind == NPA_US) {
        e.place = PLACE_US;
        memcpy(e.region, row.region, sizeof e.region);
    }
    return e;
}

/* One end abroad makes it international whatever the other is. Territories are regions of
 * their own: between two of them, or one and a state, is interstate. */
static enum juris juris_of(const struct end *a, const struct end *b)
{
    if (a->place == PLACE_ABROAD || b->place == PLACE_ABROAD)
        return JURIS_INTERNATIONAL;
    if (a->place == PLACE_UNKNOWN || b->place == PLACE_UNKNOWN)
        return JURIS_UNKNOWN;
    return memcmp(a->region, b->region, sizeof a->region) == 0 ? JURIS_INTRASTATE
                                                               : JURIS_INTERSTATE;
}

/* The called number says where a call ends, a routing number better: a ported or toll-free
 * number is served by the switch that the LRN names. */
static void derive_juris(const struct number_rules *rules, struct call *c,
                         const struct number *calling, const struct number *called,
                         const struct number *lrn)
{
    struct end from = end_of(rules, calling, JURIS_BASIS_NPA);
    struct end to = end_of(rules, called, JURIS_BASIS_NPA);
    struct end routed = end_of(rules, lrn, JURIS_BASIS_LRN);
    if (routed.place != PLACE_UNKNOWN)
        to = routed;
    c->juris = (uint8_t)juris_of(&from, &to);
    c->juris_basis = (uint8_t)(c->juris == JURIS_UNKNOWN ? JURIS_BASIS_UNKNOWN : to.basis);
}

static enum svc_type service_of(enum media_kind kind)
{
    static const uint8_t SERVICE[MEDIA_COUNT] = {
        [MEDIA_UNKNOWN] = SERVICE_VOICE, [MEDIA_AUDIO] = SERVICE_VOICE,
        [MEDIA_VIDEO] = SERVICE_VIDEO,   [MEDIA_IMAGE] = SERVICE_FAX, /* T.38: m=image */
        [MEDIA_TEXT] = SERVICE_VOICE,    [MEDIA_APPLICATION] = SERVICE_VOICE};
    return kind < MEDIA_COUNT ? (enum svc_type)SERVICE[kind] : SERVICE_VOICE;
}

/* The text is read; what is a number becomes +E.164, what is not stays. */
static struct number normalise(const struct number_rules *rules, struct span *tn, struct buf *room)
{
    struct number n = {.tn = *tn};
    if (tn->n)
        number_read(rules, *tn, room, &n);
    *tn = n.tn;
    return n;
}

void derive(const struct derive_rules *rules, struct call *c, struct buf *room)
{
    const struct number_rules *numbers = &rules->numbers;
    if (c->calling_tn.n == 0)
        c->calling_tn = c->calling_raw;
    if (c->called_tn.n == 0)
        c->called_tn = c->called_raw;
    struct number calling = normalise(numbers, &c->calling_tn, room);
    struct number called = normalise(numbers, &c->called_tn, room);
    struct number lrn = normalise(numbers, &c->lrn, room);
    struct span *const REST[] = {&c->presented_tn,       &c->connected_tn, &c->redirecting_tn,
                                 &c->original_called_tn, &c->charge_tn,    &c->stir_orig_tn};
    for (size_t i = 0; i < sizeof REST / sizeof REST[0]; i++)
        (void)normalise(numbers, REST[i], room);
    if (called.call_type == CALL_TYPE_UNKNOWN && c->dialed_digits.n) {
        struct number dialed;
        number_read(numbers, c->dialed_digits, room, &dialed);
        called.call_type = dialed.call_type;
        called.dest_class = dialed.dest_class;
    }
    c->call_type = (uint8_t)called.call_type;
    c->dest_class = (uint8_t)called.dest_class;
    derive_juris(numbers, c, &calling, &called, &lrn);
    c->rate_band = RATE_FLAT; /* no plan table is loaded */
    if (c->svc_type == SERVICE_UNKNOWN)
        c->svc_type = (uint8_t)service_of((enum media_kind)c->media_kind);
    if (c->redirecting_tn.n || c->original_called_tn.n || c->redirect_count)
        c->forwarded = 1;
}

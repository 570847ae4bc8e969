#include "proto/record/sip_call.h"

#include "proto/record/passport.h"

static bool present(const struct sip_addr *a)
{
    return a->uri.text.n != 0;
}

static bool is_tel(const struct sip_uri *u)
{
    return span_ieq(u->scheme, span_str("tel"));
}

/* The party a URI names: its user; of urn:service:sos all of it (RFC 5031). */
static struct span party(const struct sip_uri *u)
{
    bool numbered = is_tel(u) || u->host.n;
    return numbered ? u->user : u->text;
}

static bool is_separator(uint8_t c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

/* RFC 3966 5.1.1: "-", ".", "(" and ")" only please the eye. What is not a number stays. */
static struct span number(struct span user, struct buf *room)
{
    size_t separators = 0;
    for (size_t i = 0; i < user.n; i++) {
        uint8_t c = user.p[i];
        bool separator = is_separator(c);
        if (!separator && !byte_is_digit(c) && !(c == '+' && i == 0))
            return user;
        separators += separator;
    }
    uint8_t *out = separators ? buf_room(room, user.n - separators) : NULL;
    if (!out)
        return user;
    size_t n = 0;
    for (size_t i = 0; i < user.n; i++)
        if (!is_separator(user.p[i]))
            out[n++] = user.p[i];
    return span_of(out, n);
}

/* RFC 3325 9.1: one sip and one tel URI may assert the same caller; tel is the number. */
static const struct sip_addr *asserted(const struct sip_msg *m)
{
    for (size_t i = 0; i < m->asserted_count; i++)
        if (is_tel(&m->asserted[i].uri))
            return &m->asserted[i];
    return m->asserted_count ? &m->asserted[0] : NULL;
}

static const struct sip_addr *caller(const struct sip_msg *m)
{
    const struct sip_addr *a = asserted(m);
    if (a)
        return a;
    if (present(&m->preferred))
        return &m->preferred;
    return present(&m->remote_party) ? &m->remote_party : &m->from;
}

static struct span display(const struct sip_msg *m, const struct sip_addr *best)
{
    if (best->display.n)
        return best->display;
    for (size_t i = 0; i < m->asserted_count; i++)
        if (m->asserted[i].display.n)
            return m->asserted[i].display;
    return m->from.display;
}

static void fill_caller(const struct sip_msg *m, struct buf *room, struct call *c)
{
    const struct sip_addr *best = caller(m);
    c->calling_raw = party(&best->uri);
    c->calling_tn = number(c->calling_raw, room);
    c->calling_name = display(m, best);
    struct span shown = number(party(&m->from.uri), room);
    if (!span_eq(shown, c->calling_tn))
        c->presented_tn = shown;
    c->privacy = m->privacy;
    c->domain = m->from.uri.host;
    c->charge_tn = number(party(&m->charge.uri), room);
}

/* RFC 4694: rn and npdi; RFC 4904: tgrp of the Request-URI is where the call leaves. */
static void fill_called(const struct sip_msg *m, struct buf *room, struct call *c)
{
    struct span word;
    c->called_raw = party(&m->ruri);
    c->called_tn = number(c->called_raw, room);
    c->called_domain = m->ruri.host;
    c->dialed_digits = party(&m->to.uri);
    if (sip_uri_param(&m->ruri, "rn", &word))
        c->lrn = number(word, room);
    c->npdi = sip_uri_param(&m->ruri, "npdi", &word);
    if (sip_uri_param(&m->ruri, "cic", &word))
        c->carrier_out = word;
    if (sip_uri_param(&m->ruri, "tgrp", &word))
        c->trunk_out = word;
    if (sip_uri_param(&m->contact.uri, "tgrp", &word))
        c->trunk_in = word;
}

static void fill_redirect(const struct sip_msg *m, struct buf *room, struct call *c)
{
    const struct sip_redirect *r = &m->redirect;
    c->redirecting_tn = number(r->recent, room);
    c->original_called_tn = number(r->oldest, room);
    c->redirect_reason = r->reason;
    c->redirect_count = (uint8_t)(r->count < UINT8_MAX ? r->count : UINT8_MAX);
}

/* A parameter of the From or of an asserted identity, in the URI or behind it. */
static bool caller_param(const struct sip_msg *m, const char *name, struct span *word)
{
    for (size_t i = 0; i < m->asserted_count; i++)
        if (sip_uri_param(&m->asserted[i].uri, name, word) ||
            sip_param(m->asserted[i].params, name, word))
            return true;
    return sip_uri_param(&m->from.uri, name, word) || sip_param(m->from.params, name, word);
}

static void fill_line(const struct sip_msg *m, struct call *c)
{
    struct span word;
    uint64_t oli;
    if ((caller_param(m, "isup-oli", &word) || caller_param(m, "oli", &word)) &&
        span_u64(word, UINT8_MAX, &oli) == OK)
        c->oli = (uint8_t)oli;
}

/* 3GPP TS 24.229 7.2A.20; some senders show the attestation as a suffix: "...-Passed-A". */
static void fill_verdict(const struct sip_msg *m, struct call *c)
{
    static const struct {
        struct span word;
        enum stir_verstat code;
    } VERDICTS[] = {{SPAN_LIT("TN-Validation-Passed"), VERSTAT_PASSED},
                    {SPAN_LIT("TN-Validation-Failed"), VERSTAT_FAILED},
                    {SPAN_LIT("No-TN-Validation"), VERSTAT_NONE}};
    struct span word;
    if (!caller_param(m, "verstat", &word))
        return;
    for (size_t i = 0; i < sizeof VERDICTS / sizeof VERDICTS[0]; i++)
        if (span_ieq(span_sub(word, 0, VERDICTS[i].word.n), VERDICTS[i].word))
            c->stir_verstat = (uint8_t)VERDICTS[i].code;
}

/* The first PASSporT with an attestation; others (div, rcd) say nothing of the caller. */
static void fill_passport(const struct sip_msg *m, struct buf *room, struct call *c)
{
    for (size_t i = 0; i < m->identity_count; i++) {
        struct passport p;
        if (passport_parse(m->identity[i], room, &p, NULL) != OK || p.attest == ATTEST_UNKNOWN)
            continue;
        c->stir_attest = (uint8_t)p.attest;
        c->stir_origid = p.origid;
        c->stir_orig_tn = p.orig_tn;
        c->stir_iat = p.iat;
        return;
    }
}

void sip_call_invite(const struct sip_msg *m, const struct sdp *offer, struct buf *room,
                     struct call *c)
{
    c->feed_kind = FEED_HEP;
    c->leg_role = 3; /* the whole call, as far as one Call-ID shows it */
    c->call_key = m->call_id;
    c->sip_call_id = m->call_id;
    c->from_tag = m->from_tag;
    c->session_id = m->session_id;
    c->icid = m->icid;
    fill_caller(m, room, c);
    fill_called(m, room, c);
    fill_redirect(m, room, c);
    fill_line(m, c);
    fill_verdict(m, c);
    fill_passport(m, room, c);
    c->user_agent = m->user_agent;
    c->location = m->location;
    c->media_ip_a = offer->media_ip;
    c->codec_in = offer->codec;
    c->media_kind = (uint8_t)offer->media_kind;
}

void sip_call_answer(const struct sip_msg *m, const struct sdp *answer, struct buf *room,
                     struct call *c)
{
    const struct sip_addr *a = asserted(m);
    c->to_tag = m->to_tag;
    if (a)
        c->connected_tn = number(party(&a->uri), room);
    c->media_ip_b = answer->media_ip;
    c->codec_out = answer->codec;
    c->media_kind = (uint8_t)answer->media_kind;
}

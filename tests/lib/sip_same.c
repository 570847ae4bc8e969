#include "tests/lib/sip_same.h"

static bool same_uri(const struct sip_uri *a, const struct sip_uri *b)
{
    return span_eq(a->text, b->text) && span_eq(a->scheme, b->scheme) &&
           span_eq(a->user, b->user) && span_eq(a->user_params, b->user_params) &&
           span_eq(a->host, b->host) && span_eq(a->params, b->params) &&
           span_eq(a->headers, b->headers) && a->port == b->port;
}

static bool same_addr(const struct sip_addr *a, const struct sip_addr *b)
{
    return span_eq(a->display, b->display) && same_uri(&a->uri, &b->uri) &&
           span_eq(a->params, b->params);
}

static bool same_redirect(const struct sip_redirect *a, const struct sip_redirect *b)
{
    return span_eq(a->recent, b->recent) && span_eq(a->oldest, b->oldest) &&
           span_eq(a->reason, b->reason) && a->count == b->count;
}

static bool same_parties(const struct sip_msg *a, const struct sip_msg *b)
{
    for (size_t i = 0; i < SIP_ASSERTED_MAX; i++)
        if (!same_addr(&a->asserted[i], &b->asserted[i]))
            return false;
    return same_addr(&a->from, &b->from) && same_addr(&a->to, &b->to) &&
           same_addr(&a->contact, &b->contact) && a->asserted_count == b->asserted_count &&
           same_addr(&a->preferred, &b->preferred) &&
           same_addr(&a->remote_party, &b->remote_party) && same_addr(&a->charge, &b->charge);
}

static bool same_numbers(const struct sip_msg *a, const struct sip_msg *b)
{
    return a->method == b->method && a->status == b->status && a->cseq == b->cseq &&
           a->transport == b->transport && a->privacy == b->privacy &&
           a->session_expires_s == b->session_expires_s && a->reason.q850 == b->reason.q850 &&
           a->reason.sip == b->reason.sip && a->secrets_dropped == b->secrets_dropped;
}

static bool same_texts(const struct sip_msg *a, const struct sip_msg *b)
{
    const struct span of_a[] = {
        a->start,    a->call_id,      a->from_tag,   a->to_tag,      a->branch,      a->sent_by,
        a->icid,     a->session_id,   a->user_agent, a->server,      a->location,    a->replaces,
        a->refer_to, a->content_type, a->body,       a->reason.text, a->reason.where};
    const struct span of_b[] = {
        b->start,    b->call_id,      b->from_tag,   b->to_tag,      b->branch,      b->sent_by,
        b->icid,     b->session_id,   b->user_agent, b->server,      b->location,    b->replaces,
        b->refer_to, b->content_type, b->body,       b->reason.text, b->reason.where};
    for (size_t i = 0; i < sizeof of_a / sizeof of_a[0]; i++)
        if (!span_eq(of_a[i], of_b[i]))
            return false;
    return true;
}

static bool same_lists(const struct sip_msg *a, const struct sip_msg *b)
{
    if (a->identity_count != b->identity_count || a->extras_count != b->extras_count)
        return false;
    for (size_t i = 0; i < a->identity_count; i++)
        if (!span_eq(a->identity[i], b->identity[i]))
            return false;
    for (size_t i = 0; i < a->extras_count; i++)
        if (a->extra[i].field != b->extra[i].field ||
            !span_eq(a->extra[i].name, b->extra[i].name) ||
            !span_eq(a->extra[i].value, b->extra[i].value))
            return false;
    return true;
}

bool sip_same(const struct sip_msg *a, const struct sip_msg *b)
{
    return same_uri(&a->ruri, &b->ruri) && same_parties(a, b) && same_numbers(a, b) &&
           same_texts(a, b) && same_lists(a, b) && same_redirect(&a->history, &b->history) &&
           same_redirect(&a->diversion, &b->diversion) && same_redirect(&a->redirect, &b->redirect);
}

bool sip_same_both_ways(struct span in, struct arena *a, struct arena *b, struct sip_msg *out,
                        struct diag *d, enum err *result)
{
    static struct sip_msg judged;
    struct diag why = *d;
    *result = sip_msg_parse(in, a, out, d);
    if (sip_msg_judge(in, b, &judged, &why) != *result)
        return false;
    if (*result != OK)
        return d->at == why.at && d->what == why.what;
    return sip_same(out, &judged);
}

/* One SIP message: every span stays in the input or the arena; no secret is left in an extra;
 * what is read is what libosip2 reads (sip_msg_parse refuses anything else), also where it was
 * not asked. */
#include "proto/core/check.h"
#include "tests/lib/sip_same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct span s, struct span of)
{
    return s.n == 0 || (s.p >= of.p && s.p + s.n <= of.p + of.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sip_msg m;
    static struct arena a, of_judge;
    struct diag d = {0};
    struct span in = span_of(data, size), v;
    if (!a.p)
        CHECK(arena_init(&a, 4 * SIP_MESSAGE_BYTES_MAX) == OK &&
              arena_init(&of_judge, 4 * SIP_MESSAGE_BYTES_MAX) == OK);
    arena_reset(&a);
    arena_reset(&of_judge);
    (void)sip_msg_likely(in);
    enum err e;
    CHECK(sip_same_both_ways(in, &a, &of_judge, &m, &d, &e));
    CHECK(e != ERR_NOMEM && d.at <= size);
    if (e != OK)
        return 0;
    CHECK(sip_msg_likely(in) && m.call_id.n && m.extras_count <= SIP_HEADERS_MAX);
    struct span arena = span_of(a.p, a.cap);
    const struct span spans[] = {m.start,           m.ruri.text,   m.ruri.user, m.call_id,
                                 m.from.uri.user,   m.to.uri.host, m.from_tag,  m.branch,
                                 m.redirect.recent, m.reason.text, m.body,      m.contact.uri.text};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        CHECK(within(spans[i], in) || within(spans[i], arena));
    for (size_t i = 0; i < m.extras_count; i++) {
        v = m.extra[i].value;
        CHECK(within(m.extra[i].name, in) && (within(v, in) || within(v, arena)));
        CHECK(span_find_span(v, span_str(";postd=")) >= v.n);
    }
    return 0;
}

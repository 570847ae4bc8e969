#include "proto/record/sip_msg.h"

#include "proto/core/bytescan.h"
#include "proto/frame/form.h"
#include "proto/record/sip_byte.h"
#include "proto/record/sip_grammar.h"
#include "proto/record/sip_plain.h"

enum {
    CSEQ_MAX = INT32_MAX, /* RFC 3261 8.1.1.5: below 2^31 */
    MASKED_BYTES = 2048,  /* of a message: nearly every head fits */
};

/* The lines of a message. A bit a byte says where they end, and where the bytes are without
 * which no value holds a secret; behind the bits, in heads of unusual size, each is looked for
 * by itself. */
struct lines {
    struct span in;
    size_t at;     /* where the next one begins */
    size_t masked; /* bytes that have their bits */
    uint64_t ends[MASKED_BYTES / 64];
    uint64_t marks[MASKED_BYTES / 64]; /* ';' and '@' */
};

/* One message on its way through the table of headers. */
struct parse {
    struct sip_msg *m;
    struct arena *a;
    bool judge_all; /* libosip2 sees plain values, too */
    struct span cseq_method;
    struct span history_before; /* user of the History-Info entry before */
    uint64_t content_length;
    bool has_content_length, has_via, has_from, has_to;
    struct lines lines;
};

static bool is_token(struct span s)
{
    return s.n && sip_run(s, 0, SIP_TOKEN) == s.n;
}

static enum sip_method method_of(struct span name)
{
    static const struct span NAMES[] = {
#define SIP_METHOD_NAME(name) [SIP_##name] = SPAN_LIT(#name),
        SIP_METHODS(SIP_METHOD_NAME)
#undef SIP_METHOD_NAME
    };
    for (unsigned i = 1; i < SIP_METHOD_COUNT; i++)
        if (span_eq(name, NAMES[i]))
            return (enum sip_method)i;
    return SIP_OTHER;
}

/* What a user part says once its escapes are undone: %2B1212... is +1212... */
static enum err unescape_user(struct parse *p, struct sip_uri *u)
{
    if (span_find(u->user, '%') == u->user.n ||
        span_find_span(u->user, span_str("%00")) < u->user.n)
        return OK; /* an escaped NUL stays escaped: no field of ours holds NUL bytes */
    uint8_t *room = arena_alloc(p->a, u->user.n);
    if (!room)
        return ERR_NOMEM;
    struct buf b = buf_of(room, u->user.n);
    return form_percent(u->user, &b, &u->user);
}

/* With the value of its tag=; empty: none. */
static enum err read_tagged(struct parse *p, struct span value, struct sip_addr *out,
                            struct span *tag)
{
    struct sip_addr a;
    if (!p->judge_all && sip_plain_addr(value, out, tag))
        return OK;
    enum err e = sip_addr_parse(value, &a);
    if (e == OK)
        e = sip_grammar_addr(value, &a);
    if (e == OK)
        e = unescape_user(p, &a.uri);
    if (e != OK)
        return e;
    *out = a;
    (void)sip_param(a.params, "tag", tag);
    return OK;
}

static enum err read_addr(struct parse *p, struct span value, struct sip_addr *out)
{
    struct span tag = SPAN_EMPTY;
    return read_tagged(p, value, out, &tag);
}

/* From, Call-ID and CSeq say whose call it is and come once: RFC 4475 3.3.8. */
static enum err read_from(struct parse *p, struct span value)
{
    if (p->has_from)
        return ERR_SYNTAX;
    p->has_from = true;
    return read_tagged(p, value, &p->m->from, &p->m->from_tag);
}

/* The first To counts. A second one is refused by servers, not by all; the target of the call
 * is the Request-URI in any case. */
static enum err read_to(struct parse *p, struct span value)
{
    if (p->has_to)
        return OK;
    p->has_to = true;
    return read_tagged(p, value, &p->m->to, &p->m->to_tag);
}

static enum err read_call_id(struct parse *p, struct span value)
{
    if (p->m->call_id.n || value.n == 0)
        return ERR_SYNTAX;
    if (sip_run(value, 0, SIP_VISIBLE) != value.n)
        return ERR_SYNTAX;
    p->m->call_id = value;
    return OK;
}

static enum err judge_cseq(struct parse *p, struct span value)
{
    struct span rest = value;
    size_t digits = 0;
    uint64_t number;
    while (digits < rest.n && byte_is_digit(rest.p[digits]))
        digits++;
    struct span method = span_trim(span_from(rest, digits));
    if (digits == value.n || !is_token(method) ||
        span_u64(span_sub(rest, 0, digits), CSEQ_MAX, &number) != OK)
        return ERR_SYNTAX;
    p->cseq_method = method;
    p->m->cseq = (uint32_t)number;
    return sip_grammar_cseq(value, p->m->cseq, method);
}

static enum err read_cseq(struct parse *p, struct span value)
{
    if (p->cseq_method.n)
        return ERR_SYNTAX;
    if (!p->judge_all && sip_plain_cseq(value, &p->m->cseq, &p->cseq_method))
        return OK;
    return judge_cseq(p, value);
}

static enum transport transport_of(struct span name)
{
    static const struct {
        struct span name;
        enum transport code;
    } NAMES[] = {{SPAN_LIT("UDP"), TRANSPORT_UDP},      {SPAN_LIT("TCP"), TRANSPORT_TCP},
                 {SPAN_LIT("TLS"), TRANSPORT_TLS},      {SPAN_LIT("WS"), TRANSPORT_WS},
                 {SPAN_LIT("WSS"), TRANSPORT_WSS},      {SPAN_LIT("SCTP"), TRANSPORT_SCTP},
                 {SPAN_LIT("TLS-SCTP"), TRANSPORT_SCTP}};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (span_ieq(name, NAMES[i].name))
            return NAMES[i].code;
    return TRANSPORT_UNKNOWN;
}

/* "SIP / 2.0 / UDP host:port ;branch=...": blanks may stand around each separator. */
static enum err judge_via(struct parse *p, struct span value, struct sip_plain_via *out)
{
    struct span rest = value, via, element, branch = SPAN_EMPTY;
    if (!sip_list_next(&rest, &via))
        return ERR_SYNTAX;
    element = via;
    (void)span_cut(&via, '/');
    (void)span_cut(&via, '/');
    via = span_trim(via);
    size_t word = sip_run(via, 0, SIP_TOKEN);
    struct span params = span_from(via, word);
    struct span sent_by = span_trim(span_cut(&params, ';'));
    size_t host =
        sent_by.n && sent_by.p[0] == '[' ? span_find(sent_by, ']') + 1 : span_find(sent_by, ':');
    (void)sip_param(params, "branch", &branch);
    p->m->transport = transport_of(span_sub(via, 0, word)); /* a hint, even of a broken Via */
    *out = (struct sip_plain_via){.sent_by = sent_by, .branch = branch};
    return sip_grammar_via(element, span_trim(span_sub(sent_by, 0, host)), branch);
}

/* Only the first Via counts: the hop on which the message was seen. */
static enum err read_via(struct parse *p, struct span value)
{
    struct sip_plain_via via;
    if (p->has_via)
        return OK;
    enum err e = OK;
    if (!p->judge_all && sip_plain_via(value, &via))
        p->m->transport = transport_of(via.transport);
    else
        e = judge_via(p, value, &via);
    if (e != OK)
        return e;
    p->has_via = true;
    p->m->sent_by = via.sent_by;
    p->m->branch = via.branch;
    return OK;
}

/* The next address of a list; ERR_NOTFOUND: there is none. A plain one is a list of one. */
static enum err next_addr(struct parse *p, struct span *rest, struct sip_addr *out)
{
    struct span element, tag;
    if (!p->judge_all && sip_plain_addr(*rest, out, &tag)) {
        *rest = SPAN_EMPTY;
        return OK;
    }
    return sip_list_next(rest, &element) ? read_addr(p, element, out) : ERR_NOTFOUND;
}

static enum err read_first_addr(struct parse *p, struct span value, struct sip_addr *out)
{
    if (out->uri.text.n)
        return OK;
    enum err e = next_addr(p, &value, out);
    return e == ERR_NOTFOUND ? ERR_SYNTAX : e;
}

static enum err read_contact(struct parse *p, struct span value)
{
    return read_first_addr(p, value, &p->m->contact);
}

static enum err read_preferred(struct parse *p, struct span value)
{
    return read_first_addr(p, value, &p->m->preferred);
}

static enum err read_charge(struct parse *p, struct span value)
{
    return read_first_addr(p, value, &p->m->charge);
}

static enum err read_asserted(struct parse *p, struct span value)
{
    enum err e = OK;
    while (e == OK && p->m->asserted_count < SIP_ASSERTED_MAX) {
        e = next_addr(p, &value, &p->m->asserted[p->m->asserted_count]);
        p->m->asserted_count += e == OK;
    }
    return e == ERR_NOTFOUND ? OK : e;
}

/* draft-ietf-sip-privacy-04: party=calling is the caller; without it, so it is, in a request. */
static enum err read_remote_party(struct parse *p, struct span value)
{
    struct span element, word;
    struct sip_addr a;
    while (sip_list_next(&value, &element)) {
        enum err e = read_addr(p, element, &a);
        if (e != OK)
            return e;
        if (sip_param(a.params, "privacy", &word) && span_ieq(word, span_str("full")))
            p->m->privacy |= PRIVACY_FULL;
        if (p->m->remote_party.uri.text.n == 0 &&
            (!sip_param(a.params, "party", &word) || span_ieq(word, span_str("calling"))))
            p->m->remote_party = a;
    }
    return OK;
}

static enum err read_privacy(struct parse *p, struct span value)
{
    static const struct {
        struct span name;
        enum privacy bit;
    } WORDS[] = {{SPAN_LIT("id"), PRIVACY_ID},
                 {SPAN_LIT("header"), PRIVACY_HEADER},
                 {SPAN_LIT("user"), PRIVACY_USER},
                 {SPAN_LIT("session"), PRIVACY_SESSION},
                 {SPAN_LIT("critical"), PRIVACY_CRITICAL},
                 {SPAN_LIT("none"), PRIVACY_NONE}};
    while (value.n) {
        struct span word = span_trim(span_cut(&value, ';'));
        for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
            if (span_ieq(word, WORDS[i].name))
                p->m->privacy = (uint8_t)(p->m->privacy | WORDS[i].bit);
    }
    return OK;
}

/* RFC 5806: the top-most is the most recent; counter= counts diversions inside one entry. */
static enum err read_diversion(struct parse *p, struct span value)
{
    struct sip_redirect *r = &p->m->diversion;
    struct span element, word;
    struct sip_addr a;
    while (sip_list_next(&value, &element)) {
        uint64_t counter = 1;
        enum err e = read_addr(p, element, &a);
        if (e != OK)
            return e;
        if (r->count == 0) {
            r->recent = a.uri.user;
            (void)sip_param(a.params, "reason", &r->reason);
        }
        r->oldest = a.uri.user;
        if (sip_param(a.params, "counter", &word) && span_u64(word, 99, &counter) != OK)
            counter = 1;
        r->count += (unsigned)counter;
    }
    return OK;
}

/* RFC 4458 and RFC 7044 10.4: why a target was left, in the words of RFC 5806. */
static struct span redirect_word(uint64_t cause)
{
    static const struct {
        uint64_t cause;
        struct span word;
    } WORDS[] = {{302, SPAN_LIT("unconditional")}, {404, SPAN_LIT("unknown")},
                 {408, SPAN_LIT("no-answer")},     {480, SPAN_LIT("deflection")},
                 {486, SPAN_LIT("user-busy")},     {487, SPAN_LIT("deflection")},
                 {503, SPAN_LIT("unavailable")}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (WORDS[i].cause == cause)
            return WORDS[i].word;
    return SPAN_EMPTY;
}

/* The cause= of the entry itself (RFC 4458: why the call came here), 0 if none. */
static uint64_t entry_cause(const struct sip_addr *a)
{
    struct span word;
    uint64_t cause;
    return sip_uri_param(&a->uri, "cause", &word) && span_u64(word, 699, &cause) == OK ? cause : 0;
}

/* RFC 7044: entries stand in the order in which the targets were tried. A target with
 * cause= was reached by diverting from the entry before it. */
static enum err read_history(struct parse *p, struct span value)
{
    struct sip_redirect *r = &p->m->history;
    struct span element;
    struct sip_addr a;
    while (sip_list_next(&value, &element)) {
        enum err e = read_addr(p, element, &a);
        if (e != OK)
            return e;
        struct span word = redirect_word(entry_cause(&a));
        if (word.n && p->history_before.n) {
            if (r->count++ == 0)
                r->oldest = p->history_before;
            r->recent = p->history_before;
            r->reason = word;
        }
        p->history_before = a.uri.user;
    }
    return OK;
}

static void read_reason_entry(struct sip_reason *r, struct span entry)
{
    struct span protocol = span_trim(span_cut(&entry, ';')), word, text = SPAN_EMPTY;
    uint64_t cause;
    if (!sip_param(entry, "cause", &word) || span_u64(word, 999, &cause) != OK)
        return;
    (void)sip_param(entry, "text", &text);
    if (span_ieq(protocol, span_str("Q.850")) && cause <= 127 && r->q850 == 0) {
        r->q850 = (uint8_t)cause;
        r->text = text;
        (void)sip_param(entry, "location", &r->where);
    } else if (span_ieq(protocol, span_str("SIP")) && r->sip == 0) {
        r->sip = (uint16_t)cause;
        if (r->q850 == 0)
            r->text = text;
    }
}

static enum err read_reason(struct parse *p, struct span value)
{
    struct span entry;
    while (sip_list_next(&value, &entry))
        read_reason_entry(&p->m->reason, entry);
    return OK;
}

static enum err read_identity(struct parse *p, struct span value)
{
    if (p->m->identity_count < SIP_IDENTITY_MAX)
        p->m->identity[p->m->identity_count++] = value;
    return OK;
}

static enum err read_charging(struct parse *p, struct span value)
{
    (void)sip_param(value, "icid-value", &p->m->icid);
    return OK;
}

static enum err read_session_expires(struct parse *p, struct span value)
{
    uint64_t seconds;
    if (span_u64(span_trim(span_cut(&value, ';')), UINT32_MAX, &seconds) != OK)
        return ERR_SYNTAX;
    p->m->session_expires_s = (uint32_t)seconds;
    return OK;
}

static enum err read_content_length(struct parse *p, struct span value)
{
    uint64_t n;
    if (span_u64(value, UINT32_MAX, &n) != OK)
        return ERR_SYNTAX; /* RFC 4475 3.1.2.3: the message ends where its bytes end */
    if (p->has_content_length && n != p->content_length)
        return ERR_CONFLICT; /* RFC 4475 3.3.9: two readers would see two bodies */
    p->content_length = n;
    p->has_content_length = true;
    return OK;
}

/* The first one is the field; a second one stays an extra. */
static enum err take_once(struct span *field, struct span value)
{
    if (field->n)
        return ERR_SYNTAX;
    *field = value;
    return OK;
}

#define TAKE_ONCE(field)                                                                           \
    static enum err take_##field(struct parse *p, struct span value)                               \
    {                                                                                              \
        return take_once(&p->m->field, value);                                                     \
    }
TAKE_ONCE(session_id)
TAKE_ONCE(user_agent)
TAKE_ONCE(server)
TAKE_ONCE(location)
TAKE_ONCE(replaces)
TAKE_ONCE(refer_to)
TAKE_ONCE(content_type)

enum header_rule {
    TAKEN, /* all of it is in struct sip_msg; stays an extra only if it cannot be read */
    KEPT,  /* read, and an extra as well: a record does not hold all of it */
    VITAL  /* taken, and the message is refused if it cannot be read */
};

/* RFC 3261 20 and the RFCs of sip_msg.h. By length of the name: FIRST_OF_LENGTH. */
static const struct header {
    struct span name;
    char compact; /* RFC 3261 7.3.3 and the IANA list; 0 = none */
    enum header_rule rule;
    enum err (*read)(struct parse *p, struct span value);
} HEADERS[] = {
    {SPAN_LIT("To"), 't', VITAL, read_to},
    {SPAN_LIT("Via"), 'v', KEPT, read_via},
    {SPAN_LIT("From"), 'f', VITAL, read_from},
    {SPAN_LIT("CSeq"), 0, VITAL, read_cseq},
    {SPAN_LIT("Server"), 0, KEPT, take_server},
    {SPAN_LIT("Reason"), 0, KEPT, read_reason},
    {SPAN_LIT("Call-ID"), 'i', VITAL, read_call_id},
    {SPAN_LIT("Contact"), 'm', KEPT, read_contact},
    {SPAN_LIT("Privacy"), 0, TAKEN, read_privacy},
    {SPAN_LIT("Identity"), 'y', KEPT, read_identity},
    {SPAN_LIT("Replaces"), 0, KEPT, take_replaces},
    {SPAN_LIT("Refer-To"), 'r', KEPT, take_refer_to},
    {SPAN_LIT("Diversion"), 0, KEPT, read_diversion},
    {SPAN_LIT("User-Agent"), 0, TAKEN, take_user_agent},
    {SPAN_LIT("Session-ID"), 0, TAKEN, take_session_id},
    {SPAN_LIT("Geolocation"), 0, TAKEN, take_location},
    {SPAN_LIT("Content-Type"), 'c', TAKEN, take_content_type},
    {SPAN_LIT("History-Info"), 0, KEPT, read_history},
    {SPAN_LIT("P-Charge-Info"), 0, KEPT, read_charge},
    {SPAN_LIT("Content-Length"), 'l', TAKEN, read_content_length},
    {SPAN_LIT("Session-Expires"), 'x', KEPT, read_session_expires},
    {SPAN_LIT("Remote-Party-ID"), 0, KEPT, read_remote_party},
    {SPAN_LIT("P-Charging-Vector"), 0, KEPT, read_charging},
    {SPAN_LIT("P-Asserted-Identity"), 0, KEPT, read_asserted},
    {SPAN_LIT("P-Preferred-Identity"), 0, KEPT, read_preferred},
    {SPAN_LIT("P-Access-Network-Info"), 0, TAKEN, take_location},
};
enum { HEADERS_COUNT = sizeof HEADERS / sizeof HEADERS[0], NAME_BYTES_MAX = 21 };

/* Place of the first name of at least that many bytes. */
static const uint8_t FIRST_OF_LENGTH[NAME_BYTES_MAX + 2] = {
    0, 0, 0, 1, 2, 4, 4, 6, 9, 12, 13, 15, 16, 18, 19, 20, 22, 22, 23, 23, 24, 25, HEADERS_COUNT};

static const struct header *header_of_compact(uint8_t name)
{
    for (size_t i = 0; i < HEADERS_COUNT; i++)
        if (HEADERS[i].compact && byte_lower(name) == HEADERS[i].compact)
            return &HEADERS[i];
    return NULL;
}

static const struct header *header_of(struct span name)
{
    if (name.n == 1)
        return header_of_compact(name.p[0]);
    if (name.n > NAME_BYTES_MAX)
        return NULL;
    for (size_t i = FIRST_OF_LENGTH[name.n]; i < FIRST_OF_LENGTH[name.n + 1]; i++)
        if (((name.p[0] ^ HEADERS[i].name.p[0]) & ~0x20) == 0 && span_ieq(name, HEADERS[i].name))
            return &HEADERS[i];
    return NULL;
}

/* A secret inside a URI, as a range of `s` at or behind `from`; empty: none.
 * cpni-rules B1: postd holds PINs and card numbers. RFC 3261 19.1.1: so does the password. */
static struct span next_pin(struct span s)
{
    for (size_t i = span_find(s, ';'); i < s.n; i += 1 + span_find(span_from(s, i + 1), ';')) {
        static const struct span POSTD = SPAN_LIT(";postd=");
        size_t n = 1;
        if (!span_ieq(span_sub(s, i, POSTD.n), POSTD))
            continue;
        while (i + n < s.n && !strchr(";>?&@,\" \t", s.p[i + n]))
            n++;
        return span_sub(s, i, n);
    }
    return SPAN_EMPTY;
}

/* ":password" of the userinfo that ends at `at`; empty: it has none. It begins behind "sip:",
 * which is looked for no further than a userinfo can reach. */
static struct span password_before(struct span s, size_t at)
{
    static const struct span SIP = SPAN_LIT("sip"), SIPS = SPAN_LIT("sips");
    size_t colon = at;
    for (size_t i = at; i > 0 && SIP_BYTE[s.p[i - 1]] & SIP_LOGIN; i--) {
        if (s.p[i - 1] != ':')
            continue;
        struct span before = span_sub(s, 0, i - 1);
        if ((before.n >= 3 && span_ieq(span_from(before, before.n - 3), SIP)) ||
            (before.n >= 4 && span_ieq(span_from(before, before.n - 4), SIPS)))
            return span_sub(s, colon, at - colon);
        colon = i - 1;
    }
    return SPAN_EMPTY;
}

static struct span next_password(struct span s)
{
    for (size_t at = span_find(s, '@'); at < s.n; at += 1 + span_find(span_from(s, at + 1), '@')) {
        struct span password = password_before(s, at);
        if (password.n)
            return password;
    }
    return SPAN_EMPTY;
}

/* The value without any PIN or password: itself, or a copy in the arena. */
static enum err scrub(struct parse *p, struct span *value, struct span (*next)(struct span))
{
    struct span rest = *value, secret = next(rest);
    if (secret.n == 0)
        return OK;
    uint8_t *room = arena_alloc(p->a, value->n);
    if (!room)
        return ERR_NOMEM;
    struct buf b = buf_of(room, value->n);
    for (; secret.n; secret = next(rest)) {
        buf_bytes(&b, rest.p, (size_t)(secret.p - rest.p));
        rest = span_from(rest, (size_t)(secret.p - rest.p) + secret.n);
        p->m->secrets_dropped++;
    }
    buf_put(&b, rest);
    *value = buf_span(&b);
    return OK;
}

/* Whether there may be a ';' or '@' in the value. True for what has no bits: folded lines. */
static bool is_marked(const struct lines *l, struct span value)
{
    if (value.n == 0)
        return false;
    if (value.p < l->in.p || value.p + value.n > l->in.p + l->masked)
        return true;
    size_t first = (size_t)(value.p - l->in.p), last = first + value.n - 1, word = first / 64;
    uint64_t bits = l->marks[word] >> (first % 64) << (first % 64);
    for (; word < last / 64; bits = l->marks[++word])
        if (bits)
            return true;
    return bits << (63 - last % 64) != 0;
}

static enum err add_extra(struct parse *p, struct span name, struct span value)
{
    if (p->m->extras_count == SIP_HEADERS_MAX)
        return ERR_LIMIT;
    bool marked = is_marked(&p->lines, value);
    enum err e = marked ? scrub(p, &value, next_pin) : OK;
    if (e == OK && marked)
        e = scrub(p, &value, next_password);
    if (e == OK)
        p->m->extra[p->m->extras_count++] = (struct extra){0, name, value};
    return e;
}

static enum err take_header(struct parse *p, struct span name, struct span value)
{
    const struct header *h = header_of(name);
    enum err e = h ? h->read(p, value) : ERR_NOTFOUND;
    bool fatal = e == ERR_NOMEM || e == ERR_CONFLICT || (h && h->rule == VITAL && e != OK);
    if (fatal)
        return e == ERR_NOMEM ? e : ERR_SYNTAX;
    if (e == OK && h->rule != KEPT)
        return OK;
    return add_extra(p, name, value);
}

/* A bit a byte; room for whole words. */
static void mark(struct span in, const struct bytescan_set *set, uint64_t *out)
{
    enum bytescan_way way = bytescan_way();
    for (; in.n > BYTESCAN_WINDOW_BYTES; in = span_from(in, BYTESCAN_WINDOW_BYTES))
        *out++ = bytescan_mask(way, set, in.p, BYTESCAN_WINDOW_BYTES);
    *out = bytescan_mask(way, set, in.p, in.n);
}

static void lines_init(struct lines *l, struct span in)
{
    l->in = in;
    l->at = 0;
    l->masked = in.n < MASKED_BYTES ? in.n : MASKED_BYTES;
    static const struct bytescan_set ENDS = {{'\n', '\n', '\n', '\n'}, 0};
    static const struct bytescan_set MARKS = {{';', '@', ';', '@'}, 0};
    mark(span_sub(in, 0, l->masked), &ENDS, l->ends);
    mark(span_sub(in, 0, l->masked), &MARKS, l->marks);
}

/* Index of the first line end at or behind `at`, or in.n: with bits or without. */
static size_t far_line_end(const struct lines *l, size_t at)
{
    for (size_t word = at / 64 + 1; at < l->masked && word * 64 < l->masked; word++)
        if (l->ends[word])
            return word * 64 + (size_t)__builtin_ctzll(l->ends[word]);
    if (at < l->masked)
        at = l->masked;
    return at + span_find(span_from(l->in, at), '\n');
}

/* The next line without its end. False: no line end is left. */
static inline bool next_line(struct lines *l, struct span *line)
{
    size_t at = l->at, end;
    uint64_t bits = at < l->masked ? l->ends[at / 64] >> (at % 64) : 0;
    end = bits ? at + (size_t)__builtin_ctzll(bits) : far_line_end(l, at);
    if (end == l->in.n)
        return false;
    bool cr = end > at && l->in.p[end - 1] == '\r';
    *line = span_of(l->in.p + at, end - cr - at);
    l->at = end + 1;
    return true;
}

static bool is_folded(const struct lines *l)
{
    return l->at < l->in.n && (l->in.p[l->at] == ' ' || l->in.p[l->at] == '\t');
}

/* RFC 3261 7.3.1: a line that begins with a blank goes on; each fold is one blank. */
static enum err unfold(struct parse *p, struct span *value)
{
    struct lines *l = &p->lines;
    struct span line;
    size_t begin = l->at, n = value->n;
    while (is_folded(l) && next_line(l, &line))
        n += 1 + line.n;
    if (n == value->n)
        return OK;
    uint8_t *room = arena_alloc(p->a, n);
    if (!room)
        return ERR_NOMEM;
    struct buf b = buf_of(room, n);
    buf_put(&b, *value);
    l->at = begin;
    while (is_folded(l) && next_line(l, &line)) {
        buf_u8(&b, ' ');
        buf_put(&b, span_trim(line));
    }
    *value = buf_span(&b);
    return OK;
}

/* "Name : value"; a name alone has an empty value. False: no token stands at the start. */
static bool split_header(struct span line, struct span *name, struct span *value)
{
    size_t end = sip_run(line, 0, SIP_TOKEN), colon = end;
    while (colon < line.n && byte_is_blank(line.p[colon]))
        colon++;
    *name = span_sub(line, 0, end);
    *value = span_from(line, colon + 1);
    return end > 0 && (colon == line.n || line.p[colon] == ':');
}

/* `before`: bytes of the input before the start line. */
static enum err take_headers(struct parse *p, size_t before, struct diag *d)
{
    struct lines *l = &p->lines;
    struct span line, name, value;
    size_t at = l->at;
    for (unsigned count = 0; next_line(l, &line); count++, at = l->at) {
        if (line.n == 0)
            return OK;
        if (count == SIP_HEADERS_MAX)
            return diag_set(d, ERR_LIMIT, "headers", before + at);
        if (!split_header(line, &name, &value))
            return diag_set(d, ERR_SYNTAX, "header name", before + at);
        enum err e = is_folded(l) ? unfold(p, &value) : OK;
        if (e == OK)
            e = take_header(p, name, span_trim(value));
        if (e != OK)
            return diag_set(d, e, "header", before + at);
    }
    return diag_set(d, ERR_SYNTAX, "no empty line behind the headers", before + l->in.n);
}

/* SIP/2.0 SP 3DIGIT SP phrase; the blank before an empty phrase is often left out. */
static enum err read_status_line(struct parse *p, struct span line)
{
    uint64_t status;
    struct span phrase = span_from(line, 11);
    if (line.n < 11 || span_u64(span_sub(line, 8, 3), 699, &status) != OK || status < 100 ||
        (phrase.n && phrase.p[0] != ' '))
        return ERR_SYNTAX;
    p->m->status = (uint16_t)status;
    p->m->start = span_from(phrase, 1);
    return OK;
}

/* Method SP Request-URI SP SIP/2.0, exactly one blank each (RFC 3261 7.1). */
static enum err read_request_line(struct parse *p, struct span line)
{
    struct span method = span_cut(&line, ' ');
    struct span uri = span_cut(&line, ' ');
    if (!is_token(method) || !span_ieq(line, span_str("SIP/2.0")))
        return ERR_SYNTAX;
    p->m->start = method;
    p->m->method = method_of(method);
    if (!p->judge_all && sip_plain_uri(uri, &p->m->ruri))
        return OK;
    enum err e = sip_uri_parse(uri, &p->m->ruri);
    if (e == OK)
        e = sip_grammar_uri(uri, &p->m->ruri);
    return e == OK ? unescape_user(p, &p->m->ruri) : e;
}

static bool is_status_line(struct span line)
{
    return span_ieq(span_sub(line, 0, 8), span_str("SIP/2.0 "));
}

/* What a dialog cannot do without, and what must agree (RFC 4475 3.1.2.17). */
static const char *missing(const struct parse *p)
{
    const struct sip_msg *m = p->m;
    if (!p->has_from || !p->has_to || m->call_id.n == 0 || p->cseq_method.n == 0)
        return "Call-ID, CSeq, From or To is missing";
    if (m->status == 0 && !span_eq(p->cseq_method, m->start))
        return "CSeq and start line name different methods";
    return NULL;
}

/* RFC 3261 18.3: what is behind Content-Length is discarded. A datagram that is shorter than
 * it says should be refused; its head is complete, so the call is kept (tolerance). */
static void take_body(struct parse *p, struct span rest)
{
    size_t n =
        p->has_content_length && p->content_length < rest.n ? (size_t)p->content_length : rest.n;
    p->m->body = span_sub(rest, 0, n);
}

/* Empty lines before the start line (RFC 3261 7.5); NUL padding behind the message. */
static struct span strip(struct span in)
{
    while (in.n && (in.p[0] == '\r' || in.p[0] == '\n'))
        in = span_from(in, 1);
    while (in.n && in.p[in.n - 1] == '\0')
        in.n--;
    return in;
}

/* Everything but the extras, which are valid up to extras_count only. */
static void reset(struct sip_msg *m)
{
    memset(m, 0, offsetof(struct sip_msg, extra));
}

/* Everything but the lines, whose bits are many and set when the message is known. */
static void parse_init(struct parse *p, struct arena *a, struct sip_msg *out, bool judge_all)
{
    memset(p, 0, offsetof(struct parse, lines));
    p->m = out;
    p->a = a;
    p->judge_all = judge_all;
}

static enum err parse(struct parse *p, struct span in, struct diag *d)
{
    struct sip_msg *out = p->m;
    struct span stripped = strip(in), line;
    size_t before = stripped.p ? (size_t)(stripped.p - in.p) : 0;
    struct lines *l = &p->lines;
    reset(out);
    if (in.n > SIP_MESSAGE_BYTES_MAX)
        return diag_set(d, ERR_LIMIT, "message", SIP_MESSAGE_BYTES_MAX);
    lines_init(l, stripped);
    if (!next_line(l, &line))
        return diag_set(d, ERR_SYNTAX, "start line", 0);
    enum err e = is_status_line(line) ? read_status_line(p, line) : read_request_line(p, line);
    if (e != OK)
        return diag_set(d, e, "start line", before);
    e = take_headers(p, before, d);
    if (e != OK)
        return e;
    const char *wrong = missing(p);
    if (wrong)
        return diag_set(d, ERR_SYNTAX, wrong, before + l->at);
    if (out->status)
        out->method = method_of(p->cseq_method);
    out->redirect = out->history.count ? out->history : out->diversion;
    take_body(p, span_from(l->in, l->at));
    return OK;
}

enum err sip_msg_parse(struct span in, struct arena *a, struct sip_msg *out, struct diag *d)
{
    struct parse p;
    parse_init(&p, a, out, false);
    return parse(&p, in, d);
}

enum err sip_msg_judge(struct span in, struct arena *a, struct sip_msg *out, struct diag *d)
{
    struct parse p;
    parse_init(&p, a, out, true);
    return parse(&p, in, d);
}

bool sip_msg_likely(struct span in)
{
    static const struct span VERSION = SPAN_LIT(" SIP/2.0"), CR = SPAN_LIT("\r");
    struct span stripped = strip(in), line = span_sub(stripped, 0, span_find(stripped, '\n'));
    if (line.n == stripped.n)
        return false;
    if (span_ends(line, CR))
        line.n--;
    return is_status_line(line) ||
           (line.n > VERSION.n && span_ieq(span_from(line, line.n - VERSION.n), VERSION));
}

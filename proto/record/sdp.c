#include "proto/record/sdp.h"

#include "proto/record/sip_uri.h"

enum { MULTIPART_DEPTH_MAX = 4 };

struct scan {
    struct sdp *out;
    bool in_medium, past_first;         /* where the line stands: session, first medium, others */
    bool medium_direction, has_address; /* set at media level: those of the session lose */
    struct span format;                 /* first payload type of the first medium */
};

/* RFC 3551 table 4 and 5: payload types that need no rtpmap. */
static struct span static_codec(struct span format)
{
    static const struct {
        struct span format, name;
    } CODECS[] = {{SPAN_LIT("0"), SPAN_LIT("PCMU")},  {SPAN_LIT("3"), SPAN_LIT("GSM")},
                  {SPAN_LIT("4"), SPAN_LIT("G723")},  {SPAN_LIT("8"), SPAN_LIT("PCMA")},
                  {SPAN_LIT("9"), SPAN_LIT("G722")},  {SPAN_LIT("15"), SPAN_LIT("G728")},
                  {SPAN_LIT("18"), SPAN_LIT("G729")}, {SPAN_LIT("31"), SPAN_LIT("H261")},
                  {SPAN_LIT("34"), SPAN_LIT("H263")}, {SPAN_LIT("t38"), SPAN_LIT("t38")}};
    for (size_t i = 0; i < sizeof CODECS / sizeof CODECS[0]; i++)
        if (span_ieq(format, CODECS[i].format))
            return CODECS[i].name;
    return SPAN_EMPTY;
}

static enum media_kind kind_of(struct span name)
{
    static const struct {
        struct span name;
        enum media_kind kind;
    } KINDS[] = {{SPAN_LIT("audio"), MEDIA_AUDIO},
                 {SPAN_LIT("video"), MEDIA_VIDEO},
                 {SPAN_LIT("image"), MEDIA_IMAGE},
                 {SPAN_LIT("text"), MEDIA_TEXT},
                 {SPAN_LIT("application"), MEDIA_APPLICATION}};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (span_ieq(name, KINDS[i].name))
            return KINDS[i].kind;
    return MEDIA_UNKNOWN;
}

/* RFC 4568 (crypto), RFC 4567 (key-mgmt), RFC 8839 (ice-*), RFC 8866 5.12 (k=). */
static bool is_secret(struct span line)
{
    static const struct span HEADS[] = {SPAN_LIT("k="), SPAN_LIT("a=crypto"),
                                        SPAN_LIT("a=key-mgmt"), SPAN_LIT("a=ice-pwd"),
                                        SPAN_LIT("a=ice-ufrag")};
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++) {
        size_t n = HEADS[i].n; /* the last byte first: "a=" begins most lines */
        if (line.n >= n && byte_lower(line.p[n - 1]) == HEADS[i].p[n - 1] &&
            span_ieq(span_sub(line, 0, n), HEADS[i]))
            return true;
    }
    return false;
}

/* m=audio 49170 RTP/AVP 0 8. Port 0 is a refused medium (RFC 3264 6): the next one counts. */
static void read_medium(struct scan *s, struct span value)
{
    struct span name = span_cut(&value, ' ');
    struct span port = span_cut(&value, ' ');
    (void)span_cut(&value, ' ');
    if (s->in_medium)
        s->past_first = true;
    if (s->in_medium || span_is(port, "0"))
        return;
    s->in_medium = true;
    s->out->media_kind = kind_of(name);
    s->format = span_cut(&value, ' ');
    s->out->codec = static_codec(s->format);
}

/* c=IN IP4 192.0.2.1/127: the address without its TTL. */
static void read_connection(struct scan *s, struct span value)
{
    struct span type, address;
    (void)span_cut(&value, ' ');
    type = span_cut(&value, ' ');
    address = span_cut(&value, '/');
    if (s->has_address && !s->in_medium)
        return;
    s->has_address = ip_parse(span_trim(address), &s->out->media_ip) == OK;
    if (span_ieq(type, span_str("IP4")) && span_is(span_trim(address), "0.0.0.0"))
        s->out->hold = s->medium_direction = true;
}

static void read_attribute(struct scan *s, struct span value)
{
    bool holds = span_is(value, "sendonly") || span_is(value, "inactive");
    struct span name = span_cut(&value, ':');
    if (holds || span_is(name, "sendrecv") || span_is(name, "recvonly")) {
        if (!s->medium_direction)
            s->out->hold = holds;
        s->medium_direction |= s->in_medium;
    } else if (span_is(name, "rtpmap") && s->in_medium) {
        struct span format = span_cut(&value, ' ');
        if (span_eq(format, s->format))
            s->out->codec = span_cut(&value, '/');
    }
}

static void read_line(struct scan *s, struct span line)
{
    struct span value = span_from(line, 2);
    if (line.p[0] == 'm')
        read_medium(s, value);
    else if (line.p[0] == 'c' && !s->past_first)
        read_connection(s, value);
    else if (line.p[0] == 'a' && !s->past_first)
        read_attribute(s, value);
}

enum err sdp_parse(struct span text, struct sdp *out, struct diag *d)
{
    struct scan s = {.out = out};
    const uint8_t *start = text.p;
    enum err e = span_is(span_sub(text, 0, 3), "v=0")
                     ? OK
                     : diag_set(d, ERR_SYNTAX, "SDP begins with v=0", 0);
    *out = (struct sdp){0};
    while (text.n) {
        struct span line = span_trim(span_cut(&text, '\n'));
        if (is_secret(line))
            out->secrets_dropped++;
        else if (line.n && (line.n < 2 || line.p[1] != '='))
            e = diag_set(d, ERR_SYNTAX, "SDP line", (size_t)(line.p - start));
        else if (line.n && e == OK)
            read_line(&s, line);
    }
    return e;
}

static bool is_type(struct span content_type, const char *type)
{
    return span_ieq(span_trim(span_cut(&content_type, ';')), span_str(type));
}

/* The Content-Type of a part's own headers; *part is cut to its content. */
static struct span part_type(struct span *part)
{
    struct span type = SPAN_EMPTY;
    while (part->n) {
        struct span value = span_trim(span_cut(part, '\n'));
        if (value.n == 0)
            break;
        struct span name = span_trim(span_cut(&value, ':'));
        if (span_ieq(name, span_str("Content-Type")) || span_ieq(name, span_str("c")))
            type = span_trim(value);
    }
    return type;
}

/* RFC 2046 5.1.1: "--boundary" or "--boundary--", then blanks at most. */
static bool is_boundary(struct span line, struct span boundary)
{
    struct span rest = span_from(line, 2 + boundary.n);
    return line.n >= 2 + boundary.n && line.p[0] == '-' && line.p[1] == '-' &&
           span_starts(span_from(line, 2), boundary) &&
           (rest.n == 0 || strchr(" \t\r\n-", rest.p[0]));
}

/* Cuts what is before the next boundary line; false when there is none. */
static bool part_next(struct span *rest, struct span boundary, struct span *part)
{
    for (size_t at = 0; at + 2 + boundary.n <= rest->n;) {
        struct span line = span_from(*rest, at);
        if (is_boundary(line, boundary)) {
            *part = span_sub(*rest, 0, at);
            *rest = span_from(line, 2 + boundary.n);
            return true;
        }
        at += span_find(line, '\n') + 1;
    }
    return false;
}

static struct span find_sdp(struct span content_type, struct span body, unsigned depth)
{
    struct span boundary, part, params = content_type;
    (void)span_cut(&params, ';');
    if (is_type(content_type, "application/sdp"))
        return body;
    if (depth == 0 || !span_ieq(span_sub(content_type, 0, 10), span_str("multipart/")) ||
        !sip_param(params, "boundary", &boundary) || boundary.n == 0 ||
        !part_next(&body, boundary, &part))
        return SPAN_EMPTY;
    while (part_next(&body, boundary, &part)) {
        (void)span_cut(&part, '\n'); /* what is left of the boundary line */
        struct span type = part_type(&part);
        struct span found = find_sdp(type, part, depth - 1);
        if (found.n)
            return found;
    }
    return SPAN_EMPTY;
}

struct span sdp_in_body(struct span content_type, struct span body)
{
    return find_sdp(content_type, body, MULTIPART_DEPTH_MAX);
}

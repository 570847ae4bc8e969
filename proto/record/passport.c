#include "proto/record/passport.h"

#include "proto/frame/form.h"
#include "proto/frame/json.h"

struct reading {
    struct json j;
    struct buf *room;
    struct passport out;
    struct diag *d;
};

/* RFC 8588 4: exactly one of three letters. */
static enum stir_attest attest_of(struct span text)
{
    static const char LETTERS[] = "ABC";
    const char *at = text.n == 1 && text.p[0] ? strchr(LETTERS, text.p[0]) : NULL;
    return at ? (enum stir_attest)(ATTEST_A + (at - LETTERS)) : ATTEST_UNKNOWN;
}

static enum err take_text(struct reading *r, const struct json_item *item, struct span *out)
{
    if (item->kind != JSON_STRING)
        return diag_set(r->d, ERR_SYNTAX, "claim is not a string", 0);
    return json_unescape(item->text, item->text_escaped, r->room, out);
}

/* "orig": {"tn": "12125550123"}, or {"uri": ...}, which has no number. RFC 8225 5.2.1. */
static enum err read_orig(struct reading *r)
{
    struct json_item item;
    enum err e;
    json_enter(&r->j);
    while ((e = json_next(&r->j, &item, r->d)) == OK && item.kind != JSON_END)
        if (span_is(item.name, "tn") && (e = take_text(r, &item, &r->out.orig_tn)) != OK)
            break;
    return e;
}

static enum err read_iat(struct reading *r, const struct json_item *item)
{
    uint64_t seconds;
    if (item->kind != JSON_NUMBER || span_u64(item->text, UINT32_MAX, &seconds) != OK)
        return diag_set(r->d, ERR_SYNTAX, "iat", 0);
    r->out.iat = (uint32_t)seconds;
    return OK;
}

static enum err read_claim(struct reading *r, const struct json_item *item)
{
    struct span text;
    enum err e = OK;
    if (span_is(item->name, "attest")) {
        e = take_text(r, item, &text);
        r->out.attest = e == OK ? attest_of(text) : ATTEST_UNKNOWN;
    } else if (span_is(item->name, "origid")) {
        e = take_text(r, item, &r->out.origid);
    } else if (span_is(item->name, "iat")) {
        e = read_iat(r, item);
    } else if (span_is(item->name, "orig") && item->kind == JSON_OBJECT) {
        e = read_orig(r);
    }
    return e;
}

static enum err read_payload(struct reading *r, struct span json)
{
    struct json_item item;
    enum err e = json_open(&r->j, json, JSON_OBJECT, r->d);
    while (e == OK && (e = json_next(&r->j, &item, r->d)) == OK && item.kind != JSON_END)
        e = read_claim(r, &item);
    return e == OK ? json_close(&r->j, r->d) : e;
}

enum err passport_parse(struct span value, struct buf *room, struct passport *out, struct diag *d)
{
    struct reading r = {.room = room, .d = d};
    struct span token = span_trim(span_cut(&value, ';')), json;
    struct span header = span_cut(&token, '.');
    struct span payload = span_cut(&token, '.');
    if (token.n == 0 || span_find(token, '.') < token.n || (header.n == 0) != (payload.n == 0))
        return diag_set(d, ERR_SYNTAX, "PASSporT has three parts", 0);
    if (payload.n == 0) {
        *out = (struct passport){.compact = true};
        return OK;
    }
    enum err e = base64url_decode(payload, room, &json);
    if (e != OK)
        return diag_set(d, e, "PASSporT payload", header.n + 1);
    e = read_payload(&r, json);
    if (e == OK)
        *out = r.out;
    return e;
}

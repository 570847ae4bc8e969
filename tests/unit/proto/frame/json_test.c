/* Proves: the scanner accepts and refuses what RFC 8259 says, to the same degree whether a
 * value is walked, skipped or taken; every prefix of a document asks for more; strings are
 * decoded; depth is bounded. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "proto/frame/json.h"
#include "tests/lib/exact.h"

enum how { WALK, SKIP, TAKE };

/* Through a whole document; container items are handled as `how` says. */
static enum err read_all(struct span text, enum json_kind kind, enum how how, struct diag *d)
{
    struct json j;
    struct json_item item;
    struct span taken;
    enum err e = json_open(&j, text, kind, d);
    for (unsigned depth = 1; e == OK && depth > 0;) {
        e = json_next(&j, &item, d);
        if (e != OK)
            return e;
        cr_assert(exact_inside(item.name, text) && exact_inside(item.text, text));
        if (item.kind == JSON_END) {
            depth--;
        } else if (item.kind == JSON_OBJECT || item.kind == JSON_ARRAY) {
            if (how == WALK) {
                json_enter(&j);
                depth++;
            } else if (how == TAKE) {
                e = json_take(&j, &taken, d);
                cr_assert(e != OK || exact_inside(taken, text));
            }
        }
    }
    return e == OK ? json_close(&j, d) : e;
}

/* Values; each stands as a member, as an element, and two levels down. */
static const struct {
    const char *text;
    enum err e;
} VALUE[] = {
    {"\"\"", OK},
    {"\"a\"", OK},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", OK},
    {"\"\x7f\x80\xff\"", OK}, /* invalid UTF-8 passes */
    {"\"0123456789abcdef0123456789abcdef\"", OK},
    {"0", OK},
    {"-0", OK},
    {"10", OK},
    {"-1.5e+10", OK},
    {"1E5", OK},
    {"0.0", OK},
    {"true", OK},
    {"false", OK},
    {"null", OK},
    {"{}", OK},
    {"[]", OK},
    {"[1,\"a\",null,{}]", OK},
    {"{\"a\":1,\"a\":2}", OK},
    {" [ 1 , 2 ] ", OK},
    {"\t{\r\n\"a\" : [ ] }\n", OK},
    {"01", ERR_SYNTAX},
    {"-", ERR_SYNTAX},
    {"+1", ERR_SYNTAX},
    {".5", ERR_SYNTAX},
    {"1.", ERR_SYNTAX},
    {"1e", ERR_SYNTAX},
    {"1e+", ERR_SYNTAX},
    {"0x10", ERR_SYNTAX},
    {"1 2", ERR_SYNTAX},
    {"NaN", ERR_SYNTAX},
    {"True", ERR_SYNTAX},
    {"tru", ERR_SYNTAX},
    {"truex", ERR_SYNTAX},
    {"nul", ERR_SYNTAX},
    {"", ERR_SYNTAX},
    {"'a'", ERR_SYNTAX},
    {"\"\\x\"", ERR_SYNTAX},
    {"\"\\u12g4\"", ERR_SYNTAX},
    {"\"a\nb\"", ERR_SYNTAX},
    {"\"a\tb\"", ERR_SYNTAX},
    {"[1,]", ERR_SYNTAX},
    {"[,1]", ERR_SYNTAX},
    {"[1 2]", ERR_SYNTAX},
    {"[1,,2]", ERR_SYNTAX},
    {"{\"a\":1,}", ERR_SYNTAX},
    {"{\"a\"}", ERR_SYNTAX},
    {"{\"a\":}", ERR_SYNTAX},
    {"{\"a\" 1}", ERR_SYNTAX},
    {"{a:1}", ERR_SYNTAX},
    {"{1:1}", ERR_SYNTAX},
    {"{,}", ERR_SYNTAX},
    {"{\"a\":1 \"b\":2}", ERR_SYNTAX},
    {"[}", ERR_SYNTAX},
    {"{]", ERR_SYNTAX},
    {"[[}]", ERR_SYNTAX},
    {"[\"a\":1]", ERR_SYNTAX},
    {"/* no */ 1", ERR_SYNTAX},
};

static const char *const AROUND[][2] = {
    {"{\"k\":", "}"}, {"[", ",2]"}, {"{\"k\":{\"l\":[", "]},\"m\":1}"}};

Test(json, grammar_is_the_same_walked_skipped_and_taken)
{
    for (size_t v = 0; v < sizeof VALUE / sizeof VALUE[0]; v++) {
        for (size_t a = 0; a < 3; a++) {
            /* Nothing at all in an array's place is an empty array, or its end. */
            if (VALUE[v].text[0] == '\0' && a == 2)
                continue;
            uint8_t room[256];
            struct buf b = buf_of(room, sizeof room);
            buf_str(&b, AROUND[a][0]);
            buf_str(&b, VALUE[v].text);
            buf_str(&b, AROUND[a][1]);
            struct span text = exact_copy(buf_span(&b));
            for (enum how how = WALK; how <= TAKE; how++) {
                struct diag d = {0};
                enum json_kind kind = text.p[0] == '{' ? JSON_OBJECT : JSON_ARRAY;
                enum err e = read_all(text, kind, how, &d);
                cr_expect(e == VALUE[v].e, "%s in %zu, how %d: %s", VALUE[v].text, a, (int)how,
                          err_name(e));
                cr_expect(d.at <= text.n);
            }
            exact_free(text);
        }
    }
}

static const char DOCUMENT[] =
    "{\"core-uuid\":\"a\\u00e9\\n\",\"n\":[1,-2.5e+3,true,false,null,[],{}],\"v\":{\"x\":\"%20\","
    "\"y\":{\"z\":\"0123456789abcdef0123456789\"}},\"end\":0}";

Test(json, every_prefix_asks_for_more)
{
    struct span all = span_str(DOCUMENT);
    for (size_t n = 0; n <= all.n; n++) {
        struct span text = exact_copy(span_sub(all, 0, n));
        for (enum how how = WALK; how <= TAKE; how++) {
            struct diag d = {0};
            enum err e = read_all(text, JSON_OBJECT, how, &d);
            cr_expect(e == (n == all.n ? OK : ERR_MORE), "%zu bytes, how %d: %s", n, (int)how,
                      err_name(e));
            cr_expect(d.at <= n);
        }
        exact_free(text);
    }
}

Test(json, documents_are_of_one_kind_and_nothing_follows)
{
    struct diag d;
    cr_expect(read_all(span_str(" {} \n"), JSON_OBJECT, WALK, &d) == OK);
    cr_expect(read_all(span_str("[]"), JSON_ARRAY, WALK, &d) == OK);
    cr_expect(read_all(span_str("[]"), JSON_OBJECT, WALK, &d) == ERR_SYNTAX);
    cr_expect(read_all(span_str("1"), JSON_OBJECT, WALK, &d) == ERR_SYNTAX);
    cr_expect(read_all(span_str("{}{}"), JSON_OBJECT, WALK, &d) == ERR_SYNTAX && d.at == 2);
    cr_expect(read_all(span_str("{},"), JSON_OBJECT, WALK, &d) == ERR_SYNTAX);
    cr_expect(read_all(span_of("{}\0", 3), JSON_OBJECT, WALK, &d) == ERR_SYNTAX);
}

Test(json, items_in_their_order)
{
    static const struct {
        enum json_kind kind;
        const char *name, *text;
    } EXPECT[] = {
        {JSON_STRING, "s", "te\\\"xt"},  {JSON_NUMBER, "n", "-1.5"}, {JSON_TRUE, "t", "true"},
        {JSON_NULL, "z", "null"},        {JSON_OBJECT, "o", ""},     {JSON_ARRAY, "a", ""},
        {JSON_STRING, "", "x"},          {JSON_FALSE, "", "false"},  {JSON_END, NULL, NULL},
        {JSON_STRING, "l\\u0061st", ""}, {JSON_END, NULL, NULL},
    };
    struct json j;
    struct json_item item;
    struct span text = span_str("{\"s\":\"te\\\"xt\",\"n\":-1.5,\"t\":true,\"z\":null,"
                                "\"o\":{\"skipped\":[1,2,{}]},\"a\":[\"x\",false],"
                                "\"l\\u0061st\":\"\"}");
    cr_assert(json_open(&j, text, JSON_OBJECT, NULL) == OK);
    for (size_t i = 0; i < sizeof EXPECT / sizeof EXPECT[0]; i++) {
        cr_assert(json_next(&j, &item, NULL) == OK);
        cr_expect(item.kind == EXPECT[i].kind, "row %zu", i);
        if (item.kind == JSON_END)
            continue;
        cr_expect(span_is(item.name, EXPECT[i].name), "row %zu", i);
        cr_expect(span_is(item.text, EXPECT[i].text), "row %zu", i);
        cr_expect(item.text_escaped == (i == 0) && item.name_escaped == (i == 9), "row %zu", i);
        if (item.kind == JSON_ARRAY)
            json_enter(&j);
    }
    cr_expect(json_close(&j, NULL) == OK);
}

/* The quick way through a member and the one through the grammar must not differ in anything. */
Test(json, members_are_the_same_with_blanks_between)
{
    static const char LONG[] = "0123456789012345678901234567890123456789"
                               "012345678901234567890123456789"; /* more than a window */
    static const char *const TEXT[] = {"",        "a",        "50%",  "%41%",
                                       "\\u0025", "x\\\"y%",  "\\\\", "a\\n%20b",
                                       "}{][,:",  "\x7f\xff", LONG};
    for (size_t name = 0; name < sizeof TEXT / sizeof TEXT[0]; name++) {
        for (size_t value = 0; value < sizeof TEXT / sizeof TEXT[0]; value++) {
            char quick[512], slow[512];
            struct json jq, js;
            struct json_item q = {.kind = JSON_END}, s = q;
            snprintf(quick, sizeof quick, "{\"%s\":\"%s\",\"%s\":\"%s\"}", TEXT[name], TEXT[value],
                     TEXT[value], TEXT[name]);
            snprintf(slow, sizeof slow, "{ \"%s\" : \"%s\" , \"%s\" : \"%s\" }", TEXT[name],
                     TEXT[value], TEXT[value], TEXT[name]);
            cr_assert(json_open(&jq, span_str(quick), JSON_OBJECT, NULL) == OK);
            cr_assert(json_open(&js, span_str(slow), JSON_OBJECT, NULL) == OK);
            for (int i = 0; i < 3; i++) {
                cr_assert(json_next(&jq, &q, NULL) == OK && json_next(&js, &s, NULL) == OK);
                cr_expect(q.kind == s.kind && q.name_escaped == s.name_escaped, "%s", quick);
                cr_expect(q.text_escaped == s.text_escaped, "%s", quick);
                cr_expect(q.text_percent == s.text_percent, "%s", quick);
                cr_expect(span_eq(q.name, s.name) && span_eq(q.text, s.text), "%s", quick);
            }
            cr_expect(q.kind == JSON_END && json_close(&jq, NULL) == OK);
        }
    }
}

Test(json, a_percent_sign_is_never_missed)
{
    static const struct {
        const char *text;
        bool percent;
    } ROW[] = {{"%", true}, {"a%20", true}, {"\\u0025", true}, {"plain", false}, {"", false}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        char text[64];
        struct json j;
        struct json_item item;
        snprintf(text, sizeof text, "{\"%%\":\"%s\"}", ROW[i].text);
        cr_assert(json_open(&j, span_str(text), JSON_OBJECT, NULL) == OK);
        cr_assert(json_next(&j, &item, NULL) == OK);
        cr_expect(item.text_percent == ROW[i].percent, "%s", text);
    }
}

Test(json, take_gives_the_text_of_a_container)
{
    struct json j;
    struct json_item item;
    struct span taken;
    cr_assert(json_open(&j, span_str("{\"a\":{ \"b\":[1] },\"c\":2}"), JSON_OBJECT, NULL) == OK);
    cr_assert(json_next(&j, &item, NULL) == OK && item.kind == JSON_OBJECT);
    cr_assert(json_take(&j, &taken, NULL) == OK);
    cr_expect(span_is(taken, "{ \"b\":[1] }"));
    cr_expect(json_next(&j, &item, NULL) == OK && span_is(item.name, "c"));
}

/* n brackets, then their ends. */
static enum err nested(size_t n, enum how how)
{
    uint8_t text[4 * JSON_DEPTH_MAX];
    memset(text, '[', n);
    memset(text + n, ']', n);
    return read_all(span_of(text, 2 * n), JSON_ARRAY, how, NULL);
}

Test(json, depth_is_limited)
{
    for (enum how how = WALK; how <= TAKE; how++) {
        cr_expect(nested(JSON_DEPTH_MAX, how) == OK);
        cr_expect(nested(JSON_DEPTH_MAX + 1, how) == ERR_LIMIT);
    }
}

Test(json, objects_and_arrays_are_told_apart_on_every_level)
{
    uint8_t text[1024];
    for (uint64_t pattern = 0; pattern < 256; pattern++) {
        struct buf b = buf_of(text, sizeof text);
        for (unsigned i = 0; i < 40; i++)
            buf_str(&b, pattern >> i % 8 & 1 ? "{\"a\":" : "[");
        buf_str(&b, "1");
        for (unsigned i = 40; i-- > 0;)
            buf_str(&b, pattern >> i % 8 & 1 ? "}" : "]");
        enum json_kind kind = pattern & 1 ? JSON_OBJECT : JSON_ARRAY;
        cr_expect(read_all(buf_span(&b), kind, WALK, NULL) == OK, "%lu", (unsigned long)pattern);
        cr_expect(read_all(buf_span(&b), kind, SKIP, NULL) == OK, "%lu", (unsigned long)pattern);
        text[b.n - 1 - pattern % 40] ^= '}' ^ ']';
        cr_expect(read_all(buf_span(&b), kind, SKIP, NULL) == ERR_SYNTAX);
    }
}

Test(json, strings_are_decoded)
{
    static const struct {
        const char *text, *decoded;
    } ROW[] = {
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\uD800\\uDC00", "\xf0\x90\x80\x80"},
        {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
        {"\\ud83d", "\xef\xbf\xbd"},
        {"\\ud83dx", "\xef\xbf\xbdx"},
        {"\\ud83d\\n", "\xef\xbf\xbd\n"},
        {"\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\\ud83d\\u0041", "\xef\xbf\xbd"
                           "A"},
        {"\\ud83d\\ue000", "\xef\xbf\xbd\xee\x80\x80"},
        {"\\uffff", "\xef\xbf\xbf"},
        {"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct span text = exact_copy(span_str(ROW[i].text)), out;
        struct span block = exact_copy(text); /* as much room as the text has bytes suffices */
        struct buf room = buf_of((void *)(uintptr_t)block.p, block.n);
        cr_expect(json_unescape(text, true, &room, &out) == OK, "%s", ROW[i].text);
        cr_expect(span_is(out, ROW[i].decoded), "%s", ROW[i].text);
        exact_free(text);
        exact_free(block);
    }
}

Test(json, decoding_needs_room_only_where_there_is_something_to_decode)
{
    uint8_t bytes[2];
    struct buf room = buf_of(bytes, sizeof bytes);
    struct span text = span_str("plain"), out;
    cr_expect(json_unescape(text, false, &room, &out) == OK && out.p == text.p);
    cr_expect(json_unescape(span_str("abc\\n"), true, &room, &out) == ERR_LIMIT);
}

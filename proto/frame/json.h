/* json.h - a pull scanner for JSON (RFC 8259): no document, no memory, one pass. Members that
 * nobody asks for are skipped at the speed of the scan, but what is skipped is held to the same
 * grammar as what is read. Invalid UTF-8 passes (feeds.md 2.1: switches send it).
 *
 *     struct json j;
 *     struct json_item item;
 *     enum err e = json_open(&j, text, JSON_OBJECT, d);
 *     while (e == OK && (e = json_next(&j, &item, d)) == OK && item.kind != JSON_END)
 *         if (item.kind == JSON_OBJECT && span_is(item.name, "variables"))
 *             e = read_variables(&j, d);   // the same loop, begun by json_enter(&j)
 *     return e == OK ? json_close(&j, d) : e;
 *
 * An object or array that is neither entered nor taken is skipped by the next json_next().
 * Errors: ERR_MORE, the text ends inside a value; ERR_SYNTAX; ERR_LIMIT, deeper than
 * JSON_DEPTH_MAX. After an error the scanner must not be used again. */
#ifndef CPNI_FRAME_JSON_H
#define CPNI_FRAME_JSON_H

#include "proto/core/buf.h"
#include "proto/core/bytescan.h"
#include "proto/core/diag.h"

/* One bit of a word a level; the deepest document we know (FreeSWITCH) has 6. */
enum { JSON_DEPTH_MAX = 64 };

enum json_kind {
    JSON_END, /* of the object or array that is being walked */
    JSON_STRING,
    JSON_NUMBER,
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

/* Spans point into the text. */
struct json_item {
    enum json_kind kind;
    bool name_escaped; /* the name holds a backslash: json_unescape() it before use */
    bool text_escaped;
    bool text_percent; /* a string with a percent sign, as far as can be told without decoding it */
    struct span name;  /* of a member, without its quotes; empty in an array */
    struct span text;  /* string without its quotes; number or literal; empty for the others */
};

struct json {
    struct span in; /* borrowed */
    struct bytescan scan;
    size_t at;
    uint64_t objects; /* bit n: level n is an object, not an array */
    uint8_t depth;
    bool object;  /* the level around the cursor is one */
    bool pending; /* the last item is a container nobody has entered yet */
    bool first;   /* nothing of this container has been read */
};

/* Begins a document that must be of this kind, JSON_OBJECT or JSON_ARRAY. */
MUST_CHECK enum err json_open(struct json *j, struct span text, enum json_kind kind,
                              struct diag *d);

/* The next member or element of the container that is being walked, or JSON_END; behind the
 * end the walk goes on in the container around it. */
MUST_CHECK enum err json_next(struct json *j, struct json_item *out, struct diag *d);

/* Walks the container that json_next() gave last. */
void json_enter(struct json *j);

/* All of that container as text, brackets included, instead of walking it. */
MUST_CHECK enum err json_take(struct json *j, struct span *out, struct diag *d);

/* Behind the JSON_END of the document: nothing but blanks may follow. */
MUST_CHECK enum err json_close(const struct json *j, struct diag *d);

/* The text of a string: itself if it has no escapes, else decoded into `room`. A surrogate
 * without its half becomes U+FFFD. ERR_LIMIT: no room; text.n bytes always suffice.
 * `text` must come from an item, so that its escapes are known to be well formed. */
MUST_CHECK static inline enum err json_unescape(struct span text, bool escaped, struct buf *room,
                                                struct span *out);

/* The same of a string that has escapes. */
MUST_CHECK enum err json_decode(struct span text, struct buf *room, struct span *out);

static inline enum err json_unescape(struct span text, bool escaped, struct buf *room,
                                     struct span *out)
{
    if (escaped)
        return json_decode(text, room, out);
    *out = text;
    return OK;
}

#endif

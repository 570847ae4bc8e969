/* err.h - the one list of results. Codes are named after what the caller should do.
 * Library errors are translated in the one file that calls the library. */
#ifndef CPNI_CORE_ERR_H
#define CPNI_CORE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

/*      code      text for a person */
/* clang-format off */
#define ERR_LIST(ERR)                                                            \
    ERR(MORE, "input ends before the item is complete")                          \
    ERR(SYNTAX, "input does not follow its format")                              \
    ERR(LIMIT, "a limit of proto/core/limits.h is exceeded")                     \
    ERR(FULL, "no room now, slow the sender and try again")                      \
    ERR(DENIED, "policy does not allow it")                                      \
    ERR(FORGED, "authentication failed: changed data, wrong key or wrong place") \
    ERR(NOTFOUND, "no such thing")                                               \
    ERR(CONFLICT, "contradicts what is already there")                           \
    ERR(NOMEM, "out of memory or locked memory")                                 \
    ERR(STORE, "the disk or the database failed")                                \
    ERR(NET, "the network or the peer failed")                                   \
    ERR(VERSION, "written by a version this program does not know")              \
    ERR(SHUTDOWN, "the other side is going away")
/* clang-format on */

enum err {
    OK = 0,
#define ERR_ENUM(code, text) ERR_##code,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

const char *err_name(enum err e); /* "ERR_SYNTAX"; never NULL */
const char *err_text(enum err e); /* the text of the list; never NULL */

#endif

/* control_fake.h - a daemon as cpnictl sees it: control.sock in a folder of its own, served
 * by a thread from a script of answers. Writes down what it was asked. */
#ifndef CPNI_TESTLIB_CONTROL_FAKE_H
#define CPNI_TESTLIB_CONTROL_FAKE_H

#include <pthread.h>
#include <stdio.h>

#include "proto/wire/control.h"

enum { FAKE_CELLS = 8, FAKE_ROWS = 4, FAKE_ASKED_BYTES = 64 * 1024 };

struct control_answer {
    const char *verb;
    struct {
        enum column_kind kind;
        const char *name;
    } column[FAKE_CELLS];
    struct span row[FAKE_ROWS][FAKE_CELLS]; /* a row begins with a cell that has bytes */
    enum control_status status;
    const char *text;
    bool vanish; /* closes instead of an answer */
};

struct control_fake {
    char dir[64], path[96];
    const struct control_answer *answer;
    size_t answers_count;
    int listener;
    pthread_t thread;
    /* "verb name=value name=value\n" of each request; bytes that do not print are dots. */
    struct buf asked;
    uint8_t asked_bytes[FAKE_ASKED_BYTES];
    /* The argument "rows" of every import, one behind the other. */
    struct buf rows;
    uint8_t rows_bytes[FAKE_ASKED_BYTES];
};

void control_fake_start(struct control_fake *f, const struct control_answer *answer, size_t n);
void control_fake_stop(struct control_fake *f); /* then asked and rows may be read */

/* One run of cpnictl against it, words behind "cpnictl --socket PATH"; NULL ends them. */
struct ctl_result {
    int status;
    char *out, *err; /* owned */
};
struct ctl_result ctl_result_of(const char *socket_path, const char *const *words);
void ctl_result_free(struct ctl_result *r);

#endif

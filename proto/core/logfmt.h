/* logfmt.h - one line of a program's log: ts=... level=... role=... event=... key=value.
 * Pure: it makes the line, the program writes it, with one write(2), so that the lines of
 * several processes do not mix.
 *
 * No value of a record goes in: names of feeds and settings, reasons, offsets, counts. */
#ifndef CPNI_CORE_LOGFMT_H
#define CPNI_CORE_LOGFMT_H

#include "proto/core/buf.h"

enum { LOGFMT_BYTES_MAX = 1024 };

struct logfmt {
    struct buf b;
    uint8_t line[LOGFMT_BYTES_MAX];
};

/* level: "info", "warning", "error". role: "vault", "ingest0", ... */
void logfmt_begin(struct logfmt *l, int64_t now_us, const char *level, const char *role,
                  const char *event);
/* Quoted when it has to be; control bytes become '?'. What does not fit is left out. */
void logfmt_text(struct logfmt *l, const char *key, struct span value);
void logfmt_str(struct logfmt *l, const char *key, const char *value);
void logfmt_number(struct logfmt *l, const char *key, uint64_t value);
/* The line with its newline, in l. */
struct span logfmt_end(struct logfmt *l);

#endif

/* instant.h - points in time as signed microseconds since 1970-01-01 UTC ("ts" of the
 * record format), and their text. Pure: the clock belongs to the programs. */
#ifndef CPNI_CORE_INSTANT_H
#define CPNI_CORE_INSTANT_H

#include "proto/core/buf.h"

enum { US_PER_MS = 1000, US_PER_S = 1000000, S_PER_DAY = 86400 };

struct civil { /* proleptic Gregorian, UTC */
    int year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour, minute, second;
    int us;
};

int64_t instant_from_civil(struct civil c);
struct civil instant_civil(int64_t us);

/* Day number since 1970-01-01 (floor), and the calendar month as yyyymm. */
int64_t instant_day(int64_t us);
uint32_t instant_month(int64_t us);

/* "YYYY-MM-DD HH:MM:SS" or with 'T', read as UTC; nothing may follow but ".ffffff" and "Z".
 * ERR_SYNTAX: anything else, or a field out of range. */
MUST_CHECK enum err instant_parse(struct span text, int64_t *out);
/* Of a text that was parsed: does it say more than seconds? */
bool instant_has_fraction(struct span text);

/* RFC 3339, UTC, six fraction digits: 2026-11-21T08:00:00.000000Z. What lies outside the years
 * 0000 to 9999 is shown as the first or last instant in them. */
enum { INSTANT_TEXT_BYTES = 27 };
void instant_format(struct buf *b, int64_t us);

#endif

/* zone.h - local time of a switch -> UTC. Pure: the caller reads the TZif file (RFC 8536) and
 * owns the zone; nothing here looks at TZ or the clock. */
#ifndef CPNI_RECORD_ZONE_H
#define CPNI_RECORD_ZONE_H

#include "proto/core/diag.h"
#include "proto/core/span.h"

/* The largest zone of tzdata has 236 transitions; a file of the years to come may have more. */
enum { ZONE_TRANSITIONS_MAX = 512 };

/* Daylight saving by rule (the TZ string behind the transitions), as month, week (5 = last) and
 * weekday (0 = Sunday), and second of the day. */
struct zone_rule {
    uint8_t month, week, weekday;
    int32_t second;
};

struct zone {
    size_t transitions_count;
    struct {
        int64_t at_s;     /* UTC */
        int32_t offset_s; /* from then on, east of Greenwich */
    } transition[ZONE_TRANSITIONS_MAX];
    int32_t first_offset_s; /* before the first transition */
    int32_t last_offset_s;  /* behind the last one, in standard time */
    int32_t summer_offset_s;
    bool has_summer;
    struct zone_rule summer_begin, summer_end;
};

/* UTC is zone_fixed(z, 0). */
void zone_fixed(struct zone *z, int32_t offset_s);

/* "UTC", "Z", "+02:00", "-0500": a fixed zone. ERR_NOTFOUND: another name, to be looked up as a
 * TZif file. */
MUST_CHECK enum err zone_parse(struct span name, struct zone *out);

/* A whole TZif file. ERR_MORE, ERR_SYNTAX; ERR_LIMIT: more than ZONE_TRANSITIONS_MAX;
 * ERR_VERSION: a file or TZ string of a kind that tzdata does not use for today's zones. */
MUST_CHECK enum err zone_load(struct span tzif, struct zone *out, struct diag *d);

/* Local microseconds (as if UTC) -> UTC. *out_ambiguous: the hour occurs twice (the first one is
 * taken) or never (the time is read as if the clock had not changed yet). */
int64_t zone_to_utc(const struct zone *z, int64_t local_us, bool *out_ambiguous);

#endif

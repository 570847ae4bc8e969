/* time_format.h - the dates of vendors, by a pattern: "%H:%M:%S%f %z %a %b %d %Y" reads
 * "18:57:52.320  UTC Mon Dec 05 2022".
 *
 *   %Y four digits      %m %d %H %M %S one or two digits      %f a fraction of the second, or none
 *   %b Jan to Dec       %a a day of the week, not looked at   %z Z, UTC, GMT, +05:30, -0500
 *   a blank: one blank or more; anything else: itself */
#ifndef CPNI_RECORD_TIME_FORMAT_H
#define CPNI_RECORD_TIME_FORMAT_H

#include "proto/core/span.h"

/* Are there only conversions of the list above, with year, month and day among them? */
bool time_format_valid(struct span format);
/* Does the text say its zone? */
bool time_format_has_zone(struct span format);

struct time_text {
    int64_t us;    /* since 1970; local time as if UTC, unless the format has %z */
    bool fraction; /* finer than a second */
};
/* All of `text` by a valid format. ERR_SYNTAX: it is not of the format, or no such date. */
MUST_CHECK enum err time_format_read(struct span format, struct span text, struct time_text *out);

#endif

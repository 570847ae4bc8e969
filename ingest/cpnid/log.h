/* log.h - one logfmt line of this process on stderr, with the time of day. */
#ifndef CPNI_CPNID_LOG_H
#define CPNI_CPNID_LOG_H

#include "proto/core/logfmt.h"

/* log_begin, any logfmt_..., log_end. */
void log_begin(struct logfmt *l, const char *level, const char *role, const char *event);
void log_end(struct logfmt *l);

/* The common case: level, role, event, reason. */
void log_reason(const char *level, const char *role, const char *event, const char *reason);

#endif

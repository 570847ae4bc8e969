/* check.h - broken invariants abort, in every build: RelWithDebInfo defines NDEBUG and
 * would silence assert(). Input never reaches a CHECK; only a programmer's error does. */
#ifndef CPNI_CORE_CHECK_H
#define CPNI_CORE_CHECK_H

__attribute__((noreturn, cold)) void check_failed(const char *cond, const char *file, int line);

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

#endif

/* process.h - what the kernel knows of a process and of its children: CPU time and memory. */
#ifndef CPNI_BENCH_PROCESS_H
#define CPNI_BENCH_PROCESS_H

#include <sys/types.h>

#include "bench/result.h"

/* ERR_NOTFOUND: there is no such process. CPU time is counted in hundredths of a second. */
MUST_CHECK enum err process_sample(pid_t pid, struct result_process *out);

/* The process and its children, at most max; gives how many. */
size_t process_family(pid_t parent, pid_t *out, size_t max);

/* Bytes of all files below a directory. */
uint64_t process_tree_bytes(const char *dir);

#endif

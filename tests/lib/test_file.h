/* test_file.h - whole files for tests: fixtures of the tree, and the corpus beside it, which may
 * be absent (CPNI_CORPUS names another place). */
#ifndef CPNI_TESTS_TEST_FILE_H
#define CPNI_TESTS_TEST_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "proto/core/span.h"

/* In a heap block of its exact size, given to the caller; empty with p NULL when there is none. */
static inline struct span test_file(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return SPAN_EMPTY;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *p = malloc(size > 0 ? (size_t)size : 1);
    size_t n = p && size > 0 ? fread(p, 1, (size_t)size, f) : 0;
    fclose(f);
    return span_of(p, n);
}

static inline struct span fixture_file(const char *name)
{
    return test_file(CPNI_SOURCE_DIR "/tests/fixture", name);
}

static inline struct span corpus_file(const char *name)
{
    const char *dir = getenv("CPNI_CORPUS");
    struct span s = test_file(dir ? dir : CPNI_SOURCE_DIR "/../shared/corpus", name);
    if (!s.p)
        fprintf(stderr, "skipped: no corpus file %s\n", name);
    return s;
}

static inline void test_file_free(struct span s)
{
    free((void *)(uintptr_t)s.p);
}

#endif

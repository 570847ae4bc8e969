/* folder.h - a folder of its own for each test, and files in it. */
#ifndef CPNI_TESTS_CRYPT_FOLDER_H
#define CPNI_TESTS_CRYPT_FOLDER_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault/crypt/keyring.h"

struct folder {
    char dir[64], ring[96], root[96];
};

static inline struct folder folder_new(void)
{
    struct folder f;
    snprintf(f.dir, sizeof f.dir, "/tmp/cpni-crypt-XXXXXX");
    cr_assert(mkdtemp(f.dir));
    snprintf(f.ring, sizeof f.ring, "%s/keyring", f.dir);
    snprintf(f.root, sizeof f.root, "%s/root.key", f.dir);
    return f;
}

static inline void folder_done(const struct folder *f)
{
    char beside[128];
    snprintf(beside, sizeof beside, "%s.new", f->ring);
    unlink(beside);
    unlink(f->ring);
    unlink(f->root);
    rmdir(f->dir);
}

static inline size_t file_read(const char *path, uint8_t *out, size_t max)
{
    int fd = open(path, O_RDONLY);
    cr_assert(fd >= 0, "%s", path);
    ssize_t n = read(fd, out, max);
    close(fd);
    return (size_t)n;
}

static inline void file_write(const char *path, const uint8_t *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0 && write(fd, p, n) == (ssize_t)n, "%s", path);
    close(fd);
}

static inline struct keyring *ring_open(const struct folder *f)
{
    struct keyring *k;
    struct diag d = {0};
    cr_assert_eq(keyring_open(f->ring, f->root, false, &k, &d), OK, "%s", d.what);
    return k;
}

static inline struct keyring *ring_new_in(const struct folder *f)
{
    struct diag d = {0};
    cr_assert_eq(keyring_create(f->ring, f->root, &d), OK, "%s", d.what);
    return ring_open(f);
}

#endif

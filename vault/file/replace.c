#include "vault/file/replace.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum err file_sync_folder(const char *path)
{
    char copy[PATH_MAX]; /* dirname() writes into it */
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return ERR_LIMIT;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_STORE;
    enum err e = fsync(fd) == 0 ? OK : ERR_STORE;
    close(fd);
    return e;
}

static enum err write_synced(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_STORE;
    bool written = write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && fsync(fd) == 0;
    close(fd);
    return written ? OK : ERR_STORE;
}

enum err file_replace(const char *path, struct span bytes)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return ERR_LIMIT;
    enum err e = write_synced(beside, bytes);
    if (e != OK || rename(beside, path) != 0)
        return ERR_STORE;
    return file_sync_folder(path);
}

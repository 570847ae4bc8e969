#include "bench/place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *place_parent(void)
{
    const char *tmp = getenv("TMPDIR");
    return tmp ? tmp : "/tmp";
}

enum err place_folder(const char *in, struct place *out)
{
    *out = (struct place){.keep = false};
    int n = snprintf(out->dir, sizeof out->dir, "%s/cpnibench-XXXXXX", in ? in : place_parent());
    if (n < (int)sizeof out->dir && mkdtemp(out->dir))
        return OK;
    out->dir[0] = 0; /* nothing to remove */
    return n < (int)sizeof out->dir ? ERR_STORE : ERR_LIMIT;
}

static enum err given_folder(const char *dir, struct place *p)
{
    int n = snprintf(p->dir, sizeof p->dir, "%s", dir);
    if (n >= (int)sizeof p->dir)
        return ERR_LIMIT;
    return mkdir(dir, 0755) == 0 || errno == EEXIST ? OK : ERR_STORE;
}

static enum err make_dir(const char *dir, struct place *p)
{
    enum err e = dir ? given_folder(dir, p) : place_folder(NULL, p);
    if (e != OK)
        return e;
    /* The workers' user must reach the folders of its feeds. */
    if (chmod(p->dir, 0755) != 0)
        return ERR_STORE;
    snprintf(p->state, sizeof p->state, "%s/state", p->dir);
    return mkdir(p->state, 0700) == 0 ? OK : errno == EEXIST ? ERR_CONFLICT : ERR_STORE;
}

/* The vault takes all its paths from the working directory. */
static enum err create(const struct place *p, struct diag *d)
{
    struct vault_options o;
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = here >= 0 && chdir(p->state) == 0 ? OK : ERR_STORE;
    vault_options_default(&o);
    if (e == OK)
        e = vault_create(&o, d);
    if (here >= 0) {
        if (fchdir(here) != 0)
            e = ERR_STORE;
        close(here);
    }
    return e;
}

enum err place_new(const char *dir, bool keep, struct place *out, struct diag *d)
{
    *out = (struct place){.keep = keep};
    enum err e = make_dir(dir, out);
    out->keep = keep;
    if (e != OK)
        return diag_set(d, e,
                        e == ERR_CONFLICT ? "there is a state directory already"
                                          : "the working folder cannot be made",
                        0);
    diag_set(d, OK, "the vault cannot be made", 0);
    e = create(out, d);
    if (e != OK)
        place_done(out);
    return e;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void place_done(struct place *p)
{
    enum { OPEN_FOLDERS = 16 };
    if (!p->keep && p->dir[0])
        nftw(p->dir, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
    p->dir[0] = 0;
}

void place_path(const struct place *p, const char *name, char out[static 2 * PLACE_BYTES])
{
    snprintf(out, 2 * PLACE_BYTES, "%s/%s", p->dir, name);
}

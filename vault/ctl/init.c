#include "vault/ctl/init.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault/local.h"

enum { STATE_MODE = 0700, UMASK = 077 };

/* The root key's path is relative to where the user is; the vault works in its directory. */
static enum err absolute(const char *path, char out[static PATH_MAX])
{
    char here[PATH_MAX];
    int n = path[0] == '/'           ? snprintf(out, PATH_MAX, "%s", path)
            : getcwd(here, PATH_MAX) ? snprintf(out, PATH_MAX, "%s/%s", here, path)
                                     : PATH_MAX;
    return n < PATH_MAX ? OK : ERR_LIMIT;
}

static const char *enter(const char *dir)
{
    umask(UMASK);
    if (mkdir(dir, STATE_MODE) != 0 && errno != EEXIST)
        return "the state directory cannot be made";
    if (chdir(dir) != 0)
        return "the state directory cannot be entered";
    return NULL;
}

/* Enters the state directory and fills the options that both commands take; NULL, or what is
 * wrong. */
static const char *prepare(const struct ctl_args *a, char root_key[static PATH_MAX],
                           struct vault_options *out)
{
    const char *given = ctl_arg(a, "root-key");
    if (given && absolute(given, root_key) != OK)
        return "the path of the root key is too long";
    vault_options_default(out);
    if (given)
        out->root_key_path = root_key;
    return enter(ctl_arg(a, "state-dir"));
}

int init_run(const struct ctl *c, const struct ctl_args *a)
{
    char root_key[PATH_MAX];
    struct vault_options o;
    struct diag d = {.what = "the vault cannot be made"};
    const char *wrong = prepare(a, root_key, &o);
    if (wrong)
        return ctl_fail(c, CONTROL_FAILED, wrong);
    enum err e = vault_create(&o, &d);
    if (e == ERR_CONFLICT)
        return ctl_fail(c, CONTROL_FAILED, "there is a vault already; nothing was changed");
    if (e != OK)
        return ctl_fail(c, CONTROL_FAILED, d.what);
    fprintf(c->out, "vault created; back up the root key apart from the state directory\n");
    return CONTROL_DONE;
}

int recover_run(const struct ctl *c, const struct ctl_args *a)
{
    char root_key[PATH_MAX];
    struct vault_options o;
    struct diag d = {.what = "the vault cannot be opened"};
    uint64_t records;
    const char *wrong = prepare(a, root_key, &o);
    if (wrong)
        return ctl_fail(c, CONTROL_FAILED, wrong);
    if (!ctl_arg(a, "accept-loss"))
        return ctl_fail(c, CONTROL_USAGE, "say --accept-loss: what is missing will be forgotten");
    if (vault_recover(&o, &records, &d) != OK)
        return ctl_fail(c, CONTROL_FAILED, d.what);
    fprintf(c->out, "%llu records are left; start cpnid, it replays what the sources still hold\n",
            (unsigned long long)records);
    return CONTROL_DONE;
}

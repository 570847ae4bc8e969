#include "ingest/cpnid/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name, or a number that needs no entry in passwd. */
static enum err find_user(const char *name, struct role_user *out)
{
    uint64_t number;
    const struct passwd *pw = getpwnam(name);
    if (pw) {
        out->uid = pw->pw_uid;
        out->gid = pw->pw_gid;
    } else if (span_u64(span_str(name), UINT32_MAX - 1, &number) == OK) {
        out->uid = (uid_t)number;
        out->gid = (gid_t)number;
    } else {
        return ERR_NOTFOUND;
    }
    return out->uid == 0 || out->gid == 0 ? ERR_DENIED : OK;
}

static enum err find_group(const char *name, gid_t *out)
{
    uint64_t number;
    const struct group *gr = name[0] ? getgrnam(name) : NULL;
    if (gr)
        *out = gr->gr_gid;
    else if (name[0] && span_u64(span_str(name), UINT32_MAX - 1, &number) == OK)
        *out = (gid_t)number;
    else
        *out = 0;
    return name[0] && *out == 0 ? ERR_NOTFOUND : OK;
}

static enum err resolve(const char *name, uid_t preset, struct role_user *out)
{
    *out = (struct role_user){.drop = true, .uid = preset, .gid = preset};
    return name[0] ? find_user(name, out) : OK;
}

/* Who owns the directory keeps it; root's own is given to a user without other rights. */
static struct role_user state_owner(int state_dir)
{
    struct stat st;
    struct role_user u = {.drop = true, .uid = USER_VAULT, .gid = USER_VAULT};
    if (fstat(state_dir, &st) == 0 && st.st_uid != 0) {
        u.uid = st.st_uid;
        u.gid = st.st_gid ? st.st_gid : (gid_t)st.st_uid;
    }
    return u;
}

enum err users_resolve(const struct config *c, int state_dir,
                       struct role_user out[static ROLE_KIND_COUNT], gid_t *out_control,
                       const char **who)
{
    const struct role_user owner = state_owner(state_dir);
    const struct {
        enum role_kind kind;
        const char *setting, *name;
        uid_t preset;
    } ROWS[] = {{ROLE_KIND_VAULT, "user_vault", c->user_vault, owner.uid},
                {ROLE_KIND_INGEST, "user_ingest", c->user_ingest, USER_INGEST},
                {ROLE_KIND_FORWARD, "user_forward", c->user_forward, USER_FORWARD},
                {ROLE_KIND_METRICS, "user_metrics", c->user_metrics, USER_METRICS}};
    enum err e = OK;
    for (size_t i = 0; e == OK && i < sizeof ROWS / sizeof ROWS[0]; i++) {
        *who = ROWS[i].setting;
        e = resolve(ROWS[i].name, ROWS[i].preset, &out[ROWS[i].kind]);
    }
    if (e == OK && !c->user_vault[0])
        out[ROLE_KIND_VAULT] = owner;
    if (e == OK) {
        *who = "group_ingest";
        e = find_group(c->group_ingest, &out[ROLE_KIND_INGEST].extra);
    }
    if (e == OK) {
        *who = "group_control";
        e = find_group(c->group_control, out_control);
    }
    for (size_t i = 0; geteuid() != 0 && i < ROLE_KIND_COUNT; i++)
        out[i] = (struct role_user){.drop = false, .uid = geteuid(), .gid = getegid()};
    return e;
}

/* --- grants --- */
static enum err find_grant(const struct config_grant *g, uid_t starter, struct user_grant *out)
{
    struct role_user u = {0};
    gid_t gid = 0;
    *out = (struct user_grant){.group = g->who[0] == '@', .roles = g->roles};
    if (strcmp(g->who, "self") == 0) {
        out->id = starter;
        return OK;
    }
    enum err e = out->group ? find_group(g->who + 1, &gid) : find_user(g->who, &u);
    out->id = out->group ? gid : u.uid;
    return e == ERR_DENIED ? OK : e; /* root may be given a role, as anyone else */
}

size_t users_grants(const struct config *c, uid_t starter, struct user_grant *out, size_t max,
                    struct config_problems *problems)
{
    size_t n = 0;
    for (size_t i = 0; i < c->grants_count && n < max; i++) {
        if (find_grant(&c->grant[i], starter, &out[n]) == OK)
            n++;
        else
            config_problem(problems, c->grant[i].line, "roles: who: no such user or group");
    }
    return n;
}

/* --- ownership of the state --- */
enum { TREE_DEPTH_MAX = 4 };

static bool adopt_entry(int dir, const char *name, uid_t uid, gid_t gid, struct stat *st)
{
    if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    bool ours = S_ISDIR(st->st_mode) ||
                ((S_ISREG(st->st_mode) || S_ISSOCK(st->st_mode)) && st->st_nlink == 1);
    if (st->st_uid != 0 || !ours)
        return true;
    return fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Takes fd. */
static bool adopt_tree(int fd, uid_t uid, gid_t gid, int depth)
{
    DIR *dir = fdopendir(fd);
    bool ok = dir != NULL;
    if (!dir)
        close(fd);
    for (struct dirent *e; ok && (e = readdir(dir)) != NULL;) {
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        ok = adopt_entry(dirfd(dir), e->d_name, uid, gid, &st);
        if (!ok || !S_ISDIR(st.st_mode) || depth == TREE_DEPTH_MAX)
            continue;
        int child = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        ok = child >= 0 && adopt_tree(child, uid, gid, depth + 1);
    }
    if (dir)
        closedir(dir);
    return ok;
}

enum err state_adopt(int state_dir, uid_t uid, gid_t gid, gid_t control_group, struct diag *d)
{
    /* Not dup(): the position in a directory belongs to the open file. */
    int top = openat(state_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0 || !adopt_tree(top, uid, gid, 0) || fchown(state_dir, uid, (gid_t)-1) != 0)
        return diag_set(d, ERR_DENIED, "files could not be given to the user of the vault", 0);
    if (control_group == 0)
        return OK;
    /* Members may pass through to control.sock, and see nothing else. */
    if (fchownat(state_dir, "control.sock", uid, control_group, AT_SYMLINK_NOFOLLOW) != 0 ||
        fchown(state_dir, uid, control_group) != 0 || fchmod(state_dir, 0710) != 0)
        return diag_set(d, ERR_DENIED, "group_control could not be given control.sock", 0);
    return OK;
}

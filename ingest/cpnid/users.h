/* users.h - which Unix user each role becomes, and who may act as what (names of the
 * configuration -> numbers). Asked once, in the parent, before it forks. */
#ifndef CPNI_CPNID_USERS_H
#define CPNI_CPNID_USERS_H

#include <sys/types.h>

#include "ingest/cpnid/role.h"

/* Without a name in the configuration a role gets a number of its own, behind systemd's
 * dynamic range (61184..65519 is reserved for users without an entry in passwd). */
enum { USER_VAULT = 61901, USER_INGEST = 61902, USER_FORWARD = 61903, USER_METRICS = 61904 };

struct role_user {
    bool drop; /* false: not started as root, the role stays who the parent is */
    uid_t uid;
    gid_t gid;
    gid_t extra; /* 0 = none */
};

/* Users of all roles, and the group of control.sock (0 = none). ERR_NOTFOUND: *who is the
 * setting whose user or group does not exist; ERR_DENIED: it names root. */
MUST_CHECK enum err users_resolve(const struct config *c, int state_dir,
                                  struct role_user out[static ROLE_KIND_COUNT], gid_t *out_control,
                                  const char **who);

struct user_grant {
    bool group;
    uint32_t id;
    uint32_t roles;
};
/* The rows of `roles`; what does not exist is told in *problems, by line. */
size_t users_grants(const struct config *c, uid_t starter, struct user_grant *out, size_t max,
                    struct config_problems *problems);

/* Gives the user of the vault what root's `cpnictl init` made: files of root beneath the
 * directory, and the directory itself. Files with a second name elsewhere are left alone. */
MUST_CHECK enum err state_adopt(int state_dir, uid_t uid, gid_t gid, gid_t control_group,
                                struct diag *d);

#endif

/* run.c - one run of cpnictl, without main(), so that tests can run it too. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "vault/ctl/args.h"
#include "vault/ctl/help.h"

int ctl_fail(const struct ctl *c, enum control_status status, const char *what)
{
    fprintf(c->err, "cpnictl: %s\n", what);
    return (int)status;
}

enum control_status ctl_status(enum err e)
{
    switch (e) {
    case OK:
        return CONTROL_DONE;
    case ERR_DENIED:
        return CONTROL_DENIED;
    case ERR_NOTFOUND:
        return CONTROL_NOTFOUND;
    case ERR_NET:
    case ERR_SHUTDOWN:
        return CONTROL_UNREACHABLE;
    case ERR_FORGED:
        return CONTROL_INTEGRITY;
    case ERR_MORE:
    case ERR_SYNTAX:
    case ERR_LIMIT:
    case ERR_FULL:
    case ERR_CONFLICT:
    case ERR_NOMEM:
    case ERR_STORE:
    case ERR_VERSION:
    case ERR_COUNT:
        break;
    }
    return CONTROL_FAILED;
}

/* Names options and commands, never what was typed as their values. */
static int usage_error(const struct ctl_line *line, const struct diag *d, char *const *argv,
                       int argc, FILE *err)
{
    const char *arg = d->at < (size_t)argc ? argv[d->at] : "";
    bool is_option = strncmp(arg, "--", 2) == 0;
    int name_bytes = is_option ? (int)strcspn(arg, "=") : 0;
    fprintf(err, "cpnictl: %.*s%s%s\n", name_bytes, arg, is_option ? " " : "", d->what);
    if (line->args.verb)
        fprintf(err, "Try: cpnictl %s --help\n", line->args.verb->words);
    else
        fprintf(err, "Try: cpnictl --help\n");
    return CONTROL_USAGE;
}

static const char *socket_path(const char *given, char room[static PATH_MAX])
{
    const char *dir = getenv("CPNID_STATE_DIR");
    if (given)
        return given;
    snprintf(room, PATH_MAX, "%s/control.sock", dir && dir[0] ? dir : "state");
    return room;
}

int ctl_run(int argc, char **argv, FILE *out, FILE *err)
{
    char room[PATH_MAX];
    struct ctl_line line;
    struct diag d = {.what = "wrong usage"};
    if (args_parse(argc, argv, &line, &d) != OK)
        return usage_error(&line, &d, argv, argc, err);
    if (line.version) {
        fprintf(out, "cpnictl %s\n", CPNI_VERSION);
        return CONTROL_DONE;
    }
    if (line.help) {
        help_print(line.words, out);
        return CONTROL_DONE;
    }
    struct ctl c = {out, err, socket_path(line.socket_path, room), line.format};
    int status = line.args.verb->run(&c, &line.args);
    /* A listing that the disk or the reader of a pipe did not take is not done. */
    if ((fflush(out) != 0 || ferror(out)) && status == CONTROL_DONE)
        status = ctl_fail(&c, CONTROL_FAILED, "the output could not be written");
    return status;
}

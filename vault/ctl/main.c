#include <sys/prctl.h>
#include <sys/resource.h>

#include "vault/ctl/ctl.h"

int main(int argc, char **argv)
{
    /* Calls and CURVE secrets pass through here: no core file, no other process may look. */
    static const struct rlimit NONE = {0, 0};
    if (setrlimit(RLIMIT_CORE, &NONE) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return CONTROL_FAILED;
    return ctl_run(argc, argv, stdout, stderr);
}

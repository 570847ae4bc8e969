/* Proves: the service manager's socket gets the state, by path and by abstract name, and
 * nothing happens without one. */
#include "ingest/cpnid/notify.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void hears(const char *name, bool abstract)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char got[32] = "";
    memcpy(a.sun_path, name, strlen(name));
    if (abstract)
        a.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                 0);
    notify_send(name, "READY=1");
    cr_expect_eq(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), 7);
    cr_expect_str_eq(got, "READY=1");
    close(fd);
}

Test(notify, is_heard)
{
    char dir[] = "/tmp/cpni-notify-XXXXXX", path[64];
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    hears(path, false);
    unlink(path);
    rmdir(dir);
    snprintf(path, sizeof path, "@cpni-notify-%d", (int)getpid());
    hears(path, true);
}

Test(notify, nobody_listens)
{
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    notify_send(NULL, "READY=1");
    notify_send("", "READY=1");
    notify_send(longer, "READY=1");
    notify_send("/tmp/no-such-socket", "READY=1");
}

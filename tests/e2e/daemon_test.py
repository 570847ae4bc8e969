#!/usr/bin/env python3
"""Proves, of the real daemon with its real roles: every process is confined and (started as root)
has a user of its own; each role may be killed and comes back; a second daemon is refused; it ends
in order on SIGTERM; a damaged keyring is refused with 78 and the reason, not tried again."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from rig import CPNID, Daemon, check  # noqa: E402

ROLES = ("vault", "forward", "metrics", "ingest0")


def run(daemon, **env):
    """A cpnid that is to end by itself."""
    return subprocess.run([CPNID, "-c", daemon.config], capture_output=True, text=True, env=dict(daemon.env, **env),
                          cwd=daemon.folder, timeout=60)


def process_file(pid, name):
    with open("/proc/%d/%s" % (pid, name)) as f:
        return f.read()


def refusals(daemon):
    nowhere = run(daemon, CPNID_STATE_DIR=os.path.join(daemon.folder, "nowhere"))
    check(nowhere.returncode != 0 and "cpnictl init" in nowhere.stderr, "no state directory: it says what to do")
    daemon.start()
    second = run(daemon)
    check(second.returncode != 0 and "another cpnid" in second.stderr, "a second daemon is refused, and says why")
    check(os.path.exists(os.path.join(daemon.state, "control.sock")), "and leaves control.sock alone")


def confined(daemon):
    roles = daemon.roles()
    check(set(roles) == set(ROLES), "the roles are %s" % ", ".join(sorted(roles)))
    users = set()
    for name, pid in roles.items():
        status = process_file(pid, "status")
        users.add(re.search(r"^Uid:\t(.*)", status, re.M).group(1))
        check(re.search(r"^NoNewPrivs:\t1$", status, re.M), "%s may not gain privileges" % name)
        check(re.search(r"^Seccomp:\t2$", status, re.M), "%s has a filter" % name)
        check(re.search(r"^Max core file size +0 +0 ", process_file(pid, "limits"), re.M), "%s dumps no core" % name)
    if os.getuid() == 0:
        check(len(users) == len(ROLES), "each role has a user of its own")
        check(not any("0" in user.split() for user in users), "and none is root")


def killed(daemon):
    for name in ROLES:
        before = daemon.roles()[name]
        os.kill(before, signal.SIGKILL)
        daemon.until(lambda: b"role=%s event=restarting" % name.encode() in daemon.log_bytes(), "the restart of " + name, 20)
        daemon.wait_ready()
        check(daemon.roles()[name] != before, "%s was killed and comes back" % name)
        daemon.until(lambda: (daemon.page("metrics") or "").find('\ncpnid_role_restarts_total{role="%s"} 1\n' % name) >= 0,
                     "its restart to be counted", 20)
    check("records" in daemon.status(), "the vault answers again")


def stopped(daemon):
    check(daemon.stop() == 0, "SIGTERM: exit 0")
    check(not os.path.exists(os.path.join(daemon.state, "control.sock")), "control.sock is gone")
    order = re.findall(r"level=info role=([a-z]+)\d* event=ended", daemon.log_bytes().decode())
    check(order == ["ingest", "forward", "vault", "metrics", "parent"], "ended in order: %s" % " ".join(order))


def damaged(daemon):
    with open(os.path.join(daemon.state, "keyring"), "wb") as f:
        f.write(os.urandom(100))
    broken = run(daemon)
    check(broken.returncode == 78 and "the vault does not open" in broken.stderr, "a damaged keyring: 78, and why")
    check(broken.stderr.count("role=vault event=ended") == 1, "tried once")


with Daemon("daemon", extra="dek_cache_slots: 1024") as d:
    refusals(d)
    check((d.page("readyz"), d.page("healthz")) == ("ready\n", "ok\n"), "ready, and every role is up")
    confined(d)
    killed(d)
    stopped(d)
    damaged(d)

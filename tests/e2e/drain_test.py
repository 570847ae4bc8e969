#!/usr/bin/env python3
"""Proves what an operator relies on (I2): SIGTERM under load ends with exit 0 and whatever was
answered 200 is there afterwards; control.sock is 0660; a HEP feed with agents takes frames only
from an agent that shows its key, and its keys are read again at SIGHUP; `--check` names the line;
a log or head record that was cut or damaged, or a head of another time, is refused with a reason
and exit 78, once, and not repaired on the sly."""
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from rig import CPNID, Daemon, check, freeswitch_cdr, hep3, sip  # noqa: E402

REFUSED = 78


def drain(daemon):
    acknowledged, ending, lock = [], threading.Event(), threading.Lock()

    def send(k):
        i = k * 10**6
        while not ending.is_set():
            i += 1
            if daemon.post(freeswitch_cdr(i)) == 200:
                with lock:
                    acknowledged.append(i)
    threads = [threading.Thread(target=send, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    daemon.until(lambda: len(acknowledged) > 300, "some load")
    check(daemon.stop() == 0, "SIGTERM under load: exit 0")
    ending.set()
    for t in threads:
        t.join()
    daemon.start()
    before = daemon.status()["records"]
    check(before >= len(acknowledged), "%d CDRs were acknowledged, %d are there" % (len(acknowledged), before))
    for i in acknowledged:
        daemon.post(freeswitch_cdr(i))
    check(daemon.status()["records"] == before, "sent again, each of them is a duplicate")


def control_socket(daemon):
    mode = stat.S_IMODE(os.stat(os.path.join(daemon.state, "control.sock")).st_mode)
    check(mode == 0o660, "control.sock has mode %o" % mode)


def check_of_configuration(daemon):
    good = open(daemon.config).read()
    for what, broken, line in (
            ("an unknown setting", good + "no_such_knob: 1\n", good.count("\n") + 1),
            ("a value out of bounds", "flush_ms: 0\n" + good, 1),
            ("not a number", "\n\nmemory_mb: many\n" + good, 3),
            ("a setting twice", "state_dir: a\n" + good, None),
            ("no YAML", "a: [\n" + good, None)):
        path = os.path.join(daemon.folder, "broken.yaml")
        with open(path, "w") as f:
            f.write(broken)
        run = subprocess.run([CPNID, "-c", path, "--check"], capture_output=True, text=True, env=daemon.env, cwd=daemon.folder)
        place = re.search(r"broken\.yaml:(\d+):", run.stderr + run.stdout)
        check(run.returncode == 1 and place and (line is None or int(place.group(1)) == line),
              "--check: %s, in line %s" % (what, place and place.group(1)))
    run = subprocess.run([CPNID, "-c", daemon.config, "--check"], env=daemon.env, cwd=daemon.folder)
    check(run.returncode == 0, "--check: the good one is good")


def head_of(state):
    return os.path.join(state, "head")


def newest_log(state):
    db = os.path.join(state, "db")
    return max((os.path.join(db, n) for n in os.listdir(db) if n.endswith(".log")), key=os.path.getsize)


def cut(path, share):
    os.truncate(path, int(os.path.getsize(path) * share))


def spoil(path, at, count=64):
    with open(path, "r+b") as f:
        f.seek(int(os.path.getsize(path) * at))
        was = f.read(count)
        f.seek(-len(was), os.SEEK_CUR)
        f.write(bytes(b ^ 0x5a for b in was))


DAMAGE = [
    ("the log is cut in half", lambda s, old: cut(newest_log(s), 0.5)),
    ("the log has lost its last record", lambda s, old: cut(newest_log(s), 0.98)),
    ("the log is gone", lambda s, old: os.unlink(newest_log(s))),
    ("bytes amid the log are changed", lambda s, old: spoil(newest_log(s), 0.5)),
    ("the head record is changed", lambda s, old: spoil(head_of(s), 0, os.path.getsize(head_of(s)))),
    ("the head record is empty", lambda s, old: cut(head_of(s), 0)),
    ("the head record is gone", lambda s, old: os.unlink(head_of(s))),
    ("the database is of an earlier time", lambda s, old: (shutil.rmtree(os.path.join(s, "db")),
                                                           shutil.copytree(os.path.join(old, "db"), os.path.join(s, "db")))),
    ("the root key is another one", lambda s, old: spoil(os.path.join(s, "root.key"), 0, 32)),
]


def refuses(daemon, what, damage, earlier):
    kept = daemon.state
    shutil.copytree(kept, kept + ".kept", symlinks=True)
    owner = os.stat(kept)
    damage(kept, earlier)
    for path, _, names in os.walk(kept):
        for name in [path] + [os.path.join(path, n) for n in names]:
            os.chown(name, owner.st_uid, owner.st_gid)
    try:
        run = subprocess.run([CPNID, "-c", daemon.config], capture_output=True, text=True, env=daemon.env, cwd=daemon.folder, timeout=60)
    except subprocess.TimeoutExpired:
        check(False, "%s: it runs all the same" % what)
    reasons = [line for line in run.stderr.splitlines() if "level=error" in line and "role=vault" in line]
    check(run.returncode == REFUSED and run.stderr.count("role=vault event=ended") == 1 and "ready" not in run.stdout,
          "%s: refused with %d, tried once" % (what, run.returncode))
    print("       " + (reasons[0].split("role=vault ", 1)[1] if reasons else run.stderr[-300:]))
    check(any("reason=" in r or "what=" in r for r in reasons), "and says why")
    shutil.rmtree(kept)
    os.rename(kept + ".kept", kept)


def damaged(daemon):
    for i in range(20):
        daemon.post(freeswitch_cdr(9 * 10**6 + i))
    daemon.kill(signal.SIGKILL)
    earlier = daemon.state + ".earlier"
    shutil.copytree(daemon.state, earlier, symlinks=True, ignore=lambda _, names: [n for n in names if n.endswith(".sock")])
    daemon.start()
    for i in range(200):
        daemon.post(freeswitch_cdr(8 * 10**6 + i))
    records = daemon.status()["records"]
    daemon.kill(signal.SIGKILL)
    for name in os.listdir(daemon.state):
        if name.endswith(".sock"):
            os.unlink(os.path.join(daemon.state, name))
    for what, damage in DAMAGE:
        refuses(daemon, what, damage, earlier)
    daemon.start()
    check(daemon.status()["records"] == records, "control: undamaged, it starts with all %d records" % records)
    check(daemon.stop() == 0, "a clean stop")


def call(daemon, name, node, key):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for message in (sip("INVITE", name), sip("486 Busy Here", name, to_tag="u")):
            s.sendto(hep3(message, when=1795220000, node=node, key=key), ("127.0.0.1", daemon.port(9060)))


def agents():
    """An agent for which no key is configured is refused as one with a wrong key."""
    with Daemon("agents", hep="") as d:
        key_file = os.path.join(d.folder, "agent.key")
        with open(key_file, "w") as f:
            f.write("rosebud-1\n")
        text = open(d.config).read().replace("  - name: asterisk", "    agents:\n      - {id: 2001, key_file: %s}\n  - name: asterisk" % key_file)
        with open(d.config, "w") as f:
            f.write(text)
        d.start()
        call(d, "right", 2001, b"rosebud-1")
        d.wait_records(1)
        for name, node, key in (("none", 2001, None), ("wrong", 2001, b"rosebud-2"), ("short", 2001, b"rosebud"), ("other", 2002, b"rosebud-1")):
            call(d, name, node, key)
        d.until(lambda: d.metrics()['cpnid_auth_failed_total{feed="hep"}'] == 8, "8 frames without their key to be counted", 20)
        check(d.status()["records"] == 1, "only the agent with its key is heard; 8 other frames are counted")
        with open(key_file, "w") as f:
            f.write("rosebud-2\n")
        worker = d.roles()["ingest0"]
        d.process.send_signal(signal.SIGHUP)
        d.until(lambda: d.roles().get("ingest0", worker) != worker, "a new worker")
        d.wait_ready()
        call(d, "again", 2001, b"rosebud-2")
        d.wait_records(2)
        check(not any(w in d.log_bytes() for w in (b"rosebud",)), "SIGHUP: the new key holds; no key is in the log")
        check(d.stop() == 0, "a clean stop")


with Daemon("drain") as d0:
    check_of_configuration(d0)
    d0.start()
    control_socket(d0)
    drain(d0)
    damaged(d0)
agents()

#!/usr/bin/env python3
"""Proves: a call answered before a kill -9 (or a restart) of the ingest role and ended after it is
recorded once and billed rightly; what went down with the process is counted as an orphan, and no
duration is guessed (I2, I3, HEP)."""
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from rig import Daemon, check, hep3, sip  # noqa: E402

T = 1795220000.0


def send(daemon, *messages):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for when, message in messages:
            back = message.startswith(b"SIP/2.0")
            a, b = ("192.0.2.1", 5060), ("192.0.2.2", 5060)
            s.sendto(hep3(message, b if back else a, a if back else b, when), ("127.0.0.1", daemon.port(9060)))


def begin(call, t):
    return [(t, sip("INVITE", call)), (t + 1, sip("180 Ringing", call, to_tag="u")),
            (t + 5, sip("200 OK", call, to_tag="u")), (t + 5.1, sip("ACK", call, to_tag="u"))]


def end(call, t):
    return [(t, sip("BYE", call, to_tag="u", cseq=2)), (t + 0.1, sip("200 OK", call, to_tag="u", cseq=2))]


def kill_ingest(daemon, number):
    before = daemon.roles()
    pid = next(p for name, p in before.items() if name.startswith("ingest"))
    os.kill(pid, number)
    deadline = time.time() + 30
    while time.time() < deadline:
        now = daemon.roles()
        fresh = [p for name, p in now.items() if name.startswith("ingest") and p != pid]
        if fresh and daemon.metrics().get('cpnid_role_ready{role="ingest0"}') == 1:
            return
        time.sleep(0.1)
    raise SystemExit("the ingest role did not come back")


with Daemon("hep-restart") as d:
    d.start()
    send(d, *begin("whole", T), *end("whole", T + 65))
    d.wait_records(1)
    for i, number in enumerate((signal.SIGKILL, signal.SIGTERM)):
        name = "over-%d" % i
        send(d, *begin(name, T + 100))
        time.sleep(0.6)  # a flush later the answered call is checkpointed
        kill_ingest(d, number)
        send(d, *end(name, T + 165))
        d.wait_records(2 + i)
    calls = d.rows("calls", "list", "--customer", "unassigned:hep", "--from", "2026-11-20", "--to", "2026-11-23",
                   "--purpose", "BILL")
    check(len(calls) == 3, "three calls are recorded")
    check(all(c["dur_bill_ms"] == 60000 for c in calls), "each was answered for 60.000 s")
    check(all(c["disposition"] == "answered" for c in calls), "each is answered")

    received = d.metrics()['cpnid_received_total{feed="hep"}']
    send(d, *[(t, m) for t, m in begin("lost", T + 300)][:1])  # an INVITE, and dead before it is saved
    # Unread it would wait in the socket for the successor, and not be lost.
    while d.metrics()['cpnid_received_total{feed="hep"}'] == received:
        time.sleep(0.002)
    kill_ingest(d, signal.SIGKILL)
    send(d, *end("lost", T + 330))
    time.sleep(1.5)
    check(d.status()["accepted"] == 3, "a call whose beginning went down is not guessed")
    orphans = sum(v for k, v in d.metrics().items() if "ignored" in k and "orphan" in k)
    check(orphans >= 1, "but it is counted")
    check(d.stop() == 0, "a clean stop")
    d.start()
    check(d.status()["records"] == 3, "and nothing was counted twice")

#!/usr/bin/env python3
"""Proves: real SIP of sipp through Kamailio, mirrored by its siptrace as HEPv3 over UDP and over
TCP, gives exactly the calls, outcomes and durations that sipp itself counted: 1,000 answered
calls, and failed and cancelled ones."""
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from rig import SOURCE, Daemon, check, need  # noqa: E402

need("kamailio", "sipp")
HERE = os.path.join(SOURCE, "tests", "e2e")
ANSWERED, FAILED, CANCELLED = 1000, 40, 40
PAUSE_MS = 1000


class Proxy:
    """Kamailio and the called sipp, in a folder of their own."""

    def __init__(self, daemon, transport):
        self.folder = tempfile.mkdtemp(prefix="cpni-sip-", dir=daemon.folder)
        self.sip, self.uas = daemon.port(5060), daemon.port(5070)
        uri = '"sip:127.0.0.1:%d%s"' % (daemon.port(9060), ";transport=tcp" if transport == "tcp" else "")
        log = open(os.path.join(self.folder, "kamailio.log"), "wb")
        self.kamailio = subprocess.Popen(
            ["kamailio", "-f", os.path.join(HERE, "kamailio.cfg"), "-DD", "-E", "-w", self.folder, "-Y", self.folder,
             "-A", "SIP_PORT=%d" % self.sip, "-A", 'UAS_PORT="%d"' % self.uas, "-A", "HEP_URI=" + uri],
            stdout=log, stderr=log, start_new_session=True)
        self.called = subprocess.Popen(
            ["sipp", "127.0.0.1", "-i", "127.0.0.1", "-p", str(self.uas), "-sf", os.path.join(HERE, "sipp", "uas.xml"),
             "-nostdin"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        time.sleep(2)

    def call(self, scenario, count, rate, port, pause_ms=PAUSE_MS):
        """Runs one calling sipp; gives its own counts of successful and failed calls, and the
        seconds that its calls lasted in all."""
        stats = os.path.join(self.folder, scenario + ".csv")
        subprocess.run(
            ["sipp", "127.0.0.1:%d" % self.sip, "-i", "127.0.0.1", "-p", str(port), "-sf",
             os.path.join(HERE, "sipp", scenario + ".xml"), "-inf", os.path.join(HERE, "sipp", "numbers.csv"),
             "-m", str(count), "-r", str(rate), "-d", str(pause_ms), "-nostdin", "-trace_stat", "-stf", stats,
             "-timeout", "240s"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        with open(stats) as f:
            last = list(csv.DictReader(f, delimiter=";"))[-1]
        return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])

    def stop(self):
        self.called.kill()
        self.called.wait()
        os.killpg(self.kamailio.pid, signal.SIGTERM)
        try:
            self.kamailio.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.kamailio.pid, signal.SIGKILL)
            self.kamailio.wait()


def run(transport):
    with Daemon("kamailio-" + transport) as d:
        d.start()
        proxy = Proxy(d, transport)
        try:
            base = d.port(5080)
            good, bad = proxy.call("uac_answered", ANSWERED, 100, base)
            check((good, bad) == (ANSWERED, 0), "%s: sipp counts %d answered calls" % (transport, ANSWERED))
            failed, bad = proxy.call("uac_failed", FAILED, 40, base + 1)
            check((failed, bad) == (FAILED, 0), "%s: sipp counts %d refused calls" % (transport, FAILED))
            cancelled, bad = proxy.call("uac_cancelled", CANCELLED, 40, base + 2, 200)
            check((cancelled, bad) == (CANCELLED, 0), "%s: sipp counts %d cancelled calls" % (transport, CANCELLED))
            time.sleep(1)
        finally:
            proxy.stop()
        total = ANSWERED + FAILED + CANCELLED
        d.wait_records(total)
        calls = d.rows("calls", "list", "--customer", "unassigned:hep", "--from", "2020-01-01", "--to", "2029-12-31",
                       "--purpose", "BILL")
        outcomes = {}
        for c in calls:
            outcomes[c["disposition"]] = outcomes.get(c["disposition"], 0) + 1
        check(outcomes == {"answered": ANSWERED, "busy": FAILED, "cancelled": CANCELLED},
              "%s: outcomes are sipp's own: %s" % (transport, outcomes))
        # The caller waits PAUSE_MS between ACK and BYE; what is added is the way through the proxy.
        spans = [c["dur_bill_ms"] for c in calls if c["disposition"] == "answered"]
        check(min(spans) >= PAUSE_MS and sorted(spans)[len(spans) // 2] < PAUSE_MS + 250,
              "%s: durations are sipp's pause of %d ms (%d to %d)" % (transport, PAUSE_MS, min(spans), max(spans)))
        d.consumer()
        rows = [row for row in d.rows("usage", "pull", "--consumer", "billing", "--key", d.consumer())]
        check(sum(r["attempts"] for r in rows) == total and sum(r["answered"] for r in rows) == ANSWERED,
              "%s: usage has the same calls" % transport)
        check(sum(r["duration_ms"] for r in rows) == sum(spans), "%s: and the same milliseconds" % transport)
        check(d.stop() == 0, "%s: a clean stop" % transport)


for way in ("udp", "tcp"):
    run(way)

#!/usr/bin/env python3
"""Proves that `cpnictl status` tells the truth by feed: after a known input through every kind of
source, each feed's figures are what was sent, lines and documents that are broken raise the
malformed of their own feed alone, what is fed again is a duplicate, a file feed is behind by what
it could not take, a consumer by what it did not confirm; and all three formats say the same."""
import csv
import io
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(__file__))
from rig import Daemon, asterisk_line, check, freeswitch_cdr, hep3, sip  # noqa: E402

LINES, CDRS, CALLS = 30, 20, 10
T = 1795220000.0
FEEDS = ("asterisk", "freeswitch", "hep")


def append(daemon, text):
    with open(os.path.join(daemon.spool, "Master.csv"), "a") as f:
        f.write(text)
    return len(text)


def send_calls(daemon, first, count):
    """Calls that are refused: two frames and one record each."""
    a, b, sent = ("192.0.2.1", 5060), ("192.0.2.2", 5060), 0
    with socket.create_connection(("127.0.0.1", daemon.port(9060))) as s:
        for i in range(first, first + count):
            for frame in (hep3(sip("INVITE", "c%d" % i), a, b, T), hep3(sip("486 Busy Here", "c%d" % i, to_tag="u"), b, a, T + 1)):
                s.sendall(frame)
                sent += len(frame)
    return sent


def figures(daemon):
    return {feed: daemon.status("feed:" + feed) for feed in FEEDS}


def malformed(daemon):
    return {feed: now["malformed"] for feed, now in figures(daemon).items()}


def expect(daemon, feed, **wanted):
    """Until they are there, and exactly: counters do not go back."""
    def reached():
        now = daemon.status("feed:" + feed)
        return all(now[k] >= v for k, v in wanted.items())
    daemon.until(reached, "%s: %s, have %s" % (feed, wanted, daemon.status("feed:" + feed)), 30)
    now = daemon.status("feed:" + feed)
    check({k: now[k] for k in wanted} == wanted, "%s: %s" % (feed, wanted))


def expect_behind(daemon, count):
    """A gauge, which is set some ten times a second."""
    daemon.until(lambda: daemon.status("feed:asterisk")["behind_bytes"] == count, "asterisk to be %d bytes behind" % count, 30)
    check(True, "asterisk: %d bytes behind" % count)


def known_input(d):
    line_bytes = append(d, "".join(asterisk_line(i) for i in range(LINES)))
    cdrs = [freeswitch_cdr(i) for i in range(CDRS)]
    check(all(d.post(cdr) == 200 for cdr in cdrs), "%d CDRs are posted" % CDRS)
    hep_bytes = send_calls(d, 0, CALLS)
    expect(d, "asterisk", received=LINES, received_bytes=line_bytes, records=LINES, accepted=LINES, unassigned=LINES)
    expect(d, "freeswitch", received=CDRS, received_bytes=sum(map(len, cdrs)), records=CDRS, accepted=CDRS)
    expect(d, "hep", received=2 * CALLS, received_bytes=hep_bytes, records=CALLS, accepted=CALLS)
    expect_behind(d, 0)
    for feed, now in figures(d).items():
        check(all(now[k] == 0 for k in ("duplicates", "refused", "malformed", "auth_failed", "shed", "kernel_drops")),
              feed + ": nothing else was counted")
        check(now["last_record_age_s"] >= 0 and now["records_per_s_10s"] <= now["accepted"], feed + ": its last record has an age")
    check(d.status()["records"] == LINES + CDRS + CALLS, "and the daemon has their sum")


def broken_input(d):
    append(d, "not,a,cdr\n" + asterisk_line(LINES))
    expect(d, "asterisk", malformed=1, received=LINES + 2, accepted=LINES + 1)
    check(malformed(d) == {"asterisk": 1, "freeswitch": 0, "hep": 0}, "a broken line is malformed input of its own feed alone")
    check(d.post(b'{"variables": ') == 400, "a broken document is refused")
    expect(d, "freeswitch", malformed=1, accepted=CDRS)
    with socket.create_connection(("127.0.0.1", d.port(9060))) as s:
        s.sendall(b"HEP3\0\6")
    expect(d, "hep", malformed=1, accepted=CALLS)
    check(malformed(d) == {"asterisk": 1, "freeswitch": 1, "hep": 1}, "so are a document and half a frame")


def again(d):
    check(all(d.post(freeswitch_cdr(i)) == 200 for i in range(CDRS)), "the CDRs are posted again")
    expect(d, "freeswitch", duplicates=CDRS, accepted=CDRS, records=2 * CDRS)
    expect(d, "asterisk", duplicates=0)
    check(d.status()["duplicates"] == CDRS, "and the daemon counts as many")


def behind(d):
    line = asterisk_line(LINES + 1)
    append(d, line[:40])
    expect_behind(d, 40)
    expect(d, "asterisk", accepted=LINES + 1)
    append(d, line[40:])
    expect(d, "asterisk", accepted=LINES + 2)
    expect_behind(d, 0)


def consumer(d):
    key = d.consumer()
    d.wait_settled()
    position = d.status()["outbox_position"]
    check(position > 0 and d.status("consumer:billing") == {"confirmed": 0, "lag": position}, "a consumer lags by all %d rows" % position)
    d.ctl("usage", "pull", "--consumer", "billing", "--key", key, "--confirm")
    check(d.status("consumer:billing")["lag"] == 0, "and by none when it confirmed")


def formats(d):
    wanted = [(r["scope"], r["name"]) for r in d.rows("status")]
    lines = list(csv.reader(io.StringIO(d.ctl("status", "--format", "csv"))))
    check(lines[0] == ["scope", "name", "value"] and [tuple(r[:2]) for r in lines[1:]] == wanted, "csv has the rows of json")
    table = [tuple(line.split()[:2]) for line in d.ctl("status").splitlines()]
    check([r for r in table if r in wanted] == wanted, "so has the table")
    check({scope for scope, _ in wanted} == {"daemon", "consumer:billing"} | {"feed:" + f for f in FEEDS}, "of every feed and consumer")
    d.ctl("status", "--scope", "feed:none", code=4)


with Daemon("status") as d:
    d.start()
    known_input(d)
    broken_input(d)
    again(d)
    behind(d)
    consumer(d)
    formats(d)
    check(d.stop() == 0, "a clean stop")

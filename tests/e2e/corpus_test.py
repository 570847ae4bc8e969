#!/usr/bin/env python3
"""Proves, with captures and CDR files of others: what `cpnictl ingest` loads into a running daemon and
`calls list` reads back are the calls that tshark and Python's csv and json modules find in them:
same Call-IDs, outcomes, final codes, instants and lengths. A capture and its pcapng twin give the
same calls; every file loaded again is all duplicates; a HEP stream of calls that were loaded from
SIP packets before is, too. Skipped without the corpus (CPNI_CORPUS, else beside the checkout)."""
import csv
import glob
import json
import os
import sys
from datetime import datetime, timezone

sys.path.insert(0, os.path.dirname(__file__))
from rig import SOURCE, Daemon, check, skip  # noqa: E402

CORPUS = os.environ.get("CPNI_CORPUS", os.path.join(SOURCE, "..", "shared", "corpus"))
# tshark dates a message in several segments by the last of them, we by the one that completes it;
# the truth's doubles hold microseconds to about a quarter.
SEGMENTS_S, ROUNDING_S = 0.001, 0.0000015


def instant(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp() if text else None


def near(a, b, tolerance):
    return a is b is None or (a is not None and b is not None and abs(a - b) <= tolerance)


def outcome(call):
    """The truth's words: README of the corpus."""
    if call["answered"]:
        return "answered"
    if call["disposition"] == "cancelled":
        return "cancelled"
    return "failed" if (call["sip_status"] or 0) >= 300 else "incomplete"


def differences(call, truth):
    """What of one call is not as the truth has it. Its end is defined by a BYE only; without one an
    answered call has no end (no duration is guessed)."""
    start, answer, end = (instant(call[k]) for k in ("t_start", "t_answer", "t_end"))
    if outcome(call) != truth["outcome"]:
        yield "outcome %s, not %s" % (outcome(call), truth["outcome"])
    if call["sip_status"] != truth["code"] and (call["sip_status"] or truth["code"]):
        yield "code %s, not %s" % (call["sip_status"], truth["code"])
    if not near(start, truth["start"], SEGMENTS_S):
        yield "start"
    if not near(answer, truth["answer"], ROUNDING_S):
        yield "answer"
    if truth["bye"] and not near(end, truth["end"], ROUNDING_S):
        yield "end"
    if truth["bye"] and truth["answer"] and not near(call["dur_bill_ms"] / 1000, truth["seconds"], 0.001):
        yield "length"
    if truth["answer"] and not truth["bye"] and end is not None:
        yield "an end that nobody saw"


def load(daemon, path, feed, kind):
    return json.loads(daemon.ctl("ingest", path, "--feed", feed, "--kind", kind, "--npa", os.path.join(SOURCE, "deploy/npa.csv"),
                                 "--format", "json", code=None) or "{}")


def calls_of(daemon, feed):
    """Of three decades: a disclosure is of ten years at most."""
    return [call for year in (2000, 2010, 2020)
            for call in daemon.rows("calls", "list", "--customer", "unassigned:" + feed, "--from", "%d-01-01" % year,
                                    "--to", "%d-01-01" % (year + 10), "--purpose", "BILL")]


def twice(daemon, path, feed, kind):
    """Loads it and loads it again; the calls."""
    first, second = load(daemon, path, feed, kind), load(daemon, path, feed, kind)
    name = os.path.basename(path)
    check(second["accepted"] == 0 and second["duplicate"] == first["accepted"],
          "%s: %d calls, all duplicates when loaded again" % (name, first["accepted"]))
    return calls_of(daemon, feed) if first["accepted"] else []


def capture(daemon, path, feed):
    with open(path + ".truth.json") as f:
        truth = json.load(f)
    calls = {}
    for call in twice(daemon, path, feed, "hep"):
        check(call["sip_call_id"] not in calls, "a Call-ID has one record") if call["sip_call_id"] in calls else None
        calls[call["sip_call_id"]] = call
    wrong = ["%s: %s" % (t["call_id"], d) for t in truth["call_list"] if t["call_id"] in calls
             for d in differences(calls[t["call_id"]], t)]
    check(set(calls) == {t["call_id"] for t in truth["call_list"]} and not wrong,
          "%s: %d calls as in the truth %s" % (os.path.basename(path), len(calls), wrong or ""))
    return calls


def same_but_for_names(a, b):
    ignored = {"feed", "customer", "t_receive", "switch_id"}
    return [{k: v for k, v in c.items() if k not in ignored} for c in a] == \
        [{k: v for k, v in c.items() if k not in ignored} for c in b]


def captures(daemon):
    paths = [p for p in sorted(glob.glob(os.path.join(CORPUS, "pcap", "*.pcap*"))) if not p.endswith(".json")]
    found = {os.path.basename(p): capture(daemon, p, "c%d" % i) for i, p in enumerate(paths)}
    check(len(found) > 20 and sum(map(len, found.values())) > 30,
          "%d captures, %d calls" % (len(found), sum(map(len, found.values()))))
    check(same_but_for_names(found["isa.pcap"].values(), found["isa.pcapng"].values()), "pcap and pcapng give the same record")
    feed = "c%d" % [os.path.basename(p) for p in paths].index("kamailio-sipp-udp.pcap")
    again = load(daemon, os.path.join(CORPUS, "hep", "kamailio-hep3-udp.pcap"), feed, "hep")
    check(again["accepted"] == 0 and again["duplicate"] == len(found["kamailio-sipp-udp.pcap"]),
          "HEP of the same %d calls: all duplicates" % again["duplicate"])


def hep(daemon):
    """The capture of HEP has no call list of its own: it mirrors that of the SIP packets."""
    with open(os.path.join(CORPUS, "pcap", "kamailio-sipp-udp.pcap.truth.json")) as f:
        truth = {t["call_id"]: t for t in json.load(f)["call_list"]}
    calls = {c["sip_call_id"]: c for c in twice(daemon, os.path.join(CORPUS, "hep", "kamailio-hep3-udp.pcap"), "mirror", "hep")}
    check({k: outcome(c) for k, c in calls.items()} == {k: t["outcome"] for k, t in truth.items()},
          "HEP: outcomes are those of the SIP packets")
    # Kamailio dates each message itself, a moment after tcpdump did.
    check(all(near(instant(c[ours]), truth[k][theirs], 0.02) for k, c in calls.items()
              for ours, theirs in (("t_start", "start"), ("t_answer", "answer"))), "HEP: and so are the instants")


def asterisk(daemon):
    path = os.path.join(CORPUS, "cdr", "asterisk-Master.csv")
    with open(path + ".truth.json") as f:
        truth = json.load(f)
    with open(path, newline="") as f:
        lines = list(csv.reader(f))
    calls = twice(daemon, path, "asterisk", "asterisk_csv")
    check(len(calls) == truth["records"] == len(lines), "Asterisk: %d records" % len(calls))
    words = {"answered": "ANSWERED", "no-answer": "NO ANSWER", "busy": "BUSY", "failed": "FAILED"}
    counts = {}
    for call in calls:
        word = words[call["disposition"]]
        counts[word] = counts.get(word, 0) + 1
    check(counts == truth["dispositions"], "Asterisk: dispositions %s" % counts)
    check(sum(c["dur_bill_ms"] or 0 for c in calls) == 1000 * truth["billsec_sum"], "Asterisk: billsec")
    by_id = {c["leg_id"]: c for c in calls}
    for row in truth["sample"]:
        call = by_id[row["uniqueid"]]
        check((call["calling_raw"], call["called_raw"], (call["t_start"] or "")[:19].replace("T", " "), call["dur_total_ms"],
               call["dur_bill_ms"] or 0) ==
              (row["src"], row["dst"], row["start"], 1000 * int(row["duration"]), 1000 * int(row["billsec"])),
              "Asterisk: %s" % row["uniqueid"])


def freeswitch(daemon):
    path = os.path.join(CORPUS, "cdr", "freeswitch-answered.json")
    with open(path + ".truth.json") as f:
        row = json.load(f)["sample"][0]
    call, = twice(daemon, path, "freeswitch", "freeswitch_json")
    check(call["leg_id"] == row["uuid"] and call["sip_call_id"] == row["sip_call_id"] and call["called_raw"] == row["sip_req_user"],
          "FreeSWITCH: identity and parties")
    check([instant(call[k]) for k in ("t_start", "t_answer", "t_end")] ==
          [int(row[k]) / 1e6 for k in ("start_uepoch", "answer_uepoch", "end_uepoch")], "FreeSWITCH: instants to the microsecond")
    check(call["dur_bill_ms"] == int(row["billmsec"]) and call["q850"] == int(row["hangup_cause_q850"]), "FreeSWITCH: length and cause")


def radius(daemon):
    """Accounting packets and detail lists are neither SIP nor a CDR file, and no feed of this version takes them.
    What can be held against us is that a packet of theirs is taken for a call."""
    got = load(daemon, os.path.join(CORPUS, "radius", "radclient-acme.pcap"), "radius", "hep")
    check(got["accepted"] == 0, "RADIUS accounting is taken for no call")


if not os.path.isdir(CORPUS):
    skip("no corpus at " + CORPUS)
with Daemon("corpus") as d:
    d.start()
    captures(d)
    hep(d)
    asterisk(d)
    freeswitch(d)
    radius(d)
    d.ctl("verify", "--deep")
    check(d.stop() == 0, "every seal opens; a clean stop")

#!/usr/bin/env python3
"""Proves, of every peer of bench/peers whose package is installed: it stores exactly the records it is
given, in the form its row of the table claims. Sealed: its rows open under the customer's key (the peer
counts only those) and a number that was called is nowhere in its files. Repeats refused: the same input
again adds nothing. And that `compare` prints a row of each. The packages of peers are large, so
deploy/check does not install them: what is not there is named and left out."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from rig import BUILD, SOURCE, check, free_offset, skip  # noqa: E402

PEERS_DIR = os.path.join(SOURCE, "bench", "peers")
sys.path.insert(0, PEERS_DIR)
from compare import PEERS, frames  # noqa: E402
from place import Failed, Place  # noqa: E402

CALLS, CUSTOMERS = 1500, 40


def made(feed):
    out = subprocess.run([os.path.join(BUILD, "bench", "cpnibench"), "generate", feed, "--records", str(CALLS),
                          "--customers", str(CUSTOMERS)], stdout=subprocess.PIPE, check=True).stdout
    return frames(out)[:CALLS] if feed == "hep" else out.decode().splitlines()


def in_clear(place, store, word):
    """Whether a file of the store has the word."""
    for name in store:
        for folder, _, files in os.walk(place.path(name)):
            if any(word in open(os.path.join(folder, f), "rb").read() for f in files):
                return True
        if os.path.isfile(place.path(name)) and word in open(place.path(name), "rb").read():
            return True
    return False


def try_peer(key, items):
    peer_class, repeated = PEERS[key], ""
    with Place(port_offset=free_offset()) as place, peer_class(place, BUILD) as peer:
        peer.prepare(items)
        peer.give()
        check(peer.stored() == len(items), "%s stored the %d records it was given" % (key, len(items)))
        try:
            peer.give()
        except Failed:
            repeated = " (it failed)"
        again = len(items) if peer.repeats == "stored again" else 0
        check(peer.stored() == len(items) + again, "%s: repeats: %s%s" % (key, peer.repeats, repeated))
        check(in_clear(place, peer.store, b"5550109") == (peer.sealed == "no"), "%s: sealed: %s" % (key, peer.sealed))


def main():
    there = [key for key in PEERS if not PEERS[key].missing(BUILD)]
    for key in PEERS:
        if key not in there:
            print("left out: %s, not installed: %s" % (key, ", ".join(PEERS[key].missing(BUILD))))
    if not there:
        skip("no peer is installed")
    items = {feed: made(feed) for feed in ("csv", "hep")}
    for key in there:
        try_peer(key, items[PEERS[key].feed])
    with Place(port_offset=free_offset()) as place:
        report = place.path("report.json")
        subprocess.run([os.path.join(PEERS_DIR, "compare.py"), "--build", BUILD, "--records", str(CALLS), "--customers",
                        str(CUSTOMERS), "--rounds", "1", "--json", report, "--port-offset", str(place.port_offset)],
                       check=True)
        rows = json.load(open(report))["rows"]
    check([r["peer"] for r in rows] == there, "compare has a row of each")
    check(all(r["ratio"]["median"] > 0 for r in rows), "and a ratio in it")


main()

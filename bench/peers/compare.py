#!/usr/bin/env python3
"""Compares cpni-vault with what people use today, on this machine, with the same input.

Each peer runs in turn with the product, round by round (A B A B), each on a fresh store, so that both
see the same machine; a ratio is that of one pair. A run that did not store exactly what it was given
fails. README.md beside this file says what is fair about it and what is not.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from kamailio import Kamailio, frames  # noqa: E402
from place import LIMIT_S, Failed, Place  # noqa: E402
from postgres import Copy, Sealed, Single, Usual  # noqa: E402
from rsyslog import Rsyslog  # noqa: E402
from sqlite import Sqlite  # noqa: E402

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
PEERS = {"postgres-single": Single, "postgres-usual": Usual, "postgres-copy": Copy, "postgres-sealed": Sealed,
         "sqlite": Sqlite, "rsyslog": Rsyslog, "kamailio": Kamailio}
# cpnibench's words for the same feed. Over UDP it keeps a rate and cannot ask what is taken; over TCP it is told.
SCENARIO = {"csv": "csv", "hep": "hep-tcp"}
UNIT = {"csv": "CDR/s", "hep": "messages/s"}
VAULT = ("cpni-vault", "XChaCha20-Poly1305", "refused", "per account, window and type", "each group commit")


class Product:
    """cpnibench and the input that it makes."""

    def __init__(self, options, place):
        self.bench = os.path.join(options.build, "bench", "cpnibench")
        self.options, self.place = options, place
        self.calls = {"csv": options.records, "hep": max(1, options.records // 4)}  # some 6.5 messages a call
        self.inputs = {}

    def args(self, feed):
        return ["--records", str(self.calls[feed]), "--customers", str(self.options.customers)]

    def input(self, feed):
        """Lines or frames: those that the product itself is given."""
        if feed not in self.inputs:
            made = subprocess.run([self.bench, "generate", feed, *self.args(feed)], check=True, timeout=LIMIT_S,
                                  stdout=subprocess.PIPE).stdout
            self.inputs[feed] = frames(made) if feed == "hep" else made.decode().splitlines()
        return self.inputs[feed]

    def rate(self, feed):
        """Items a second, from the first sent to the last durable. cpnibench compares the totals with the truth."""
        report = self.place.path("product.json")
        done = subprocess.run([self.bench, "run", SCENARIO[feed], *self.args(feed), "--json", report, "--port-offset",
                               str(self.options.port_offset), "--npa", os.path.join(SOURCE, "deploy", "npa.csv")],
                              capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            raise Failed("cpnibench: " + (done.stderr or done.stdout)[-2000:])
        with open(report) as f:
            return json.load(f)["series"][0]["figures"]["items_per_s"]["median"]


def run_peer(peer_class, place, build, items):
    """Items a second. Fails unless exactly these are stored."""
    with peer_class(place, build) as peer:
        peer.prepare(items)
        took = peer.give()
        stored = peer.stored()
        if stored != len(items):
            raise Failed("%s stored %d of %d" % (peer.name, stored, len(items)))
    return len(items) / took


def measure(key, product, place, options):
    """One row of the table: rates of both, pair by pair."""
    peer_class = PEERS[key]
    items = product.input(peer_class.feed)
    items = items[:max(1, int(len(items) * peer_class.share))]
    pairs = []
    for number in range(options.rounds):
        pairs.append((product.rate(peer_class.feed), run_peer(peer_class, place, options.build, items)))
        print("%-16s round %d: cpni-vault %9.0f, peer %9.0f" % (key, number + 1, *pairs[-1]), file=sys.stderr)
    return {"peer": key, "name": peer_class.name, "version": peer_class.version(options.build),
            "unit": UNIT[peer_class.feed], "items": len(items), "product": spread([a for a, _ in pairs]),
            "measured": spread([b for _, b in pairs]), "ratio": spread([a / b for a, b in pairs])}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def said(s, decimals=0):
    return "{median:,.{d}f} [{min:,.{d}f} .. {max:,.{d}f}]".format(d=decimals, **s)


def table(rows, markdown):
    head = ("peer", "sealed", "repeats", "totals", "on disk after", "", "peer's", "cpni-vault's", "times")
    cells = [(VAULT[0], *VAULT[1:], "", "", "", "")]
    for r in rows:
        p = PEERS[r["peer"]]
        cells.append((p.name, p.sealed, p.repeats, p.totals, p.durable, r["unit"], said(r["measured"]),
                      said(r["product"]), said(r["ratio"], 1)))
    if markdown:
        return "\n".join("| %s |" % " | ".join(c) for c in [head, ["---"] * len(head), *cells])
    # A terminal has room for what was measured; what a peer does not do comes below it.
    lines = ["%-52s %-11s %-32s %-32s %s" % (c[0], c[5], c[6], c[7], c[8]) for c in [head, *cells[1:]]]
    lines += ["", *("%s: sealed: %s; repeats: %s; totals: %s; on disk after: %s" % c[:5] for c in cells)]
    return "\n".join(lines)


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    return "%d cores of %s, Linux %s, load %.1f" % (os.cpu_count(), model, os.uname().release, os.getloadavg()[0])


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(SOURCE, "build", "release"), help="folder (default %(default)s)")
    p.add_argument("--records", type=int, default=200000, help="CDRs of cpni-vault and fast peers (default %(default)s)")
    p.add_argument("--customers", type=int, default=10000, help="(default %(default)s)")
    p.add_argument("--rounds", type=int, default=5, help="pairs of runs a peer (default %(default)s)")
    p.add_argument("--only", action="append", choices=PEERS, help="this peer; may be repeated (default: all)")
    p.add_argument("--markdown", action="store_true", help="the table for a README")
    p.add_argument("--json", help="write the figures there, too")
    p.add_argument("--dir", help="where the stores of the peers are made (default: the temporary folder)")
    p.add_argument("--port-offset", type=int, default=20000, help="added to every usual port (default %(default)s)")
    options = p.parse_args()
    options.build = os.path.realpath(options.build)
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    rows, failed, about = [], 0, machine()
    if os.getloadavg()[0] > 0.5:  # one that waits for each sync suffers far more from it than one that batches
        print("other work runs on this machine: the figures are not worth publishing", file=sys.stderr)
    for key in options.only or PEERS:
        missing = PEERS[key].missing(options.build)
        if missing:
            print("skipped: %s: not installed: %s" % (key, ", ".join(missing)))
            continue
        try:
            with Place(options.dir, options.port_offset) as place:
                rows.append(measure(key, Product(options, place), place, options))
        except Failed as e:
            failed += 1
            print("FAILED: %s: %s" % (key, e), file=sys.stderr)
    if not rows:
        return 1 if failed else 77
    print("%s; %d rounds\n\n%s\n" % (about, options.rounds, table(rows, options.markdown)))
    print("versions: " + "; ".join(dict.fromkeys(r["version"].strip() for r in rows)))
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"machine": about, "rounds": options.rounds, "rows": rows}, f, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

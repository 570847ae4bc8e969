#!/usr/bin/python3
"""Proves what a billing system relies on, with the consumer of deploy/examples as it is: its totals
are those of `cpnictl usage pull`; run again, or again from the start, it changes nothing; later
calls replace rows; killed again and again amid its pulls, it ends with the same totals, and so
through kills of the vault and of forward. Two consumers share no token of an account. And that
nobody else gets anything (I7): not a key that was never registered, not one that is a consumer of
aggregates, not a peer without CURVE; the first is logged nowhere with its key and counted.

Debian's own Python, to which python3-zmq and python3-protobuf belong."""
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from rig import SOURCE, Daemon, check, freeswitch_cdr, need, skip, usage_key  # noqa: E402

try:
    import google.protobuf  # noqa: F401
    import zmq
except ImportError:
    skip("python3-zmq or python3-protobuf is not installed")
need("protoc")
SAMPLE = os.path.join(SOURCE, "deploy", "sample")
CONSUMER = os.path.join(SOURCE, "deploy", "examples", "usage_consumer.py")
COLUMNS = ("account", "service", "direction", "call_type", "juris", "rate_band", "period", "attempts", "answered", "duration_ms",
           "incomplete", "forwarded", "revision")


def command(key, database, *options):
    return [sys.executable, CONSUMER, "--key", key, "--database", database, *options]


def consume(key, database, *options, code=0):
    run = subprocess.run(command(key, database, *options), capture_output=True, text=True)
    check(run.returncode == code or code is None, "the consumer ends with %d %s" % (run.returncode, run.stderr.strip()[-200:]))
    return run


def stored(database):
    """What the consumer holds, as cpnictl would print it."""
    with sqlite3.connect(database) as db:
        db.row_factory = sqlite3.Row
        return sorted(tuple(r[c] for c in COLUMNS) + (json.loads(r["billed"]) and r["billed"],)
                      for r in db.execute("SELECT * FROM usage"))


def pulled(daemon, name="billing", key=None):
    newest = {}
    for row in daemon.rows("usage", "pull", "--consumer", name, "--key", key or daemon.consumer()):
        window = usage_key(row)
        if window not in newest or newest[window]["revision"] < row["revision"]:
            newest[window] = row
    return sorted(tuple(r[c] for c in COLUMNS) + (json.dumps(r["billed"], sort_keys=True),) for r in newest.values())


def post(daemon, first, count):
    """Over forty days, so that there are many windows; national and toll-free ones."""
    for i in range(first, first + count):
        cdr = freeswitch_cdr(i * 7919 % (40 * 86400), called="+18005550110" if i % 3 else "+13035550110", seconds=i % 113)
        check(daemon.post(cdr) == 200, "stored") if i == first else daemon.post(cdr)
    daemon.wait_records(first + count, name="records")
    daemon.wait_settled()


def rows_in(database):
    try:
        with sqlite3.connect(database) as db:
            return db.execute("SELECT count(*) FROM usage").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def interrupted(daemon, key, database):
    """Pulls of one row, killed as soon as a few have arrived, until nothing is left."""
    killed = 0
    while killed < 6:
        before = rows_in(database)
        run = subprocess.Popen(command(key, database, "--max-rows", "1"), stdout=subprocess.DEVNULL)
        while run.poll() is None and rows_in(database) < before + 3:
            time.sleep(0.001)
        if run.poll() is not None:
            break
        run.kill()
        run.wait()
        killed += 1
    check(killed > 0, "the consumer was killed %d times, holding %d rows" % (killed, rows_in(database)))
    consume(key, database)
    check(stored(database) == pulled(daemon), "and in the end has the totals all the same")


def strangers(daemon, key_file):
    """Who has no right gets no row; who is unknown is counted."""
    stranger = os.path.join(daemon.folder, "stranger.key")
    public, secret = (k.decode() for k in zmq.curve_keypair())
    text = open(key_file).read()
    text = re.sub(r'public-key = ".*"', lambda _: 'public-key = "%s"' % public, text)
    text = re.sub(r'secret-key = ".*"', lambda _: 'secret-key = "%s"' % secret, text)
    with open(os.open(stranger, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(text)
    before = daemon.metrics().get("cpnid_handshakes_refused_total", 0)
    database = os.path.join(daemon.folder, "stranger.db")
    run = consume(stranger, database, "--timeout", "2", code=1)
    check("no answer" in run.stderr and stored(database) == [], "a key that is not registered gets nothing")
    check(daemon.metrics()["cpnid_handshakes_refused_total"] > before, "which is counted")
    check(public not in daemon.log_bytes().decode(), "and its key is not in the log")
    pull = daemon.ctl("usage", "pull", "--consumer", "billing", "--key", stranger, code=3)
    check(pull == "", "cpnictl with that key: exit 3, and no row")
    with zmq.Context() as context, context.socket(zmq.DEALER) as s:
        s.linger, s.rcvtimeo = 0, 2000
        s.connect("tcp://127.0.0.1:%d" % daemon.port(7760))
        s.send_multipart([b"CU1", b"\x0a\x0d\x0a\x0busage.calls"])
        try:
            answer = s.recv_multipart()
        except zmq.Again:
            answer = None
    check(answer is None, "a peer without CURVE gets nothing")
    other = os.path.join(daemon.folder, "sums.key")
    daemon.ctl("usage", "consumer", "add", "sums", "--generate", other, "--family", "agg")
    database = os.path.join(daemon.folder, "sums.db")
    run = consume(other, database, code=1)
    check("refused" in run.stderr and stored(database) == [], "a consumer of aggregates gets no account's totals")


def removed(daemon):
    """From its next pull on a consumer is a stranger, and nothing is told of its lag."""
    key = os.path.join(daemon.folder, "leaving.key")
    daemon.ctl("usage", "consumer", "add", "leaving", "--generate", key, "--family", "usage")
    database = os.path.join(daemon.folder, "leaving.db")
    consume(key, database)
    daemon.ctl("usage", "consumer", "remove", "leaving")
    daemon.ctl("usage", "pull", "--consumer", "leaving", "--key", key, code=3)
    check("leaving" not in [row["name"] for row in daemon.rows("usage", "consumer", "list")], "a consumer that was removed gets nothing")
    check(daemon.ctl("usage", "consumer", "remove", "leaving", code=4) == "", "removed again: exit 4")


def load_sample(daemon):
    daemon.ctl("ingest", os.path.join(SAMPLE, "Master.csv"), "--feed", "asterisk", "--npa", os.path.join(SOURCE, "deploy", "npa.csv"))


def through_kills(daemon, key, first):
    """Who pulls while a role is killed and comes back sees the same totals."""
    for role in ("vault", "forward"):
        before = daemon.roles()[role]
        os.kill(before, signal.SIGKILL)
        daemon.until(lambda: daemon.roles().get(role, before) != before, "another " + role)
        database = os.path.join(daemon.folder, role + ".db")
        consume(key, database, "--timeout", "20")
        check(stored(database) == first, "kill -9 of %s: the same totals" % role)
    daemon.wait_ready()


def sample(daemon):
    """The calls of deploy/sample, for two consumers who see accounts as tokens."""
    keys = {}
    for name in ("biller", "auditor"):
        keys[name] = os.path.join(daemon.folder, name + ".key")
        daemon.ctl("usage", "consumer", "add", name, "--generate", keys[name], "--family", "usage")
    daemon.ctl("customer", "import", os.path.join(SAMPLE, "customers.csv"))
    load_sample(daemon)
    base = os.path.join(daemon.folder, "sample.db")
    consume(keys["biller"], base)
    first = stored(base)
    check(len(first) > 2 and first == pulled(daemon, "biller", keys["biller"]), "%d rows are those of cpnictl" % len(first))
    consumers = {row["name"]: row for row in daemon.rows("usage", "consumer", "list")}
    check(int(consumers["auditor"]["confirmed"]) == 0, "what one has confirmed is not the other's cursor")
    with sqlite3.connect(base) as db:
        db.execute("DELETE FROM cursor")
    consume(keys["biller"], base, "--max-rows", "2")
    check(stored(base) == first, "pulled again from the start, two rows at a time: the same")
    through_kills(daemon, keys["biller"], first)
    load_sample(daemon)
    consume(keys["biller"], base)
    check(stored(base) == first, "the same file loaded twice: the same")
    tokens = [{row[0] for row in pulled(daemon, name, key)} - {"unassigned"} for name, key in keys.items()]
    check(tokens[0] and tokens[1] and not tokens[0] & tokens[1], "no token of an account is known to both")


with Daemon("sample") as s:
    s.start()
    sample(s)
    check(s.stop() == 0, "a clean stop")
with Daemon("consumer") as d:
    d.start()
    key_of_billing, base = d.consumer(), os.path.join(d.folder, "totals.db")
    post(d, 0, 150)
    consume(key_of_billing, base)
    first = stored(base)
    check(len(first) > 20 and first == pulled(d), "%d rows are those of cpnictl" % len(first))
    consume(key_of_billing, base)
    check(stored(base) == first, "run twice, the same")
    post(d, 150, 100)
    consume(key_of_billing, base)
    second = stored(base)
    check(second == pulled(d), "later calls: the totals are those of cpnictl again")
    check(sum(r[COLUMNS.index("attempts")] for r in second) == 250, "of 250 calls")
    check(max(r[COLUMNS.index("revision")] for r in second) > 1, "and rows were replaced")
    interrupted(d, key_of_billing, os.path.join(d.folder, "interrupted.db"))
    d.kill(9)
    d.start()
    consume(key_of_billing, base)
    check(stored(base) == second, "a killed daemon makes no new totals")
    d.wait_ready()
    removed(d)
    lag = d.until(lambda: d.metrics().get('cpnid_consumer_lag{consumer="billing"}') == 0 or None, "the lag to be 0", 20)
    check(lag, "what was confirmed is known: no lag")
    strangers(d, key_of_billing)
    check(d.stop() == 0, "a clean stop")

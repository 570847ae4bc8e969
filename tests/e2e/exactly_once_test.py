#!/usr/bin/env python3
"""Proves I2 and I3: whatever is killed, and however often the input is fed, each call is recorded
once and billed once.

One quiet run of a fixed input, fed once, gives N records and the usage text U. The input is fed as its senders
do it: Master.csv grows in pieces that end amid a line, is rotated by renaming and by copying and
truncating; CDRs are posted by four senders, each of which repeats one until it is answered 200.
Then, each time in a vault of its own, all of it is fed twice: once quietly, then while roles and
the whole daemon are killed with SIGKILL, at 200 random moments in all.
Number of records and usage text must be N and U; a consumer that pulled changes all the while must
hold U as well; every seal opens and the read log is whole. A CDR that was answered 200 is never
sent again in the first feeding, so that N also says: what was acknowledged was durable.

CPNI_KILLS: how many kills (200); CPNI_SEED: which moments."""
import json
import os
import queue
import random
import shutil
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from rig import Daemon, asterisk_line, check, freeswitch_cdr, usage_key  # noqa: E402

LINES, CDRS, PIECES, SENDERS, ROUNDS = 9000, 600, 18, 4, 4
BURSTS, BURST_LINES = 12, 4000
RENAME_AT, TRUNCATE_AT = PIECES // 3, 2 * PIECES // 3
KILLS = int(os.environ.get("CPNI_KILLS", "200"))
SEED = int(os.environ.get("CPNI_SEED", str(int(time.time()))))
STEP = 41  # seconds from call to call: two days, so that there are several windows

CUSTOMERS = """customer_id,account_id,kind,value
acme,acme-main,range,+1212555010
birch,birch-1,range,+1303555011
cedar,cedar-1,account_code,cedar-7
"""
ACME, BIRCH, NOBODY, FAR = "2125550101", "3035550110", "4155550150", "5125550160"
# calling, called, account code; which records it makes
PARTIES = [(ACME, FAR, ""), (FAR, BIRCH, ""), (ACME, BIRCH, ""), (ACME, "2125550102", ""), (NOBODY, FAR, ""),
           (NOBODY, FAR, "cedar-7")]


def lines_of(count):
    for i in range(count):
        calling, called, account = PARTIES[i % len(PARTIES)]
        line = asterisk_line(i * STEP, calling, called, account, seconds=i % 97)
        yield line if i % 7 else line.replace("ANSWERED", "NO ANSWER")


def cdrs_of(count):
    for i in range(count):
        calling, called, _ = PARTIES[i % len(PARTIES)]
        yield freeswitch_cdr(i * STEP, "+1" + calling, "+1" + called, seconds=i % 89)


class MasterCsv:
    """What Asterisk and logrotate do to the file."""

    def __init__(self, daemon):
        self.path = os.path.join(daemon.spool, "Master.csv")
        self.generation = 0

    def append(self, text):
        with open(self.path, "a") as f:
            f.write(text)

    def rename(self):
        self.generation += 1
        os.rename(self.path, "%s.%d" % (self.path, self.generation))
        self.append("")

    def copy_and_truncate(self):
        self.generation += 1
        shutil.copyfile(self.path, "%s.%d" % (self.path, self.generation))
        os.truncate(self.path, 0)


class Senders:
    """Threads that post what is put into their queue, each until it is answered 200."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.queue = queue.Queue()
        for _ in range(SENDERS):
            threading.Thread(target=self.send, daemon=True).start()

    def send(self):
        while True:
            cdr = self.queue.get()
            while self.daemon.post(cdr) != 200:
                time.sleep(0.02)
            self.queue.task_done()


class Puller(threading.Thread):
    """A billing system that pulls what changed, confirms it, and keeps the highest revision of
    each row. It lives through every kill, and so does its cursor."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_, self.rows, self.cursor, self.ending, self.stale = daemon, {}, 0, False, 0
        self.key_file = daemon.consumer()
        self.start()

    def pull(self):
        text = self.daemon_.ctl("usage", "pull", "--consumer", "billing", "--key", self.key_file, "--confirm",
                                "--from", str(self.cursor), "--format", "json", code=None)
        for line in text.splitlines():
            row = json.loads(line)
            key, self.cursor = usage_key(row), row["position"]
            self.stale += key in self.rows and self.rows[key]["revision"] >= row["revision"]
            self.rows[key] = row

    def run(self):
        while not self.ending:
            self.pull()
            time.sleep(0.3)

    def usage(self):
        self.ending = True
        self.join()
        self.pull()
        return self.daemon_.usage_text(self.rows.values())


class Killer:
    """Kills at random moments. A daemon that was killed is started again: that also forgets how
    long each role was to wait before its next start."""

    def __init__(self, daemon, rng):
        self.daemon, self.rng = daemon, rng
        self.until_parent = rng.randint(6, 12)
        self.counts, self.killed = {}, set()

    def kill(self, within_s):
        time.sleep(self.rng.uniform(0, within_s))
        self.until_parent -= 1
        if self.until_parent == 0:
            self.until_parent = self.rng.randint(6, 12)
            self.count("cpnid")
            self.daemon.kill(signal.SIGKILL)
            self.daemon.start()
            return
        roles = self.daemon.until(self.living, "a role to kill")
        name = self.rng.choice(sorted(roles))
        self.count(name)
        self.killed.add(roles[name])
        os.kill(roles[name], signal.SIGKILL)

    def living(self):
        """Also those that have only just been started; without those that are still dying."""
        return {n: p for n, p in self.daemon.roles().items() if n != "metrics" and p not in self.killed}

    def count(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1


def pieces_of(lines):
    """Each ends amid a line, but for those before a rotation: a switch writes a line to one file."""
    text, at = "".join(lines), 0
    for i in range(1, PIECES + 1):
        end = len(text) * i // PIECES
        if i in (RENAME_AT, TRUNCATE_AT):
            end = text.index("\n", end) + 1
        yield text[at:end]
        at = end


def feed(daemon, csv, senders, lines, cdrs, kills=0, killer=None):
    """The whole input in PIECES; `kills` are spread over them."""
    killed = 0
    for i, piece in enumerate(pieces_of(lines)):
        within_s = 0.02  # the first while the piece is being read, the others whenever
        if i == RENAME_AT:
            csv.rename()
        if i == TRUNCATE_AT:
            csv.copy_and_truncate()
        csv.append(piece)
        for cdr in cdrs[len(cdrs) * i // PIECES:len(cdrs) * (i + 1) // PIECES]:
            senders.queue.put(cdr)
        while killed < kills * (i + 1) // PIECES:
            killer.kill(within_s)
            killed, within_s = killed + 1, 0.12
    daemon.wait_ready()
    senders.queue.join()


def last_line(number):
    """Behind all others: when it is recorded, all before it were read."""
    return asterisk_line(10 * LINES * STEP + number, NOBODY, FAR)


def end_of_feeding(daemon, csv, number, records):
    csv.append(last_line(number))
    daemon.wait_records(records, name="records", seconds=90)
    time.sleep(0.2)  # so that one too many would be seen
    check(daemon.status()["records"] == records, "%d records" % records)


def new_daemon(name):
    daemon = Daemon(name)
    customers = os.path.join(daemon.folder, "customers.csv")
    with open(customers, "w") as f:
        f.write(CUSTOMERS)
    daemon.start()
    daemon.ctl("customer", "import", customers)
    return daemon


def check_whole(daemon):
    daemon.ctl("verify", "--deep")
    daemon.ctl("audit", "verify")
    print("ok     every seal opens, totals are those of the records, the read log is whole")


def quiet_run(lines, cdrs):
    """N and U. One call in six is between two customers and makes two records."""
    expected = sum(2 if i % len(PARTIES) == 2 else 1 for i in range(LINES)) + \
        sum(2 if i % len(PARTIES) == 2 else 1 for i in range(CDRS)) + 1
    with new_daemon("once") as d:
        csv, senders = MasterCsv(d), Senders(d)
        feed(d, csv, senders, lines, cdrs)
        end_of_feeding(d, csv, 1, expected)
        end_of_feeding(d, csv, 2, expected + 1)
        d.wait_settled()
        usage = d.usage()
        check({r["direction"] for r in map(json.loads, usage.splitlines())} >=
              {"originating", "terminating", "internal"}, "the input has calls of every direction")
        check_whole(d)
        check(d.stop() == 0, "a clean stop")
        return expected + 1, usage


def fed_twice(number, lines, cdrs, records, usage, kills):
    rng = random.Random(SEED + number)
    with new_daemon("twice-%d" % number) as d:
        csv, senders, killer, puller = MasterCsv(d), Senders(d), Killer(d, rng), Puller(d)
        feed(d, csv, senders, lines, cdrs, kills - kills // 4, killer)
        end_of_feeding(d, csv, 1, records - 1)
        feed(d, csv, senders, lines, cdrs, kills // 4, killer)
        end_of_feeding(d, csv, 2, records)
        d.wait_settled()
        print("round %d: killed %s" % (number, killer.counts))
        check(d.usage() == usage, "the usage text is that of the quiet run")
        check(puller.usage() == usage, "and so is what a consumer gathered meanwhile")
        check(puller.stale == 0, "each revision that it was sent was higher than the one before")
        check_whole(d)
        acknowledged(d)
        check(d.stop() == 0, "a clean stop")


def acknowledged(d):
    """The newest acknowledgements there are: the kill comes right behind the last 200."""
    for n, victim in enumerate(("vault", "ingest0", "cpnid")):
        before = d.status()["records"]
        fresh = [freeswitch_cdr(10**6 * (n + 1) + i, "+1" + NOBODY, "+1" + FAR) for i in range(20)]
        check([d.post(cdr) for cdr in fresh] == [200] * len(fresh), "%d CDRs are acknowledged" % len(fresh))
        if victim == "cpnid":
            d.kill(signal.SIGKILL)
            d.start()
        else:
            os.kill(d.roles()[victim], signal.SIGKILL)
            d.wait_ready()
        after = d.status()["records"]
        check(after - before == len(fresh), "%s was killed; %d of them are there" % (victim, after - before))


def killed_amid_a_burst():
    """Many batches of one file are on their way when the kill comes: the cursor that survives may not
    be ahead of the lines that do."""
    rng, lines = random.Random(SEED), 0
    with new_daemon("burst") as d:
        csv = MasterCsv(d)
        for k in range(BURSTS):
            csv.append("".join(asterisk_line(i, NOBODY, FAR) for i in range(lines, lines + BURST_LINES)))
            lines += BURST_LINES
            time.sleep(rng.uniform(0, 0.08))
            if k % 3:
                d.kill(signal.SIGKILL)
                d.start()
            else:
                os.kill(d.roles()["ingest0"], signal.SIGKILL)
                d.wait_ready()
        end_of_feeding(d, csv, 1, lines + 1)
        check(d.stop() == 0, "every line of %d bursts, each killed amid; a clean stop" % BURSTS)


print("seed %d, %d kills" % (SEED, KILLS))
LINE_LIST, CDR_LIST = list(lines_of(LINES)), list(cdrs_of(CDRS))
N, U = quiet_run(LINE_LIST, CDR_LIST)
fed_twice(0, LINE_LIST, CDR_LIST, N, U, 0)
for r in range(ROUNDS):
    fed_twice(r + 1, LINE_LIST, CDR_LIST, N, U, KILLS * (r + 1) // ROUNDS - KILLS * r // ROUNDS)
killed_amid_a_burst()

#!/usr/bin/env python3
"""Proves I9 and I10. While the vault stands still (SIGSTOP): a posted CDR is answered 503 with
Retry-After in bounded time; a HEP sender on TCP is made to wait, and loses nothing; a sender on UDP
goes on, and each datagram is recorded, or counted as shed by us or dropped by the kernel; the worker's
memory stays bounded; other roles answer. When it goes on, all that was not shed is there. And senders
of garbage, on every listener and in the file, disturb none of the others."""
import os
import random
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from rig import Daemon, asterisk_line, check, freeswitch_cdr, hep3, sip  # noqa: E402

T = 1795220000.0
GROWTH_BYTES_MAX = 96 << 20  # 16 MiB of batches, dialogs, buffers, and the allocator's own


def failed_call(name):
    """The two frames of a call that is refused, which makes one record."""
    a, b = ("192.0.2.1", 5060), ("192.0.2.2", 5060)
    return hep3(sip("INVITE", name), a, b, T), hep3(sip("486 Busy Here", name, to_tag="u"), b, a, T + 1)


def rss(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Stopped:
    """The vault stands still inside the block."""

    def __init__(self, daemon):
        self.pid = daemon.roles()["vault"]

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


def timed_post(daemon, body):
    request = urllib.request.Request("http://127.0.0.1:%d/cdr/freeswitch" % daemon.port(8088), data=body,
                                     headers={"Content-Type": "application/json"})
    begin = time.time()
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as e:
        answer = e
    return answer.status, answer.headers.get("Retry-After"), time.time() - begin


def http(daemon):
    cdrs = [freeswitch_cdr(i) for i in range(20)]
    with Stopped(daemon):
        answers = [None] * len(cdrs)

        def post(i):
            answers[i] = timed_post(daemon, cdrs[i])
        threads = [threading.Thread(target=post, args=(i,)) for i in range(len(cdrs))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        check(all(a[0] == 503 and int(a[1]) >= 1 for a in answers), "HTTP: each of %d CDRs is answered 503 with Retry-After" % len(cdrs))
        check(max(a[2] for a in answers) < 30, "HTTP: within %.1f s" % max(a[2] for a in answers))
        check(daemon.page("healthz") == "ok\n" or daemon.page("healthz") == "ok", "the metrics listener answers meanwhile")
    for cdr in cdrs:
        daemon.until(lambda c=cdr: daemon.post(c) == 200, "HTTP to go on", 30)
    check(daemon.status()["records"] == len(cdrs), "HTTP: sent again, each is there once")


def tcp(daemon, count):
    before, worker = daemon.status()["records"], daemon.roles()["ingest0"]
    pending = b"".join(f for i in range(count) for f in failed_call("tcp-%d" % i))
    start_bytes, sent = rss(worker), 0
    with socket.create_connection(("127.0.0.1", daemon.port(9060))) as s:
        with Stopped(daemon):
            s.setblocking(False)
            idle_since = time.time()
            while time.time() - idle_since < 2 and sent < len(pending):
                try:
                    sent += s.send(pending[sent:sent + 65536])
                    idle_since = time.time()
                except BlockingIOError:
                    time.sleep(0.01)
            check(sent < len(pending), "TCP: the sender has to wait after %d of %d bytes" % (sent, len(pending)))
            growth = rss(worker) - start_bytes
            check(growth < GROWTH_BYTES_MAX, "TCP: the worker grew by %d KiB" % (growth // 1024))
            check(daemon.metrics()['cpnid_source_paused{feed="hep"}'] == 1, "TCP: which the metrics show")
        s.setblocking(True)
        s.sendall(pending[sent:])
        daemon.wait_records(before + count, name="records", seconds=120)
    time.sleep(0.3)
    check(daemon.status()["records"] == before + count, "TCP: all %d calls are there" % count)
    check(sum(counted(daemon, name) for name in ("shed", "kernel_drops", "malformed")) == 0, "TCP: nothing was shed")


def counted(daemon, name):
    return sum(v for k, v in daemon.metrics().items() if k.startswith("cpnid_%s_total{" % name) and 'feed="hep"' in k)


def udp(daemon, count):
    before, worker = daemon.status()["records"], daemon.roles()["ingest0"]
    received, start_bytes = counted(daemon, "received"), rss(worker)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", daemon.port(9060)))
        with Stopped(daemon):
            begin = time.time()
            for i in range(count):
                for frame in failed_call("udp-%d" % i):
                    s.send(frame)
                if i % 50 == 0:
                    time.sleep(0.005)
            seconds = time.time() - begin
            check(seconds < 60, "UDP: the sender is not made to wait (%d datagrams in %.1f s)" % (2 * count, seconds))
            growth = rss(worker) - start_bytes
            check(growth < GROWTH_BYTES_MAX, "UDP: the worker grew by %d KiB" % (growth // 1024))

        def accounted():
            s.send(hep3(b"\r\n\r\n", when=T))  # the kernel tells of its drops with the next datagram
            accounted.probes += 1
            return counted(daemon, "received") - received + counted(daemon, "shed") + counted(daemon, "kernel_drops") >= \
                2 * count + accounted.probes
        accounted.probes = 0
        daemon.until(accounted, "every datagram to be counted", 30)
    lost = counted(daemon, "shed") + counted(daemon, "kernel_drops")
    check(lost > 0, "UDP: %d of %d datagrams were shed, and are counted" % (lost, 2 * count))
    daemon.until(lambda: daemon.status()["batches"] > 0 and daemon.metrics()["cpnid_batches_in_flight"] == 0, "the queue to empty")
    time.sleep(0.5)
    there = daemon.status()["records"] - before
    check(count - lost <= there <= count, "UDP: %d of %d calls are there, the others were shed" % (there, count))


def garbage(daemon, ending, rng):
    """Bad senders, until told to end."""
    def stream(port):
        while not ending.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                    s.sendall(rng.choice([b"", b"HEP3\xff\xff", b"HEP3\0\x06" * 50, b"POST /cdr/freeswitch HTTP/1.1\r\n", b"GET"]) +
                              rng.randbytes(rng.randint(1, 5000)))
                    s.recv(100)
            except OSError:
                time.sleep(0.01)

    def datagrams():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while not ending.is_set():
                frame = bytearray(failed_call("bad")[0])
                for _ in range(rng.randint(1, 30)):
                    frame[rng.randrange(len(frame))] = rng.randrange(256)
                s.sendto(rng.choice([bytes(frame), rng.randbytes(200), b"HEP3", b"\0" * 1400]), ("127.0.0.1", daemon.port(9060)))
                time.sleep(0.002)

    def documents():
        while not ending.is_set():
            daemon.post(rng.choice([b"{", b"[" * 10000, b'{"variables":{}}', rng.randbytes(3000), b"cdr=%zz"]))

    def idle():
        """Connections that send half of something and then nothing."""
        held = []
        for port in [daemon.port(9060)] * 50 + [daemon.port(8088)] * 50:
            held.append(socket.create_connection(("127.0.0.1", port)))
            held[-1].sendall(b"HEP3\x10\0" if port == daemon.port(9060) else b"POST /cdr/freeswitch HTTP/1.1\r\nContent-Le")
        ending.wait()

    threads = [threading.Thread(target=stream, args=(daemon.port(port),), daemon=True) for port in (9060, 8088)]
    threads += [threading.Thread(target=f, daemon=True) for f in (datagrams, documents, idle)]
    for t in threads:
        t.start()


def bad_neighbours(daemon, count):
    before, ending, rng = daemon.status()["records"], threading.Event(), random.Random(os.getpid())
    garbage(daemon, ending, rng)
    bad_lines = ['"half a line\n', ",,,,\n", "\0\1\2\n", "x" * 70000 + "\n", '"a","b"c,"d"\n']
    with socket.create_connection(("127.0.0.1", daemon.port(9060))) as s, open(os.path.join(daemon.spool, "Master.csv"), "a") as f:
        for i in range(count):
            s.sendall(b"".join(failed_call("good-%d" % i)))
            f.write(bad_lines[i % len(bad_lines)] + asterisk_line(i))
            f.flush()
            daemon.until(lambda n=i: daemon.post(freeswitch_cdr(10**6 + n)) == 200, "an answer to a good sender", 30)
    daemon.wait_records(before + 3 * count, name="records")
    ending.set()
    time.sleep(0.5)
    good = sum(c["sip_call_id"].startswith("good-") for c in
               daemon.rows("calls", "list", "--customer", "unassigned:hep", "--from", "2026-11-01", "--to", "2026-12-31", "--purpose", "BILL"))
    lines = daemon.rows("calls", "list", "--customer", "unassigned:asterisk", "--from", "2026-11-01", "--to", "2026-12-31", "--purpose", "BILL")
    check((good, len(lines)) == (count, count), "garbage everywhere: all good calls of each feed are there (%d, %d)" % (good, len(lines)))
    check(all(v == 0 for k, v in daemon.metrics().items() if "role_restarts" in k), "and no role died of it")
    malformed = {feed: sum(v for k, v in daemon.metrics().items() if "malformed_total" in k and 'feed="%s"' % feed in k)
                 for feed in ("hep", "asterisk", "freeswitch")}
    check(all(malformed.values()), "the bad input is counted: %s" % malformed)


with Daemon("overload", extra="udp_receive_bytes: 65536") as d:
    d.start()
    http(d)
    tcp(d, 60000)
    udp(d, 40000)  # calls: twice what the queue to the vault holds
    bad_neighbours(d, 200)
    d.ctl("verify", "--deep")
    check(d.stop() == 0, "every seal opens; a clean stop")

"""rig.py - a cpnid of its own on its own ports, for the end-to-end tests: real processes, real
senders, real kills. Each test states at its top what it proves.

A test is a program: it is given the build folder, prints what it saw, exits 0 when all held,
77 when something it needs is not installed (ctest then says skipped).
"""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(SOURCE, "build", "dev")
CPNID = os.path.join(BUILD, "ingest", "cpnid")
CPNICTL = os.path.join(BUILD, "vault", "cpnictl")

CONFIG = """
state_dir: {state}
npa_file: {source}/deploy/npa.csv
listen_http: 127.0.0.1:8088
listen_usage_pull: 127.0.0.1:7760
listen_usage_hint: 127.0.0.1:7761
listen_metrics: 127.0.0.1:9464
unassigned_in_usage: true
{extra}
feeds:
  - name: hep
    kind: hep
    listen_udp: 127.0.0.1:9060
    listen_tcp: 127.0.0.1:9060
{hep}
  - name: asterisk
    kind: asterisk_csv
    path: {spool}/Master.csv
    timezone: UTC
  - name: freeswitch
    kind: freeswitch_json
roles:
  - {{who: self, roles: [all]}}
"""


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(program + " is not installed")


def check(ok, what):
    """An assertion that is printed, so that the log says what was proven."""
    print(("ok    " if ok else "FAILED"), what)
    if not ok:
        raise SystemExit(1)


def free_offset():
    """A port offset at which every listener is free, away from other tests' by process id, and
    below the ports that the kernel gives to outgoing connections (32768 and up)."""
    for attempt in range(200):
        offset = 10000 + (os.getpid() * 37 + attempt * 131) % 12000
        try:
            for port in (9060, 8088, 7760, 7761, 9464):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind(("127.0.0.1", port + offset))
            return offset
        except OSError:
            continue
    raise SystemExit("no free ports")


def usage_key(row):
    """What a usage row is the total of; a row of a higher revision replaces the one before."""
    return tuple(str(row[k]) for k in ("account", "period_start", "period", "service", "direction", "call_type",
                                       "juris", "rate_band"))


class Daemon:
    """One cpnid with its state in a folder that is removed at the end."""

    def __init__(self, name, extra="", hep=""):
        self.folder = tempfile.mkdtemp(prefix="cpni-" + name + "-")
        os.chmod(self.folder, 0o755)
        self.state = os.path.join(self.folder, "state")
        self.spool = os.path.join(self.folder, "spool")
        os.mkdir(self.spool)
        os.chmod(self.spool, 0o755)
        self.offset = free_offset()
        self.config = os.path.join(self.folder, "cpnid.yaml")
        self.log = os.path.join(self.folder, "log")
        with open(self.config, "w") as f:
            f.write(CONFIG.format(state=self.state, source=SOURCE, spool=self.spool, extra=extra, hep=hep))
        self.env = dict(os.environ, CPNID_PORT_OFFSET=str(self.offset), CPNID_STATE_DIR=self.state)
        self.process = None
        self.ctl("init", "--state-dir", self.state)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process:
            self.kill(signal.SIGKILL)
        if kind:
            sys.stderr.write(open(self.log).read()[-8000:] if os.path.exists(self.log) else "")
        shutil.rmtree(self.folder, ignore_errors=True)

    def port(self, base):
        return base + self.offset

    def start(self, wait=60):
        out = open(self.log, "ab")
        begin = out.tell()
        self.process = subprocess.Popen([CPNID, "-c", self.config], stdout=out, stderr=out, env=self.env,
                                        cwd=self.folder)
        deadline = time.time() + wait
        while b"\nready\n" not in b"\n" + self.log_bytes(begin):
            if self.process.poll() is not None or time.time() > deadline:
                raise SystemExit("cpnid did not become ready:\n" + self.log_bytes(begin).decode(errors="replace"))
            time.sleep(0.05)

    def log_bytes(self, begin=0):
        with open(self.log, "rb") as f:
            f.seek(begin)
            return f.read()

    def stop(self):
        """SIGTERM: drains; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process = None
        return code

    def kill(self, number):
        """The parent and, through the death signal, its roles."""
        roles = list(self.roles().values())
        self.process.send_signal(number)
        self.process.wait(60)
        self.process = None
        for pid in roles:
            for _ in range(200):
                if not os.path.exists("/proc/%d" % pid):
                    break
                time.sleep(0.02)

    def roles(self):
        """Role name -> pid, of the living children."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                stat = open("/proc/%s/stat" % pid).read()
                name, rest = re.match(r"\d+ \((.*)\) (.*)", stat).groups()
                if int(rest.split()[1]) == self.process.pid and rest.split()[0] != "Z":
                    found[name.replace("cpnid-", "").replace("cpnid:", "").strip()] = int(pid)
            except (OSError, AttributeError):
                continue
        return found

    def ctl(self, *args, code=0):
        """Runs cpnictl; its standard output. The exit code must be `code` (None: any)."""
        run = subprocess.run([CPNICTL, *args], env=self.env, capture_output=True, text=True)
        if code is not None and run.returncode != code:
            raise SystemExit("cpnictl %s: exit %d\n%s%s" % (" ".join(args), run.returncode, run.stdout, run.stderr))
        return run.stdout

    def rows(self, *args):
        return [json.loads(line) for line in self.ctl(*args, "--format", "json").splitlines()]

    def status(self, scope="daemon"):
        """Name -> value, of the daemon or of one feed:NAME or consumer:NAME."""
        return {row["name"]: row["value"] for row in self.rows("status", "--scope", scope)}

    def metrics(self):
        text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port(9464)).read().decode()
        return {m.group(1): float(m.group(2)) for m in re.finditer(r"^(\S+) (\S+)$", text, re.M)}

    def post(self, body, path="/cdr/freeswitch", kind="application/json"):
        """HTTP status; 0 when the connection broke."""
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port(8088), path), data=body,
                                         headers={"Content-Type": kind})
        try:
            return urllib.request.urlopen(request, timeout=30).status
        except urllib.error.HTTPError as e:
            return e.code
        except (urllib.error.URLError, ConnectionError, socket.timeout, OSError):
            return 0

    def page(self, name):
        """A page of the metrics listener, or None: /metrics, /healthz, /readyz."""
        try:
            url = "http://127.0.0.1:%d/%s" % (self.port(9464), name)
            return urllib.request.urlopen(url, timeout=5).read().decode()
        except OSError:
            return None

    def until(self, condition, what, seconds=60):
        """Waits for the condition; gives its value."""
        deadline = time.time() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.time() > deadline:
                raise SystemExit("waited for " + what)
            time.sleep(0.05)

    def wait_ready(self, seconds=60):
        """Until every role is up: also those that were killed."""
        self.until(lambda: self.page("readyz"), "every role", seconds)

    def wait_settled(self, seconds=60):
        """Until what is recorded has reached the totals that consumers see."""
        self.until(lambda: self.status()["usage_rows_dirty"] == 0, "the totals", seconds)

    def consumer(self, name="billing"):
        key = os.path.join(self.folder, name + ".key")
        if not os.path.exists(key):
            self.ctl("usage", "consumer", "add", name, "--generate", key, "--family", "usage", "--account-id")
        return key

    def usage(self):
        """Every window row, newest revision, without what a restart may change (position,
        revision), as sorted JSON lines: equal texts mean equal totals."""
        rows = {}
        for row in self.rows("usage", "pull", "--consumer", "billing", "--key", self.consumer()):
            key = usage_key(row)
            if key not in rows or rows[key]["revision"] < row["revision"]:
                rows[key] = row
        return self.usage_text(rows.values())

    @staticmethod
    def usage_text(rows):
        kept = [{k: v for k, v in row.items() if k not in ("position", "revision")} for row in rows]
        return "\n".join(sorted(json.dumps(row, sort_keys=True) for row in kept))

    def wait_records(self, count, seconds=60, name="accepted"):
        deadline = time.time() + seconds
        while self.status()[name] < count:
            if time.time() > deadline:
                raise SystemExit("waited for %s = %d, have %s" % (name, count, self.status()))
            time.sleep(0.1)


def hep3(payload, src=("192.0.2.1", 5060), dst=("192.0.2.2", 5060), when=None, key=None, node=2001):
    """One HEPv3 frame around a SIP message (feeds.md 1.2: vendor, type, length, value)."""
    when = time.time() if when is None else when

    def chunk(number, value):
        return struct.pack("!HHH", 0, number, 6 + len(value)) + value

    body = b"".join([
        chunk(1, b"\x02"), chunk(2, b"\x11"), chunk(3, socket.inet_aton(src[0])), chunk(4, socket.inet_aton(dst[0])),
        chunk(7, struct.pack("!H", src[1])), chunk(8, struct.pack("!H", dst[1])),
        chunk(9, struct.pack("!I", int(when))), chunk(10, struct.pack("!I", int(when % 1 * 1e6))),
        chunk(11, b"\x01"), chunk(12, struct.pack("!I", node)),
        chunk(14, key) if key else b"", chunk(15, payload)])
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


def sip(kind, call_id, caller="+12125550101", called="+13035550110", to_tag="", cseq=1, extra=""):
    """A SIP message of a simple call: kind is a method, or a status line like '200 OK'."""
    method = "BYE" if kind == "BYE" else "INVITE"
    if kind[0].isdigit():
        first, method = "SIP/2.0 " + kind, "BYE" if cseq == 2 else "INVITE"
    else:
        first, method = "%s sip:%s@sbc.example SIP/2.0" % (kind, called), kind
    return ("%s\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s%d%s\r\n"
            "From: <sip:%s@pbx.example>;tag=f%s\r\nTo: <sip:%s@sbc.example>%s\r\nCall-ID: %s\r\n"
            "CSeq: %d %s\r\n%sContent-Length: 0\r\n\r\n"
            % (first, call_id, cseq, method[:1], caller, call_id, called, ";tag=" + to_tag if to_tag else "",
               call_id, cseq, method, extra)).encode()


def asterisk_line(i, src="2125550101", dst="3035550110", account="", seconds=60):
    """One line of Master.csv with an identity of its own."""
    start = 1795165200 + i
    def stamp(t):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t))
    return ('"%s","%s","%s","ctx","""N"" <%s>","PJSIP/a-%08x","PJSIP/b-%08x","Dial","PJSIP/b,60","%s","%s","%s",%d,%d,'
            '"ANSWERED","DOCUMENTATION","%d.%d",""\n'
            % (account, src, dst, src, i, i, stamp(start), stamp(start + 5), stamp(start + 5 + seconds), seconds + 5,
               seconds, start, i))


def freeswitch_cdr(i, caller="+12125550101", called="+13035550110", seconds=30):
    start = 1795176000 + i
    uuid = "5e000000-0000-4000-8000-%012d" % i
    us = 1000000
    return json.dumps({
        "core-uuid": "0c1c2f30-5555-4000-8000-000000000001", "switchname": "fs",
        "channel_data": {"direction": "inbound"},
        "variables": {
            "uuid": uuid, "direction": "inbound", "sip_call_id": uuid, "sip_from_user": caller.replace("+", "%2B"),
            "sip_req_user": called.replace("+", "%2B"), "caller_id_number": caller.replace("+", "%2B"),
            "start_uepoch": str(start * us), "answer_uepoch": str((start + 3) * us),
            "end_uepoch": str((start + 3 + seconds) * us), "duration": str(seconds + 3), "billsec": str(seconds),
            "hangup_cause": "NORMAL_CLEARING", "hangup_cause_q850": "16", "sip_term_status": "200"},
        "callflow": [{"caller_profile": {"caller_id_number": caller, "destination_number": called, "uuid": uuid},
                      "times": {"created_time": str(start * us), "answered_time": str((start + 3) * us),
                                "hangup_time": str((start + 3 + seconds) * us)}}]}).encode()

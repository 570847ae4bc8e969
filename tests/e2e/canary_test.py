#!/usr/bin/python3
"""Proves I4, I5 and I7: what the feeds say about calls is nowhere but under seal.

Every field of every feed gets a marker of its own: each SIP header and FreeSWITCH variable that
names.def knows and some that it does not, each Asterisk column, each line of SDP, bodies,
credentials, the directory, the text of a case; and malformed messages, lines and documents carry
more. After a run with a disclosure and a pull, no marker may be (plain, hexadecimal, base64 in
any alignment, reversed; numbers also packed two digits a byte and as integers, instants as
integers) in any file below the state directory, the log, the metrics, what a usage consumer gets
and the bytes on its wire, the arguments and environment of a role, the text of an error, a file
that a role left in a temporary folder; and a role that crashes leaves no core. Positive controls:
the same search finds every encoding in a planted file, finds the markers in the inputs, and the
same crash does leave a core where nothing forbids it.

What is disclosed has the fields that are to be sealed, and none that is to be dropped.

Debian's own Python, to which python3-zmq belongs."""
import base64
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import string
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from rig import SOURCE, Daemon, check, freeswitch_cdr, hep3, sip, skip  # noqa: E402

try:
    import zmq
except ImportError:
    skip("python3-zmq is not installed")

SEED = int(os.environ.get("CPNI_SEED", str(int(time.time()))))
RNG = random.Random(SEED)
LETTERS = string.ascii_lowercase + string.digits
COMMON = "zq" + "".join(RNG.choice(LETTERS) for _ in range(5))  # every textual marker begins so
NUMBERS = "21255501"  # and every number
INSTANT = 1795165200 + 7321  # the calls of this test begin then; times are looked for, too
US = 10**6
SHOWN, DROPPED, EITHER = "shown", "dropped", "either"
marks = {}  # marker -> (what it is, whether a disclosure shows it)


def mark(what, expect=EITHER):
    text = COMMON + "%04x" % len(marks) + "".join(RNG.choice(LETTERS) for _ in range(3))
    marks[text] = (what, expect)
    return text


def number(n):
    return "%s%02d" % (NUMBERS, n)


# --- the search ---

def base64_forms(text):
    """The characters that depend on the text only, for each alignment."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + text + b"\0" * 3)
        yield whole[(shift * 8 + 5) // 6:(shift + len(text)) * 8 // 6]


def encodings():
    """(name, bytes, case matters) of all that is looked for."""
    for what, text in (("marker", COMMON.encode()), ("number", NUMBERS.encode())):
        yield what + " plain", text, False
        yield what + " reversed", text[::-1], False
        yield what + " hexadecimal", text.hex().encode(), False
        for i, form in enumerate(base64_forms(text)):
            yield "%s base64 at %d" % (what, i), form, True
            if form.translate(bytes.maketrans(b"+/", b"-_")) != form:
                yield "%s base64url at %d" % (what, i), form.translate(bytes.maketrans(b"+/", b"-_")), True
    for n in range(100):
        digits = number(n)
        yield "number packed", bytes.fromhex(digits), True
        yield "number packed, nibbles swapped", bytes.fromhex("".join(b + a for a, b in zip(digits[::2], digits[1::2]))), True
        yield "number as integer", struct.pack(">Q", int("1" + digits)), True
    for seconds in range(200):
        us = (INSTANT + seconds) * US
        yield "instant", struct.pack(">q", us), True
        yield "instant, little-endian", struct.pack("<q", us), True
        yield "instant in digits", str(INSTANT + seconds).encode(), False


ENCODINGS = list(encodings())


def find(data):
    lower = data.lower()
    return [name for name, form, exact in ENCODINGS if (data if exact else lower).find(form) >= 0]


def files_below(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                with open(os.path.join(path, name), "rb") as f:
                    yield os.path.join(path, name), name.encode() + b"\n" + f.read()
            except OSError:  # a socket, or gone meanwhile
                continue


def left_behind(daemon):
    """What roles with users of their own left in temporary folders."""
    users = {os.stat("/proc/%d" % pid).st_uid for pid in daemon.roles().values()} - {0, os.getuid()}
    for folder in {tempfile.gettempdir(), "/var/tmp", "/dev/shm"}:
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if os.path.lexists(path) and os.lstat(path).st_uid in users:
                yield from files_below(path) if os.path.isdir(path) else [(path, open(path, "rb").read())]


def processes(daemon):
    for name, pid in list(daemon.roles().items()) + [("cpnid", daemon.process.pid)]:
        for part in ("cmdline", "environ", "comm"):
            yield "%s of %s" % (part, name), open("/proc/%d/%s" % (pid, part), "rb").read()


def places(daemon):
    yield from files_below(daemon.state)
    yield "log", daemon.log_bytes()
    if daemon.process:
        for page in ("metrics", "healthz", "readyz"):
            yield "/" + page, daemon.page(page).encode()
        yield "status", daemon.ctl("status").encode()
        yield from processes(daemon)
        yield from left_behind(daemon)


def check_nowhere(daemon, when):
    count, total = 0, 0
    for name, data in places(daemon):
        hits = find(data)
        if hits:
            check(False, "%s: %s holds: %s" % (when, name, ", ".join(sorted(set(hits)))))
        count, total = count + 1, total + len(data)
    check(count > 10, "%s: no marker in %d files and pages, %d bytes" % (when, count, total))


def control(daemon):
    planted = os.path.join(daemon.state, "planted")
    missed = []
    for name, form, _ in ENCODINGS:
        with open(planted, "wb") as f:
            f.write(b"some bytes before" + form + b"some behind")
        with open(planted, "rb") as f:
            if name not in find(f.read()):
                missed.append(name)
    check(not missed, "control: a planted copy is found in each of %d encodings %s" % (len(ENCODINGS), missed))
    check(any(p == planted and find(b) for p, b in places(daemon)), "control: and in the walk over all places")
    os.unlink(planted)


# --- the inputs ---

def handling_of_rows():
    """SYMBOL -> SEAL, DROP, ... of fields.def."""
    text = open(os.path.join(SOURCE, "proto/classify/fields.def")).read()
    rows = re.findall(r'^FIELD\(\d+, (\w+), "[^"]*", \w+, [^"]*?, (SEAL_IX|SEAL_L|SEAL|DROP|HASH|CLEAR), ', text, re.M)
    return dict(rows)


def names_of(space):
    """(name, handling) of all that names.def knows in this space."""
    rows = handling_of_rows()
    text = open(os.path.join(SOURCE, "proto/classify/names.def")).read()
    return [(name, rows[row]) for name, row in re.findall(r'^NAME\(\d+, %s, "([^"]+)", (\w+)\)' % space, text, re.M)]


def expected(handling):
    return {"DROP": DROPPED, "HASH": EITHER, "CLEAR": EITHER}.get(handling, SHOWN)


# Headers that the message itself needs; they have markers of their own in invite().
SIP_STRUCTURE = {"to", "via", "from", "call-id", "cseq", "contact", "content-length", "content-type", "content-encoding"}
# Their grammar is strict, or only parts of them are kept, so that a bare word will not do.
SIP_FORMS = {
    "p-charging-vector": "icid-value=%s;orig-ioi=%s", "session-id": "%s", "date": "%s", "diversion": "<sip:%s@pbx.example>;reason=%s",
    "history-info": "<sip:%s@pbx.example>;index=1", "p-asserted-identity": "<sip:+1" + number(3) + "@%s.example>",
    "remote-party-id": "<sip:+1" + number(4) + "@%s.example>;party=calling",
    "authorization": 'Digest username="%s", realm="%s", nonce="%s", uri="sip:%s", response="%s", cnonce="%s", opaque="%s"',
    "proxy-authorization": 'Digest username="%s", realm="%s", nonce="%s", uri="sip:%s", response="%s", cnonce="%s"',
    "www-authenticate": 'Digest realm="%s", nonce="%s", opaque="%s"',
    "reason": 'Q.850;cause=16;text="%s"', "refer-to": "<sip:%s@pbx.example>", "referred-by": "<sip:%s@pbx.example>",
    "geolocation": "<cid:%s@pbx.example>", "user-to-user": "%s;encoding=hex", "replaces": "%s;to-tag=%s;from-tag=%s",
}
EITHER_FORMS = {"p-charging-vector", "session-id", "date", "diversion", "history-info", "replaces", "reason"}
UNKNOWN_SIP = ["X-Customer-Note", "P-Strange-Header", "Vendor-Thing"]
SECRET_SIP = ["X-Password", "X-Api-Secret", "X-Auth-Token", "X-DTMF-Keys"]


def header(name, expect):
    form = SIP_FORMS.get(name, "%s")
    if name in EITHER_FORMS and expect == SHOWN:
        expect = EITHER
    return "%s: %s\r\n" % (name, form % tuple(mark("SIP " + name, expect) for _ in range(form.count("%s"))))


def sdp():
    m = lambda what, expect=EITHER: mark("SDP " + what, expect)  # noqa: E731
    return "\r\n".join([
        "v=0", "o=%s 1 1 IN IP4 192.0.2.7" % m("o"), "s=" + m("s", DROPPED), "i=" + m("i", DROPPED),
        "u=http://%s.example/" % m("u", DROPPED), "e=%s@pbx.example" % m("e", DROPPED), "p=" + m("p", DROPPED),
        "c=IN IP4 192.0.2.7", "k=base64:" + m("k", DROPPED), "t=0 0", "a=ice-ufrag:" + m("ice-ufrag", DROPPED),
        "a=ice-pwd:" + m("ice-pwd", DROPPED), "a=fingerprint:sha-256 " + m("fingerprint"), "a=key-mgmt:mikey " + m("mikey", DROPPED),
        "m=audio 40000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + m("crypto", DROPPED),
        "a=candidate:1 1 UDP 1 192.0.2.7 40000 typ host " + m("candidate"), "a=ssrc:1 cname:" + m("cname"),
        "a=%s:%s" % (m("attribute"), m("attribute value")), ""]).encode()


def invite(i, headers, body=b"", kind="application/sdp", seal=SHOWN):
    """A call with markers in its start line, parties, tags, Call-ID and Contact; the messages of it."""
    call, tag, answer_tag = mark("Call-ID", seal), mark("From tag"), mark("To tag")
    caller, called = "+1" + number(10 + i), "+1" + number(40 + i)
    parties = ('Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s\r\nFrom: "%s" <sip:%s@%s.example>;tag=%s\r\n'
               "To: <sip:%s@%s.example>%%s\r\nCall-ID: %s\r\nCSeq: %%d %%s\r\n"
               % (mark("branch"), mark("From display", seal), caller, mark("From host", seal), tag, called,
                  mark("To host"), call))

    def request(method, cseq, to_tag="", more="", text=b"", kind=kind):
        start = "%s sip:%s@%s.example;user=phone;postd=%s SIP/2.0\r\n" % (method, called, mark("URI host"), mark("postd", DROPPED))
        end = "Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(text))
        return (start + parties % (to_tag, cseq, method) + more + end).encode() + text

    def response(status, cseq, method, more="", text=b""):
        end = "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(text)
        return ("SIP/2.0 %s\r\n" % status + parties % (";tag=" + answer_tag, cseq, method) + more + end).encode() + text

    contact = "Contact: <sip:%s@192.0.2.7:5060>\r\n" % mark("Contact")
    begin = [request("INVITE", 1, "", contact + headers, body),
             response("200 " + mark("reason phrase"), 1, "INVITE", contact + header("server", EITHER), sdp()),
             request("ACK", 1, ";tag=" + answer_tag),
             request("INFO", 2, ";tag=" + answer_tag, text=("Signal=%s\r\nDuration=160\r\n" % mark("DTMF", DROPPED)).encode(),
                     kind="application/dtmf-relay"),
             response("200 OK", 2, "INFO")]
    end = [request("BYE", 3, ";tag=" + answer_tag, header("reason", EITHER)), response("200 OK", 3, "BYE")]
    return begin, end


def others():
    """SIP that is no call: nothing of it may be kept."""
    for method, kind in (("MESSAGE", "text/plain"), ("REGISTER", "text/plain"), ("PUBLISH", "application/pidf+xml"),
                         ("NOTIFY", "application/dialog-info+xml"), ("SUBSCRIBE", "text/plain")):
        body = mark(method + " body", DROPPED).encode()
        yield ("%s sip:%s@%s.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%s\r\nFrom: <sip:%s@a.example>;tag=%s\r\n"
               "To: <sip:%s@a.example>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n%s%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
               % (method, number(70), mark("host", DROPPED), mark("branch", DROPPED), number(71), mark("tag", DROPPED), number(72),
                  mark("Call-ID", DROPPED), method, header("authorization", DROPPED), header("contact", DROPPED), kind,
                  len(body))).encode() + body


def malformed_sip():
    """Each carries markers, none is a message."""
    for i in range(6):
        whole = invite(20 + i, header("user-agent", DROPPED) + "X-Bad: " + mark("bad", DROPPED) + "\r\n", sdp(), seal=EITHER)[0][0]
        yield [whole[:len(whole) // 3], whole.replace(b"SIP/2.0\r\n", b"SIP/9\r\n", 1), whole.replace(b"CSeq: 1", b"CSeq: x"),
               b"\0" + whole, whole.replace(b"Call-ID:", b"Call ID "), whole.replace(b"\r\nTo:", b"\r\n" + b"To" * 20000 + b":")][i]


def hep_extras(payload, when):
    """With chunks that we do not read: another vendor's, correlation id, node name, a key."""
    frame = hep3(payload, when=when, key=mark("HEP key", DROPPED).encode())
    more = b"".join(struct.pack("!HHH", vendor, kind, 6 + len(value)) + value for vendor, kind, value in (
        (0, 17, mark("HEP correlation").encode()), (0, 19, mark("HEP node name").encode()), (77, 1, mark("HEP vendor").encode())))
    return b"HEP3" + struct.pack("!H", len(frame) + len(more)) + frame[6:] + more


def sip_calls():
    """Calls that together have every header, a dozen each."""
    headers = [header(n, expected(h)) for n, h in names_of("SIP") if n not in SIP_STRUCTURE]
    headers += [header(n, SHOWN) for n in UNKNOWN_SIP] + [header(n, DROPPED) for n in SECRET_SIP]
    for i, at in enumerate(range(0, len(headers), 12)):
        yield invite(i, "".join(headers[at:at + 12]), sdp())


def send_hep(daemon, inputs):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.create_connection(("127.0.0.1", daemon.port(9060)))
    calls = list(sip_calls())
    for i, (begin, end) in enumerate(calls):
        frames = [hep_extras(m, INSTANT + i + k) for k, m in enumerate(begin + end)]
        inputs += frames
        for frame in frames:
            tcp.sendall(frame) if i % 2 else udp.sendto(frame, ("127.0.0.1", daemon.port(9060)))
    live = [hep_extras(m, INSTANT) for m in invite(30, header("user-agent", EITHER), sdp(), seal=EITHER)[0]]
    noise = [hep_extras(m, INSTANT) for m in list(others()) + [m for m in malformed_sip() if len(m) < 60000]]
    noise += [b"HEP3\0\5" + mark("HEP too short", DROPPED).encode(), mark("no HEP", DROPPED).encode() * 3,
              live[0][:40] + mark("HEP chunk", DROPPED).encode()]
    for frame in live + noise:
        udp.sendto(frame, ("127.0.0.1", daemon.port(9060)))
    for frame in noise:
        with socket.create_connection(("127.0.0.1", daemon.port(9060))) as bad:
            bad.sendall(frame)
    inputs += live + noise
    udp.close()
    tcp.close()
    return len(calls)


CSV_COLUMNS = ["accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
               "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "peeraccount", "linkedid",
               "sequence"]


def csv_line(i, seal=SHOWN, **changed):
    def at(seconds):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(INSTANT + seconds))
    value = {c: mark("CSV " + c, seal) for c in ("dcontext", "lastapp", "lastdata", "userfield")}
    value.update({c: mark("CSV " + c, EITHER) for c in ("accountcode", "amaflags", "uniqueid", "peeraccount", "linkedid")})
    value.update(src=number(80 + i), dst=number(90 + i), clid='""%s"" <%s>' % (mark("CSV name", seal), number(80 + i)),
                 channel="PJSIP/%s-00000001" % mark("CSV channel", seal), dstchannel="PJSIP/%s-00000002" % mark("CSV channel", seal),
                 start=at(i), answer=at(i + 5), end=at(i + 65), duration="65", billsec="60", disposition="ANSWERED", sequence=str(i))
    value.update(changed)
    return ",".join('"%s"' % value[c] for c in CSV_COLUMNS) + "\n"


def write_csv(daemon, inputs, accountcode):
    bad = [csv_line(5, DROPPED, start=mark("CSV start", DROPPED)), csv_line(6, DROPPED, duration=mark("CSV duration", DROPPED)),
           mark("CSV nonsense", DROPPED) + "\n", ",".join([mark("CSV short", DROPPED)] * 5) + "\n",
           '"%s"x,"%s"\n' % (mark("CSV quotes", DROPPED), mark("CSV quotes", DROPPED)), csv_line(7, DROPPED)[:150] + "\n"]
    good = [csv_line(0), csv_line(1, accountcode=accountcode), csv_line(2)]
    text = "".join(line for pair in zip(good, bad[:3]) for line in pair) + "".join(bad[3:]) + csv_line(3)
    with open(os.path.join(daemon.spool, "Master.csv"), "a") as f:
        f.write(text)
    inputs.append(text.encode())
    return len(good) + 1


ADDRESSES = {"local_media_ip", "sip_local_network_addr"}  # what is no address is not kept
UNKNOWN_VARIABLES = ["sip_h_X-Note", "strange_variable", "sip_P-Odd"]
SECRET_VARIABLES = ["sip_auth_response", "rtp_crypto_key", "local_ice_pwd", "door_pin", "pin_entered", "user_api_key",
                    "app_secret", "my_password", "session_token", "collected_digits", "last_dtmf", "card_number_1"]


def freeswitch_documents():
    """Every variable that names.def knows, forty a document."""
    variables = names_of("FREESWITCH")
    variables += [(n, "SEAL") for n in UNKNOWN_VARIABLES] + [(n, "DROP") for n in SECRET_VARIABLES]
    for i, at in enumerate(range(0, len(variables), 40)):
        cdr = json.loads(freeswitch_cdr(INSTANT - 1795176000 + i, "+1" + number(20 + i), "+1" + number(60 + i)))
        for name, handling in variables[at:at + 40]:
            cdr["variables"][name] = mark("FreeSWITCH " + name, EITHER if name in ADDRESSES else expected(handling))
        cdr["variables"].update(sip_call_id=mark("FreeSWITCH sip_call_id", SHOWN), caller_id_name=mark("FreeSWITCH name", SHOWN),
                                sip_user_agent=mark("FreeSWITCH user agent", SHOWN), accountcode=mark("FreeSWITCH accountcode"))
        cdr[mark("FreeSWITCH member")] = mark("FreeSWITCH member's value")
        yield json.dumps(cdr).encode()


def post_freeswitch(daemon, inputs):
    good = list(freeswitch_documents())
    whole = json.dumps({"variables": {"uuid": mark("JSON", DROPPED), "x": mark("JSON", DROPPED)}}).encode()
    bad = [whole[:-9], whole.replace(b":", b";", 1), b"[" + whole, mark("JSON nonsense", DROPPED).encode(), b"cdr=%7B" + whole,
           b"\xff" + whole, b'{"variables": "%s"}' % mark("JSON", DROPPED).encode(), b"<cdr>%s</cdr>" % mark("XML", DROPPED).encode()]
    for body in good:
        check(daemon.post(body) == 200, "stored") if body is good[0] else daemon.post(body)
    answers = b""
    for body in bad:
        for path in ("/cdr/freeswitch", "/cdr/" + mark("path", DROPPED), "/cdr/freeswitch?q=" + mark("query", DROPPED)):
            answers += raw_post(daemon, path, body)
    check(b"HTTP/1.1 400" in answers and not find(answers), "HTTP refuses, and repeats nothing of what was sent")
    inputs += good + bad
    return len(good)


def raw_post(daemon, path, body):
    with socket.create_connection(("127.0.0.1", daemon.port(8088)), timeout=10) as s:
        s.sendall(("POST %s HTTP/1.1\r\nHost: %s.example\r\nUser-Agent: %s\r\nAuthorization: Basic %s\r\nCookie: %s\r\nConnection: close\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                   % (path, mark("HTTP host", DROPPED), mark("HTTP agent", DROPPED), mark("HTTP credential", DROPPED),
                      mark("HTTP cookie", DROPPED), len(body))).encode() + body)
        answer = b""
        while True:
            part = s.recv(65536)
            if not part:
                return answer
            answer += part


# --- what comes out ---

def pull_frames(key_file, daemon):
    """The frames that a consumer of Python's sees, decrypted; CU1 by hand: Pull{stream, max_rows}."""
    key = dict(re.findall(r'^\s*([a-z-]+) = "(.*)"$', open(key_file).read(), re.M))
    pull = b"\x0a\x0busage.calls" + b"\x18\xe8\x07"
    with zmq.Context() as context, context.socket(zmq.DEALER) as s:
        s.curve_publickey, s.curve_secretkey = key["public-key"].encode(), key["secret-key"].encode()
        s.curve_serverkey = key["server-key"].encode()
        s.linger, s.rcvtimeo = 0, 20000
        s.connect("tcp://127.0.0.1:%d" % daemon.port(7760))
        s.send_multipart([b"CU1", b"\x0a" + bytes([len(pull)]) + pull])
        return s.recv_multipart()


def sniffer(daemon, path):
    """tcpdump on the usage listeners, if it is there and may listen."""
    if not shutil.which("tcpdump") or os.getuid() != 0:
        print("note: no tcpdump, the wire of the usage listeners is not looked at")
        return None
    run = subprocess.Popen(["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", path, "-s", "0", "port %d or port %d or port %d"
                            % tuple(daemon.port(p) for p in (7760, 7761, 9464))], stderr=subprocess.PIPE)
    line = run.stderr.readline()
    if b"listening" not in line and b"listening" not in run.stderr.readline():
        print("note: tcpdump may not listen")
        run.kill()
        return None
    return run


def check_usage(daemon, account):
    tokens = os.path.join(daemon.folder, "tokens.key")
    daemon.ctl("usage", "consumer", "add", "tokens", "--generate", tokens, "--family", "usage")
    wire = os.path.join(daemon.folder, "wire.pcap")
    tcpdump = sniffer(daemon, wire)
    frames = pull_frames(tokens, daemon)
    check(len(b"".join(frames)) > 300 and b"usage.calls" in b"".join(frames), "a consumer pulls %d bytes" % len(b"".join(frames)))
    check(not find(b"".join(frames)), "usage by token: no marker in any frame")
    rows = daemon.rows("usage", "pull", "--consumer", "billing", "--key", daemon.consumer())
    check(account in {r.pop("account") for r in rows}, "usage by account id says whose it is")
    check(not find(json.dumps(rows).encode()), "and nothing else")
    known = {"period_start", "period", "service", "direction", "call_type", "juris", "rate_band", "attempts", "answered",
             "duration_ms", "billed", "failed", "incomplete", "forwarded", "revision", "position"}
    check(set().union(*rows) <= known, "a row has no field that could hold a call")
    if tcpdump:
        daemon.page("metrics")
        time.sleep(0.5)
        tcpdump.terminate()
        tcpdump.wait()
        data = open(wire, "rb").read()
        check(len(data) > 3000 and b"CURVE" in data and not find(data), "no marker in %d bytes on the wire" % len(data))


def check_disclosed(daemon, customers):
    text = ""
    for customer in customers:
        text += daemon.ctl("calls", "list", "--customer", customer, "--from", "2020-01-01", "--to", "2029-12-31", "--purpose",
                           "LEGAL", "--case", mark("case"), "--format", "json")
    missing = sorted({what for m, (what, expect) in marks.items() if expect == SHOWN and m not in text})
    leaked = sorted({what for m, (what, expect) in marks.items() if expect == DROPPED and m in text})
    shown = sum(m in text for m in marks)
    check(not missing, "disclosed: every sealed field is there (%d of %d markers) %s" % (shown, len(marks), missing))
    check(not leaked, "disclosed: nothing that must not be held %s" % leaked)


def check_errors(daemon):
    text = ""
    wrong = os.path.join(daemon.folder, "wrong.csv")
    with open(wrong, "w") as f:
        f.write("customer_id,account_id,kind,value\n%s,%s,%s,%s\n" % tuple(mark("import", DROPPED) for _ in range(4)))
    for args in (["customer", "import", wrong], ["customer", "show", mark("argument")], ["calls", "list", "--customer",
                 mark("argument"), "--from", mark("argument"), "--to", "2027-01-01", "--purpose", "BILL"], [mark("argument")],
                 ["calls", "list", "--customer", mark("argument"), "--from", "2026-01-01", "--to", "2027-01-01", "--purpose",
                  mark("argument")], ["ingest", os.path.join(daemon.spool, "Master.csv"), "--feed", mark("argument")],
                 ["ingest", os.path.join(daemon.spool, "Master.csv"), "--feed", "asterisk"]):
        run = subprocess.run([os.path.join(sys.argv[1], "vault", "cpnictl"), *args], env=daemon.env, capture_output=True)
        text += (run.stdout + run.stderr).decode()
    check(not find(text.encode()), "messages of cpnictl repeat nothing (%d bytes)" % len(text))


def cores(daemon):
    pattern = open("/proc/sys/kernel/core_pattern").read().strip()
    folders = {daemon.folder, daemon.state, os.path.dirname(pattern) if pattern.startswith("/") else "/"}
    return pattern, {os.path.join(f, n) for f in folders if os.path.isdir(f) for n in os.listdir(f) if "core" in n}


def check_no_core(daemon):
    pattern, before = cores(daemon)
    control = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 6)"], cwd=daemon.folder)
    check(control.returncode == -signal.SIGABRT, "control: a process crashes in the same folder, under the same limits")
    seen = cores(daemon)[1] - before
    print("control: " + ("it leaves a core" if seen else "cores go elsewhere here (%s); theirs would, too" % pattern))
    for core in seen:
        os.unlink(core)
    for name in ("vault", "ingest0", "forward"):
        os.kill(daemon.roles()[name], signal.SIGABRT)
        daemon.until(lambda: "role=%s event=ended signal=6" % name in daemon.log_bytes().decode(), name + " to crash")
        daemon.wait_ready()
    check(cores(daemon)[1] - before == set(), "vault, ingest and forward crash and leave no core")


def run():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with Daemon("canary") as d:
        os.chmod(d.folder, 0o1777)  # a role could write its core there
        customer, account, code = mark("customer id"), mark("account id"), mark("account code")
        customers = os.path.join(d.folder, "customers.csv")
        with open(customers, "w") as f:
            f.write("customer_id,account_id,kind,value\n" + "".join("%s,%s,%s,%s\n" % (customer, account, kind, value) for kind, value in (
                ("account_code", code), ("number", number(99)), ("domain", mark("domain") + ".example"), ("trunk", mark("trunk")))))
        d.start()
        d.ctl("customer", "import", customers)
        inputs = []
        records = write_csv(d, inputs, code) + post_freeswitch(d, inputs) + send_hep(d, inputs)
        d.wait_records(records)
        time.sleep(1)  # the live call is checkpointed, too
        check(d.status()["records"] == records, "%d calls are recorded, and nothing of what was malformed" % records)
        check(all(find(data) for data in inputs), "control: the search finds markers in each of %d inputs" % len(inputs))
        sent = sum(m in b"".join(inputs).decode("latin-1") for m in marks)
        check(sent > 0.8 * len(marks), "control: %d of %d markers are in them" % (sent, len(marks)))
        for feed in ("hep", "freeswitch"):
            check(d.metrics()['cpnid_fields_dropped_total{feed="%s"}' % feed] > 0, "%s: secrets were dropped, and counted" % feed)
        control(d)
        d.consumer()
        d.wait_settled()
        check_nowhere(d, "while it runs")
        check_disclosed(d, [customer] + ["unassigned:" + feed for feed in ("hep", "asterisk", "freeswitch")])
        check_usage(d, account)
        check_errors(d)
        check_no_core(d)
        d.ctl("verify", "--deep")
        check_nowhere(d, "after disclosure, pull and crashes")
        check(d.stop() == 0, "a clean stop")
        check_nowhere(d, "after the end")
        d.start()
        check_nowhere(d, "started again")


print("seed %d, markers begin with %s" % (SEED, COMMON))
run()

"""rsyslog.py - the CDR lines as syslog messages into a file, which is what people do today."""
import os
import shutil
import socket
import subprocess
import time
from collections import Counter

from place import LIMIT_S, Server, listens, until

CONFIG = """
global(workDirectory="%(folder)s" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imptcp")
template(name="line" type="string" string="%%msg:2:$%%\\n")
input(type="imptcp" address="127.0.0.1" port="%(port)d")
action(type="omfile" file="%(out)s" template="line" sync="on")
"""


class Rsyslog:
    feed, share, store = "csv", 1.0, ("cdr.log",)
    name = "rsyslog into a synced file"
    sealed, repeats, totals = "no", "stored again", "no"
    durable = "each batch of its queue (sync), unknown to the sender"

    def __init__(self, place, _build):
        self.place, self.port, self.out = place, place.port(10514), place.path("cdr.log")

    @staticmethod
    def missing(_build):
        return [] if shutil.which("rsyslogd") else ["rsyslog"]

    @staticmethod
    def version(_build):
        said = subprocess.run(["rsyslogd", "-v"], capture_output=True, text=True, check=True).stdout
        return "rsyslog " + said.split()[1]

    def __enter__(self):
        self.place.clear("cdr.log", "rsyslog.pid")
        config = CONFIG % {"folder": self.place.folder, "port": self.port, "out": self.out}
        self.server = Server(self.place, "rsyslog",
                             ["rsyslogd", "-n", "-f", self.place.write("rsyslog.conf", config), "-i",
                              self.place.path("rsyslog.pid")], lambda: listens(self.port))
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def prepare(self, lines):
        head = b"<134>Nov 20 06:00:00 pbx asterisk: "
        self.lines = [line.encode() + b"\n" for line in lines]
        self.messages = b"".join(head + line for line in self.lines)

    def written(self):
        return os.stat(self.out).st_size if os.path.exists(self.out) else 0

    def give(self):
        expected = self.written() + sum(map(len, self.lines))
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_S) as s:
            s.sendall(self.messages)
            until(lambda: self.written() >= expected, "all lines", pause_s=0.002)
        with open(self.out, "rb") as f:
            os.fsync(f.fileno())  # the size is seen before rsyslog's own sync of the last batch
        return time.monotonic() - start

    def stored(self):
        """Lines that are those that were given; under load its queue has two workers, who change their order."""
        with open(self.out, "rb") as f:
            found = Counter(f)
        return sum(found[line] for line in self.lines)

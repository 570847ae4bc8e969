"""kamailio.py - HEP into Kamailio's sipcapture, a row a message in PostgreSQL."""
import os
import shutil
import socket
import struct
import subprocess
import time

import postgres
from place import Server, until

CHILDREN = 4  # each waits for its own commit
BURST = 16    # some 2.3 KB each in a socket's buffer of 208 KiB, the usual size
QUEUE_BYTES = 64 * 1024

# In the server, so that waiting costs no connection a look; ten seconds without a new row are too many.
WAIT = """DO $$ DECLARE
    stored bigint := 0; before bigint; quiet integer := 0;
BEGIN
    WHILE stored < %d AND quiet < 500 LOOP
        PERFORM pg_sleep(0.02);
        before := stored;
        SELECT count(*) INTO stored FROM sip_capture;
        quiet := CASE WHEN stored = before THEN quiet + 1 ELSE 0 END;
    END LOOP;
END $$"""


def receive_queue(port):
    """Bytes that wait in the receive queue of loopback's UDP port, as the kernel counts them; -1: there is none."""
    with open("/proc/net/udp") as f:
        for line in f.readlines()[1:]:
            column = line.split()
            if column[1] == "0100007F:%04X" % port:
                return int(column[4].split(":")[1], 16)
    return -1


def frames(stream):
    """The HEP3 frames of what cpnibench generate hep prints."""
    at, found = 0, []
    while at < len(stream):
        size = struct.unpack_from("!H", stream, at + 4)[0]
        found.append(stream[at:at + size])
        at += size
    return found


class Kamailio:
    feed, share, store = "hep", 0.1, ("pg",)
    name = "Kamailio sipcapture into PostgreSQL"
    sealed, repeats, totals, durable = "no", "stored again", "no", "each message (synchronous_commit)"
    MODULE = "/usr/lib/x86_64-linux-gnu/kamailio/modules/db_postgres.so"

    def __init__(self, place, _build):
        self.place, self.port = place, place.port(9060)

    @classmethod
    def missing(cls, build):
        wanted = (("kamailio", shutil.which("kamailio")), ("kamailio-postgres-modules", os.path.exists(cls.MODULE)))
        return postgres.Form.missing(build) + [package for package, there in wanted if not there]

    @staticmethod
    def version(_build):
        said = subprocess.run(["kamailio", "-v"], capture_output=True, text=True, check=True).stdout
        return "Kamailio " + said.split()[2]

    def __enter__(self):
        self.cluster = postgres.Cluster(self.place).__enter__()
        try:
            schema = open(os.path.join(postgres.HERE, "sip_capture.sql")).read()
            self.cluster.ask("DROP TABLE IF EXISTS sip_capture; " + schema)
            config = open(os.path.join(postgres.HERE, "kamailio.cfg")).read()
            url = "postgres://bench:%s@127.0.0.1:%d/postgres" % (self.cluster.password, self.cluster.port)
            for word, value in (("HEP_PORT", self.port), ("CHILDREN", CHILDREN), ("DB_URL", url)):
                config = config.replace(word, str(value))
            self.server = Server(self.place, "kamailio",
                                 ["kamailio", "-f", self.place.write("kamailio.cfg", config), "-DD", "-E", "-w",
                                  self.place.folder, "-Y", self.place.folder], lambda: receive_queue(self.port) >= 0)
            self.server.__enter__()
        except BaseException:
            self.cluster.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.cluster.__exit__()

    def prepare(self, messages):
        self.messages, self.expected = messages, 0
        self.cluster.ask("CHECKPOINT")

    def send(self):
        """As fast as is taken: a burst when there is surely room for it, so that nothing is lost."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for at in range(0, len(self.messages), BURST):
                until(lambda: receive_queue(self.port) <= QUEUE_BYTES, "Kamailio to read", pause_s=0.0005)
                for message in self.messages[at:at + BURST]:
                    s.sendto(message, ("127.0.0.1", self.port))

    def give(self):
        start = time.monotonic()
        self.send()
        self.expected += len(self.messages)
        self.cluster.ask(WAIT % self.expected)
        return time.monotonic() - start

    def stored(self):
        """Rows that are the message of the call they say."""
        return int(self.cluster.ask("SELECT count(*) FROM sip_capture "
                                    "WHERE position(convert_to('Call-ID: ' || callid, 'UTF8') IN msg) > 0"))

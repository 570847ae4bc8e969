"""sqlite.py - SQLite and libsodium in a program of our own (sqlite_peer.c)."""
import os
import subprocess
import time


class Sqlite:
    feed, share, store = "csv", 1.0, ("cdr.db", "cdr.db-wal")
    name = "SQLite WAL, libsodium, 512 rows a transaction"
    sealed, repeats, totals = "XChaCha20-Poly1305", "refused", "per account"
    durable = "each transaction (synchronous=FULL)"

    def __init__(self, place, build):
        self.place, self.program, self.database = place, self.built(build), place.path("cdr.db")

    @staticmethod
    def built(build):
        return os.path.join(build, "bench", "peers", "sqlite_peer")

    @classmethod
    def missing(cls, build):
        return [] if os.path.exists(cls.built(build)) else ["libsqlite3-dev (when cpni-vault was built)"]

    @classmethod
    def version(cls, build):
        return subprocess.run([cls.built(build), "version"], capture_output=True, text=True, check=True).stdout.strip()

    def __enter__(self):
        self.place.clear("cdr.db", "cdr.db-wal", "cdr.db-shm")
        return self

    def __exit__(self, *_):
        pass

    def prepare(self, lines):
        self.file = self.place.write("sqlite.csv", "\n".join(lines) + "\n")

    def give(self):
        start = time.monotonic()
        self.place.run(self.program, "load", self.file, self.database)
        return time.monotonic() - start

    def stored(self):
        """Rows that open under their customer's key and are the call they say."""
        return int(self.place.run(self.program, "check", "", self.database))

"""postgres.py - PostgreSQL 15 with pgcrypto, the usual way and the fastest way we know."""
import csv
import glob
import os
import secrets
import signal
import subprocess
import time

from place import Failed, LIMIT_S, Server, pieces

HERE = os.path.dirname(os.path.realpath(__file__))
BIN = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [""])[-1]
CHUNK = 10000  # lines of one COPY: one commit
CONNECTIONS = os.cpu_count() or 1
COLUMNS = ("account src dst context clid channel dstchannel app data start answer finish duration billsec disposition"
           " amaflags id userfield").split()


class Cluster:
    """A cluster of its own, initialised once, that runs for the length of a `with`."""

    # Room enough that no checkpoint falls into a run; all that concerns durability is left as it comes.
    SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "1h", "max_connections": "40"}

    def __init__(self, place):
        self.place, self.data, self.port = place, place.path("pg"), place.port(5432)
        self.password = secrets.token_hex(16)
        if os.path.exists(self.data):
            self.password = open(place.path("pg-password")).read()
            return
        file = place.write("pg-password", self.password)
        place.run(BIN + "/initdb", "-D", self.data, "-U", "bench", "-E", "UTF8", "--locale=C", "--no-sync",
                  "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + file)

    def __enter__(self):
        settings = [a for k, v in self.SETTINGS.items() for a in ("-c", k + "=" + v)]
        self.server = Server(self.place, "postgres",
                             [BIN + "/postgres", "-D", self.data, "-k", self.place.folder, "-p", str(self.port),
                              "-c", "listen_addresses=127.0.0.1", *settings], self.answers, signal.SIGINT)
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def answers(self):
        return subprocess.run([BIN + "/pg_isready", "-q", "-h", self.place.folder, "-p", str(self.port), "-U", "bench",
                               "-d", "postgres"], check=False).returncode == 0

    def psql(self, *args):
        return [BIN + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.place.folder, "-p",
                str(self.port), "-U", "bench", "-d", "postgres", *args]

    def ask(self, sql):
        return self.place.run(*self.psql("-f", "-"), text=sql).strip()

    def run_all(self, scripts):
        """Each script over a connection of its own, all at once; seconds until the last has ended."""
        start = time.monotonic()
        running = [self.place.popen(*self.psql("-f", script), stderr=subprocess.PIPE, text=True) for script in scripts]
        said = [(p.communicate(timeout=LIMIT_S)[1], p.returncode) for p in running]
        took = time.monotonic() - start
        for text, code in said:
            if code:
                raise Failed("psql: " + text[-2000:])
        return took


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Form:
    """One way to bring CDR lines into PostgreSQL."""
    feed, store = "csv", ("pg",)
    durable = "each commit (synchronous_commit)"
    totals = "no"

    def __init__(self, place, _build):
        self.place = place

    @staticmethod
    def missing(_build):
        return [] if BIN and os.path.exists(BIN + "/postgres") else ["postgresql-15"]

    @staticmethod
    def version(_build):
        said = subprocess.run([BIN + "/postgres", "--version"], capture_output=True, text=True, check=True).stdout
        return "PostgreSQL " + said.split()[2]

    def __enter__(self):
        self.cluster = Cluster(self.place).__enter__()
        schema = open(os.path.join(HERE, "cdr.sql")).read()
        self.cluster.ask("CREATE EXTENSION IF NOT EXISTS pgcrypto; DROP TABLE IF EXISTS cdr, customer_key; " + schema)
        return self

    def __exit__(self, *_):
        self.cluster.__exit__()

    def prepare(self, lines):
        """Keys of the customers, and the scripts, one a connection."""
        self.rows = [next(csv.reader([line])) for line in lines]
        accounts = sorted({row[0] for row in self.rows})
        keys = ",".join("(%s, gen_random_bytes(32))" % quoted(a) for a in accounts)
        self.cluster.ask("CREATE TABLE customer_key (account text PRIMARY KEY, key bytea NOT NULL);"
                         "INSERT INTO customer_key VALUES %s; ANALYZE customer_key; CHECKPOINT" % keys)
        self.scripts = self.write_scripts(lines)

    def give(self):
        return self.cluster.run_all(self.scripts)

    def stored(self):
        """Rows that open under their customer's key and are the call they say."""
        return int(self.cluster.ask("SELECT count(*) FROM cdr JOIN customer_key USING (account) "
                                    "WHERE position(id IN %s) > 0" % self.OPEN))


class Usual(Form):
    """INSERT ... pgp_sym_encrypt(), as a loader of CDRs is usually written."""
    batch = 100
    name, share = "PostgreSQL, pgp_sym_encrypt, 100 rows an INSERT", 0.1
    sealed, repeats = "AES-128, OpenPGP", "refused"
    OPEN = "pgp_sym_decrypt(sealed, encode(key, 'hex'))"
    INSERT = ("INSERT INTO cdr SELECT v.id, v.account, v.started::timestamptz, "
              "pgp_sym_encrypt(v.line, encode(k.key, 'hex')) FROM (VALUES\n%s) v(id, account, started, line) "
              "JOIN customer_key k USING (account) ON CONFLICT DO NOTHING;\n")

    def write_scripts(self, lines):
        rows = ["(%s)" % ",".join(map(quoted, (row[16], row[0], row[9], line)))
                for row, line in zip(self.rows, lines)]
        batches = [",\n".join(rows[i:i + self.batch]) for i in range(0, len(rows), self.batch)]
        return [self.place.write("usual.sql", "".join(self.INSERT % b for b in batches))]


class Single(Usual):
    batch = 1
    name, share = "PostgreSQL, pgp_sym_encrypt, a row an INSERT", 0.02


class Copy(Form):
    """COPY of the file itself into a temporary table, raw AES from there: nothing is quoted or sent."""
    name, share = "PostgreSQL, COPY and encrypt_iv, a connection a core", 1.0
    sealed, repeats = "AES-256-CBC, not authenticated", "refused"
    OPEN = ("convert_from(decrypt_iv(substr(sealed, 17), key, substr(sealed, 1, 16), 'aes'), 'UTF8')")
    HEAD = ("CREATE TEMP TABLE incoming (%s) ON COMMIT DELETE ROWS;\n" % ", ".join(c + " text" for c in COLUMNS))
    LOAD = ("BEGIN; COPY incoming FROM '%s' (FORMAT csv); INSERT INTO cdr "
            "SELECT id, account, start::timestamptz, iv || encrypt_iv(convert_to(line, 'UTF8'), key, iv, 'aes') FROM "
            "(SELECT i.id, i.account, i.start, i::text AS line, k.key, gen_random_bytes(16) AS iv "
            "FROM incoming i JOIN customer_key k USING (account)) s ON CONFLICT DO NOTHING; COMMIT;\n")

    def chunks(self, lines):
        """The names of files of CHUNK lines, a list of them a connection."""
        return [[self.place.write("copy-%d-%d.csv" % (c, i), "\n".join(part[i:i + CHUNK]) + "\n")
                 for i in range(0, len(part), CHUNK)] for c, part in enumerate(pieces(lines, CONNECTIONS))]

    def write_scripts(self, lines):
        return [self.place.write("copy-%d.sql" % c, self.HEAD + "".join(self.LOAD % f for f in files))
                for c, files in enumerate(self.chunks(lines))]


class Sealed(Copy):
    """COPY of rows that somebody else has sealed, in PostgreSQL's binary form: what its store can take."""
    name = "PostgreSQL, COPY of rows sealed before the clock"
    sealed, repeats = "before the clock", "the COPY fails"

    def write_scripts(self, lines):
        self.cluster.run_all(super().write_scripts(lines))
        pages = int(self.cluster.ask("SELECT pg_relation_size('cdr') / current_setting('block_size')::int"))
        size, files = -(-pages * CHUNK // len(lines)), []
        for page in range(0, pages, size):
            files.append(self.place.path("sealed-%d" % page))
            self.cluster.ask("COPY (SELECT * FROM cdr WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)') TO '%s' "
                             "(FORMAT binary)" % (page, page + size, files[-1]))
        self.cluster.ask("TRUNCATE cdr; CHECKPOINT")
        load = "COPY cdr FROM '%s' (FORMAT binary);\n"
        return [self.place.write("sealed-%d.sql" % c, "".join(load % f for f in part))
                for c, part in enumerate(pieces(files, CONNECTIONS))]

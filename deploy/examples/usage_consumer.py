#!/usr/bin/python3
"""usage_consumer.py - a billing system's end of the usage protocol, in one page.

    usage_consumer.py --key billing.key --database totals.db [--follow] [--print]

Pulls window rows (proto/wire/usage.proto) over ZeroMQ with CURVE, keeps them in SQLite and
confirms what it has stored. The three rules of a consumer:

  * a row is kept under its key, and a higher revision replaces a lower one: delivery twice,
    late and out of order changes nothing;
  * the cursor is stored in the same transaction as the rows it stands behind, so a crash
    at any moment loses nothing and repeats at most one pull;
  * only what is stored is confirmed.

The key file is what `cpnictl usage consumer add NAME --generate FILE` wrote. Needs Debian's
python3-zmq, python3-protobuf and protobuf-compiler: the messages are compiled from the .proto
file at start, so that there is no generated code to go stale.
"""
import argparse
import importlib.util
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time

import zmq

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "..", "..", "proto", "wire", "usage.proto")
VERSION = b"CU1"
KEY = ("account", "period_start", "period", "service", "direction", "call_type", "juris",
       "rate_band")
SUMS = ("attempts", "answered", "duration_ms", "incomplete", "forwarded")


def compile_messages(proto):
    """The Python module of usage.proto."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--proto_path={os.path.dirname(proto)}",
                        f"--python_out={folder}", proto], check=True)
        spec = importlib.util.spec_from_file_location("usage_pb2", os.path.join(folder, "usage_pb2.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def read_key_file(path):
    """A ZPL certificate with the server's key and address beside the consumer's own pair."""
    if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        sys.exit(f"{path} is open to others: chmod 600")
    with open(path, encoding="ascii") as file:
        found = re.findall(r'^\s*([a-z-]+)\s*=\s*"([^"]*)"', file.read(), re.MULTILINE)
    return dict(found)


class Store:
    """Rows and cursor in one SQLite file."""

    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("CREATE TABLE IF NOT EXISTS cursor (stream TEXT PRIMARY KEY, position INTEGER)")
        self.db.execute(f"""CREATE TABLE IF NOT EXISTS usage (
            {', '.join(KEY)}, {', '.join(SUMS)}, billed TEXT, failed TEXT, revision INTEGER,
            PRIMARY KEY ({', '.join(KEY)}))""")

    def cursor(self, stream):
        row = self.db.execute("SELECT position FROM cursor WHERE stream = ?", (stream,)).fetchone()
        return row[0] if row else 0

    def keep(self, stream, rows):
        columns = KEY + SUMS + ("billed", "failed", "revision")
        upsert = f"""INSERT INTO usage ({', '.join(columns)})
            VALUES ({', '.join('?' * len(columns))})
            ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET
            {', '.join(f'{c} = excluded.{c}' for c in columns[len(KEY):])}
            WHERE excluded.revision > usage.revision"""
        with self.db:  # one transaction
            for row in rows.rows:
                billed = {b.increment: b.seconds for b in row.billed}
                failed = {f.outcome: f.count for f in row.failed}
                self.db.execute(upsert, [getattr(row, c) for c in KEY + SUMS]
                                + [json.dumps(billed, sort_keys=True),
                                   json.dumps(failed, sort_keys=True), row.revision])
            self.db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (stream, rows.next_cursor))

    def print(self):
        columns = KEY + SUMS + ("billed", "failed", "revision")
        print("\t".join(columns))
        for row in self.db.execute(f"SELECT {', '.join(columns)} FROM usage ORDER BY {', '.join(KEY)}"):
            print("\t".join(str(cell) for cell in row))


class Server:
    """One connection, one request in flight. Without an answer in time the connection is
    made anew: a late answer must not be taken for the next one's."""

    def __init__(self, key, messages, timeout_s):
        self.context = zmq.Context()
        self.key, self.messages, self.timeout_ms = key, messages, timeout_s * 1000
        self.socket = None

    def connect(self):
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.curve_serverkey = self.key["server-key"].encode()
        self.socket.curve_publickey = self.key["public-key"].encode()
        self.socket.curve_secretkey = self.key["secret-key"].encode()
        self.socket.connect(self.key["endpoint"])

    def call(self, **body):
        if self.socket is None:
            self.connect()
        self.socket.send_multipart([VERSION, self.messages.Envelope(**body).SerializeToString()])
        wait_ms = body["pull"].wait_ms if "pull" in body else 0
        if not self.socket.poll(self.timeout_ms + wait_ms):
            self.socket.close()
            self.socket = None
            raise TimeoutError("no answer: daemon away, or it does not know this key")
        version, envelope = self.socket.recv_multipart()
        if version != VERSION:
            raise ValueError("answer of another version")
        return self.messages.Envelope.FromString(envelope)


def ask(server, messages, **body):
    """The answer to a request; BUSY is asked again, any other refusal ends the program."""
    while True:
        answer = server.call(**body)
        if answer.WhichOneof("body") != "error":
            return answer
        if answer.error.code != messages.Error.BUSY:
            sys.exit(f"refused: {answer.error.text}")
        time.sleep(1)


def pull_once(server, store, messages, stream, max_rows, wait_ms):
    """One Pull and its Confirm; the number of rows."""
    pull = messages.Pull(stream=stream, cursor=store.cursor(stream), max_rows=max_rows, wait_ms=wait_ms)
    rows = ask(server, messages, pull=pull).rows
    store.keep(stream, rows)
    if rows.rows:
        ask(server, messages, confirm=messages.Confirm(stream=stream, cursor=rows.next_cursor))
    return len(rows.rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--key", required=True, help="key file of `cpnictl usage consumer add`")
    parser.add_argument("--database", required=True, help="SQLite file for rows and cursor")
    parser.add_argument("--stream", default="usage.calls")
    parser.add_argument("--max-rows", type=int, default=1000, help="of one pull")
    parser.add_argument("--follow", action="store_true", help="go on with rows as they come")
    parser.add_argument("--print", action="store_true", help="print the totals at the end")
    parser.add_argument("--proto", default=PROTO, help="usage.proto")
    parser.add_argument("--timeout", type=int, default=10, help="seconds to wait for an answer")
    options = parser.parse_args()

    messages = compile_messages(options.proto)
    store = Store(options.database)
    server = Server(read_key_file(options.key), messages, options.timeout)
    wait_ms = 30000 if options.follow else 0
    try:
        while pull_once(server, store, messages, options.stream, options.max_rows, wait_ms) or options.follow:
            pass
    except TimeoutError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        pass
    if options.print:
        store.print()


if __name__ == "__main__":
    main()

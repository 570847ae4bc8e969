#!/bin/sh
# Usage as billing gets it, from real processes: the Python consumer of deploy/examples and
# `cpnictl usage pull` end with the same totals; pulling again, from the start again, and
# through a kill -9 of the vault and of forward changes none; who has no registered key gets
# nothing. Argument: the build folder.
set -eu
build=${1:?build folder}
cpnid=$build/ingest/cpnid
ctl=$build/vault/cpnictl
python=/usr/bin/python3
[ -x "$cpnid" ] && [ -x "$ctl" ] || { echo "skipped: cpnid or cpnictl is not built"; exit 77; }
"$python" -c 'import zmq, google.protobuf' 2>/dev/null && command -v protoc > /dev/null ||
    { echo "skipped: python3-zmq, python3-protobuf or protobuf-compiler is missing"; exit 77; }
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
chmod 755 "$work"
daemon=
trap 'status=$?; [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || :; [ $status -eq 0 ] || cat "$work/log" >&2; rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAIL: $*" >&2; exit 1; }

until_ok() { # 20 seconds at most
    tries=0
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "never: $*"
        sleep 0.1
    done
}

role() { # pid of a role by the name of its process
    for pid in $(cat "/proc/$daemon/task/$daemon/children"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "cpnid-$1" ] || echo "$pid"
    done
}

# Four ports that are free now.
set -- $("$python" -c 'import socket
s = [socket.socket() for _ in range(4)]
for i in s: i.bind(("127.0.0.1", 0))
print(*[i.getsockname()[1] for i in s])')
cat > cpnid.yaml <<END
npa_file: $source/deploy/npa.csv
listen_metrics: 127.0.0.1:$1
listen_usage_pull: 127.0.0.1:$2
listen_usage_hint: 127.0.0.1:$3
listen_http: 127.0.0.1:$4
dek_cache_slots: 1024
feeds: [{name: asterisk, kind: asterisk_csv, path: spool/Master.csv, timezone: UTC}]
roles: [{who: self, roles: [all]}]
END
endpoint=tcp://127.0.0.1:$2
unset CPNID_STATE_DIR CPNID_PORT_OFFSET

"$ctl" init --state-dir state > /dev/null
mkdir state/spool
"$cpnid" -c cpnid.yaml > log 2>&1 &
daemon=$!
until_ok grep -qx ready log
"$ctl" customer import "$source/deploy/sample/customers.csv" > /dev/null
"$ctl" usage consumer add billing --family usage --generate billing.key --endpoint "$endpoint" > /dev/null
"$ctl" usage consumer add auditor --family usage --generate auditor.key --endpoint "$endpoint" > /dev/null
"$ctl" ingest "$source/deploy/sample/Master.csv" --feed asterisk --npa "$source/deploy/npa.csv" > /dev/null

consume() { # DATABASE, options...: the totals after a run of the example
    database=$1
    shift
    "$python" "$source/deploy/examples/usage_consumer.py" --key billing.key --database "$database" --print "$@"
}

# The same rows from either side: key, sums and revision of every row, sorted.
as_json() {
    "$python" -c 'import json, sqlite3, sys
names = ["account", "service", "direction", "call_type", "juris", "attempts", "answered",
         "duration_ms", "incomplete", "forwarded", "revision"]
rows = set()
if sys.argv[1] == "-":
    for line in sys.stdin:
        row = json.loads(line)
        rows.add(tuple(str(row[n]) for n in names) + (json.dumps(row["billed"], sort_keys=True),))
else:
    for row in sqlite3.connect(sys.argv[1]).execute("SELECT %s, billed FROM usage" % ", ".join(names)):
        rows.add(tuple(map(str, row)))
print(*sorted(rows), sep="\n")' "$1"
}
ctl_rows() { "$ctl" usage pull --consumer billing --key billing.key --format json; }

consume a.db > first
[ "$(wc -l < first)" -gt 3 ] || fail "the sample has more than two rows"
ctl_rows | as_json - > by_ctl
as_json a.db > by_python
cmp by_ctl by_python || fail "cpnictl and the example see different totals"
echo "totals: $(wc -l < by_ctl) rows, the same from cpnictl and from the Python consumer"

"$ctl" usage consumer list --format json | grep '"name":"billing"' | grep -q '"lag":0' || fail "what was stored is confirmed"
"$ctl" usage consumer list --format json | grep '"name":"auditor"' | grep -q '"confirmed":0' || fail "another consumer's cursor is its own"
consume a.db > again
cmp first again || fail "pulling again changed totals"
"$python" -c 'import sqlite3
with sqlite3.connect("a.db") as db: db.execute("DELETE FROM cursor")'
consume a.db --max-rows 2 > from_start
cmp first from_start || fail "pulling from the start again changed totals"
echo "pulled again and from the start: unchanged"

# The roles die under it; a new consumer and the old one end with the same totals.
kill -9 "$(role vault)"
consume b.db > through_vault
cmp first through_vault || fail "totals changed with the restart of the vault"
old=$(role forward)
kill -9 "$old"
until_ok sh -c "'$ctl' --socket state/control.sock status && ! kill -0 $old"
consume c.db --timeout 20 > through_forward
cmp first through_forward || fail "totals changed with the restart of forward"
"$ctl" ingest "$source/deploy/sample/Master.csv" --feed asterisk --npa "$source/deploy/npa.csv" > /dev/null
consume a.db > fed_twice
cmp first fed_twice || fail "the same file loaded twice changed totals"
echo "kill -9 of vault and forward, the file loaded twice: unchanged"

# Tokens: the second consumer sees the same sums under other accounts.
"$ctl" usage pull --consumer auditor --key auditor.key --format json > auditor.json
"$python" -c 'import json, sys
own = [json.loads(l) for l in open("auditor.json")]
other = open("by_ctl").read()
tokens = [r["account"] for r in own if r["account"] != "unassigned"]
assert tokens and not any(t in other for t in tokens)' ||
    fail "two consumers share the token of an account"

# Everything of billing's file but the keys, which nobody registered.
cp -p billing.key stranger.key
"$python" - <<'END'
import re, zmq
public, secret = zmq.curve_keypair()
text = open("stranger.key").read()
text = re.sub(r'public-key = "[^"]*"', lambda m: 'public-key = "%s"' % public.decode(), text)
text = re.sub(r'secret-key = "[^"]*"', lambda m: 'secret-key = "%s"' % secret.decode(), text)
open("stranger.key", "w").write(text)
END
status=0
"$ctl" usage pull --consumer billing --key stranger.key > out 2> err || status=$?
[ $status -eq 3 ] || fail "an unknown key exits $status"
[ ! -s out ] || fail "an unknown key got rows"
if "$python" "$source/deploy/examples/usage_consumer.py" --key stranger.key --database d.db --timeout 2 2> err; then
    fail "the example got in with an unknown key"
fi
echo "an unknown key: refused"

kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ended with $?"
daemon=

#!/bin/sh
# The real daemon with its real roles: every process is confined and (started as root) has a
# user of its own; each role may be killed and comes back; a second daemon is refused; it
# drains on SIGTERM; a damaged keyring is refused with 78 and the reason, not tried again.
# Argument: the build folder.
set -eu
build=${1:?build folder}
cpnid=$build/ingest/cpnid
ctl=$build/vault/cpnictl
[ -x "$cpnid" ] && [ -x "$ctl" ] || { echo "skipped: cpnid or cpnictl is not built"; exit 77; }
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
chmod 755 "$work"
daemon=
trap 'status=$?; [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || :; [ $status -eq 0 ] || cat "$work"/log* >&2; rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAIL: $*" >&2; exit 1; }

# Waits until the command succeeds, 20 seconds at most.
until_ok() {
    tries=0
    until "$@" >/dev/null 2>&1; do
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

page() { # GET of the metrics listener; fails unless the status is 200
    python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())' \
        "http://127.0.0.1:$metrics/$1"
}

# Four ports that are free now.
set -- $(python3 -c 'import socket
s = [socket.socket() for _ in range(4)]
for i in s: i.bind(("127.0.0.1", 0))
print(*[i.getsockname()[1] for i in s])')
metrics=$1
cat > cpnid.yaml <<END
npa_file: $source/deploy/npa.csv
listen_metrics: 127.0.0.1:$1
listen_usage_pull: 127.0.0.1:$2
listen_usage_hint: 127.0.0.1:$3
listen_http: 127.0.0.1:$4
dek_cache_slots: 1024
feeds: [{name: freeswitch, kind: freeswitch_json}]
roles: [{who: self, roles: [all]}]
END

"$cpnid" -c cpnid.yaml --check || fail "--check"
"$cpnid" -c cpnid.yaml > out 2> log0 && fail "it started without a state directory"
grep -q "cpnictl init" log0 || fail "it does not say what to do"
"$ctl" init --state-dir state > /dev/null

"$cpnid" -c cpnid.yaml > out 2> log1 &
daemon=$!
until_ok grep -qx ready out
[ "$(page readyz)" = ready ] || fail "/readyz"
[ "$(page healthz)" = ok ] || fail "/healthz"
echo "ok: ready, and every role is up"

"$cpnid" -c cpnid.yaml > /dev/null 2> log2 && fail "a second daemon started"
grep -q "another cpnid" log2 || fail "the second daemon does not say why"
[ -S state/control.sock ] || fail "the second daemon took control.sock away"
echo "ok: a second daemon is refused"

for name in vault forward metrics ingest0; do
    pid=$(role $name)
    [ -n "$pid" ] || fail "no process cpnid-$name"
    grep -q '^NoNewPrivs:.1$' "/proc/$pid/status" || fail "$name may gain privileges"
    grep -q '^Seccomp:.2$' "/proc/$pid/status" || fail "$name has no filter"
    grep -q '^Max core file size  *0  *0 ' "/proc/$pid/limits" || fail "$name may dump core"
    [ "$(id -u)" -ne 0 ] || ! grep -q '^Uid:.*\b0\b' "/proc/$pid/status" || fail "$name is root"
done
if [ "$(id -u)" -eq 0 ]; then
    users=$(for name in vault forward metrics ingest0; do
        grep '^Uid:' "/proc/$(role $name)/status" | cut -f 2
    done | sort -u | wc -l)
    [ "$users" -eq 4 ] || fail "the roles share users: $users"
fi
echo "ok: every role is confined"

for name in vault forward metrics ingest0; do
    before=$(role $name)
    kill -KILL "$before"
    until_ok sh -c "grep -q 'role=$name event=restarting' log1"
    until_ok page readyz
    [ "$(role $name)" != "$before" ] || fail "$name was not started again"
    page metrics | grep -q "^cpnid_role_restarts_total{role=\"$name\"} 1\$" || fail "$name: not counted"
done
"$ctl" --socket state/control.sock status > /dev/null || fail "the vault does not answer any more"
echo "ok: every role comes back"

kill -TERM "$daemon"
wait "$daemon" || fail "SIGTERM: exit code $?"
daemon=
[ ! -e state/control.sock ] || fail "control.sock is left behind"
order=$(sed -n 's/.*level=info role=\([a-z]*\)[0-9]* event=ended.*/\1/p' log1 | tr '\n' ' ')
[ "$order" = "ingest forward vault metrics parent " ] || fail "order of the end: $order"
echo "ok: drained in order"

head -c 100 /dev/urandom > state/keyring
code=0
"$cpnid" -c cpnid.yaml > out 2> log3 || code=$?
[ $code -eq 78 ] || fail "a damaged keyring: exit code $code"
[ "$(grep -c 'role=vault event=ended' log3)" -eq 1 ] || fail "the vault was tried again"
grep -q 'the vault does not open' log3 || fail "it does not say why"
echo "ok: a damaged keyring ends the daemon with 78"

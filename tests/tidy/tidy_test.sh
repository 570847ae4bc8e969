#!/bin/sh
# Our own rules hold: layers, banned calls, no unfinished words, a test file for every .c,
# files of the project name no path of the machine it was made on. First it proves that
# each check can fail.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() { echo "FAIL: $*"; failed=1; }

sources() { find proto vault ingest bench \( -name '*.c' -o -name '*.h' -o -name '*.def' \) "$@" | sort; }

# --- the checks can fail ---
expect() { # name, command that must fail and print the word
    name=$1 word=$2; shift 2
    if "$@" > "$work/out" 2>&1; then fail "self test: $name was not refused"; fi
    grep -q "$word" "$work/out" || { fail "self test: $name, wrong reason"; cat "$work/out"; }
}
mkdir -p "$work/proto/core" "$work/vault/store" "$work/proto/record"
printf '#include "vault/store/store.h"\n' > "$work/proto/core/planted.c"
printf '#include <sodium.h>\n' > "$work/vault/store/planted.c"
printf '#include <curl/curl.h>\n' > "$work/proto/record/planted.c"
layers="$PWD/tests/tidy/layers.txt" layers_awk="$PWD/tests/tidy/layers.awk" rules_awk="$PWD/tests/tidy/rules.awk"
for f in proto/core vault/store proto/record; do
    expect "include in $f" "may not include" sh -c "cd $work && awk -f $layers_awk $layers $f/planted.c"
done
printf 'int main(void) { char b[4]; strcpy(b, "a"); return b[0]; }\n' > "$work/proto/core/planted.c"
expect "strcpy" "banned" sh -c "cd $work && awk -f $rules_awk proto/core/planted.c"
printf 'void f(void) { printf("%%d", 1); }\n' > "$work/vault/store/planted.c"
expect "printf in vault" "never log" sh -c "cd $work && awk -f $rules_awk vault/store/planted.c"
printf 'int a; /* TO''DO */\n' > "$work/proto/record/planted.c"
expect "unfinished word" "unfinished" sh -c "cd $work && awk -f $rules_awk proto/record/planted.c"

# --- the tree ---
sources | xargs awk -f "$layers_awk" "$layers" || fail "layers"
sources | xargs awk -f "$rules_awk" || fail "house rules"

# A test file for every .c; a program's main() is tested from outside.
for c in $(find proto vault ingest bench -name '*.c' ! -name main.c | sort); do
    t=tests/unit/${c%.c}_test.c
    [ -f "$t" ] || grep -qxF "$c" tests/tidy/tested_elsewhere.txt || fail "$c has no $t"
done
while read -r c; do
    [ -f "$c" ] || fail "tests/tidy/tested_elsewhere.txt names $c, which is gone"
done < tests/tidy/tested_elsewhere.txt

# No path of a developer's machine, no private registry.
if git ls-files -co --exclude-standard -z 2>/dev/null |
    xargs -0 grep -nIE '(^|[^a-z])/(wor''k/(main|shared)|tm''p/(team|bash_jobs)|roo''t/)' > "$work/paths" 2>/dev/null; then
    cat "$work/paths"
    fail "paths of a machine"
fi

[ "$failed" = 0 ] && echo "tidy: layers, house rules, tests for every file"
exit "$failed"

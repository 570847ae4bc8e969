# rules.awk - house rules that a compiler does not check. Run: awk -f rules.awk FILES
# Calls banned everywhere, with what to use instead; calls banned in proto/ and vault/, which
# never log; words that mark unfinished work; lines over 100 columns.
BEGIN {
    ban["strcpy"] = "buf_str";        ban["strcat"] = "buf_str";     ban["sprintf"] = "buf_*, snprintf"
    ban["vsprintf"] = "vsnprintf";    ban["atoi"] = "span_u64";      ban["atol"] = "span_u64"
    ban["atof"] = "strtod";           ban["strtok"] = "span_cut";    ban["gets"] = "getline"
    ban["rand"] = "a seeded generator"; ban["random"] = "a seeded generator"
    ban["system"] = "no shell";       ban["popen"] = "no shell";     ban["alloca"] = "arena_alloc"
    ban["tmpnam"] = "mkstemp";        ban["mktemp"] = "mkstemp"
    quiet["printf"] = 1; quiet["fprintf"] = 1; quiet["puts"] = 1; quiet["fputs"] = 1; quiet["perror"] = 1
    quiet["syslog"] = 1
}
{
    line = $0
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    if (length($0) > 100 && FILENAME !~ /\.def$/)
        say("longer than 100 columns")
    if (line ~ /(^|[^A-Za-z0-9\\])(TO[D]O|FI[X]ME|X[X]X|HA[C]K)([^A-Za-z0-9]|$)/)
        say("unfinished: " line)
    sub(/\/\*.*/, "", line)
    sub(/^ \*.*/, "", line)
    while (match(line, /[A-Za-z_][A-Za-z0-9_]*[ ]*\(/)) {
        name = substr(line, RSTART, RLENGTH)
        sub(/[ ]*\($/, "", name)
        before = RSTART > 1 ? substr(line, RSTART - 1, 1) : ""
        if (name in ban && before != "." && before != ">")
            say(name "() is banned, use " ban[name])
        if (name in quiet && logless(FILENAME))
            say(name "(): proto/ and vault/ never log; the program that called them does")
        line = substr(line, RSTART + RLENGTH)
    }
}
# The role's main file logs, and the command line tool prints: they are programs.
function logless(f) {
    return (f ~ /^proto\// || f ~ /^vault\//) && f !~ /^vault\/ctl\// && f !~ /^vault\/serve\/vaultd\.c$/
}
function say(what) { print FILENAME ":" FNR ": " what; bad = 1 }
END { exit bad }

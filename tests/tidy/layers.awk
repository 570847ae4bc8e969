# layers.awk - who may include whom. Run: awk -f layers.awk layers.txt FILES
# A line of layers.txt: "folder: folders and headers it may include", or, for a library's
# header in <> or a generated one in "", "header: folders that may include it".
# A library's header without a line is refused unless it is the C library's or the
# kernel's: those stand in `plain` below.
BEGIN {
    n = split("arpa/inet.h assert.h ctype.h dirent.h endian.h ftw.h spawn.h errno.h fcntl.h grp.h getopt.h " \
              "ifaddrs.h inttypes.h immintrin.h libgen.h emmintrin.h limits.h linux/landlock.h " \
              "linux/seccomp.h linux/sockios.h linux/errqueue.h locale.h math.h net/if.h netdb.h " \
              "netinet/in.h netinet/tcp.h netinet/udp.h poll.h pthread.h pwd.h sched.h signal.h " \
              "stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h " \
              "strings.h stdnoreturn.h sys/epoll.h sys/eventfd.h sys/file.h sys/inotify.h sys/ioctl.h " \
              "sys/mman.h sys/prctl.h sys/random.h sys/resource.h sys/signalfd.h sys/socket.h " \
              "sys/stat.h sys/statvfs.h sys/sysmacros.h sys/syscall.h sys/time.h sys/timerfd.h sys/types.h sys/uio.h " \
              "sys/un.h sys/utsname.h sys/vfs.h sys/wait.h sys/xattr.h syscall.h sysexits.h " \
              "termios.h time.h unistd.h x86intrin.h", names, " ")
    for (i = 1; i <= n; i++)
        plain["<" names[i] ">"] = 1
}
FNR == NR {
    at = index($0, ":")
    rule[substr($0, 1, at - 1)] = " " substr($0, at + 2) " "
    next
}
FNR == 1 {
    dir = FILENAME
    sub("/[^/]*$", "", dir)
    if (!(dir in rule)) { print FILENAME ": " dir " has no line in layers.txt"; bad = 1 }
}
/^[ \t]*#[ \t]*include/ {
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "")
    head = $1
    if (head in plain || head ~ /\.def"$/ && index(head, "\"" dir "/") == 1)
        next
    if (head ~ /^</ || head in rule) {          # a library: its line names the folders
        if (!index(rule[head], " " dir " ")) complain()
        next
    }
    gsub(/"/, "", head)
    to = head
    sub("/[^/]*$", "", to)
    if (to != dir && !index(rule[dir], " " to " ") && !index(rule[dir], " " head " "))
        complain()
}
function complain() { print FILENAME ":" FNR ": " dir " may not include " head; bad = 1 }
END { exit bad }

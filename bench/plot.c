#include "bench/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/place.h"
#include "proto/core/span.h"

enum { SVG_BYTES_MAX = 4 << 20, NOT_FOUND = 127 };

static enum err write_script(const char *path, const char *script)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return ERR_STORE;
    fprintf(f,
            "set terminal svg size 860,360 dynamic font 'sans,11' background rgb 'white'\n"
            "set grid\nset key outside right\n%s",
            script);
    return fclose(f) == 0 ? OK : ERR_STORE;
}

static enum err spawn(const char *program, char *script, const char *svg, const char *errors)
{
    char *const ARGV[] = {(char[]){PLOT_PROGRAM}, script, NULL};
    posix_spawn_file_actions_t actions;
    enum { MODE = 0600, FLAGS = O_WRONLY | O_CREAT | O_TRUNC };
    pid_t pid;
    int status = 0;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ERR_NOMEM;
    int failed = posix_spawn_file_actions_addopen(&actions, 1, svg, FLAGS, MODE);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&actions, 2, errors, FLAGS, MODE);
    if (!failed)
        failed = posix_spawnp(&pid, program, &actions, NULL, ARGV, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return ERR_NOTFOUND;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return ERR_SYNTAX;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
        return ERR_NOTFOUND;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? OK : ERR_SYNTAX;
}

/* Without the XML declaration, which may stand at the start of a file only. */
static enum err copy_svg(const char *path, FILE *out)
{
    static const struct span HEAD = SPAN_LIT("<svg");
    char *room = malloc(SVG_BYTES_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = room && fd >= 0 ? read(fd, room, SVG_BYTES_MAX) : -1;
    struct span text = span_of(room, n > 0 ? (size_t)n : 0);
    struct span svg = span_from(text, span_find_span(text, HEAD));
    bool ok = svg.n && svg.n < SVG_BYTES_MAX && fwrite(svg.p, 1, svg.n, out) == svg.n;
    if (fd >= 0)
        close(fd);
    free(room);
    return ok ? OK : ERR_SYNTAX;
}

enum err plot_svg(const char *program, const char *script, FILE *out, struct diag *d)
{
    char path[2 * PLACE_BYTES], svg[2 * PLACE_BYTES], errors[2 * PLACE_BYTES];
    struct place place;
    enum err e = place_folder(NULL, &place);
    if (e != OK)
        return diag_set(d, ERR_STORE, "no room for the files of gnuplot", 0);
    place_path(&place, "script", path);
    place_path(&place, "svg", svg);
    place_path(&place, "errors", errors);
    e = write_script(path, script);
    if (e == OK)
        e = spawn(program, path, svg, errors);
    if (e == OK)
        e = copy_svg(svg, out);
    place_done(&place);
    if (e == ERR_NOTFOUND)
        return diag_set(d, e, "gnuplot is not installed: package gnuplot-nox", 0);
    return e == OK ? OK : diag_set(d, e, "gnuplot failed", 0);
}

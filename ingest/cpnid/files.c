#include "ingest/cpnid/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/record/cdr_map.h"

_Static_assert((int)MAP_FILE_BYTES_MAX == (int)CDR_MAP_BYTES_MAX, "a whole map");

static enum err from_errno(int error)
{
    if (error == ENOENT || error == ENOTDIR)
        return ERR_NOTFOUND;
    return error == EACCES || error == EPERM ? ERR_DENIED : ERR_STORE;
}

static enum err read_all(int fd, uint8_t *to, size_t cap, size_t *out_n)
{
    size_t n = 0;
    ssize_t got = 1;
    while (got > 0 && n < cap) {
        got = read(fd, to + n, cap - n);
        n += got > 0 ? (size_t)got : 0;
    }
    *out_n = n;
    return got < 0 ? from_errno(errno) : OK;
}

enum err file_read(const char *path, size_t bytes_max, struct span *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return from_errno(errno);
    uint8_t *p = malloc(bytes_max + 1);
    size_t n = 0;
    enum err e = p ? read_all(fd, p, bytes_max + 1, &n) : ERR_NOMEM;
    close(fd);
    if (e == OK && n > bytes_max)
        e = ERR_LIMIT;
    if (e == OK)
        *out = span_of(p, n);
    else
        free(p);
    return e;
}

void file_free(struct span s)
{
    union { /* made by malloc() above: taking the const away is right */
        const uint8_t *given;
        void *own;
    } p = {.given = s.p};
    free(p.own);
}

/* "+05:30" */
static bool fixed_offset(struct span s)
{
    return s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && byte_is_digit(s.p[1]) &&
           byte_is_digit(s.p[2]) && s.p[3] == ':' && byte_is_digit(s.p[4]) && byte_is_digit(s.p[5]);
}

/* "Europe/Berlin", "America/Port-au-Prince", "Etc/GMT+3": never a way out of the folder. */
static bool zone_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool letter = byte_lower(s.p[i]) >= 'a' && byte_lower(s.p[i]) <= 'z';
        if (!letter && (i == 0 || (!byte_is_digit(s.p[i]) && !strchr("/_+-", s.p[i]))))
            return false;
    }
    return s.n > 0;
}

enum err zone_read(const char *name, struct span *out)
{
    static const char FOLDER[] = "/usr/share/zoneinfo/";
    char path[sizeof FOLDER + CONFIG_TEXT_BYTES];
    struct span s = span_str(name);
    *out = SPAN_EMPTY;
    if (span_is(s, "UTC") || fixed_offset(s))
        return OK;
    if (!zone_name(s))
        return ERR_SYNTAX;
    snprintf(path, sizeof path, "%s%s", FOLDER, name);
    return file_read(path, ZONE_FILE_BYTES_MAX, out);
}

enum err key_read(const char *path, struct span *out)
{
    struct span text;
    enum err e = file_read(path, KEY_FILE_BYTES_MAX, &text);
    if (e != OK)
        return e;
    struct span line = {text.p, span_find(text, '\n')};
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0) {
        file_free(text);
        return ERR_SYNTAX;
    }
    *out = line;
    return OK;
}

void path_split(const char *path, char folder[static CONFIG_PATH_BYTES], const char **out_name)
{
    const char *slash = strrchr(path, '/');
    *out_name = slash ? slash + 1 : path;
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (slash == path)
        snprintf(folder, CONFIG_PATH_BYTES, "/");
    else if (slash)
        snprintf(folder, CONFIG_PATH_BYTES, "%.*s", (int)n, path);
    else
        snprintf(folder, CONFIG_PATH_BYTES, ".");
}

static void tell(struct config_problems *p, int line, const char *what, enum err e, struct span s)
{
    if (e != OK)
        config_problem(p, line, "%s: %s", what, err_text(e));
    else
        file_free(s);
}

/* Is the file of the feed in a folder right below the state directory? */
static bool in_state_dir(const struct config *c, const struct config_feed *f)
{
    size_t n = strlen(c->state_dir);
    return f->path[0] && strncmp(f->path, c->state_dir, n) == 0 && f->path[n] == '/';
}

void files_resolve(struct config *c, struct config_problems *problems)
{
    for (size_t i = 0; i < c->feeds_count; i++) {
        struct config_feed *f = &c->feed[i];
        char path[2 * CONFIG_PATH_BYTES];
        if (f->path[0] == '\0' || f->path[0] == '/')
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", c->state_dir, f->path);
        if ((size_t)n < sizeof f->path)
            memcpy(f->path, path, (size_t)n + 1);
        else
            config_problem(problems, f->line, "path: too long behind state_dir");
    }
}

/* Open to the world, for other programs write here and the worker has a user of its own;
 * the state directory above it is closed, so only who is given a way in gets here. */
enum err files_make_folders(const struct config *c, struct diag *d)
{
    for (size_t i = 0; i < c->feeds_count; i++) {
        char folder[CONFIG_PATH_BYTES];
        const char *name;
        if (!in_state_dir(c, &c->feed[i]))
            continue;
        path_split(c->feed[i].path, folder, &name);
        if (mkdir(folder, 0755) == 0 && chmod(folder, 0755) != 0)
            return diag_set(d, ERR_STORE, "a feed's folder cannot be made", 0);
        if (access(folder, R_OK | X_OK) != 0)
            return diag_set(d, ERR_STORE, "a feed's folder cannot be made", 0);
    }
    return OK;
}

/* What a map and its feed want of each other. */
static void check_map(const struct config_feed *f, struct config_problems *p)
{
    struct span text = SPAN_EMPTY;
    struct cdr_map map;
    struct diag d;
    size_t line;
    enum err e = file_read(f->map, MAP_FILE_BYTES_MAX, &text);
    if (e != OK) {
        config_problem(p, f->line, "map: %s", err_text(e));
        return;
    }
    if (cdr_map_parse(text, &map, &line, &d) != OK)
        config_problem(p, f->line, "map: its line %zu: %s", line, d.what);
    else if (map.needs_zone && !f->timezone[0])
        config_problem(p, f->line, "map: its times are local, the feed wants a timezone");
    else if (map.format != CDR_JSON && !f->path[0])
        config_problem(p, f->line, "map: not of documents, the feed wants a path");
    file_free(text);
}

static void check_feed(const struct config *c, const struct config_feed *f,
                       struct config_problems *p)
{
    struct span s = SPAN_EMPTY;
    if (f->timezone[0])
        tell(p, f->line, "timezone", zone_read(f->timezone, &s), s);
    if (f->map[0])
        check_map(f, p);
    for (size_t i = 0; i < f->agents_count; i++) {
        enum err e = key_read(c->agent[f->agents_first + i].key_file, &s);
        tell(p, f->line, "key_file", e, s);
    }
    char folder[CONFIG_PATH_BYTES];
    const char *name;
    path_split(f->path, folder, &name);
    if (f->path[0] && !in_state_dir(c, f) && access(folder, R_OK | X_OK) != 0)
        config_problem(p, f->line, "path: the folder: %s", err_text(from_errno(errno)));
}

void files_check(const struct config *c, struct config_problems *problems)
{
    struct span s = SPAN_EMPTY;
    enum err e = file_read(c->npa_file, NPA_FILE_BYTES_MAX, &s);
    tell(problems, 1, "npa_file", e, s);
    for (size_t i = 0; i < c->feeds_count; i++)
        check_feed(c, &c->feed[i], problems);
}

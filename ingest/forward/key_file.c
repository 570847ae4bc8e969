#include "ingest/forward/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/core/check.h"

/* Lines of the file in order; the section is what a reader of ZPL wants above them. */
static const struct {
    const char *section, *name;
    size_t offset, bytes;
    bool is_key;
} FIELD[] = {
#define KEY_FIELD(section, name, member, is_key)                                                   \
    {                                                                                              \
        section, name, offsetof(struct key_file, member), sizeof((struct key_file *)0)->member,    \
            is_key                                                                                 \
    }
    KEY_FIELD("metadata", "name", name, false),
    KEY_FIELD("metadata", "server-key", server_key, true),
    KEY_FIELD("metadata", "endpoint", endpoint, false),
    KEY_FIELD("metadata", "hint", hint, false),
    KEY_FIELD("curve", "public-key", public_key, true),
    KEY_FIELD("curve", "secret-key", secret_key, true),
#undef KEY_FIELD
};
enum { FIELDS = sizeof FIELD / sizeof FIELD[0] };

void key_file_generate(struct key_file *k)
{
    CHECK(zmq_curve_keypair(k->public_key, k->secret_key) == 0);
}

void key_file_wipe(struct key_file *k)
{
    explicit_bzero(k->secret_key, sizeof k->secret_key);
}

enum err key_text_decode(struct span text, uint8_t out[static CONSUMER_KEY_BYTES])
{
    char z85[KEY_TEXT_BYTES] = "";
    if (text.n != KEY_TEXT_BYTES - 1 || memchr(text.p, 0, text.n))
        return ERR_SYNTAX;
    memcpy(z85, text.p, text.n);
    return zmq_z85_decode(out, z85) ? OK : ERR_SYNTAX;
}

void key_text_encode(const uint8_t key[static CONSUMER_KEY_BYTES], char out[static KEY_TEXT_BYTES])
{
    CHECK(zmq_z85_encode(out, key, CONSUMER_KEY_BYTES) != NULL);
}

/* --- text --- */

static struct span unquote(struct span v)
{
    v = span_trim(v);
    if (v.n >= 2 && (v.p[0] == '"' || v.p[0] == '\'') && v.p[v.n - 1] == v.p[0])
        v = span_sub(v, 1, v.n - 2);
    return v;
}

static enum err set_field(struct key_file *k, size_t i, struct span value)
{
    uint8_t key[CONSUMER_KEY_BYTES];
    char *to = (char *)k + FIELD[i].offset;
    if (value.n >= FIELD[i].bytes || (value.n && memchr(value.p, 0, value.n)))
        return ERR_SYNTAX;
    if (FIELD[i].is_key && key_text_decode(value, key) != OK)
        return ERR_SYNTAX;
    if (value.n)
        memcpy(to, value.p, value.n);
    to[value.n] = 0;
    return OK;
}

static enum err parse_line(struct key_file *k, struct span line)
{
    struct span value = line;
    struct span name = span_trim(span_cut(&value, '='));
    for (size_t i = 0; i < FIELDS; i++)
        if (span_is(name, FIELD[i].name))
            return set_field(k, i, unquote(value));
    return OK;
}

enum err key_file_parse(struct span text, struct key_file *out, struct diag *d)
{
    struct key_file k = {0};
    struct span rest = text;
    while (rest.n) {
        size_t at = text.n - rest.n;
        struct span line = span_trim(span_cut(&rest, '\n'));
        bool pair = span_find(line, '=') < line.n && line.p[0] != '#';
        if (pair && parse_line(&k, line) != OK)
            return diag_set(d, ERR_SYNTAX, "value in the key file", at);
    }
    if (!k.public_key[0] || !k.secret_key[0])
        return diag_set(d, ERR_SYNTAX, "no pair of keys in the key file", 0);
    *out = k;
    key_file_wipe(&k);
    return OK;
}

enum err key_file_format(const struct key_file *k, struct buf *b)
{
    const char *section = "";
    for (size_t i = 0; i < FIELDS; i++) {
        const char *value = (const char *)k + FIELD[i].offset;
        if (strcmp(section, FIELD[i].section) != 0) {
            section = FIELD[i].section;
            buf_str(b, section);
            buf_str(b, "\n");
        }
        if (!value[0])
            continue;
        buf_str(b, "    ");
        buf_str(b, FIELD[i].name);
        buf_str(b, " = \"");
        buf_str(b, value);
        buf_str(b, "\"\n");
    }
    return buf_ok(b) ? OK : ERR_LIMIT;
}

/* --- files --- */

static void close_file(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

enum err key_file_read(const char *path, struct key_file *out, struct diag *d)
{
    __attribute__((cleanup(close_file))) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t text[KEY_FILE_BYTES_MAX];
    if (fd < 0)
        return diag_set(d, ERR_NOTFOUND, "key file cannot be opened", 0);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return diag_set(d, ERR_SYNTAX, "key file is not a file", 0);
    if (st.st_mode & 077)
        return diag_set(d, ERR_DENIED, "key file is open to others: chmod 600", 0);
    ssize_t n = read(fd, text, sizeof text);
    if (n < 0)
        return diag_set(d, ERR_STORE, "key file cannot be read", 0);
    enum err e = (size_t)n == sizeof text
                     ? diag_set(d, ERR_LIMIT, "key file is too long", sizeof text)
                     : key_file_parse(span_of(text, (size_t)n), out, d);
    explicit_bzero(text, sizeof text);
    return e;
}

enum err key_file_write(const char *path, const struct key_file *k, struct diag *d)
{
    uint8_t text[KEY_FILE_BYTES_MAX];
    struct buf b = buf_of(text, sizeof text);
    enum err e = key_file_format(k, &b);
    if (e != OK)
        return e;
    __attribute__((cleanup(close_file))) int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        e = errno == EEXIST ? diag_set(d, ERR_CONFLICT, "key file is there already", 0)
                            : diag_set(d, ERR_STORE, "key file cannot be made", 0);
    else if (write(fd, b.p, b.n) != (ssize_t)b.n || fsync(fd) != 0)
        e = diag_set(d, ERR_STORE, "key file cannot be written", 0);
    explicit_bzero(text, sizeof text);
    return e;
}

enum err key_file_replace(const char *path, const struct key_file *k, struct diag *d)
{
    char next[PATH_MAX];
    if (snprintf(next, sizeof next, "%s.new", path) >= (int)sizeof next)
        return diag_set(d, ERR_LIMIT, "path of the key file is too long", 0);
    enum err e = key_file_write(next, k, d);
    if (e != OK)
        return e;
    if (rename(next, path) == 0)
        return OK;
    unlink(next);
    return diag_set(d, ERR_STORE, "key file cannot be replaced", 0);
}

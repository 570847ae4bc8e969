/* Proves: files are read whole or refused; a zone cannot name a file outside of the zone
 * database; what the configuration names and is not there is told with its line. */
#include "ingest/cpnid/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/cpni-files-XXXXXX";

static void enter(void)
{
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
}

static void leave(void)
{
    unlink("file");
    cr_assert_eq(chdir("/"), 0);
    rmdir(dir);
}

TestSuite(files, .init = enter, .fini = leave);

static void write_file(struct span s)
{
    FILE *f = fopen("file", "w");
    cr_assert_eq(fwrite(s.p, 1, s.n, f), s.n);
    fclose(f);
}

Test(files, whole_or_not_at_all)
{
    struct span s;
    write_file(span_str("0123456789"));
    cr_expect_eq(file_read("file", 10, &s), OK);
    cr_expect(span_is(s, "0123456789"));
    file_free(s);
    cr_expect_eq(file_read("file", 9, &s), ERR_LIMIT);
    cr_expect_eq(file_read("none", 9, &s), ERR_NOTFOUND);
    cr_expect_eq(file_read("file/none", 9, &s), ERR_NOTFOUND);
    cr_expect_eq(file_read(".", 9, &s), ERR_STORE);
}

Test(files, zones)
{
    static const struct {
        const char *name;
        enum err e;
    } ROWS[] = {{"UTC", OK},
                {"+05:30", OK},
                {"-03:00", OK},
                {"5:30", ERR_SYNTAX},
                {"../../../etc/passwd", ERR_SYNTAX},
                {"/etc/passwd", ERR_SYNTAX},
                {"Europe/../../../etc/passwd", ERR_SYNTAX},
                {"", ERR_SYNTAX},
                {"Mars/Olympus", ERR_NOTFOUND}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct span s;
        cr_expect_eq(zone_read(ROWS[i].name, &s), ROWS[i].e, "%s", ROWS[i].name);
        cr_expect_eq(s.n, 0);
    }
    struct span berlin;
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0)
        return; /* a machine without tzdata */
    cr_expect_eq(zone_read("Europe/Berlin", &berlin), OK);
    cr_expect(span_starts(berlin, span_str("TZif")));
    file_free(berlin);
}

Test(files, keys)
{
    static const struct {
        const char *text, *key; /* NULL: refused */
    } ROWS[] = {{"secret\n", "secret"},
                {"secret", "secret"},
                {"secret\r\nmore\n", "secret"},
                {"two words\n", "two words"},
                {"\n", NULL},
                {"\r\nx", NULL},
                {"", NULL}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct span key;
        write_file(span_str(ROWS[i].text));
        cr_expect_eq(key_read("file", &key), ROWS[i].key ? OK : ERR_SYNTAX, "%s", ROWS[i].text);
        if (!ROWS[i].key)
            continue;
        cr_expect(span_is(key, ROWS[i].key));
        file_free(key);
    }
}

Test(files, paths)
{
    static const struct {
        const char *path, *folder, *name;
    } ROWS[] = {{"a/b/c.csv", "a/b", "c.csv"}, {"c.csv", ".", "c.csv"}, {"/c.csv", "/", "c.csv"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char folder[CONFIG_PATH_BYTES];
        const char *name;
        path_split(ROWS[i].path, folder, &name);
        cr_expect_str_eq(folder, ROWS[i].folder);
        cr_expect_str_eq(name, ROWS[i].name);
    }
}

Test(files, what_is_missing_is_told_with_its_line)
{
    static struct config c;
    static struct config_problems p;
    static const char YAML[] =
        "npa_file: none.csv\n"
        "feeds:\n"
        "  - {name: a, kind: asterisk_csv, path: none/M.csv, timezone: Mars/X}\n"
        "  - {name: b, kind: hep, listen_udp: '127.0.0.1:9060',\n"
        "     agents: [{id: 1, key_file: none}]}\n";
    cr_assert_eq(config_parse(span_str(YAML), &c, &p), OK);
    files_check(&c, &p);
    cr_assert_eq(p.count, 4);
    static const struct {
        int line;
        const char *what;
    } WANT[] = {{1, "npa_file"}, {3, "timezone"}, {3, "path"}, {4, "key_file"}};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(p.item[i].line, WANT[i].line);
        cr_expect(strstr(p.item[i].text, WANT[i].what), "%s", p.item[i].text);
    }
}

Test(files, maps_are_read_and_told_with_their_line)
{
    static const struct {
        const char *feed, *map, *what; /* NULL: nothing is wrong */
    } ROWS[] = {
        {"map: file, path: ./x",
         "format = csv\nkey = a\nt_end = b: epoch_s\nanswered-by = t_answer\n",
         "map: its line 1: "},
        {"map: file, path: ./x", "format = csv\nx = y\n", "map: its line 2: "},
        {"map: none", "", "map: no such thing"},
        {"map: file, path: ./x",
         "format = csv\nkey = a\nt_answer = b: time %Y-%m-%d\nanswered-by = t_answer\n",
         "wants a timezone"},
        {"map: file, path: ./x, timezone: UTC",
         "format = csv\nkey = a\nt_answer = b: time %Y-%m-%d\nanswered-by = t_answer\n", NULL},
        {"map: file", "format = csv\nkey = a\nt_answer = b: epoch_s\nanswered-by = t_answer\n",
         "wants a path"},
        {"map: file", "format = json\nkey = a\nt_answer = b: epoch_s\nanswered-by = t_answer\n",
         NULL},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        static struct config c;
        static struct config_problems p;
        static char yaml[256];
        write_file(span_str(ROWS[i].map));
        snprintf(yaml, sizeof yaml, "npa_file: file\nfeeds:\n  - {name: a, kind: mapped, %s}\n",
                 ROWS[i].feed);
        cr_assert_eq(config_parse(span_str(yaml), &c, &p), OK);
        files_check(&c, &p);
        cr_expect_eq(p.count, ROWS[i].what ? 1 : 0, "row %zu: %s", i, p.item[0].text);
        cr_expect(!ROWS[i].what || (p.item[0].line == 3 && strstr(p.item[0].text, ROWS[i].what)),
                  "row %zu: %s", i, p.item[0].text);
    }
}

/* A feed's folder below the state directory is made, another one is wanted there. */
Test(files, feed_paths_are_below_the_state_directory)
{
    struct config *c = calloc(1, sizeof *c);
    struct config_problems *p = calloc(1, sizeof *p);
    struct diag d = {0};
    config_default(c);
    snprintf(c->state_dir, sizeof c->state_dir, "state");
    c->feeds_count = 3;
    snprintf(c->feed[0].path, sizeof c->feed[0].path, "spool/Master.csv");
    snprintf(c->feed[1].path, sizeof c->feed[1].path, "/no/such/folder/Master.csv");
    files_resolve(c, p);
    cr_expect_eq(p->count, 0);
    cr_expect_str_eq(c->feed[0].path, "state/spool/Master.csv");
    cr_expect_str_eq(c->feed[1].path, "/no/such/folder/Master.csv");
    cr_expect_str_eq(c->feed[2].path, "", "a feed without a file");
    cr_expect_eq(files_make_folders(c, &d), ERR_STORE, "there is no state directory");
    cr_assert_eq(mkdir("state", 0700), 0);
    cr_expect_eq(files_make_folders(c, &d), OK);
    cr_expect_eq(files_make_folders(c, &d), OK, "and again");
    struct stat st;
    cr_assert_eq(stat("state/spool", &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0755);
    memset(c->feed[2].path, 'x', sizeof c->feed[2].path - 1);
    files_resolve(c, p);
    cr_expect_eq(p->count, 1, "a path that becomes too long is told");
    rmdir("state/spool");
    rmdir("state");
    free(p);
    free(c);
}

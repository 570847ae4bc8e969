/* Proves: every mistake of a mapping file is refused by name and line; what a map says is what is
 * in it; the maps that are shipped are right; no file, cut anywhere, is read behind its end. */
#include "proto/record/cdr_map.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test_file.h"

#define BASE                                                                                       \
    "format = csv\nkey = a\nanswered-by = t_answer\nt_answer = b: epoch_s\n" /* 4 lines            \
                                                                              */
#define LINE(s) BASE s "\n"

Test(cdr_map, mistakes)
{
    static const struct {
        const char *text;
        enum err e;
        size_t line;
        const char *what; /* part of what is told */
    } ROWS[] = {
        {LINE("nonsense"), ERR_SYNTAX, 5, "NAME = VALUE"},
        {LINE("key ="), ERR_SYNTAX, 5, "NAME = VALUE"},
        {LINE("= a"), ERR_SYNTAX, 5, "NAME = VALUE"},
        {LINE("# fine\n\nno_field = a"), ERR_SYNTAX, 7, "neither a setting nor a field"},
        {LINE("feed_id = a"), ERR_SYNTAX, 5, "not for a map"},
        {LINE("direction = a"), ERR_SYNTAX, 5, "not for a map"},
        {LINE("answered.1 = a"), ERR_SYNTAX, 5, "not for a map"},
        {LINE("format = csv"), ERR_CONFLICT, 5, "setting given twice"},
        {LINE("t_answer = c: epoch_s"), ERR_CONFLICT, 5, "field given twice"},
        {"format = xml\n", ERR_SYNTAX, 1, "format: wants"},
        {LINE("delimiter = \"\""), ERR_SYNTAX, 5, "delimiter"},
        {LINE("delimiter = \"; \""), ERR_CONFLICT, 1, "one byte"},
        {LINE("quote = ''"), ERR_SYNTAX, 5, "quote"},
        {LINE("header = 1"), ERR_SYNTAX, 5, "header"},
        {LINE("header = names"), ERR_CONFLICT, 1, "wants columns"},
        {LINE("columns = a,,b"), ERR_SYNTAX, 5, "without a name"},
        {LINE("columns = a,\n b,\n ,"), ERR_SYNTAX, 7, "without a name"},
        {LINE("begin = x"), ERR_CONFLICT, 1, "another format"},
        {LINE("select = a"), ERR_SYNTAX, 5, "SOURCE: value"},
        {LINE("select = a: 1,,2"), ERR_SYNTAX, 5, "empty element"},
        {LINE("drop = #0"), ERR_SYNTAX, 5, "number of a column"},
        {LINE("drop = #257"), ERR_SYNTAX, 5, "number of a column"},
        {LINE("drop = #x"), ERR_SYNTAX, 5, "number of a column"},
        {LINE("drop = a,,b"), ERR_SYNTAX, 5, "name of a column"},
        {LINE("required = t_start, x"), ERR_SYNTAX, 5, "required: no such field"},
        {LINE("required = t_start"), ERR_CONFLICT, 1, "required: field without a source"},
        {LINE("called_raw = a |"), OK, 0, ""},
        {LINE("drop = c, pin\ncalled_raw = d | pin"), ERR_CONFLICT, 6, "source is dropped"},
        {LINE("drop = c, a"), ERR_CONFLICT, 1, "key: a source that is dropped"},
        {LINE("called_raw = | a"), ERR_SYNTAX, 5, "name of a column"},
        {LINE("called_raw = a: nonsense"), ERR_SYNTAX, 5, "no such transform"},
        {LINE("called_raw = a: seconds"), ERR_CONFLICT, 5, "no value of this field"},
        {LINE("called_raw = a: text x"), ERR_SYNTAX, 5, "wants a format"},
        {LINE("t_start = a"), ERR_SYNTAX, 5, "wants a transform"},
        {LINE("dur_bill_ms = a"), ERR_SYNTAX, 5, "wants a transform"},
        {LINE("t_start = a: time"), ERR_SYNTAX, 5, "wants a format"},
        {LINE("t_start = a: time %H:%M"), ERR_SYNTAX, 5, "wants a format"},
        {LINE("disposition = a"), ERR_CONFLICT, 5, "want each other"},
        {LINE("disposition.busy = B"), ERR_CONFLICT, 5, "without a source"},
        {LINE("disposition.sleepy = B"), ERR_SYNTAX, 5, "no such value"},
        {LINE("disposition.unknown = B"), ERR_SYNTAX, 5, "no such value"},
        {LINE("leg_role.0 = B"), ERR_SYNTAX, 5, "no such value"},
        {LINE("leg_role.256 = B"), ERR_SYNTAX, 5, "no such value"},
        {LINE("called_raw.1 = B"), ERR_SYNTAX, 5, "no such value"},
        {LINE("q850 = a: number\nq850.16 = B"), ERR_CONFLICT, 5, "want each other"},
        {"format = csv\nkey = a\nanswered-by = t_end\n", ERR_SYNTAX, 3, "answered-by: wants"},
        {"key = a\nanswered-by = t_answer\nt_answer = b: epoch_s\n", ERR_CONFLICT, 1, "no format"},
        {"format = csv\nanswered-by = t_answer\nt_answer = b: epoch_s\n", ERR_CONFLICT, 1,
         "no key"},
        {"format = csv\nkey = a\nt_answer = b: epoch_s\n", ERR_CONFLICT, 1, "no answered-by"},
        {"format = csv\nkey = a\nanswered-by = t_answer\n", ERR_CONFLICT, 1, "no field"},
        {"format = csv\nkey = a\nanswered-by = t_answer\nt_end = b: epoch_s\n", ERR_CONFLICT, 1,
         "answered-by: field without"},
        {"format = json\nkey = #1\nanswered-by = t_answer\nt_answer = b: epoch_s\n", ERR_CONFLICT,
         1, "only a csv map"},
        {"format = json\nkey = a\nquote = none\nanswered-by = t_answer\nt_answer = b: epoch_s\n",
         ERR_CONFLICT, 1, "another format"},
        {"", ERR_CONFLICT, 1, "no format"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        static struct cdr_map m;
        struct diag d = {"", 0};
        size_t line;
        cr_expect_eq(cdr_map_parse(span_str(ROWS[i].text), &m, &line, &d), ROWS[i].e, "row %zu: %s",
                     i, d.what);
        cr_expect_eq(line, ROWS[i].line, "row %zu: line %zu", i, line);
        cr_expect(strstr(d.what, ROWS[i].what), "row %zu: %s", i, d.what);
        cr_expect_leq(d.at, strlen(ROWS[i].text));
    }
}

/* One more of each than fits. */
Test(cdr_map, limits)
{
    static const struct {
        const char *head, *each, *what;
        unsigned count;
    } ROWS[] = {{"columns = a", ",c", "columns: more", CSV_COLUMNS_MAX},
                {"select = a: 1", ",v", "more values", CDR_MAP_VALUES_MAX},
                {"drop = a", ",v", "more values", CDR_MAP_VALUES_MAX},
                {"called_raw = a", "|a", "more sources of fields", CDR_MAP_RULES_MAX},
                {"transport = a\ntransport.udp = a", ",v", "more texts", CDR_MAP_ENTRIES_MAX}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        static char text[16 * 1024];
        static struct cdr_map m;
        size_t line, n = (size_t)snprintf(text, sizeof text, "%s%s", BASE, ROWS[i].head);
        struct diag d;
        for (unsigned k = 0; k < ROWS[i].count; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", ROWS[i].each);
        cr_expect_eq(cdr_map_parse(span_of(text, n), &m, &line, &d), ERR_LIMIT, "row %zu", i);
        cr_expect(strstr(d.what, ROWS[i].what), "row %zu: %s", i, d.what);
        cr_expect_eq(line, i == 4 ? 6 : 5);
    }
    static char large[CDR_MAP_BYTES_MAX + 1];
    static struct cdr_map m;
    size_t line;
    memset(large, '\n', sizeof large);
    cr_expect_eq(cdr_map_parse(span_of(large, sizeof large), &m, &line, NULL), ERR_LIMIT);
}

Test(cdr_map, a_source_of_several_lines_is_one)
{
    static char text[64 * 1024];
    static struct cdr_map m;
    struct diag d;
    size_t line, n = (size_t)snprintf(text, sizeof text, "%s", BASE);
    static const char *const FIELD[] = {"called_raw", "calling_raw", "switch_id"};
    for (unsigned f = 0; f < 3; f++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%s = x", FIELD[f]);
        for (unsigned i = 0; i < 40; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, " | s%u", i);
        n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    }
    cr_assert_eq(cdr_map_parse(span_of(text, n), &m, &line, &d), OK, "%zu: %s", line, d.what);
    cr_expect_eq(m.sources_count, 2 + 41);
}

Test(cdr_map, a_whole_map)
{
    static const char TEXT[] = "format = csv\r\ndelimiter = tab\r\nquote = '\r\nheader = names\r\n"
                               "columns = type, \"a, b\",\r\n\tcalled\r\n"
                               "select = type: 1, \" 2\"\r\nignore = #1: 3\r\n"
                               "key = type, called\r\ndrop = secret\r\nrequired = called_raw\r\n"
                               "answered-by = disposition\r\n"
                               "called_raw = called: uri_user | \"none: at all\"\r\n"
                               "disposition = a, b\r\ndisposition.busy = B, b\r\n"
                               "t_start = #7: time %Y %m %d | #8: epoch_ms\r\n";
    static struct cdr_map m;
    struct diag d;
    size_t line;
    cr_assert_eq(cdr_map_parse(span_str(TEXT), &m, &line, &d), OK, "%zu: %s", line, d.what);
    cr_expect_eq(m.format, CDR_CSV);
    cr_expect_eq(m.dialect.delimiter, '\t');
    cr_expect_eq(m.dialect.quote, '\'');
    cr_expect(m.has_title && m.needs_zone);
    cr_assert_eq(m.columns_count, 3);
    cr_expect(span_is(m.column[1], "a, b") && span_is(m.column[2], "called"));
    cr_expect(m.select.count == 2 && span_is(m.select.text[1], " 2"));
    cr_expect_eq(m.source[m.ignore.source].column, 1);
    cr_expect(m.key.count == 2 && m.drop.count == 1);
    cr_expect(m.required[38] && !m.required[64], "called_raw is tag 38");
    cr_expect_str_eq(m.answered_by->name, "disposition");
    cr_assert_eq(m.rules_count, 5);
    cr_expect_eq(m.rule[0].transform, CDR_URI_USER);
    cr_expect(m.source[m.rule[1].source].literal);
    cr_expect(span_is(m.source[m.rule[1].source].name, "none: at all"));
    cr_expect_eq(m.rule[2].transform, CDR_TABLE);
    cr_expect(span_is(m.rule[3].format, "%Y %m %d"));
    cr_expect_eq(m.rule[4].transform, CDR_EPOCH_MS);
    cr_expect(m.entries_count == 2 && m.entry[1].value == DISPOSITION_BUSY);
}

/* In blocks of their exact size: each prefix is a map or refused with a line that is there. */
static void cut_everywhere(struct span map)
{
    static struct cdr_map m;
    for (size_t n = 0; n <= map.n; n += n < 200 ? 1 : 7) {
        uint8_t *exact = malloc(n ? n : 1);
        struct diag d = {"", 0};
        size_t line;
        memcpy(exact, map.p, n);
        enum err e = cdr_map_parse(span_of(exact, n), &m, &line, &d);
        cr_expect(d.at <= n && line <= n + 1 && (line > 0) == (e != OK));
        free(exact);
    }
}

Test(cdr_map, shipped)
{
    static const char FOLDER[] = CPNI_SOURCE_DIR "/deploy/maps";
    static struct cdr_map m;
    unsigned count = 0;
    DIR *dir = opendir(FOLDER);
    cr_assert_not_null(dir);
    for (const struct dirent *f; (f = readdir(dir)) != NULL;) {
        struct diag d;
        size_t line;
        if (f->d_name[0] == '.')
            continue;
        struct span text = test_file(FOLDER, f->d_name);
        cr_expect_eq(cdr_map_parse(text, &m, &line, &d), OK, "%s:%zu: %s", f->d_name, line, d.what);
        cut_everywhere(text);
        test_file_free(text);
        count++;
    }
    closedir(dir);
    cr_expect_eq(count, 6);
}

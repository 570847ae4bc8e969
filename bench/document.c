#include "bench/document.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/core/json_text.h"
#include "proto/frame/json.h"

static const char *const BETTER[] = {
    [BETTER_NEITHER] = "", [BETTER_HIGHER] = "higher", [BETTER_LOWER] = "lower"};

void document_done(struct document *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->series[i]);
    d->count = 0;
}

enum err document_add(struct document *d, struct series *s)
{
    if (!s)
        return ERR_NOMEM;
    if (d->count == DOCUMENT_SERIES_MAX) {
        free(s);
        return ERR_LIMIT;
    }
    d->series[d->count++] = s;
    return OK;
}

const struct series *document_series(const struct document *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (span_is(span_str(d->series[i]->name), name))
            return d->series[i];
    return NULL;
}

/* --- writing --- */

static void write_text(FILE *out, const char *text)
{
    enum { WORST = 6 }; /* \u00XX */
    uint8_t room[WORST * MACHINE_VALUE_BYTES + 2];
    struct buf b = buf_of(room, sizeof room);
    buf_json(&b, span_str(text));
    fwrite(b.p, 1, b.n, out);
}

static void write_member(FILE *out, const char *name, const char *text)
{
    write_text(out, name);
    fputc(':', out);
    write_text(out, text);
}

/* As many digits as make the same number again. */
static void write_number(FILE *out, const char *before, double value)
{
    fprintf(out, "%s%.15g", before, value);
}

static void write_figure(FILE *out, const struct figure *f)
{
    struct spread s;
    spread_of(f->run, f->runs, &s);
    write_text(out, f->name);
    fprintf(out, ":{");
    write_member(out, "unit", f->unit);
    fprintf(out, ",");
    write_member(out, "better", BETTER[f->better]);
    fprintf(out, ",\"decimals\":%u", f->decimals);
    write_number(out, ",\"median\":", s.median);
    write_number(out, ",\"min\":", s.min);
    write_number(out, ",\"max\":", s.max);
    write_number(out, ",\"low\":", s.low);
    write_number(out, ",\"high\":", s.high);
    fprintf(out, ",\"run\":[");
    for (size_t i = 0; i < f->runs; i++)
        write_number(out, i ? "," : "", f->run[i]);
    fprintf(out, "]}");
}

static void write_timeline(FILE *out, const struct timeline *t)
{
    fprintf(out, "\"timeline\":[");
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_moment *m = &t->moment[i];
        fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
                i ? "," : "", m->at_us, m->durable, m->p99_us, m->rss_kib, m->cpu_us);
    }
    fprintf(out, "]");
}

static void write_series(FILE *out, const struct series *s)
{
    fprintf(out, "{");
    write_member(out, "name", s->name);
    fprintf(out, ",");
    write_member(out, "mode", s->mode);
    fprintf(out, ",");
    write_member(out, "bound", s->bound);
    fprintf(out, ",\"passed\":%s,\"runs\":%zu,\n \"figures\":{", s->passed ? "true" : "false",
            s->runs);
    for (size_t i = 0; i < s->count; i++) {
        fprintf(out, "%s", i ? ",\n  " : "\n  ");
        write_figure(out, &s->figure[i]);
    }
    fprintf(out, "},\n \"curve_ms\":[");
    for (size_t i = 0; i < SERIES_CURVE_POINTS; i++)
        write_number(out, i ? "," : "", s->curve_ms[i]);
    fprintf(out, "],\n ");
    write_timeline(out, &s->timeline);
    fprintf(out, "}");
}

void document_write(const struct document *d, FILE *out)
{
    fprintf(out, "{\"format\":%d,\n\"machine\":{", DOCUMENT_FORMAT);
    for (size_t i = 0; i < d->machine.count; i++) {
        fprintf(out, "%s", i ? ",\n " : "");
        write_member(out, d->machine.fact[i].name, d->machine.fact[i].value);
    }
    fprintf(out, "},\n\"series\":[");
    for (size_t i = 0; i < d->count; i++) {
        fprintf(out, "%s", i ? ",\n" : "");
        write_series(out, d->series[i]);
    }
    fprintf(out, "]}\n");
}

enum err document_save(const struct document *d, const char *path)
{
    bool standard = span_is(span_str(path), "-");
    FILE *f = standard ? stdout : fopen(path, "w");
    if (!f)
        return ERR_STORE;
    document_write(d, f);
    bool ok = !ferror(f) && fflush(f) == 0;
    if (!standard)
        ok &= fclose(f) == 0;
    return ok ? OK : ERR_STORE;
}

/* --- reading --- */

struct parse {
    struct json json;
    struct diag *d;
};

static enum err next(struct parse *p, struct json_item *item)
{
    return json_next(&p->json, item, p->d);
}

static enum err wrong(const struct parse *p, const char *what)
{
    return diag_set(p->d, ERR_SYNTAX, what, p->json.at);
}

static void take_text(const struct json_item *item, char *out, size_t cap)
{
    uint8_t room[1024];
    struct buf b = buf_of(room, sizeof room);
    struct span text = item->text;
    if (json_unescape(item->text, item->text_escaped, &b, &text) == OK)
        snprintf(out, cap, "%.*s", (int)text.n, (const char *)text.p);
}

static double take_number(const struct json_item *item)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)item->text.n, (const char *)item->text.p);
    return item->kind == JSON_NUMBER ? strtod(text, NULL) : 0;
}

/* Numbers of the array that is entered; more than max are an error. */
static enum err numbers(struct parse *p, double *out, size_t max, size_t *out_count)
{
    struct json_item item;
    size_t n = 0;
    enum err e;
    json_enter(&p->json);
    while ((e = next(p, &item)) == OK && item.kind != JSON_END) {
        if (n == max || item.kind != JSON_NUMBER)
            return wrong(p, "numbers");
        out[n++] = take_number(&item);
    }
    *out_count = n;
    return e;
}

static enum better better_of(const struct json_item *item)
{
    if (span_is(item->text, BETTER[BETTER_HIGHER]))
        return BETTER_HIGHER;
    return span_is(item->text, BETTER[BETTER_LOWER]) ? BETTER_LOWER : BETTER_NEITHER;
}

static enum err read_figure(struct parse *p, struct figure *f)
{
    struct json_item item;
    enum err e = OK;
    json_enter(&p->json);
    while (e == OK && (e = next(p, &item)) == OK && item.kind != JSON_END) {
        if (span_is(item.name, "unit"))
            take_text(&item, f->unit, sizeof f->unit);
        else if (span_is(item.name, "better"))
            f->better = better_of(&item);
        else if (span_is(item.name, "decimals"))
            f->decimals = (unsigned)take_number(&item) % 16;
        else if (span_is(item.name, "run") && item.kind == JSON_ARRAY)
            e = numbers(p, f->run, SPREAD_RUNS_MAX, &f->runs);
    }
    return e;
}

static enum err read_figures(struct parse *p, struct series *s)
{
    struct json_item item;
    enum err e = OK;
    json_enter(&p->json);
    while (e == OK && (e = next(p, &item)) == OK && item.kind != JSON_END) {
        if (item.kind != JSON_OBJECT || s->count == SERIES_FIGURES_MAX)
            return wrong(p, "figures");
        struct figure *f = &s->figure[s->count++];
        snprintf(f->name, sizeof f->name, "%.*s", (int)item.name.n, (const char *)item.name.p);
        e = read_figure(p, f);
    }
    return e;
}

static enum err read_timeline(struct parse *p, struct timeline *t)
{
    enum { PARTS = 5 };
    struct json_item item;
    enum err e = OK;
    json_enter(&p->json);
    while (e == OK && (e = next(p, &item)) == OK && item.kind != JSON_END) {
        double v[PARTS];
        size_t n = 0;
        if (item.kind != JSON_ARRAY || t->count == TIMELINE_MAX)
            return wrong(p, "timeline");
        e = numbers(p, v, PARTS, &n);
        if (e == OK && n != PARTS)
            return wrong(p, "timeline");
        if (e == OK)
            t->moment[t->count++] = (struct timeline_moment){
                (uint64_t)v[0], (uint64_t)v[1], (uint64_t)v[2], (uint64_t)v[3], (uint64_t)v[4]};
    }
    return e;
}

static enum err read_series(struct parse *p, struct series *s)
{
    struct json_item item;
    size_t points;
    enum err e = OK;
    json_enter(&p->json);
    while (e == OK && (e = next(p, &item)) == OK && item.kind != JSON_END) {
        if (span_is(item.name, "name"))
            take_text(&item, s->name, sizeof s->name);
        else if (span_is(item.name, "mode"))
            take_text(&item, s->mode, sizeof s->mode);
        else if (span_is(item.name, "bound"))
            take_text(&item, s->bound, sizeof s->bound);
        else if (span_is(item.name, "passed"))
            s->passed = item.kind == JSON_TRUE;
        else if (span_is(item.name, "runs"))
            s->runs = (size_t)take_number(&item);
        else if (span_is(item.name, "figures") && item.kind == JSON_OBJECT)
            e = read_figures(p, s);
        else if (span_is(item.name, "curve_ms") && item.kind == JSON_ARRAY)
            e = numbers(p, s->curve_ms, SERIES_CURVE_POINTS, &points);
        else if (span_is(item.name, "timeline") && item.kind == JSON_ARRAY)
            e = read_timeline(p, &s->timeline);
    }
    return e;
}

static enum err read_all_series(struct parse *p, struct document *out)
{
    struct json_item item;
    enum err e = OK;
    json_enter(&p->json);
    while (e == OK && (e = next(p, &item)) == OK && item.kind != JSON_END) {
        if (item.kind != JSON_OBJECT)
            return wrong(p, "series");
        struct series *s = series_new("", "");
        e = document_add(out, s);
        if (e == OK)
            e = read_series(p, s);
    }
    return e;
}

static enum err read_machine(struct parse *p, struct machine *m)
{
    struct json_item item;
    enum err e;
    json_enter(&p->json);
    while ((e = next(p, &item)) == OK && item.kind != JSON_END) {
        char value[MACHINE_VALUE_BYTES] = "";
        take_text(&item, value, sizeof value);
        machine_add(m, item.name, span_str(value));
    }
    return e;
}

static enum err read_document(struct parse *p, struct document *out)
{
    struct json_item item;
    bool ours = false;
    enum err e = OK;
    while (e == OK && (e = next(p, &item)) == OK && item.kind != JSON_END) {
        if (span_is(item.name, "format"))
            ours = take_number(&item) == DOCUMENT_FORMAT;
        else if (span_is(item.name, "machine") && item.kind == JSON_OBJECT)
            e = read_machine(p, &out->machine);
        else if (span_is(item.name, "series") && item.kind == JSON_ARRAY)
            e = read_all_series(p, out);
    }
    if (e == OK && !ours)
        return wrong(p, "no results of cpnibench in a format that this version reads");
    return e;
}

enum err document_parse(struct span text, struct document *out, struct diag *d)
{
    struct parse p = {.d = d};
    *out = (struct document){.count = 0};
    enum err e = json_open(&p.json, span_trim(text), JSON_OBJECT, d);
    if (e == OK)
        e = read_document(&p, out);
    if (e == OK)
        e = json_close(&p.json, d);
    if (e != OK)
        document_done(out);
    return e;
}

enum err document_load(const char *path, struct document *out, struct diag *d)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *p = MAP_FAILED;
    *out = (struct document){.count = 0};
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (p == MAP_FAILED)
        return diag_set(d, ERR_NOTFOUND, "the file cannot be read", 0);
    enum err e = document_parse(span_of(p, (size_t)st.st_size), out, d);
    munmap(p, (size_t)st.st_size);
    return e;
}

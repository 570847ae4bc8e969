#include "bench/html.h"

#include <stdarg.h>
#include <stdlib.h>

#include "bench/goal.h"
#include "bench/plot.h"
#include "bench/stage.h"
#include "bench/suite.h"
#include "proto/core/instant.h"

enum { KIB_A_MIB = 1024 };

static void put_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    put_text(out, text);
    fputs("</td>", out);
}

__attribute__((format(printf, 2, 3))) static void put_number(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("<td class=n>", out);
    vfprintf(out, format, args);
    fputs("</td>", out);
    va_end(args);
}

/* --- tables --- */

static void put_machine(const struct document *d, FILE *out)
{
    fputs("<h2>Machine</h2><table>\n", out);
    for (size_t i = 0; i < d->machine.count; i++) {
        fputs("<tr>", out);
        put_cell(out, d->machine.fact[i].name);
        put_cell(out, d->machine.fact[i].value);
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void put_goals(const struct document *d, FILE *out)
{
    static const char *const CLASS[] = {"none", "miss", "miss", "pass", "pass", "aim"};
    const struct goal *g;
    fputs(
        "<h2>Goals</h2><table><tr><th>goal</th><th>goal</th><th>aim</th><th>measured</th><th></th>"
        "<th>95 %</th><th>of ceiling</th><th></th></tr>\n",
        out);
    for (size_t i = 0; (g = goal_row(i)) != NULL; i++) {
        struct goal_result r;
        int decimals = (int)g->decimals;
        goal_judge(g, d, &r);
        fprintf(out, "<tr class=%s>", CLASS[r.state]);
        put_cell(out, g->what);
        put_number(out, "%g", g->goal);
        put_number(out, "%g", g->aim);
        put_number(out, "%.*f", decimals, r.spread.median);
        put_cell(out, g->unit);
        put_number(out, "%.*f..%.*f", decimals, r.spread.low, decimals, r.spread.high);
        put_number(out, "%.2f", r.ratio);
        put_cell(out, goal_state_text(r.state));
        fputs("</tr>\n", out);
    }
    fputs("</table><pre>\n", out);
    const char *kind = machine_fact(&d->machine, "suite");
    if (kind && span_is(span_str(kind), "quick"))
        suite_print_scaled(out);
    fputs("</pre>\n", out);
}

static void put_series(const struct series *s, FILE *out)
{
    fputs("<details><summary>", out);
    put_text(out, s->name);
    fputs(", ", out);
    put_text(out, s->mode);
    fprintf(out,
            ", %zu runs%s</summary><table><tr><th>figure</th><th>median</th><th></th>"
            "<th>least</th><th>most</th><th>95 %%</th></tr>\n",
            s->runs, s->passed ? "" : ", FAILED");
    for (size_t i = 0; i < s->count; i++) {
        const struct figure *f = &s->figure[i];
        struct spread r;
        int decimals = (int)f->decimals;
        spread_of(f->run, f->runs, &r);
        fputs("<tr>", out);
        put_cell(out, f->name);
        put_number(out, "%.*f", decimals, r.median);
        put_cell(out, f->unit);
        put_number(out, "%.*f", decimals, r.min);
        put_number(out, "%.*f", decimals, r.max);
        put_number(out, "%.*f..%.*f", decimals, r.low, decimals, r.high);
        fputs("</tr>\n", out);
    }
    fputs("</table></details>\n", out);
}

/* --- plots: data, then the command over it --- */

/* A name inside quotes of gnuplot. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++)
        fputc(*text == '"' || *text == '\\' || *text == '\n' ? '.' : *text, out);
    fputc('"', out);
}

static bool is_load(const struct series *s)
{
    return series_median(s, "records_per_s") > 0;
}

static size_t throughput_data(const struct document *d, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct figure *f = series_figure(d->series[i], "records_per_s");
        struct spread s;
        bool daemon = span_is(span_str(d->series[i]->mode), "daemon");
        if (!f || !daemon || series_median(d->series[i], "rate_asked") > 0)
            continue;
        spread_of(f->run, f->runs, &s);
        put_quoted(out, d->series[i]->name);
        fprintf(out, " %g %g %g\n", s.median, s.low, s.high);
        n++;
    }
    return n;
}

/* Blocks, two blank lines apart, each with its name. */
static size_t latency_data(const struct document *d, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct series *s = d->series[i];
        if (!is_load(s) || series_median(s, "rate_asked") <= 0)
            continue;
        fprintf(out, "%s", n++ ? "\n\n" : "");
        put_quoted(out, s->name);
        fputc('\n', out);
        for (size_t p = 0; p + 1 < SERIES_CURVE_POINTS; p++)
            fprintf(out, "%g %g\n", 1 / (1 - SERIES_CURVE[p]), s->curve_ms[p]);
    }
    return n;
}

static size_t timeline_data(const struct document *d, FILE *out)
{
    const struct series *s = document_series(d, "soak");
    size_t n = 0;
    for (size_t i = 1; s && i < s->timeline.count; i++, n++) {
        const struct timeline_moment *m = &s->timeline.moment[i];
        fprintf(out, "%g %g %g\n", (double)m->at_us / US_PER_S, (double)m->rss_kib / KIB_A_MIB,
                (double)m->p99_us / US_PER_MS);
    }
    return n;
}

/* The CPU counts hundredths of a second: some samples together. */
static size_t growth_data(const struct document *d, FILE *out)
{
    enum { POINTS = 40 };
    const struct series *s = document_series(d, "growth");
    size_t count = s ? s->timeline.count : 0, step = count / POINTS + 1, n = 0;
    for (size_t i = step; i < count; i += step) {
        const struct timeline_moment *a = &s->timeline.moment[i - step],
                                     *b = &s->timeline.moment[i];
        if (b->durable == a->durable)
            continue;
        fprintf(out, "%g %g\n", (double)b->durable,
                (double)(b->cpu_us - a->cpu_us) / (double)(b->durable - a->durable));
        n++;
    }
    return n;
}

static size_t stages_data(const struct document *d, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        char name[SERIES_NAME_BYTES];
        if (!series_figure(d->series[i], "cycles_per_record.read"))
            continue;
        put_quoted(out, d->series[i]->name);
        for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
            snprintf(name, sizeof name, "cycles_per_record.%s", STAGE_NAME[stage]);
            fprintf(out, " %g", series_median(d->series[i], name));
        }
        fputc('\n', out);
        n++;
    }
    return n;
}

static const struct plot {
    const char *title;
    /* Gives n of the command: 0, there is nothing to draw. */
    size_t (*data)(const struct document *d, FILE *out);
    const char *command;
} PLOTS[] = {
    {"Records a second, as fast as it goes (95 % interval)", throughput_data,
     "set style data boxes\nset boxwidth 0.6\nset style fill solid 0.5\nset yrange [0:*]\n"
     "set xtics rotate by -30\nset bmargin 5\nunset key\n"
     "plot $d using 0:2:xtic(1) lc rgb '#4477aa', $d using 0:2:3:4 with yerrorbars lc rgb "
     "'black'\n"},
    {"Latency at a given rate, by share of records", latency_data,
     "set logscale xy\nset xlabel 'share of records'\nset ylabel 'ms'\n"
     "set xtics ('0' 1, '50 %%' 2, '90 %%' 10, '99 %%' 100, '99.9 %%' 1000, '99.99 %%' 10000, "
     "'99.999 %%' 100000)\n"
     "plot for [i=0:n-1] $d index i using 1:2 with linespoints pt 7 ps 0.4 "
     "title columnheader(1)\n"},
    {"Soak: memory of the daemon and latency over time", timeline_data,
     "set xlabel 's'\nset ylabel 'MiB'\nset yrange [0:*]\nset y2label 'p99, ms'\nset y2tics\n"
     "set y2range [0:*]\n"
     "plot $d using 1:2 with lines lw 2 title 'memory', "
     "$d using 1:3 axes x1y2 with lines title 'p99'\n"},
    {"Growth: CPU of the daemon a record, by records in the vault", growth_data,
     "set xlabel 'records'\nset ylabel 'us'\nset yrange [0:*]\nunset key\n"
     "plot $d using 1:2 with linespoints pt 7 ps 0.4\n"},
    {"In one process: cycles a record, by stage", stages_data,
     "set style data histograms\nset style histogram rowstacked\nset style fill solid 0.6\n"
     "set boxwidth 0.5\nset yrange [0:*]\n"
     "plot $d using 2:xtic(1) title 'read', $d using 3 title 'seal', $d using 4 title 'commit', "
     "$d using 5 title 'keep', $d using 6 title 'bench'\n"},
};

static enum err put_plot(const struct plot *p, const struct document *d, FILE *out,
                         struct diag *diag)
{
    char *script = NULL;
    size_t bytes;
    FILE *f = open_memstream(&script, &bytes);
    if (!f)
        return ERR_NOMEM;
    fprintf(f, "$d << EOD\n");
    size_t n = p->data(d, f);
    fprintf(f, "EOD\nn = %zu\n%s", n, p->command);
    enum err e = fclose(f) == 0 ? OK : ERR_NOMEM;
    if (e == OK && n) {
        fprintf(out, "<h3>%s</h3>\n", p->title);
        e = plot_svg(PLOT_PROGRAM, script, out, diag);
    }
    free(script);
    return e;
}

enum err html_write(const struct document *d, FILE *out, struct diag *diag)
{
    enum err e = OK;
    fputs("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>cpnibench</title><style>"
          "body{font:14px sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse}"
          "td,th{padding:2px 10px;border-bottom:1px solid #ddd;text-align:left}"
          ".n{text-align:right;font-family:monospace}.pass td:last-child,.aim td:last-child"
          "{color:#060}.miss td:last-child{color:#b00;font-weight:bold}</style>"
          "<h1>cpnibench</h1>\n",
          out);
    put_goals(d, out);
    fputs("<h2>Plots</h2>\n", out);
    for (size_t i = 0; e == OK && i < sizeof PLOTS / sizeof PLOTS[0]; i++)
        e = put_plot(&PLOTS[i], d, out, diag);
    put_machine(d, out);
    fputs("<h2>All figures</h2>\n", out);
    for (size_t i = 0; i < d->count; i++)
        put_series(d->series[i], out);
    fputs("</html>\n", out);
    return e;
}

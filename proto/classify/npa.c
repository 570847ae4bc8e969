#include "proto/classify/npa.h"

static const struct {
    const char *country, *region; /* region NULL: two letters, kept */
    enum npa_kind kind;
} KINDS[] = {
    {"US", NULL, NPA_US},
    {"CA", "", NPA_CANADA},
    {"", "tollfree", NPA_TOLLFREE},
    {"", "premium", NPA_PREMIUM},
    {"", "personal", NPA_PERSONAL},
    {"", "carrier", NPA_CARRIER},
    {"", "government", NPA_GOVERNMENT},
};

static bool upper_pair(struct span s)
{
    return s.n == 2 && s.p[0] >= 'A' && s.p[0] <= 'Z' && s.p[1] >= 'A' && s.p[1] <= 'Z';
}

static bool row_of(struct span country, struct span region, struct npa_row *out)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!span_is(country, KINDS[i].country))
            continue;
        *out = (struct npa_row){.kind = (uint8_t)KINDS[i].kind};
        if (KINDS[i].region ? span_is(region, KINDS[i].region) : upper_pair(region)) {
            if (!KINDS[i].region)
                memcpy(out->region, region.p, sizeof out->region);
            return true;
        }
    }
    *out = (struct npa_row){.kind = NPA_OTHER};
    return upper_pair(country) && region.n == 0 && !span_is(country, "US");
}

static enum err load_line(struct span line, struct npa_table *t)
{
    uint64_t npa;
    struct npa_row row;
    struct span code = span_cut(&line, ',');
    struct span country = span_cut(&line, ',');
    if (code.n != 3 || span_u64(code, NPA_END - 1, &npa) != OK || npa < NPA_FIRST ||
        !row_of(country, line, &row))
        return ERR_SYNTAX;
    if (t->row[npa - NPA_FIRST].kind != NPA_UNKNOWN)
        return ERR_CONFLICT;
    t->row[npa - NPA_FIRST] = row;
    return OK;
}

enum err npa_load(struct span text, struct npa_table *out, size_t *out_line, struct diag *d)
{
    struct npa_table t = {0};
    struct span rest = text;
    for (size_t line = 1; rest.n || line == 1; line++) {
        size_t at = text.n - rest.n;
        struct span row = span_trim(span_cut(&rest, '\n'));
        *out_line = line;
        if (line == 1 && !span_is(row, "npa,country,region"))
            return diag_set(d, ERR_SYNTAX, "header npa,country,region", at);
        if (line == 1 || row.n == 0)
            continue;
        enum err e = load_line(row, &t);
        if (e != OK)
            return diag_set(d, e, e == ERR_CONFLICT ? "area code given twice" : "area code", at);
    }
    *out = t;
    return OK;
}

struct npa_row npa_find(const struct npa_table *t, unsigned npa)
{
    if (!t || npa < NPA_FIRST || npa >= NPA_END)
        return (struct npa_row){.kind = NPA_UNKNOWN};
    return t->row[npa - NPA_FIRST];
}

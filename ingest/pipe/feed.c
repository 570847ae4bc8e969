#include "ingest/pipe/feed.h"

/* Longer numbers are subscribers' in any plan; 7 digits are a local number of the NANP. */
enum { EXTENSION_DIGITS_MAX = 6 };

static const struct {
    const char *name;
    enum number_plan plan;
} PLANS[] = {{"nanp", PLAN_NANP}, {"e164", PLAN_E164}, {"raw", PLAN_RAW}};

static enum err set_plan(struct number_rules *r, const struct ingest_feed *conf, struct diag *d)
{
    struct span country = span_str(conf->default_country);
    uint64_t code;
    size_t i = 0;
    while (i < sizeof PLANS / sizeof PLANS[0] &&
           !span_is(span_str(conf->number_plan), PLANS[i].name))
        i++;
    if (i == sizeof PLANS / sizeof PLANS[0])
        return diag_set(d, ERR_SYNTAX, "number_plan is none of nanp, e164, raw", 0);
    r->plan = PLANS[i].plan;
    r->extension_digits_max = EXTENSION_DIGITS_MAX;
    /* ITU-T E.164: a country code has one to three digits. */
    if (country.n > 0 &&
        (country.n >= sizeof r->country_code || span_u64(country, 999, &code) != OK))
        return diag_set(d, ERR_SYNTAX, "default_country is no country code", 0);
    memcpy(r->country_code, country.p ? country.p : (const uint8_t *)"", country.n);
    return OK;
}

/* Local times without a zone cannot be read: the configuration refuses that, and so do we. */
static enum err set_zone(struct pipe_feed *f, const struct ingest_feed *conf, struct diag *d)
{
    if (span_str(conf->timezone).n == 0) {
        bool local = conf->kind == FEED_ASTERISK_CSV || f->map.needs_zone;
        zone_fixed(&f->zone, 0);
        return local ? diag_set(d, ERR_SYNTAX, "local times and no timezone", 0) : OK;
    }
    enum err e = zone_parse(span_str(conf->timezone), &f->zone);
    if (e == ERR_NOTFOUND && conf->tzif.n > 0)
        return zone_load(conf->tzif, &f->zone, d);
    return e == OK ? OK : diag_set(d, e, "unknown timezone", 0);
}

static enum err set_map(struct cdr_map *m, const struct ingest_feed *conf, struct diag *d)
{
    size_t line;
    if (conf->map.n > 0)
        return cdr_map_parse(conf->map, m, &line, d) == OK ? OK : ERR_SYNTAX;
    return conf->kind == FEED_MAPPED ? diag_set(d, ERR_SYNTAX, "no map", 0) : OK;
}

enum err pipe_feed_init(struct pipe_feed *f, const struct ingest_feed *conf, unsigned index,
                        const struct npa_table *npa, struct diag *d)
{
    *f = (struct pipe_feed){.conf = conf, .index = index, .kind = conf->kind};
    f->rules.numbers.npa = npa;
    enum err e = set_plan(&f->rules.numbers, conf, d);
    if (e == OK)
        e = set_map(&f->map, conf, d);
    return e == OK ? set_zone(f, conf, d) : e;
}

static bool same_key(struct span a, struct span b)
{
    uint8_t differs = 0;
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        differs |= (uint8_t)(a.p[i] ^ b.p[i]);
    return differs == 0;
}

bool pipe_feed_admits(const struct pipe_feed *f, uint32_t agent, struct span key)
{
    if (f->conf->agents_count == 0)
        return true;
    for (size_t i = 0; i < f->conf->agents_count; i++)
        if (f->conf->agents[i].id == agent)
            return same_key(f->conf->agents[i].key, key);
    return false;
}

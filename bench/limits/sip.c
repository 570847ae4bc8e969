#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

#include "bench/limits/limits.h"
#include "bench/pace.h"
#include "bench/stock.h"
#include "proto/frame/hep.h"

static bool parse_one(struct span text)
{
    osip_message_t *m;
    if (osip_message_init(&m) != 0)
        return false;
    bool ok = osip_message_parse(m, (const char *)text.p, text.n) == 0;
    osip_message_free(m);
    return ok;
}

static enum err parse_all(const struct stock *s, uint64_t until_us, double *out)
{
    struct hep hep;
    uint64_t count = 0, start = pace_now_us();
    enum err e = OK;
    for (size_t i = 0; e == OK && (count == 0 || pace_now_us() < until_us); count++) {
        e = hep_parse(stock_item(s, i), 0, &hep, NULL);
        if (e == OK && !parse_one(hep.payload))
            e = ERR_SYNTAX;
        i = (i + 1) % s->items_count;
    }
    *out = limit_rate((double)count, start);
    return e;
}

enum err limit_sip(const struct limits_once *o, double *out)
{
    static const struct calls_options CALLS = {.seed = 1, .count = 500, .customers = 100};
    struct stock s;
    enum err e = parser_init() == 0 ? stock_init(&s, STOCK_HEP, &CALLS, 100) : ERR_NOMEM;
    if (e != OK)
        return e;
    stock_make(&s, STOCK_ALL);
    e = parse_all(&s, o->until_us, out);
    stock_done(&s);
    return e;
}

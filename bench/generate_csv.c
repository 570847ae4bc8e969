#include "bench/generate.h"
#include "bench/put.h"
#include "proto/core/instant.h"

/* Asterisk's dispositions: it tells a caller who gave up from one whom nobody answered only when
 * asked to. */
static const char *const DISPOSITION[OUTCOME_COUNT] = {[OUTCOME_ANSWERED] = "ANSWERED",
                                                       [OUTCOME_CANCELLED] = "NO ANSWER",
                                                       [OUTCOME_NO_ANSWER] = "NO ANSWER",
                                                       [OUTCOME_BUSY] = "BUSY",
                                                       [OUTCOME_FAILED] = "FAILED"};

static long seconds(int64_t from_us, int64_t to_us)
{
    return (long)((to_us - from_us) / US_PER_S);
}

static void put_times(const struct bench_call *c, struct buf *b)
{
    put_format(b, "\"");
    put_stamp(b, c->start_us);
    put_format(b, c->answer_us ? "\",\"" : "\",,\""); /* nothing at all when never answered */
    if (c->answer_us) {
        put_stamp(b, c->answer_us);
        put_format(b, "\",\"");
    }
    put_stamp(b, c->end_us);
    put_format(b, "\",%ld,%ld,", seconds(c->start_us, c->end_us),
               c->answer_us ? seconds(c->answer_us, c->end_us) : 0);
}

void generate_csv(const struct bench_call *c, struct buf *b)
{
    char code[POPULATION_ID_BYTES];
    unsigned channel = (unsigned)c->index * 2;
    population_code(c->caller, code);
    put_format(b, "\"%s\",\"%s\",\"%s\",\"from-internal\",\"\"\"Extension %u\"\" <%s>\",", code,
               c->from + 2, c->to + 2, (unsigned)(c->caller % 1000), c->from + 2);
    put_format(b, "\"PJSIP/%s-%08x\",\"PJSIP/carrier-%08x\",\"Dial\",\"PJSIP/%s@carrier,60\",",
               code, channel, channel + 1, c->to + 1);
    put_times(c, b);
    put_format(b, "\"%s\",\"DOCUMENTATION\",\"%ld.%u\",\"\"\n", DISPOSITION[c->outcome],
               (long)(c->start_us / US_PER_S), channel);
}

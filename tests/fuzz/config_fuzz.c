/* Any text is a configuration or a list of problems, each with a line of the text. */
#include <stdlib.h>

#include "ingest/cpnid/config.h"
#include "proto/core/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config c;
    static struct config_problems p;
    enum err e = config_parse(span_of(data, size), &c, &p);
    CHECK((e == OK) == (p.count == 0));
    CHECK(c.feeds_count <= FEEDS_MAX && c.agents_count <= CONFIG_AGENTS_MAX);
    for (size_t i = 0; i < p.count && i < CONFIG_PROBLEMS_MAX; i++)
        CHECK(p.item[i].line >= 0 && (size_t)p.item[i].line <= size + 2 && p.item[i].text[0]);
    for (size_t i = 0; e == OK && i < c.feeds_count; i++)
        CHECK(c.feed[i].agents_first + c.feed[i].agents_count <= c.agents_count);
    return 0;
}

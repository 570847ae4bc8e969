/* Proves: text and JSON hold the same figures. */
#include "bench/report.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "proto/frame/json.h"

static struct result *good(void)
{
    struct result *r = calloc(1, sizeof *r);
    *r = (struct result){.scenario = "csv",
                         .mode = "daemon",
                         .customers = 10,
                         .records = 1000,
                         .items = 1000,
                         .bytes = 290000,
                         .sent_items = 1000,
                         .durable = 1000,
                         .wall_us = 500000,
                         .processes_count = 1,
                         .disk_bytes = 640000,
                         .totals_equal = true};
    r->process[0] = (struct result_process){"cpnid-vault", 5000, 204800};
    histogram_add(&r->latency, 2000, 1000);
    return r;
}

static void print(const struct result *r, void (*report)(const struct result *, FILE *),
                  char text[static 8192])
{
    FILE *f = fmemopen(text, 8192, "w");
    report(r, f);
    fclose(f);
}

Test(report, text_and_json_say_the_same)
{
    char text[8192], json[8192];
    struct result *r = good();
    struct json j;
    struct json_item item;
    print(r, report_text, text);
    print(r, report_json, json);
    unsigned members = 0, lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    cr_assert_eq(json_open(&j, span_trim(span_str(json)), JSON_OBJECT, NULL), OK);
    while (json_next(&j, &item, NULL) == OK && item.kind != JSON_END) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)item.name.n, (const char *)item.name.p);
        cr_expect(members < 3 || strstr(text, name), "%s", name);
        members++;
    }
    cr_expect_eq(json_close(&j, NULL), OK);
    cr_expect_eq(members, lines - 1 + 3, "scenario, mode and passed are the text's first line");
    cr_expect(strstr(json, "\"records_per_s\":2000,") && strstr(json, "\"passed\":true"));
    cr_expect(strstr(json, "\"cpu_us_per_record.cpnid-vault\":5.00"));
    cr_expect(strstr(json, "\"rss_max_mib.cpnid-vault\":200"));
    cr_expect(strstr(json, "\"latency_p50_ms\":2.00"));
    cr_expect(strstr(json, "\"disk_bytes_per_record\":640"));
    free(r);
}

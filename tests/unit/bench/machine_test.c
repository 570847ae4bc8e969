/* Proves: every fact is there, also when its source is not; facts are found by name; too many and
 * too long ones do no harm. */
#include "bench/machine.h"

#include <criterion/criterion.h>

Test(machine, every_fact_is_there)
{
    static const char *const NAME[] = {"cpu",      "cores",       "memory",   "kernel",
                                       "build",    "file_system", "compiler", "load_before",
                                       "governor", "virtual"};
    struct machine m;
    machine_read("/nonexistent", &m);
    for (size_t i = 0; i < sizeof NAME / sizeof NAME[0]; i++) {
        const char *value = machine_fact(&m, NAME[i]);
        cr_assert_not_null(value, "%s", NAME[i]);
        cr_expect(value[0], "%s", NAME[i]);
    }
    cr_expect_str_eq(machine_fact(&m, "file_system"), "unknown");
    cr_expect(strstr(machine_fact(&m, "kernel"), "Linux"));
    cr_expect_null(machine_fact(&m, "colour"));
    machine_read("/", &m);
    cr_expect_str_neq(machine_fact(&m, "file_system"), "unknown");
}

Test(machine, limits)
{
    struct machine m = {.count = 0};
    char longer[2 * MACHINE_VALUE_BYTES];
    memset(longer, 'x', sizeof longer);
    for (size_t i = 0; i < MACHINE_FACTS_MAX + 3; i++)
        machine_add(&m, span_str("a"), span_of(longer, sizeof longer));
    cr_expect_eq(m.count, (size_t)MACHINE_FACTS_MAX);
    cr_expect_eq(strlen(m.fact[0].value), MACHINE_VALUE_BYTES - 1u);
}

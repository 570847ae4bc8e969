#include "vault/ctl/rules.h"

static enum number_plan plan_by_name(const char *name)
{
    if (name && strcmp(name, "e164") == 0)
        return PLAN_E164;
    return name && strcmp(name, "raw") == 0 ? PLAN_RAW : PLAN_NANP;
}

void rules_from_args(const struct ctl_args *a, struct number_rules *out)
{
    const char *country = ctl_arg(a, "country-code");
    *out = (struct number_rules){.plan = plan_by_name(ctl_arg(a, "number-plan"))};
    if (country)
        snprintf(out->country_code, sizeof out->country_code, "%s", country);
}

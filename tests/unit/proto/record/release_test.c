/* Proves the table of RFC 3398 7.2.4.1 on its rows and between them, and which failures the
 * next INVITE goes on from; and what a cause of Q.850 says of a call that nobody answered. */
#include "proto/record/release.h"

#include <criterion/criterion.h>

static const struct {
    unsigned status, q850;
    enum disposition disposition;
    bool retries;
} ROWS[] = {
    {302, 0, DISPOSITION_FAILED, true},       {399, 0, DISPOSITION_FAILED, true},
    {400, 41, DISPOSITION_FAILED, false},     {401, 21, DISPOSITION_REJECTED, true},
    {404, 1, DISPOSITION_FAILED, false},      {407, 21, DISPOSITION_REJECTED, true},
    {408, 102, DISPOSITION_NO_ANSWER, false}, {422, 0, DISPOSITION_FAILED, true},
    {480, 18, DISPOSITION_NO_ANSWER, false},  {484, 28, DISPOSITION_FAILED, false},
    {486, 17, DISPOSITION_BUSY, false},       {487, 0, DISPOSITION_CANCELLED, false},
    {503, 41, DISPOSITION_CONGESTION, false}, {599, 0, DISPOSITION_FAILED, false},
    {600, 17, DISPOSITION_BUSY, false},       {603, 21, DISPOSITION_REJECTED, false},
    {699, 0, DISPOSITION_FAILED, false},
};

Test(release, rows)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        unsigned status = ROWS[i].status;
        cr_expect_eq(release_q850(status), ROWS[i].q850, "cause of %u", status);
        cr_expect_eq(release_disposition(status), ROWS[i].disposition, "%u", status);
        cr_expect_eq(release_retries(status), ROWS[i].retries, "retry behind %u", status);
    }
}

Test(release, causes_without_an_answer)
{
    static const struct {
        unsigned cause;
        enum disposition disposition;
    } CAUSES[] = {
        {16, DISPOSITION_CANCELLED}, {17, DISPOSITION_BUSY},     {18, DISPOSITION_NO_ANSWER},
        {19, DISPOSITION_NO_ANSWER}, {21, DISPOSITION_REJECTED}, {34, DISPOSITION_CONGESTION},
        {102, DISPOSITION_TIMEOUT},  {1, DISPOSITION_FAILED},    {127, DISPOSITION_FAILED}};
    for (size_t i = 0; i < sizeof CAUSES / sizeof CAUSES[0]; i++)
        cr_expect_eq(release_disposition_q850(CAUSES[i].cause), CAUSES[i].disposition, "%u",
                     CAUSES[i].cause);
}

/* ITU-T Q.850: causes are 1..127. */
Test(release, every_status_has_an_outcome)
{
    for (unsigned status = 300; status < 700; status++) {
        cr_expect_leq(release_q850(status), 127);
        cr_expect_neq(release_disposition(status), DISPOSITION_UNKNOWN);
        cr_expect_neq(release_disposition(status), DISPOSITION_ANSWERED);
    }
}

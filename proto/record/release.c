#include "proto/record/release.h"

/* One row a status; ranges at the end catch what has none. */
static const struct release {
    uint16_t status;
    uint8_t q850;
    uint8_t disposition;
    bool retries;
} ROWS[] = {
    {400, 41, DISPOSITION_FAILED, false},     {401, 21, DISPOSITION_REJECTED, true},
    {402, 21, DISPOSITION_REJECTED, false},   {403, 21, DISPOSITION_REJECTED, false},
    {404, 1, DISPOSITION_FAILED, false},      {405, 63, DISPOSITION_FAILED, false},
    {406, 79, DISPOSITION_FAILED, false},     {407, 21, DISPOSITION_REJECTED, true},
    {408, 102, DISPOSITION_NO_ANSWER, false}, {410, 22, DISPOSITION_FAILED, false},
    {413, 127, DISPOSITION_FAILED, true},     {414, 127, DISPOSITION_FAILED, false},
    {415, 79, DISPOSITION_FAILED, true},      {416, 127, DISPOSITION_FAILED, true},
    {420, 127, DISPOSITION_FAILED, true},     {421, 127, DISPOSITION_FAILED, true},
    {422, 0, DISPOSITION_FAILED, true},       {423, 127, DISPOSITION_FAILED, false},
    {480, 18, DISPOSITION_NO_ANSWER, false},  {481, 41, DISPOSITION_FAILED, false},
    {482, 25, DISPOSITION_FAILED, false},     {483, 25, DISPOSITION_FAILED, false},
    {484, 28, DISPOSITION_FAILED, false},     {485, 1, DISPOSITION_FAILED, false},
    {486, 17, DISPOSITION_BUSY, false},       {487, 0, DISPOSITION_CANCELLED, false},
    {488, 0, DISPOSITION_FAILED, false},      {494, 0, DISPOSITION_FAILED, true},
    {500, 41, DISPOSITION_FAILED, false},     {501, 79, DISPOSITION_FAILED, false},
    {502, 38, DISPOSITION_FAILED, false},     {503, 41, DISPOSITION_CONGESTION, false},
    {504, 102, DISPOSITION_FAILED, false},    {505, 127, DISPOSITION_FAILED, false},
    {513, 127, DISPOSITION_FAILED, false},    {600, 17, DISPOSITION_BUSY, false},
    {603, 21, DISPOSITION_REJECTED, false},   {604, 1, DISPOSITION_FAILED, false},
    {606, 0, DISPOSITION_REJECTED, false},    {607, 0, DISPOSITION_REJECTED, false},
    {608, 0, DISPOSITION_REJECTED, false},
};

static struct release row_of(unsigned status)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (ROWS[i].status == status)
            return ROWS[i];
    return (struct release){.disposition = DISPOSITION_FAILED, .retries = status / 100 == 3};
}

uint8_t release_q850(unsigned status)
{
    return row_of(status).q850;
}

enum disposition release_disposition(unsigned status)
{
    return (enum disposition)row_of(status).disposition;
}

/* ITU-T Q.850 2.2.7: 16 before the answer means that the caller hung up. */
enum disposition release_disposition_q850(unsigned cause)
{
    static const struct {
        uint8_t cause, disposition;
    } CAUSES[] = {{16, DISPOSITION_CANCELLED},  {17, DISPOSITION_BUSY},
                  {18, DISPOSITION_NO_ANSWER},  {19, DISPOSITION_NO_ANSWER},
                  {21, DISPOSITION_REJECTED},   {34, DISPOSITION_CONGESTION},
                  {38, DISPOSITION_CONGESTION}, {41, DISPOSITION_CONGESTION},
                  {42, DISPOSITION_CONGESTION}, {102, DISPOSITION_TIMEOUT}};
    for (size_t i = 0; i < sizeof CAUSES / sizeof CAUSES[0]; i++)
        if (CAUSES[i].cause == cause)
            return (enum disposition)CAUSES[i].disposition;
    return DISPOSITION_FAILED;
}

bool release_retries(unsigned status)
{
    return row_of(status).retries;
}

#include "bench/population.h"

#include <stdio.h>

/* In service, and geographic: a jurisdiction follows from them. */
static const uint16_t NPA[2][POPULATION_NPAS] = {
    {201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219,
     220, 223, 224, 225, 227, 228, 229, 231, 234, 239, 240, 248, 251, 252, 253, 254, 256,
     260, 262, 267, 269, 270, 272, 276, 281, 301, 302, 303, 304, 305, 307, 308, 309},
    {310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 331, 334, 336,
     337, 339, 347, 351, 352, 360, 361, 385, 386, 401, 402, 404, 405, 406, 407, 408, 409,
     410, 412, 413, 414, 415, 417, 419, 423, 424, 425, 430, 432, 434, 435, 440, 443}};

static void number(const uint16_t *npa, uint32_t i, char out[static POPULATION_NUMBER_BYTES])
{
    snprintf(out, POPULATION_NUMBER_BYTES, "+1%03u55501%02u", (unsigned)npa[i % POPULATION_NPAS],
             (unsigned)(i / POPULATION_NPAS % POPULATION_LINES));
}

void population_number(uint32_t customer, char out[static POPULATION_NUMBER_BYTES])
{
    number(NPA[0], customer, out);
}

void population_outside(uint32_t i, char out[static POPULATION_NUMBER_BYTES])
{
    number(NPA[1], i, out);
}

static void id(const char *format, uint32_t customer, char out[static POPULATION_ID_BYTES])
{
    snprintf(out, POPULATION_ID_BYTES, "%s%06u", format, (unsigned)customer);
}

void population_customer(uint32_t customer, char out[static POPULATION_ID_BYTES])
{
    id("cust", customer, out);
}

void population_account(uint32_t customer, char out[static POPULATION_ID_BYTES])
{
    id("acct", customer, out);
}

void population_code(uint32_t customer, char out[static POPULATION_ID_BYTES])
{
    id("code", customer, out);
}

void population_domain(uint32_t customer, char out[static POPULATION_ID_BYTES])
{
    snprintf(out, POPULATION_ID_BYTES, "c%u.example", (unsigned)customer);
}

bool population_of_account(struct span account, uint32_t *out_customer)
{
    static const struct span HEAD = SPAN_LIT("acct");
    uint64_t n;
    if (!span_starts(account, HEAD) || span_u64(span_from(account, HEAD.n), UINT32_MAX, &n) != OK)
        return false;
    *out_customer = (uint32_t)n;
    return true;
}

uint64_t population_entries(uint32_t customers)
{
    return (uint64_t)customers * 2 + (customers < POPULATION_OWNED ? customers : POPULATION_OWNED);
}

struct population_entry population_entry(uint32_t customers, uint64_t i)
{
    static const struct {
        enum entry_kind kind;
        void (*text)(uint32_t customer, char *out);
    } PART[] = {{ENTRY_ACCOUNT_CODE, population_code},
                {ENTRY_DOMAIN, population_domain},
                {ENTRY_NUMBER, population_number}};
    struct population_entry e = {.customer = (uint32_t)(i % customers),
                                 .kind = PART[i / customers].kind};
    PART[i / customers].text(e.customer, e.value);
    return e;
}

void population_csv_head(struct buf *b)
{
    buf_str(b, "customer_id,account_id,kind,value\n");
}

void population_csv_row(uint32_t customers, uint64_t i, struct buf *b)
{
    struct population_entry e = population_entry(customers, i);
    char customer[POPULATION_ID_BYTES], account[POPULATION_ID_BYTES];
    population_customer(e.customer, customer);
    population_account(e.customer, account);
    const char *const CELL[] = {customer, ",",     account, ",", entry_kind_name(e.kind),
                                ",",      e.value, "\n"};
    for (size_t c = 0; c < sizeof CELL / sizeof CELL[0]; c++)
        buf_str(b, CELL[c]);
}

/* population.h - the customers of a benchmark, and the directory that leads to them.
 *
 * Numbers are fictitious: +1 NPA 555 0100 to 0199 (the range kept for invention), which gives 100
 * an area code. 50 area codes belong to customers, 50 others to the rest of the world. So the first
 * 5000 customers have a number of their own; those behind them share numbers, and are told apart
 * as many extensions of one PBX are: by account code in CDRs, by domain in SIP. Every customer has
 * both, so the directory holds 2 entries a customer and 5000 numbers at most. */
#ifndef CPNI_BENCH_POPULATION_H
#define CPNI_BENCH_POPULATION_H

#include "proto/core/buf.h"
#include "proto/wire/entry_kind.h"

enum {
    POPULATION_NPAS = 50, /* of each side */
    POPULATION_LINES = 100,
    POPULATION_OWNED = POPULATION_NPAS * POPULATION_LINES,
    POPULATION_NUMBER_BYTES = 16, /* "+12015550100", its NUL, and what the compiler cannot know */
    POPULATION_ID_BYTES = 24
};

/* Number of a customer, or of line `i` of the outside world (any i). */
void population_number(uint32_t customer, char out[static POPULATION_NUMBER_BYTES]);
void population_outside(uint32_t i, char out[static POPULATION_NUMBER_BYTES]);

void population_customer(uint32_t customer,
                         char out[static POPULATION_ID_BYTES]);                   /* "cust000007" */
void population_account(uint32_t customer, char out[static POPULATION_ID_BYTES]); /* "acct000007" */
void population_code(uint32_t customer, char out[static POPULATION_ID_BYTES]);    /* "code000007" */
void population_domain(uint32_t customer, char out[static POPULATION_ID_BYTES]);  /* "c7.example" */

/* The customer of an account; false: not one of ours. */
bool population_of_account(struct span account, uint32_t *out_customer);

/* One entry of the directory. */
struct population_entry {
    uint32_t customer;
    enum entry_kind kind; /* ACCOUNT_CODE, DOMAIN, NUMBER */
    char value[POPULATION_ID_BYTES];
};
uint64_t population_entries(uint32_t customers);
/* Entry i, 0..population_entries()-1. */
struct population_entry population_entry(uint32_t customers, uint64_t i);

/* customer_id,account_id,kind,value: the header, or row i, with its line end. */
void population_csv_head(struct buf *b);
void population_csv_row(uint32_t customers, uint64_t i, struct buf *b);

#endif

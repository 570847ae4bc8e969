/* npa.h - area codes of country code 1: which country and state, or which service. A file,
 * because the numbering administrator adds codes every few months; what the file does not know
 * is unknown, never guessed.
 *
 *     npa,country,region           header, required
 *     205,US,AL                    state, DC or territory (ISO 3166)
 *     204,CA,                      another country of the plan
 *     800,,tollfree                service: tollfree, premium, personal, carrier, government */
#ifndef CPNI_CLASSIFY_NPA_H
#define CPNI_CLASSIFY_NPA_H

#include "proto/core/diag.h"
#include "proto/core/span.h"

enum npa_kind {
    NPA_UNKNOWN,
    NPA_US, /* states, DC, territories: US jurisdiction */
    NPA_CANADA,
    NPA_OTHER,      /* Caribbean, Atlantic */
    NPA_TOLLFREE,   /* the called party pays */
    NPA_PREMIUM,    /* 900 */
    NPA_PERSONAL,   /* 5XX */
    NPA_CARRIER,    /* 700: whatever the carrier makes of it */
    NPA_GOVERNMENT, /* 710 */
    NPA_KIND_COUNT
};

struct npa_row {
    uint8_t kind;   /* enum npa_kind */
    char region[2]; /* of NPA_US: the state; else zeros */
};

enum { NPA_FIRST = 200, NPA_END = 1000 };
struct npa_table {
    struct npa_row row[NPA_END - NPA_FIRST];
};

/* Reads the file. On error *out_line is the line (from 1) and d->at the byte where it begins.
 * ERR_SYNTAX: not a line as above; ERR_CONFLICT: a code given twice. */
MUST_CHECK enum err npa_load(struct span text, struct npa_table *out, size_t *out_line,
                             struct diag *d);

/* NPA_UNKNOWN for what is no code or not in the table; the table may be NULL. */
struct npa_row npa_find(const struct npa_table *t, unsigned npa);

#endif

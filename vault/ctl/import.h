/* import.h - `cpnictl customer import FILE.csv`: the directory of whose number is whose.
 *
 * The file has a header with customer_id, account_id, kind and value in any order. Numbers
 * are normalised here, by the rules of the feeds, and rows go to the vault in chunks; it
 * checks them all and takes them all or none. Problems are told by line, never by value. */
#ifndef CPNI_CTL_IMPORT_H
#define CPNI_CTL_IMPORT_H

#include "proto/classify/number.h"
#include "proto/wire/entry_kind.h"
#include "vault/ctl/ctl.h"

ctl_fn import_run;

/* A value in the form in which the directory compares it, appended to b: numbers and the
 * ends of a range "A-B" as +E.164 where the plan explains them, a prefix of digits with its
 * country code, everything else as it came. */
void import_value(const struct number_rules *rules, enum entry_kind kind, struct span value,
                  struct buf *b);

#endif

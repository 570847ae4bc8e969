/* entry.h - what leads to a customer, in the one form in which it is compared. */
#ifndef CPNI_DIRECTORY_ENTRY_H
#define CPNI_DIRECTORY_ENTRY_H

#include "vault/directory/directory.h"

enum { ENTRY_VALUE_BYTES_MAX = 255, ENTRY_KEY_BYTES_MAX = 1 + ENTRY_VALUE_BYTES_MAX };

/* Appends [1] 1 + kind | value as compared:
 *   number, range (one prefix)   + and digits, * and #, as they are
 *   domain                       lower case, no dot at the end
 *   trunk, account code          as they are
 *   address                      16 bytes as in struct ip, from its text
 * The key stands for the entry wherever a tag is made. NULL, or what is wrong with the value. */
const char *entry_key(enum entry_kind kind, struct span value, struct buf *out);
/* The key of an address that is parsed already. */
void entry_key_of_ip(struct span ip_bytes, struct buf *out);

#endif

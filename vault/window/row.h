/* row.h - one window row as it lies on disk (layout in window.h). */
#ifndef CPNI_WINDOW_ROW_H
#define CPNI_WINDOW_ROW_H

#include "vault/window/window.h"

enum { WINDOW_TAG_BYTES = 16 };

struct window_state {
    uint64_t included, position;
};

/* The usage key of a window, from its encoded key. */
void window_tag(const struct keyring *k, const uint8_t code[static USAGE_KEY_BYTES],
                uint8_t out[static WINDOW_TAG_BYTES]);

MUST_CHECK enum err window_put(struct keyring *k, struct txn *t,
                               const uint8_t tag[static WINDOW_TAG_BYTES],
                               const struct window_row *row);
/* ERR_NOTFOUND; ERR_FORGED: not what was stored there; ERR_VERSION. */
MUST_CHECK enum err window_get(struct store *s, struct keyring *k,
                               const uint8_t tag[static WINDOW_TAG_BYTES], struct window_row *out);

MUST_CHECK enum err window_state_put(struct keyring *k, struct txn *t,
                                     const struct window_state *state);
/* Zeros in a store that has none yet. */
MUST_CHECK enum err window_state_get(struct store *s, struct keyring *k, struct window_state *out);

#endif

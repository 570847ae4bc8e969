#include "proto/record/seedhash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void round_of(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    round_of(s);
    s->v0 ^= word;
}

uint64_t seedhash(struct seed seed, struct span in)
{
    struct state s = {seed.k0 ^ 0x736f6d6570736575, seed.k1 ^ 0x646f72616e646f6d,
                      seed.k0 ^ 0x6c7967656e657261, seed.k1 ^ 0x7465646279746573};
    uint64_t last = (uint64_t)in.n << 56, word;
    for (; in.n >= sizeof word; in = span_from(in, sizeof word)) {
        memcpy(&word, in.p, sizeof word); /* little-endian, as the tables of the paper */
        absorb(&s, word);
    }
    for (size_t i = 0; i < in.n; i++)
        last |= (uint64_t)in.p[i] << (8 * i);
    absorb(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_of(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

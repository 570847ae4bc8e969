/* name_index - writes the tables of proto/core/name_hash.h for the names of names.def and of
 * cdr_maps.def as C. Runs when the tree is built. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/core/name_hash.h"

struct key {
    struct span name;
    unsigned group;
};

enum {
#define SPACE(space) SPACE_##space,
#include "proto/classify/names.def"
};
static const struct key FIELD_KEYS[] = {
#define NAME(id, space, name, symbol) {SPAN_LIT(name), SPACE_##space},
#include "proto/classify/names.def"
};

static const struct span PATTERNS[] = {
#define PATTERN(id, space, how, text, symbol) SPAN_LIT(text),
#include "proto/classify/names.def"
};

enum {
#define GROUP(group, meaning) GROUP_##group,
#include "proto/record/cdr_maps.def"
};
static const struct key CDR_KEYS[] = {
#define MEMBER(group, name, setter, member) {SPAN_LIT(name), GROUP_##group},
#include "proto/record/cdr_maps.def"
#define KEEP(group, name, symbol) {SPAN_LIT(name), GROUP_##group},
#include "proto/record/cdr_maps.def"
#define REPEATED(name) {SPAN_LIT(name), GROUP_VARIABLE},
#include "proto/record/cdr_maps.def"
};

/* Puts the keys of one bucket into free slots; false: some two meet, and *x is as before. */
static bool place(struct name_index *x, const struct key *keys, size_t count, size_t bucket,
                  uint16_t shift)
{
    struct name_index before = *x;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = name_hash(keys[i].name, keys[i].group);
        if (name_bucket(hash) != bucket)
            continue;
        uint16_t *slot = &x->slot[name_slot(hash, shift)];
        if (*slot != NAME_NONE) {
            *x = before;
            return false;
        }
        *slot = (uint16_t)i;
    }
    x->shift[bucket] = shift;
    return true;
}

/* In order of the buckets' numbers: the slots are so many that no better order is needed. */
static bool fill(struct name_index *x, const struct key *keys, size_t count)
{
    memset(x, 0xff, sizeof *x);
    for (size_t bucket = 0; bucket < NAME_BUCKETS; bucket++) {
        uint16_t shift = 0;
        while (!place(x, keys, count, bucket, shift))
            if (++shift == NAME_NONE)
                return false;
    }
    return true;
}

static void print_numbers(const char *member, const uint16_t *value, size_t count)
{
    printf("    .%s = {", member);
    for (size_t i = 0; i < count; i++)
        printf("%s%u,", i % 16 ? "" : "\n        ", value[i]);
    printf("\n    },\n");
}

static void print(const char *name, const struct name_index *x)
{
    printf("static const struct name_index %s = {\n", name);
    print_numbers("shift", x->shift, NAME_BUCKETS);
    print_numbers("slot", x->slot, NAME_SLOTS);
    printf("};\n");
}

static void print_pairs(void)
{
    printf("static const uint64_t PATTERN_PAIRS[] = {\n");
    for (size_t i = 0; i < sizeof PATTERNS / sizeof PATTERNS[0]; i++)
        printf("    UINT64_C(%llu),\n", (unsigned long long)name_pairs(PATTERNS[i]));
    printf("};\n");
}

int main(int argc, char **argv)
{
    struct name_index x;
    bool fields = argc == 2 && strcmp(argv[1], "fields") == 0;
    bool cdr = argc == 2 && strcmp(argv[1], "cdr") == 0;
    bool filled = fields ? fill(&x, FIELD_KEYS, sizeof FIELD_KEYS / sizeof FIELD_KEYS[0])
                         : fill(&x, CDR_KEYS, sizeof CDR_KEYS / sizeof CDR_KEYS[0]);
    if ((!fields && !cdr) || !filled) { /* a name that stands twice cannot be placed */
        fprintf(stderr, "usage: name_index fields|cdr, of names that differ\n");
        return EXIT_FAILURE;
    }
    printf("/* Made by cmake/name_index.c. */\n#include \"proto/core/name_hash.h\"\n");
    print(fields ? "FIELD_INDEX" : "CDR_INDEX", &x);
    if (fields)
        print_pairs();
    return EXIT_SUCCESS;
}

/* mapped_file.h - a file of CDRs, read line by line through a map, for tests. */
#ifndef CPNI_TESTS_MAPPED_FILE_H
#define CPNI_TESTS_MAPPED_FILE_H

#include "proto/record/cdr_mapped.h"

struct mapped_file {
    struct span map_text; /* heap */
    struct cdr_map map;
    struct cdr_columns columns;
    struct zone zone; /* UTC unless the test says otherwise */
    struct span rest; /* what is left to read; borrowed */
    struct record record;
    struct diag d;
    struct csv_row row;
    uint8_t scratch[LINE_BYTES_MAX], room[CDR_MAPPED_ROOM_BYTES];
};

/* `name` of deploy/maps. Large: give it back with mapped_file_free(). */
struct mapped_file *mapped_file_new(const char *name);
void mapped_file_free(struct mapped_file *f);

/* The record of the next line (csv, kv) or of all that is left (json) in f->record, or what
 * cdr_mapped_*() said of it; ERR_NOTFOUND also for a title line. ERR_MORE: nothing is left. */
enum err mapped_file_next(struct mapped_file *f);

#endif

/* fields.h - the structures of a pool image, found without being believed: what the mutator changes, and the checksums that it mends afterwards.
 * Every pointer that comes from here lies in the image, for the whole structure, and its pages count as touched. */
#ifndef FUZZ_FIELDS_H
#define FUZZ_FIELDS_H

#include "format.h"
#include "image.h"
#include "sparse.h"

struct fields {
    struct image_bytes image;
    uint64_t root_at;
    struct prf_root *root;
};

/* False: there is no room for a root where the image says that it is. */
bool fields_find(struct fields *fields, const struct image_bytes *image);

struct prf_record *fields_record(const struct fields *fields, unsigned parity, unsigned copy);
/* Of the newest record, its first copy; never NULL. */
struct prf_record *fields_newest(const struct fields *fields);
/* Behind the pool file; NULL: there is none at that place. */
struct prf_extension *fields_extension(const struct fields *fields, unsigned number);
struct prf_mark *fields_mark(const struct fields *fields, unsigned copy);
struct prf_reason *fields_reason(const struct fields *fields, unsigned copy);
/* Page entries are counted through all extents. NULL: there is none. */
struct prf_entry *fields_entry(const struct fields *fields, uint32_t number);
bool fields_has_sums(const struct fields *fields);
struct prf_page_sums *fields_sums(const struct fields *fields, uint32_t number); /* of the pool file's entries */
/* The segments that the newest record names, from `at` = 0 on; moves *at on. NULL: the chain is over, or broken. */
struct prf_segment *fields_segment(const struct fields *fields, uint64_t *at);
/* The same for the entries of a segment. */
struct prf_log_entry *fields_log_entry(const struct fields *fields, struct prf_segment *segment, uint64_t *at);
/* Where the image of META has these bytes: in the last entry of the log that covers them, or in a new one at the log's end. NULL: no room. */
uint8_t *fields_meta(const struct fields *fields, uint64_t offset, uint32_t bytes);
/* What META says there now; zeros where nothing was logged. */
uint64_t fields_meta_number(const struct fields *fields, uint64_t offset, uint32_t bytes);

void fields_mend_root(const struct fields *fields);
void fields_mend_record(const struct fields *fields, unsigned parity, unsigned copy);
void fields_mend_reason(const struct fields *fields, unsigned copy);
/* Of every extension, in order, each with the checksum of the one before; and what both copies of the newest record say of the last one. */
void fields_mend_extensions(const struct fields *fields);
void fields_mend_entry(struct prf_entry *entry);
/* Chain and checksums of the log, and what both copies of the newest record say of its end. */
void fields_mend_log(const struct fields *fields);

#endif

/* unwind_internal.h - shared by unwind.c and unwind_rules.c. */
#ifndef PRS_UNWIND_INTERNAL_H
#define PRS_UNWIND_INTERNAL_H

#include "unwind.h"

enum prs_rule_kind { PRS_RULE_SAME, PRS_RULE_UNDEFINED, PRS_RULE_AT, PRS_RULE_IS, PRS_RULE_REGISTER, PRS_RULE_AT_EXPRESSION, PRS_RULE_IS_EXPRESSION };

/* Small, because the stack it lies on may be a coroutine's: an expression is named by its distance from the entry's base. */
struct prs_rule { int32_t kind, value; };

struct prs_row {
    struct prs_rule cfa;  /* REGISTER: value is the number, offset beside; or IS_EXPRESSION */
    int64_t cfa_offset;
    struct prs_rule rules[PRS_UNWIND_REGISTERS];
};

/* What .eh_frame says of the code around one address. */
struct prs_unwind_entry {
    const uint8_t *base;                            /* of the table, for PRS_RULE_*_EXPRESSION */
    const uint8_t *common, *common_end, *own, *own_end; /* instructions: of the CIE, of the FDE */
    uint64_t start, end;                            /* code */
    uint64_t code_factor;
    int64_t data_factor;
    uint32_t return_register;
    uint8_t encoding;                               /* of addresses */
    bool signal_frame;
};

/* 0, or -1 where the table holds something that is not understood. */
int prs_unwind_rules(const struct prs_unwind_entry *entry, uint64_t address, struct prs_row *row);
/* Value of a DWARF expression (a ULEB128 length, then the operations); the stack begins with `first` where push. */
int prs_unwind_evaluate(struct prs_cursor *cursor, const uint8_t *expression, bool push, uint64_t first, uint64_t *out);
bool prs_unwind_read(struct prs_cursor *cursor, uint64_t address, uint64_t *out);

/* *sign: what the bits above those that were read are, where the number is a signed one. */
static inline uint64_t prs_leb(const uint8_t **at, uint64_t *sign)
{
    uint64_t value = 0;
    uint8_t byte;
    unsigned shift = 0;
    do {
        byte = *(*at)++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        shift += 7;
    } while ((byte & 0x80) != 0);
    *sign = shift < 64 && (byte & 0x40) != 0 ? ~0ull << shift : 0;
    return value;
}

static inline uint64_t prs_uleb(const uint8_t **at)
{
    uint64_t sign;
    return prs_leb(at, &sign);
}

static inline int64_t prs_sleb(const uint8_t **at)
{
    uint64_t sign, value = prs_leb(at, &sign);
    return (int64_t)(value | sign);
}

static inline uint64_t prs_fixed(const uint8_t **at, unsigned bytes)
{
    uint64_t value = 0;
    __builtin_memcpy(&value, *at, bytes);
    *at += bytes;
    return value;
}

/* An address as .eh_frame encodes it; size alone where not relative. False for encodings that no x86-64 linker writes. */
bool prs_unwind_pointer(const uint8_t **at, uint8_t encoding, bool length_only, uint64_t *out);

#endif

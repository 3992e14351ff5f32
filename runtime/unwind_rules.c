/* unwind_rules.c - the instructions of an unwind entry, run up to an address, and the expressions in them (DWARF 5, 6.4 and 2.5).
 *
 * Context: any (unwind.h). The tables are the object's own, as trusted as its code; what they say of memory is checked before it is read.
 */
#include "unwind_internal.h"

#define REMEMBERED_MAX 3
#define VALUES_MAX 12

/* ---- expressions ---- */

static bool two(uint64_t *stack, int *count, uint64_t *second, uint64_t *top)
{
    if (*count < 2) {
        return false;
    }
    *top = stack[--*count];
    *second = stack[--*count];
    return true;
}

static bool binary(uint8_t operation, uint64_t a, uint64_t b, uint64_t *out)
{
    switch (operation) {
    case 0x1a: *out = a & b; return true;
    case 0x1c: *out = a - b; return true;
    case 0x1e: *out = a * b; return true;
    case 0x21: *out = a | b; return true;
    case 0x22: *out = a + b; return true;
    case 0x24: *out = b < 64 ? a << b : 0; return true;
    case 0x25: *out = b < 64 ? a >> b : 0; return true;
    case 0x27: *out = a ^ b; return true;
    case 0x29: *out = a == b; return true;
    case 0x2a: *out = (int64_t)a >= (int64_t)b; return true;
    case 0x2b: *out = (int64_t)a > (int64_t)b; return true;
    case 0x2c: *out = (int64_t)a <= (int64_t)b; return true;
    case 0x2d: *out = (int64_t)a < (int64_t)b; return true;
    case 0x2e: *out = a != b; return true;
    default: return false;
    }
}

/* Pushes a constant; false where the operation is none. */
static bool constant(uint8_t operation, const uint8_t **at, uint64_t *out)
{
    switch (operation) {
    case 0x08: *out = prs_fixed(at, 1); return true;
    case 0x09: *out = (uint64_t)(int64_t)(int8_t)prs_fixed(at, 1); return true;
    case 0x0a: *out = prs_fixed(at, 2); return true;
    case 0x0b: *out = (uint64_t)(int64_t)(int16_t)prs_fixed(at, 2); return true;
    case 0x0c: *out = prs_fixed(at, 4); return true;
    case 0x0d: *out = (uint64_t)(int64_t)(int32_t)prs_fixed(at, 4); return true;
    case 0x0e:
    case 0x0f: *out = prs_fixed(at, 8); return true;
    case 0x10: *out = prs_uleb(at); return true;
    case 0x11: *out = (uint64_t)prs_sleb(at); return true;
    default:
        *out = operation - 0x30u;
        return operation >= 0x30 && operation <= 0x4f;
    }
}

int prs_unwind_evaluate(struct prs_cursor *cursor, const uint8_t *at, bool push, uint64_t first, uint64_t *out)
{
    uint64_t stack[VALUES_MAX], a, b;
    int count = 0;
    uint64_t length = prs_uleb(&at);
    const uint8_t *end = at + length;
    if (push) {
        stack[count++] = first;
    }
    while (at < end) {
        uint8_t operation = *at++;
        uint64_t value;
        if (constant(operation, &at, &value)) {
        } else if (operation >= 0x70 && operation <= 0x8f) { /* a register and an offset */
            unsigned number = operation - 0x70u;
            int64_t offset = prs_sleb(&at);
            if (number >= PRS_UNWIND_REGISTERS || (cursor->known >> number & 1) == 0) {
                return -1;
            }
            value = cursor->at[number] + (uint64_t)offset;
        } else if (operation == 0x06 && count > 0) { /* deref */
            if (!prs_unwind_read(cursor, stack[--count], &value)) {
                return -1;
            }
        } else if (operation == 0x12 && count > 0) { /* dup */
            value = stack[count - 1];
        } else if (operation == 0x23 && count > 0) { /* plus a constant */
            value = stack[--count] + prs_uleb(&at);
        } else if (!two(stack, &count, &a, &b) || !binary(operation, a, b, &value)) {
            return -1;
        }
        if (count == VALUES_MAX) {
            return -1;
        }
        stack[count++] = value;
    }
    if (count == 0) {
        return -1;
    }
    *out = stack[count - 1];
    return 0;
}

/* ---- instructions ---- */

struct run {
    const struct prs_unwind_entry *entry;
    uint64_t location, address;
    struct prs_row *row;
    const struct prs_row *initial; /* NULL while the common instructions run */
    struct prs_row remembered[REMEMBERED_MAX];
    unsigned depth;
};

static void set(struct run *run, uint64_t number, int kind, int64_t value)
{
    if (number < PRS_UNWIND_REGISTERS) { /* others are vectors and flags */
        run->row->rules[number] = (struct prs_rule){kind, (int32_t)value};
    }
}

static void skip_expression(struct run *run, const uint8_t **at, uint64_t number, int kind)
{
    const uint8_t *start = *at;
    uint64_t length = prs_uleb(at);
    *at += length;
    if (number == PRS_UNWIND_REGISTERS) {
        run->row->cfa = (struct prs_rule){kind, (int32_t)(start - run->entry->base)};
    } else {
        set(run, number, kind, start - run->entry->base);
    }
}

static void restore(struct run *run, uint64_t number)
{
    if (number < PRS_UNWIND_REGISTERS) {
        run->row->rules[number] = run->initial != 0 ? run->initial->rules[number] : (struct prs_rule){PRS_RULE_SAME, 0};
    }
}

/* The row goes up to here. */
static bool reached(const struct run *run, uint64_t next) { return next > run->address; }

static int cfa_instruction(struct run *run, uint8_t code, const uint8_t **at)
{
    struct prs_row *row = run->row;
    int64_t factor = run->entry->data_factor;
    switch (code) {
    case 0x0c: /* def_cfa */
        row->cfa = (struct prs_rule){PRS_RULE_REGISTER, (int32_t)prs_uleb(at)};
        row->cfa_offset = (int64_t)prs_uleb(at);
        return 0;
    case 0x12: /* def_cfa_sf */
        row->cfa = (struct prs_rule){PRS_RULE_REGISTER, (int32_t)prs_uleb(at)};
        row->cfa_offset = prs_sleb(at) * factor;
        return 0;
    case 0x0d:
        row->cfa = (struct prs_rule){PRS_RULE_REGISTER, (int32_t)prs_uleb(at)};
        return 0;
    case 0x0e:
        row->cfa_offset = (int64_t)prs_uleb(at);
        return 0;
    case 0x13:
        row->cfa_offset = prs_sleb(at) * factor;
        return 0;
    case 0x0f:
        skip_expression(run, at, PRS_UNWIND_REGISTERS, PRS_RULE_IS_EXPRESSION);
        return 0;
    default:
        return -1;
    }
}

static int register_instruction(struct run *run, uint8_t code, const uint8_t **at)
{
    int64_t factor = run->entry->data_factor;
    if (code == 0x2e) { /* GNU_args_size */
        prs_uleb(at);
        return 0;
    }
    uint64_t number = prs_uleb(at);
    switch (code) {
    case 0x05: set(run, number, PRS_RULE_AT, (int64_t)prs_uleb(at) * factor); return 0;
    case 0x06: restore(run, number); return 0;
    case 0x07: set(run, number, PRS_RULE_UNDEFINED, 0); return 0;
    case 0x08: set(run, number, PRS_RULE_SAME, 0); return 0;
    case 0x09: set(run, number, PRS_RULE_REGISTER, (int64_t)prs_uleb(at)); return 0;
    case 0x10: skip_expression(run, at, number < PRS_UNWIND_REGISTERS ? number : PRS_UNWIND_REGISTERS + 1, PRS_RULE_AT_EXPRESSION); return 0;
    case 0x16: skip_expression(run, at, number < PRS_UNWIND_REGISTERS ? number : PRS_UNWIND_REGISTERS + 1, PRS_RULE_IS_EXPRESSION); return 0;
    case 0x11: set(run, number, PRS_RULE_AT, prs_sleb(at) * factor); return 0;
    case 0x14: set(run, number, PRS_RULE_IS, (int64_t)prs_uleb(at) * factor); return 0;
    case 0x15: set(run, number, PRS_RULE_IS, prs_sleb(at) * factor); return 0;
    case 0x2f: set(run, number, PRS_RULE_AT, -(int64_t)prs_uleb(at) * factor); return 0;
    default: return -1;
    }
}

/* 1: the row for the address is complete. */
static int advance(struct run *run, uint64_t by)
{
    uint64_t next = run->location + by * run->entry->code_factor;
    if (reached(run, next)) {
        return 1;
    }
    run->location = next;
    return 0;
}

static int instruction(struct run *run, const uint8_t **at)
{
    uint8_t byte = *(*at)++;
    uint64_t low = byte & 0x3f, location;
    switch (byte >> 6) {
    case 1: return advance(run, low);
    case 2: set(run, low, PRS_RULE_AT, (int64_t)prs_uleb(at) * run->entry->data_factor); return 0;
    case 3: restore(run, low); return 0;
    default: break;
    }
    switch (byte) {
    case 0x00: return 0;
    case 0x01: /* set_loc */
        if (!prs_unwind_pointer(at, run->entry->encoding, false, &location)) {
            return -1;
        }
        if (reached(run, location)) {
            return 1;
        }
        run->location = location;
        return 0;
    case 0x02: return advance(run, prs_fixed(at, 1));
    case 0x03: return advance(run, prs_fixed(at, 2));
    case 0x04: return advance(run, prs_fixed(at, 4));
    case 0x0a:
        if (run->depth == REMEMBERED_MAX) {
            return -1;
        }
        run->remembered[run->depth++] = *run->row;
        return 0;
    case 0x0b:
        if (run->depth == 0) {
            return -1;
        }
        *run->row = run->remembered[--run->depth];
        return 0;
    case 0x0c: case 0x0d: case 0x0e: case 0x0f: case 0x12: case 0x13: return cfa_instruction(run, byte, at);
    default: return register_instruction(run, byte, at);
    }
}

static int all(struct run *run, const uint8_t *at, const uint8_t *end)
{
    int result = 0;
    while (at < end && result == 0) {
        result = instruction(run, &at);
    }
    return result < 0 ? -1 : 0;
}

int prs_unwind_rules(const struct prs_unwind_entry *entry, uint64_t address, struct prs_row *row)
{
    struct run run;
    struct prs_row initial;
    run.entry = entry, run.location = entry->start, run.address = address, run.row = row, run.initial = 0, run.depth = 0;
    for (unsigned i = 0; i < PRS_UNWIND_REGISTERS; ++i) {
        row->rules[i] = (struct prs_rule){PRS_RULE_SAME, 0};
    }
    row->cfa = (struct prs_rule){PRS_RULE_UNDEFINED, 0};
    row->cfa_offset = 0;
    if (all(&run, entry->common, entry->common_end) != 0) {
        return -1;
    }
    initial = *row;
    run.initial = &initial;
    run.location = entry->start;
    return all(&run, entry->own, entry->own_end);
}

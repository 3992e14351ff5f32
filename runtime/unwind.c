/* unwind.c - finding the unwind entry of an address, and applying it (unwind.h).
 *
 *   _dl_find_object(address) -> .eh_frame_hdr -> its sorted table, by bisection -> FDE -> CIE
 *
 * INVARIANT U1: no address of stack memory is read that the kernel has not been asked about: rt_sigprocmask with an impossible `how` says EFAULT for what cannot be
 *               read, and EINVAL, changing nothing, for what can.
 * INVARIANT U2: a walk goes upwards only, but for the step out of a signal handler, which may have a stack of its own.
 */
#include "unwind_internal.h"
#include "layout.h"
#include "prim.h"
#include <dlfcn.h>
#include <errno.h>
#include <ucontext.h>

#define FRAME_MAX (1ul << 30)

void prs_unwind_from(struct prs_cursor *cursor, const void *ucontext)
{
    static const uint8_t places[PRS_UNWIND_REGISTERS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                                         REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    const ucontext_t *context = ucontext;
    for (unsigned i = 0; i < PRS_UNWIND_REGISTERS; ++i) {
        cursor->at[i] = (uint64_t)context->uc_mcontext.gregs[places[i]];
    }
    cursor->known = (1u << PRS_UNWIND_REGISTERS) - 1;
    cursor->exact = true;
    cursor->read_from = cursor->read_to = 0;
}

bool prs_unwind_read(struct prs_cursor *cursor, uint64_t address, uint64_t *out)
{
    if (address % 8 != 0) {
        return false; /* never on a stack */
    }
    if (address < cursor->read_from || address >= cursor->read_to) { /* U1 */
        if (prs_sys(SYS_rt_sigprocmask, -1, address, 0, 8) != -EINVAL) {
            return false;
        }
        cursor->read_from = prs_round_down(address, PRS_PAGE);
        cursor->read_to = cursor->read_from + PRS_PAGE;
    }
    *out = *(const uint64_t *)address;
    return true;
}

bool prs_unwind_pointer(const uint8_t **at, uint8_t encoding, bool length_only, uint64_t *out)
{
    uint64_t here = (uint64_t)*at;
    switch (encoding & 0x0f) {
    case 0x00: case 0x04: case 0x0c: *out = prs_fixed(at, 8); break;
    case 0x03: *out = prs_fixed(at, 4); break;
    case 0x0b: *out = (uint64_t)(int64_t)(int32_t)prs_fixed(at, 4); break;
    default: return false;
    }
    if (length_only) {
        return true;
    }
    if ((encoding & 0xf0) == 0x10) {
        *out += here;
        return true;
    }
    return (encoding & 0xf0) == 0;
}

/* The CIE that an FDE names: factors, encoding, common instructions. */
static bool read_common(const uint8_t *cie, struct prs_unwind_entry *entry, bool *augmented)
{
    const uint8_t *at = cie;
    uint64_t length = prs_fixed(&at, 4);
    const uint8_t *end = at + length;
    if (length == 0 || length == 0xffffffff || prs_fixed(&at, 4) != 0) {
        return false;
    }
    uint8_t version = *at++;
    const char *letters = (const char *)at;
    while (*at++ != 0) {
    }
    if (version != 1 && version != 3) {
        return false;
    }
    entry->code_factor = prs_uleb(&at);
    entry->data_factor = prs_sleb(&at);
    entry->return_register = version == 1 ? *at++ : (uint32_t)prs_uleb(&at);
    entry->encoding = 0;
    entry->signal_frame = false;
    *augmented = *letters == 'z';
    if (*augmented) {
        uint64_t bytes = prs_uleb(&at);
        const uint8_t *data = at;
        at += bytes;
        for (++letters; *letters != '\0'; ++letters) {
            uint64_t ignored;
            if (*letters == 'R') {
                entry->encoding = *data++;
            } else if (*letters == 'P') {
                uint8_t encoding = *data++;
                if (!prs_unwind_pointer(&data, encoding, true, &ignored)) {
                    return false;
                }
            } else if (*letters == 'L') {
                ++data;
            } else if (*letters == 'S') {
                entry->signal_frame = true;
            } else {
                return false;
            }
        }
    } else if (*letters != '\0') {
        return false;
    }
    entry->common = at;
    entry->common_end = end;
    return entry->return_register == PRS_UNWIND_RIP;
}

static bool read_entry(const uint8_t *fde, uint64_t address, struct prs_unwind_entry *entry)
{
    const uint8_t *at = fde;
    uint64_t length = prs_fixed(&at, 4);
    if (length == 0 || length == 0xffffffff) {
        return false;
    }
    const uint8_t *end = at + length, *here = at;
    uint64_t back = prs_fixed(&at, 4), size;
    bool augmented;
    if (back == 0 || !read_common(here - back, entry, &augmented) || !prs_unwind_pointer(&at, entry->encoding, false, &entry->start) ||
        !prs_unwind_pointer(&at, entry->encoding, true, &size) || address < entry->start || address - entry->start >= size) {
        return false;
    }
    entry->end = entry->start + size;
    if (augmented) {
        uint64_t bytes = prs_uleb(&at);
        at += bytes;
    }
    entry->own = at;
    entry->own_end = end;
    return true;
}

static bool find_entry(uint64_t address, struct prs_unwind_entry *entry)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)address, &object) != 0 || object.dlfo_eh_frame == 0) {
        return false;
    }
    const uint8_t *header = object.dlfo_eh_frame, *at = header + 4;
    /* As all linkers write it: a pc-relative pointer, a plain count, a table of pairs relative to the header. */
    if (header[0] != 1 || header[2] != 0x03 || header[3] != 0x3b || (header[1] & 0x0f) != 0x0b) {
        return false;
    }
    at += 4;
    uint64_t count = prs_fixed(&at, 4), low = 0, high = count;
    const struct pair { int32_t code, fde; } *pairs = (const void *)at;
    int64_t wanted = (int64_t)(address - (uint64_t)header);
    while (low < high) { /* the first whose code begins above the address */
        uint64_t middle = low + (high - low) / 2;
        if (pairs[middle].code <= wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    entry->base = header;
    return low > 0 && read_entry(header + pairs[low - 1].fde, address, entry);
}

static bool apply(struct prs_cursor *cursor, const struct prs_unwind_entry *entry, const struct prs_rule *rule, uint64_t cfa, unsigned number, uint64_t *value)
{
    const uint8_t *expression = entry->base + rule->value;
    switch (rule->kind) {
    case PRS_RULE_SAME:
        *value = cursor->at[number];
        return (cursor->known >> number & 1) != 0;
    case PRS_RULE_AT:
        return prs_unwind_read(cursor, cfa + (uint64_t)(int64_t)rule->value, value);
    case PRS_RULE_IS:
        *value = cfa + (uint64_t)(int64_t)rule->value;
        return true;
    case PRS_RULE_REGISTER:
        *value = (unsigned)rule->value < PRS_UNWIND_REGISTERS ? cursor->at[rule->value] : 0;
        return (unsigned)rule->value < PRS_UNWIND_REGISTERS && (cursor->known >> rule->value & 1) != 0;
    case PRS_RULE_AT_EXPRESSION:
        return prs_unwind_evaluate(cursor, expression, true, cfa, value) == 0 && prs_unwind_read(cursor, *value, value);
    case PRS_RULE_IS_EXPRESSION:
        return prs_unwind_evaluate(cursor, expression, true, cfa, value) == 0;
    default:
        return false;
    }
}

int prs_unwind_step(struct prs_cursor *cursor, uint64_t *function)
{
    struct prs_unwind_entry entry;
    struct prs_row row;
    uint64_t cfa, address = cursor->at[PRS_UNWIND_RIP] - !cursor->exact; /* the call, not what stands behind it, perhaps in another function */
    *function = 0;
    if (!find_entry(address, &entry)) {
        return -1;
    }
    *function = entry.start;
    if (prs_unwind_rules(&entry, address, &row) != 0) {
        return -1;
    }
    if (row.cfa.kind == PRS_RULE_IS_EXPRESSION) {
        if (prs_unwind_evaluate(cursor, entry.base + row.cfa.value, false, 0, &cfa) != 0) {
            return -1;
        }
    } else if (row.cfa.kind != PRS_RULE_REGISTER || (unsigned)row.cfa.value >= PRS_UNWIND_REGISTERS || (cursor->known >> row.cfa.value & 1) == 0) {
        return -1;
    } else {
        cfa = cursor->at[row.cfa.value] + (uint64_t)row.cfa_offset;
    }
    if (row.rules[PRS_UNWIND_RIP].kind == PRS_RULE_UNDEFINED) {
        return 0;
    }
    if (!entry.signal_frame && (cfa <= cursor->at[PRS_UNWIND_RSP] || cfa - cursor->at[PRS_UNWIND_RSP] > FRAME_MAX)) { /* U2 */
        return -1;
    }
    struct prs_cursor caller;
    caller.known = 0;
    for (unsigned i = 0; i < PRS_UNWIND_REGISTERS; ++i) {
        bool plain = i == PRS_UNWIND_RSP && row.rules[i].kind == PRS_RULE_SAME;
        if (plain) {
            caller.at[i] = cfa;
        }
        if (plain || apply(cursor, &entry, &row.rules[i], cfa, i, &caller.at[i])) {
            caller.known |= 1u << i;
        }
    }
    if ((caller.known >> PRS_UNWIND_RIP & 1) == 0 || caller.at[PRS_UNWIND_RIP] == 0) {
        return caller.known >> PRS_UNWIND_RIP & 1 ? 0 : -1;
    }
    caller.exact = entry.signal_frame;
    caller.read_from = cursor->read_from;
    caller.read_to = cursor->read_to;
    *cursor = caller;
    return 1;
}

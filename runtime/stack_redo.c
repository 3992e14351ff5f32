/* stack_redo.c - stack=redo: one copy of the stack that is only ever changed to a committed state; what the program writes goes to a redo log.
 *
 * FORMAT. Page 0: line 0 has one word, the state that home is at (stack_area.h, prs_stack_word); line 1 says what the log has:
 *
 *     | sequence 8 | lines 8 | 0 | checksum of both 4 |
 *
 * Then home, a copy of the whole stack, and the log. Its lines have five words of eight bytes each, and say where they go:
 *
 *     | word 0 | word 1 | word 2 | word 3 | word 4 | place 0 .. place 4, 4 each | checksum 4 |     place: offset in the stack / 8 + 1; 0: none
 *
 * The checksum is of the sequence and the 60 bytes before it. The log has room for every word of the stack once, so it is never full.
 *
 * VALID IF AND ONLY IF the word is that of the committed state n, and then home is state n. Or it is that of n - 1, line 1 and every line that it counts
 * are right and of sequence n; then home with these words put in is state n.
 *
 * ALGORITHM, for state n + 1.
 *   write      each word that the store touches goes to the log: where the state has it already it is changed there, by a volatile index (a word is logged once in a
 *              state, however often it is stored to); else it is appended, with what home has in the bytes that were not stored. Nothing is flushed
 *   prepare    checksums; flush the log's lines, and line 1
 *   committed  the log's words into home, home's lines flushed, each once; fence; word = n + 1; flush, fence. Then the log is free
 *   recover    the same, if the word says n - 1. If it says n, it is flushed: a kill may have come before that, and the log is written over from here on
 *
 * WHY IT IS SAFE. Home changes only when the log that it is changed by is committed, and that stays as it is until home's change is durable: the word is fenced, and
 * only then does a write touch the log. Doing it twice gives the same. Line 1 is written for n + 1 only while the word says n, when nobody reads it.
 *
 * Context: stack_image.h. A write may be left for ever between any two steps: a word that was not counted is written over; one that was counted but has no index
 * is found again, because it is the last one.
 */
#include "stack_area.h"
#include <stddef.h>

#define WORDS 5ul

struct log_line {
    uint64_t word[WORDS];
    uint32_t place[WORDS];
    uint32_t crc;
};
struct log_head {
    uint64_t sequence, lines;
    uint32_t zero, crc;
};
_Static_assert(sizeof(struct log_line) == PRS_STACK_LINE, "a line is a line");

enum { COUNT, LOG_READY }; /* own[]: words of the open state; lines that have pages */

static uint64_t lines_max(uint64_t stack) { return stack / 8 / WORDS + 2; }
static uint64_t area_bytes(uint64_t stack) { return PRS_STACK_PAGE + stack + lines_max(stack) * sizeof(struct log_line); }
static uint64_t index_bytes(uint64_t stack) { return stack / 8 * sizeof(uint32_t); }
static uint64_t tables_bytes(uint64_t stack) { return index_bytes(stack) + prs_set_bytes(stack / PRS_STACK_LINE); }

static uint64_t *word_of(const struct prs_stack_area *area) { return (uint64_t *)(void *)area->base; }
static struct log_head *head_of(const struct prs_stack_area *area) { return (struct log_head *)(void *)(area->base + PRS_STACK_LINE); }
static uint8_t *home_of(const struct prs_stack_area *area) { return area->base + PRS_STACK_PAGE; }
static struct log_line *log_of(const struct prs_stack_area *area) { return (struct log_line *)(void *)(home_of(area) + prs_stack_size(area)); }
static uint64_t *home_word(const struct prs_stack_area *area, uint64_t word) { return (uint64_t *)(void *)(home_of(area) + word * 8); }
static uint32_t *index_of(const struct prs_stack_area *area) { return area->tables; } /* number in the log + 1 */
static uint64_t *lines_of(const struct prs_stack_area *area) { return (uint64_t *)(void *)((uint8_t *)area->tables + index_bytes(prs_stack_size(area))); }

static uint32_t line_crc(const struct log_line *line, uint64_t sequence)
{
    return prs_crc32c(prs_crc32c(0, &sequence, sizeof sequence), line, offsetof(struct log_line, crc));
}

static uint32_t head_crc(const struct log_head *head) { return prs_crc32c(0, head, offsetof(struct log_head, zero)); }

/* Home is at the committed state already. */
static bool applied(const struct prs_stack_area *area) { return prs_stack_word_is(__atomic_load_n(word_of(area), __ATOMIC_RELAXED), area->committed); }

/* ---- the committed log: checked, and each word of it visited ---- */

typedef int word_visitor(void *context, uint64_t word, uint64_t value);

static int read_log(const struct prs_stack_area *area, word_visitor *visit, void *context)
{
    struct log_head head;
    prs_copy(&head, head_of(area), sizeof head);
    if (head.sequence != area->committed || head.crc != head_crc(&head) || head.lines > lines_max(prs_stack_size(area))) {
        return prs_stack_damaged("the head of the redo log");
    }
    for (uint64_t i = 0; i < head.lines; ++i) {
        struct log_line line; /* copied out, because another process may be writing */
        prs_copy(&line, log_of(area) + i, sizeof line);
        if (line.crc != line_crc(&line, head.sequence)) {
            return prs_stack_damaged("a line of the redo log");
        }
        for (unsigned j = 0; j < WORDS; ++j) {
            if (line.place[j] > prs_stack_size(area) / 8) {
                return prs_stack_damaged("a word of the redo log for no byte of the stack");
            }
            int result = line.place[j] == 0 || visit == NULL ? 0 : visit(context, line.place[j] - 1, line.word[j]);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

static int attach(struct prs_stack_area *area)
{
    area->reached = prs_stack_size(area);
    if (applied(area)) {
        return 0;
    }
    if (area->committed == 0 || !prs_stack_word_is(*word_of(area), area->committed - 1)) {
        return prs_stack_damaged("the word that says which state home is at");
    }
    return read_log(area, NULL, NULL);
}

struct visiting {
    const struct prs_stack_area *area;
    prs_stack_visitor visit;
    void *context;
};

static int visit_word(void *context, uint64_t word, uint64_t value)
{
    const struct visiting *visiting = context;
    return visiting->visit(visiting->context, visiting->area->low + word * 8, &value, sizeof value);
}

static int each(const struct prs_stack_area *area, prs_stack_visitor visit, void *context)
{
    struct visiting visiting = {area, visit, context};
    int result = prs_stack_visit(area, home_of(area), visit, context);
    return result != 0 || applied(area) ? result : read_log(area, visit_word, &visiting);
}

/* ---- from the log into home ---- */

static int apply_word(void *context, uint64_t word, uint64_t value)
{
    struct prs_stack_area *area = context;
    *home_word(area, word) = value;
    area->bytes_written += sizeof value;
    return 0;
}

static int recover_word(void *context, uint64_t word, uint64_t value)
{
    struct prs_stack_area *area = context;
    apply_word(area, word, value);
    prs_stack_flush(area, home_word(area, word), sizeof value);
    prs_stack_pass(area, PRS_FAULT_stack_copying);
    return 0;
}

static int recover(struct prs_stack_area *area)
{
    if (!applied(area)) {
        int error = read_log(area, recover_word, area);
        if (error != 0) {
            return error;
        }
        prs_media_fence(area->media);
    }
    if (!PRS_PLANTED(stack_word_unflushed)) {
        prs_stack_word_write(area);
    }
    return 0;
}

static int reset(struct prs_stack_area *area)
{
    area->reached = prs_stack_size(area);
    prs_stack_wipe(area, area->base + PRS_STACK_LINE, PRS_STACK_PAGE - PRS_STACK_LINE + prs_stack_size(area));
    prs_media_fence(area->media);
    prs_stack_word_write(area);
    return 0;
}

/* ---- writing ---- */

static int make_ready(struct prs_stack_area *area, uint64_t line)
{
    uint64_t most = lines_max(prs_stack_size(area)), to = area->own[LOG_READY] + PRS_STACK_AHEAD / sizeof(struct log_line);
    if (line >= most) {
        return -ENOSPC;
    }
    to = to < most ? to : most;
    prs_stack_populate((void *)prs_round_down((uint64_t)(log_of(area) + area->own[LOG_READY]), PRS_STACK_PAGE),
                       prs_round_up((to - area->own[LOG_READY]) * sizeof(struct log_line), PRS_STACK_PAGE));
    area->own[LOG_READY] = to;
    return 0;
}

/* The place in the log for a word that the open state has not yet; its value is home's. */
static int append(struct prs_stack_area *area, uint64_t word, uint64_t value)
{
    uint64_t number = area->own[COUNT];
    if (number > 0 && log_of(area)[(number - 1) / WORDS].place[(number - 1) % WORDS] == word + 1) {
        --number; /* a write that was left had come so far */
    }
    struct log_line *line = log_of(area) + number / WORDS;
    if (__builtin_expect(number / WORDS >= area->own[LOG_READY], 0) && make_ready(area, number / WORDS) != 0) {
        return -ENOSPC;
    }
    line->word[number % WORDS] = value;
    line->place[number % WORDS] = (uint32_t)word + 1;
    if (number % WORDS == 0) {
        for (unsigned i = 1; i < WORDS && number == area->own[COUNT]; ++i) {
            line->place[i] = 0;
            prs_stack_order(); /* single stores, which the explorer of power cuts is told of */
        }
    }
    prs_stack_order();
    area->own[COUNT] = number + 1;
    prs_stack_order();
    index_of(area)[word] = (uint32_t)number + 1;
    return 0;
}

static int log_store(struct prs_stack_area *area, uint64_t address, const void *data, uint32_t length)
{
    const uint8_t *from = data;
    uint64_t offset = address - area->low;
    prs_stack_reach(area, offset, home_of(area), 1);
    while (length > 0) {
        uint64_t word = offset / 8, inside = offset % 8, part = 8 - inside < length ? 8 - inside : length;
        uint32_t known = index_of(area)[word];
        uint64_t *logged = known == 0 ? NULL : &log_of(area)[(known - 1) / WORDS].word[(known - 1) % WORDS];
        uint64_t value = part == 8 ? 0 : logged != NULL ? *logged : *home_word(area, word);
        prs_stack_move((uint8_t *)&value + inside, from, part);
        if (logged != NULL) {
            *logged = value;
        } else if (append(area, word, value) != 0) {
            return -ENOSPC;
        }
        offset += part, from += part, length -= (uint32_t)part;
        area->bytes_written += known != 0 ? part : sizeof(uint64_t) + sizeof(uint32_t);
    }
    return 0;
}

static uint64_t lines_used(const struct prs_stack_area *area) { return (area->own[COUNT] + WORDS - 1) / WORDS; }

static int prepare(struct prs_stack_area *area)
{
    struct log_head head = {.sequence = area->committed + 1, .lines = lines_used(area)};
    head.crc = head_crc(&head);
    for (uint64_t i = 0; i < head.lines; ++i) {
        log_of(area)[i].crc = line_crc(log_of(area) + i, head.sequence);
    }
    prs_stack_flush(area, log_of(area), head.lines * sizeof(struct log_line));
    prs_copy(head_of(area), &head, sizeof head);
    prs_stack_flush(area, head_of(area), sizeof head);
    area->bytes_written += sizeof head;
    return 0;
}

static void flush_home(struct prs_stack_area *area, uint64_t offset, uint64_t length)
{
    prs_stack_flush(area, home_of(area) + offset, length);
    prs_stack_pass(area, PRS_FAULT_stack_copying);
}

static void committed(struct prs_stack_area *area)
{
    uint64_t *lines = lines_of(area), *summary = prs_set_summary(lines, prs_stack_size(area) / PRS_STACK_LINE);
    for (uint64_t i = 0; i < area->own[COUNT]; ++i) {
        const struct log_line *line = log_of(area) + i / WORDS;
        uint64_t word = line->place[i % WORDS] - 1ul;
        apply_word(area, word, line->word[i % WORDS]);
        index_of(area)[word] = 0;
        prs_set_add(lines, summary, word / 8);
    }
    prs_set_each(area, lines, PRS_STACK_LINE, true, flush_home);
    area->own[COUNT] = 0;
    prs_media_fence(area->media);
    prs_stack_word_write(area);
}

const struct prs_stack_image prs_stack_redo_image = {area_bytes, tables_bytes, attach, each, recover, reset, log_store, prepare, committed};

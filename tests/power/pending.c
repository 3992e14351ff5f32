/* pending.c - what was stored and is not durable yet, and the states that a power cut may leave of it.
 *
 * A cut finds each line on its own somewhere between what the last fence made sure of and what was stored last, because a line may be written back early, at
 * any instant. So the states just before a fence are all that any cut since the fence before it can leave, and they are looked at there. Of each line:
 *
 *   s0 s1 s2 | s3 s4 s5 s6          its stores, in program order; after the bar: a group, in which there is no order
 *   dropped: none   whole: all   torn: s0 | s0 s1 | s0 s1 s2 s5 | ...
 *
 * EXHAUSTIVE where the product over all lines of (stores + 1) is at most exhaustive_max: every prefix of every line with every one of every other. Lines that
 * were last stored to before the last fence are *old*, such as the log of an epoch that was given up. They do not count for that: with each state
 * they are there, or not, or in part, at random; where the others have few states, several times.
 * BY PAGES (power_states --pages) the medium is one that works by pages (media.h): the page cache of a file. Until the fence has come to its end, the disk may have each word in any
 * version that it had since the fence before, whatever the versions of others. A *unit* is what is written as a whole: a page (any of its versions), a sector of 512 bytes, a word of 8.
 * Each set is looked at by all three: EXHAUSTIVE by the largest unit for which there are few enough combinations and by the larger ones, SAMPLED by the others. A fence makes everything durable, so
 * nothing is ever old.
 * SAMPLED otherwise: none; all; each line alone there; each line alone dropped; everything up to an instant (accumulative); everything from an instant on
 * (reverse accumulative); and random ones, with torn lines, of different density. No state of a set is opened twice.
 */
#include "power.h"
#include <string.h>

#define STORES_MAX (1u << 16)
#define LINES_MAX STORES_MAX
#define OLD_TRIES 24u
#define SEEN_MAX 16384u /* a power of two, twice of what is opened of a set */

struct store_made {
    uint64_t at, value;
    uint32_t group;
    bool flushed;
};

static struct pending {
    struct store_made made[STORES_MAX];
    uint32_t order[STORES_MAX]; /* by line, in program order */
    uint64_t count, old; /* the first `old` were made before the last fence */
    struct line lines[LINES_MAX];
    unsigned line_count;
    struct {
        uint64_t hash;
        uint64_t set;
    } seen[SEEN_MAX];
    uint64_t set, opened;
} pending[LEVELS];

struct counted counted[KINDS];
bool by_pages;
unsigned unit_bytes = 64;
uint64_t state_number, state_wanted = UINT64_MAX, exhaustive_max = 1500;

uint64_t states_opened(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < KINDS; ++i) {
        sum += counted[i].states;
    }
    return sum;
}

void pending_event(unsigned level, const struct prs_event *event)
{
    struct pending *p = &pending[level];
    if (event->kind == PRS_EVENT_STORE) {
        if (p->count == STORES_MAX) {
            fail("more stores are pending than the explorer has room for");
        }
        p->made[p->count++] = (struct store_made){event->at, event->value, event->group, false};
    } else {
        for (uint64_t i = 0; i < p->count; ++i) {
            p->made[i].flushed |= p->made[i].at / 64 == event->at / 64;
        }
    }
}

void pending_fence(unsigned level)
{
    struct pending *p = &pending[level];
    uint64_t left = 0;
    for (uint64_t i = 0; i < p->count; ++i) {
        if (p->made[i].flushed || by_pages) {
            image_put(p->made[i].at, p->made[i].value);
        } else {
            p->made[left++] = p->made[i];
        }
    }
    p->count = p->old = left;
}

void pending_clear(unsigned level) { pending[level].count = pending[level].old = 0; }
uint64_t pending_count(unsigned level) { return pending[level].count; }

const struct line *pending_lines(unsigned level, unsigned *count)
{
    *count = pending[level].line_count;
    return pending[level].lines;
}

/* The stores by line; lines by their first store. */
static void sort_by_line(struct pending *p)
{
    static uint32_t line_of[POOL_MAX / 8]; /* by number of the unit in the pool, + 1 */
    p->line_count = 0;
    for (uint64_t i = 0; i < p->count; ++i) {
        uint32_t at = (uint32_t)(p->made[i].at / unit_bytes);
        if (line_of[at] == 0) {
            if (p->line_count == LINES_MAX) {
                fail("more lines are pending than the explorer has room for");
            }
            p->lines[p->line_count++] = (struct line){.at = at};
            line_of[at] = p->line_count;
        }
        ++p->lines[line_of[at] - 1].count;
    }
    uint32_t next = 0;
    for (unsigned i = 0; i < p->line_count; ++i) {
        p->lines[i].first = next;
        next += p->lines[i].count;
    }
    for (uint64_t i = 0; i < p->count; ++i) {
        struct line *line = &p->lines[line_of[p->made[i].at / unit_bytes] - 1];
        p->order[line->first + line->there++] = (uint32_t)i;
    }
    for (unsigned i = 0; i < p->line_count; ++i) {
        line_of[p->lines[i].at] = 0;
    }
}

/* ---- one state ---- */

static void put_line(const struct pending *p, const struct line *line)
{
    for (uint32_t i = 0; i < line->there; ++i) {
        const struct store_made *made = &p->made[p->order[line->first + i]];
        image_put(made->at, made->value);
    }
    for (uint32_t i = 0; line->extra >> i != 0; ++i) {
        if (line->extra >> i & 1) {
            const struct store_made *made = &p->made[p->order[line->first + line->there + i]];
            image_put(made->at, made->value);
        }
    }
}

static bool was_seen(struct pending *p)
{
    uint64_t hash = 1469598103934665603ull ^ unit_bytes;
    for (unsigned i = 0; i < p->line_count; ++i) {
        hash = (hash ^ (p->lines[i].there | (uint64_t)p->lines[i].extra << 32)) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    uint64_t place = hash % SEEN_MAX;
    while (p->seen[place].set == p->set) {
        if (p->seen[place].hash == hash) {
            return true;
        }
        place = (place + 1) % SEEN_MAX;
    }
    p->seen[place].set = p->set;
    p->seen[place].hash = hash;
    return false;
}

static void open_chosen(struct pending *p, unsigned level, enum kind kind)
{
    if (p->opened > SEEN_MAX / 2 || was_seen(p)) {
        return;
    }
    ++p->opened;
    bool torn = false;
    uint64_t mark = image_mark();
    for (unsigned i = 0; i < p->line_count; ++i) {
        torn |= p->lines[i].extra != 0 || (p->lines[i].there != 0 && p->lines[i].there != p->lines[i].count);
        put_line(p, &p->lines[i]);
    }
    ++counted[kind].states;
    counted[kind].torn += torn;
    ++state_number;
    open_state(level);
    image_undo(mark);
}

/* ---- which ones ---- */

static void set_all(struct pending *p, bool there)
{
    for (unsigned i = 0; i < p->line_count; ++i) {
        p->lines[i].there = there ? p->lines[i].count : 0;
        p->lines[i].extra = 0;
    }
}

/* Some of its stores: a prefix, and of the group behind it any. */
static void tear(const struct pending *p, struct line *line)
{
    line->there = below(line->count + 1);
    const uint32_t *next = &p->order[line->first + line->there];
    uint32_t width = 0, rest = line->count - line->there;
    while (width < rest && width < 8 && p->made[next[width]].group == p->made[next[0]].group) {
        ++width;
    }
    line->extra = width > 1 ? below(1u << width) : 0;
}

static void random_lines(struct pending *p)
{
    uint32_t there = below(5), torn = below(3); /* of four: whole; of the others: torn */
    for (unsigned i = 0; i < p->line_count; ++i) {
        struct line *line = &p->lines[i];
        line->extra = 0;
        if (below(4) < there) {
            line->there = line->count;
        } else if (below(4) < torn) {
            tear(p, line);
        } else {
            line->there = 0;
        }
    }
}

/* Stores of [from, to) in program order. A line of which a later store is there has its earlier ones too. */
static void only_between(struct pending *p, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < p->line_count; ++i) {
        struct line *line = &p->lines[i];
        line->there = line->extra = 0;
        for (uint32_t j = 0; j < line->count; ++j) {
            uint32_t number = p->order[line->first + j];
            if (number >= from && number < to) {
                line->there = j + 1;
            }
        }
    }
}

static bool is_old(const struct pending *p, const struct line *line) { return p->order[line->first + line->count - 1] < p->old; }

static bool old_at_random(struct pending *p)
{
    bool any = false;
    uint32_t chance = below(3);
    for (unsigned i = 0; i < p->line_count; ++i) {
        struct line *line = &p->lines[i];
        if (is_old(p, line)) {
            any = true;
            line->there = below(2) < chance ? line->count : 0;
            line->extra = 0;
            if (one_in(8)) {
                tear(p, line);
            }
        }
    }
    return any;
}

/* Every state of the lines that are not old, once. True: there are old ones. */
static bool exhaust_once(struct pending *p, unsigned level, enum kind kind)
{
    set_all(p, false);
    for (;;) {
        bool any_old = old_at_random(p);
        open_chosen(p, level, kind);
        unsigned i = 0;
        while (i < p->line_count && (is_old(p, &p->lines[i]) || p->lines[i].there == p->lines[i].count)) {
            p->lines[i].there = is_old(p, &p->lines[i]) ? p->lines[i].there : 0;
            ++i;
        }
        if (i == p->line_count) {
            return any_old;
        }
        ++p->lines[i].there;
    }
}

static void exhaust(struct pending *p, unsigned level, enum kind kind, uint64_t states)
{
    ++counted[kind].exhausted;
    uint64_t times = level == 0 ? 1 + OLD_TRIES / states : 1;
    while (times-- > 0 && exhaust_once(p, level, kind)) {
    }
}

static void sample(struct pending *p, unsigned level, enum kind kind)
{
    unsigned lines = p->line_count, some = level == 0 ? 24 : 6;
    for (unsigned all = 0; all < 2; ++all) {
        set_all(p, all != 0);
        open_chosen(p, level, kind);
        for (unsigned i = 0; i < lines && i < some; ++i) {
            struct line *line = &p->lines[lines <= some ? i : below(lines)];
            set_all(p, all != 0);
            line->there = all != 0 ? 0 : line->count;
            open_chosen(p, level, kind);
            tear(p, line);
            open_chosen(p, level, kind);
        }
    }
    for (unsigned i = 0; i < some / 2; ++i) {
        uint64_t instant = below((uint32_t)p->count);
        only_between(p, 0, instant);
        open_chosen(p, level, kind);
        only_between(p, instant, p->count);
        open_chosen(p, level, kind);
    }
    for (unsigned i = 0; i < 3 * some; ++i) {
        random_lines(p);
        open_chosen(p, level, kind);
    }
}

/* True: every state was looked at. */
static bool explore_units(unsigned level, enum kind kind, uint64_t most)
{
    struct pending *p = &pending[level];
    sort_by_line(p);
    uint64_t states = 1;
    for (unsigned i = 0; i < p->line_count && states <= most; ++i) {
        states *= is_old(p, &p->lines[i]) ? 1 : p->lines[i].count + 1;
    }
    struct counted *count = &counted[kind];
    count->lines_most = p->line_count > count->lines_most ? p->line_count : count->lines_most;
    if (states <= most) {
        exhaust(p, level, kind, states);
    } else {
        sample(p, level, kind);
    }
    return states <= most;
}

void pending_explore(unsigned level, enum kind kind)
{
    static const unsigned units[] = {8, 512, 4096};
    struct pending *p = &pending[level];
    uint64_t most = level == 0 ? exhaustive_max : exhaustive_max / 32;
    ++p->set;
    p->opened = 0;
    ++counted[kind].sets;
    if (!by_pages) {
        explore_units(level, kind, most);
    }
    for (unsigned i = 0; by_pages && i < sizeof units / sizeof units[0]; ++i) {
        unit_bytes = units[i];
        if (explore_units(level, kind, most)) {
            break; /* what the larger units have is among it */
        }
    }
    p->line_count = 0;
}

void pending_die(void)
{
    struct pending *p = &pending[0];
    unit_bytes = !by_pages ? 64 : one_in(3) ? 8 : one_in(2) ? 512 : 4096;
    sort_by_line(p);
    random_lines(p);
    for (unsigned i = 0; i < p->line_count; ++i) {
        put_line(p, &p->lines[i]);
    }
    p->count = p->old = p->line_count = 0;
}

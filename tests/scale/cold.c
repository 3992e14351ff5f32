/* cold.c - pages that go cold with two slots, and are gathered while the program goes on: cold PAGES EPOCHS
 *
 * All pages are filled, and a line of each is changed after the next checkpoint. Then some pages are written whole in each epoch, and now and then a line of a cold one is: changed, or
 * changed and put back, or written with what it has. It asks for its checkpoints itself, so where it dies is for the test to say. All contents are looked at again.
 */
#include "../programs-small/check.h"

int prosper_checkpoint(void) __attribute__((weak));

#define WORDS 512
#define HOT 40

static uint64_t state = 88172645463325252ull;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void checkpoint(void)
{
    if (prosper_checkpoint != NULL) { /* without a pool it says that there is none */
        prosper_checkpoint();
    }
}

static uint64_t digest(const volatile uint64_t *words, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; ++i) {
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ull;
    }
    return sum;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    size_t pages = (size_t)atol(argv[1]), epochs = (size_t)atol(argv[2]);
    volatile uint64_t *words = aligned_alloc(4096, pages * 4096);
    uint64_t *of = malloc(pages * sizeof *of);
    CHECK(words != NULL && of != NULL && pages > HOT);
    for (size_t i = 0; i < pages * WORDS; ++i) {
        words[i] = draw();
    }
    checkpoint();
    for (size_t i = 0; i < pages; ++i) {
        words[i * WORDS + draw() % WORDS] = draw();
        of[i] = digest(words + i * WORDS, WORDS);
    }
    checkpoint();
    for (size_t epoch = 0; epoch < epochs; ++epoch) {
        for (size_t i = 0; i < HOT * WORDS; ++i) {
            words[i] = draw();
        }
        for (size_t i = 0; i < HOT; ++i) {
            of[i] = digest(words + i * WORDS, WORDS);
        }
        for (unsigned n = 0; n < 3; ++n) {
            size_t i = HOT + draw() % (pages - HOT), at = i * WORDS + draw() % WORDS;
            uint64_t old = words[at], which = draw() % 3;
            words[at] = which == 0 ? draw() : which == 1 ? old : ~old;
            words[at] = which == 2 ? old : words[at];
            of[i] = digest(words + i * WORDS, WORDS);
        }
        checkpoint();
        size_t i = draw() % pages;
        CHECK_EQUAL(digest(words + i * WORDS, WORDS), of[i]);
    }
    for (size_t i = 0; i < pages; ++i) {
        CHECK_EQUAL(digest(words + i * WORDS, WORDS), of[i]);
    }
    printf("%016lx\n", digest(words, pages * WORDS));
    return check_end("cold");
}

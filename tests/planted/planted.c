/* planted.c - which defect is planted: the one that PROSPER_PLANT names, or none. In the planted pass and in the planted runtime, nowhere else.
 *
 * It is read before anything else of them runs and nothing writes it later, so that it may be asked in the handler of a checkpoint; an image holds
 * the same choice as the process that it is restored in, which is run with the same environment.
 */
#include "planted.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define PRS_PLANT(name, what) #name,
#include "planted.def"
#undef PRS_PLANT
};

static int chosen = -1;

__attribute__((constructor(101))) static void choose(void)
{
    const char *name = getenv("PROSPER_PLANT");
    if (name == NULL || *name == '\0') {
        return;
    }
    for (chosen = 0; chosen < PRS_PLANT_COUNT; ++chosen) {
        if (strcmp(names[chosen], name) == 0) {
            return;
        }
    }
    fprintf(stderr, "PROSPER_PLANT=%s: there is no such defect\n", name);
    abort();
}

int prs_planted(enum prs_plant plant) { return chosen == (int)plant; }

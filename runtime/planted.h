/* planted.h - defects that are made on purpose, one at a time, so that it can be shown that the tests notice them (docs/testing.md, "Planted defects").
 *
 * PRS_PLANTED(name) is false in everything that is shipped: the constant goes, and with it what it guards. Only tests/planted compiles pass and runtime with
 * PROSPER_PLANTED; there it asks whether the environment variable PROSPER_PLANT names this defect. C and C++. */
#ifndef PRS_PLANTED_H
#define PRS_PLANTED_H

#ifdef PROSPER_PLANTED

enum prs_plant {
#define PRS_PLANT(name, what) PRS_PLANT_##name,
#include "planted.def"
#undef PRS_PLANT
    PRS_PLANT_COUNT
};

#ifdef __cplusplus
extern "C"
#endif
int prs_planted(enum prs_plant plant); /* tests/planted/planted.c. Any context */
#define PRS_PLANTED(name) (prs_planted(PRS_PLANT_##name) != 0)

#else
#define PRS_PLANTED(name) 0
#endif

#endif

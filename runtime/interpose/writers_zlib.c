/* writers_zlib.c - stand-ins for what zlib reads from files into the program's memory (writers.def; see writers.c). libprosper does not need zlib: a program that calls these has it.
 *
 * Context: any of the program's.
 */
#include "window.h"

int gzread(void *file, void *to, unsigned count) __attribute__((weak));
char *gzgets(void *file, char *to, int count) __attribute__((weak));

PRS_WRITES(int, gzread, (void *file, void *to, unsigned count), (file, to, count), to, count)
PRS_WRITES(char *, gzgets, (void *file, char *to, int count), (file, to, count), to, count > 0 ? (size_t)count : 0)

#ifndef VICTIM_THINGS_H
#define VICTIM_THINGS_H

void get_thing(const char *name); /* exits with 2 when there is no such thing */

#endif

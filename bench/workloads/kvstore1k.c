/* kvstore1k.c - kvstore.c with YCSB's own size of a record: ten fields of 100 bytes. An update writes all of them. */
#define VALUE_BYTES 1000
#include "kvstore.c"

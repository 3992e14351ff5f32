/* kv_none.c - keeps nothing: what making keys, values and requests takes. What it prints is meaningless. */
#include "driver.h"

static char nothing[VALUE_BYTES];

static const char *store_get(const char *key)
{
    (void)key;
    return nothing;
}

static void store_set(const char *key, const char *value)
{
    (void)key;
    (void)value;
}

static void store_open(uint64_t records, char **options)
{
    (void)records;
    (void)options;
}

static void store_close(void) {}

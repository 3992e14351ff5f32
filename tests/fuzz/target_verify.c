/* target_verify.c - fuzz target `verify`: any bytes as a file that `prosper verify` is asked about. libpmemobj's own check, which runs in a process of its own
 * there, is left out. */
#include "../../tools/verify_cmd.c"
#include "target.h"

int __wrap_prs_pool_check_apart(const char *path);
int __wrap_prs_pool_check_apart(const char *path)
{
    (void)path;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_bytes bytes;
    if (!sparse_decode(data, size, &bytes)) {
        return 0;
    }
    (void)target_arena();
    target_catch_output();
    int status = verify(sparse_file(&bytes));
    target_must(status == 0 || status == 1 || status == COMMAND_REFUSED, "another exit status than verify has");
    return 0;
}

// The link step marks, in full and in thin link-time optimisation, and leaves one note that says "all".
// RUN: %prosper-clang --prosper-track=all -O2 -flto -c %s -o %t.o
// RUN: %prosper-clang -O2 -flto %t.o -o %t.full
// RUN: %nm -u %t.full | %filecheck %s
// RUN: %readobj --notes %t.full | %filecheck %s --check-prefix=NOTE
// RUN: %t.full
// RUN: %prosper-clang --prosper-track=all -O2 -flto=thin -c %s -o %t.o
// RUN: %prosper-clang -O2 -flto=thin %t.o -o %t.thin
// RUN: %nm -u %t.thin | %filecheck %s
// RUN: %readobj --notes %t.thin | %filecheck %s --check-prefix=NOTE
// RUN: %t.thin
// CHECK: __prosper_abi_3
// CHECK: __prosper_mark_range
// CHECK: __prosper_w_strcpy
// NOTE: Owner: Prosper
// NOTE: 0000: 03000000 02000000 18000000 00000000
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    char *p = malloc(strlen(argv[0]) + 1);
    memset(p, 0, strlen(argv[0]));
    strcpy(p, argv[0]);
    return strcmp(p, argv[0]) + (argc != 1);
}

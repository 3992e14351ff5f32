// Link-time optimisation, full and thin: the calls are made in the link, where the option comes from the module.
// RUN: %prosper-clang --prosper-track=stores -O2 -flto -c %s -o %t.o
// RUN: %prosper-clang -O2 -flto %t.o -o %t.full
// RUN: %nm -u %t.full | %filecheck %s
// RUN: %readobj --notes %t.full | %filecheck %s --check-prefix=NOTE
// RUN: %t.full
// RUN: %prosper-clang --prosper-track=stores -O3 -flto=thin -c %s -o %t.o
// RUN: %prosper-clang -O3 -flto=thin %t.o -o %t.thin
// RUN: %nm -u %t.thin | %filecheck %s
// RUN: %readobj --notes %t.thin | %filecheck %s --check-prefix=NOTE
// RUN: %t.thin
// CHECK-NOT: __prosper_w_
// CHECK: __prosper_store
// NOTE: Owner: Prosper
// NOTE: 0000: 03000000 01000000 20000000 00000000
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
    char *p = malloc(strlen(argv[0]) + 1);
    memset(p, 0, strlen(argv[0]));
    strcpy(p, argv[0]);
    return strcmp(p, argv[0]) + (argc != 1);
}

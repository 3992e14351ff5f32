// With -flto the compile step only notes the options; the code is left for the link.
// RUN: %prosper-clang --prosper-track=all -O2 -flto -c -emit-llvm -S -o - %s | %filecheck %s
// RUN: %prosper-clang --prosper-track=all -O2 -flto=thin -c -emit-llvm -S -o - %s | %filecheck %s
// RUN: %prosper-clang --prosper-track=all -O0 -flto -c -emit-llvm -S -o - %s | %filecheck %s
// CHECK-NOT: volatile
// CHECK-NOT: __prosper_note
// CHECK: !"prosper-track", i64 2}
void f(int *p)
{
    *p = 1;
}

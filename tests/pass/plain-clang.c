// Without the wrapper: the plugin alone takes the default, -fplugin makes -mllvm know the option.
// RUN: %clang -O1 -fpass-plugin=%plugin -S -emit-llvm -o - %s | %filecheck %s --check-prefix=STACK
// RUN: %clang -O1 -fpass-plugin=%plugin -fplugin=%plugin -mllvm -prosper-track=all -S -emit-llvm -o - %s | %filecheck %s --check-prefix=ALL
// STACK-NOT: volatile
// STACK: Prosper\00", i32 3, i32 1, i32 0
// ALL: Prosper\00", i32 3, i32 2, i32 8
// ALL: store volatile
void f(int *p)
{
    *p = 1;
}

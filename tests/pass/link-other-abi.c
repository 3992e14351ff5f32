// An object of another ABI version does not link with this runtime.
// RUN: %prosper-clang -c %s -o %t.o
// RUN: %prosper-clang %t.o -o %t
// RUN: %prosper-clang -S -emit-llvm %s -o %t.ll
// RUN: sed 's/__prosper_abi_3/__prosper_abi_99/g' %t.ll > %t.other.ll
// RUN: %prosper-clang -c %t.other.ll -o %t.other.o
// RUN: ! %prosper-clang %t.other.o -o %t.other 2>&1 | %filecheck %s
// CHECK: undefined {{.*}}__prosper_abi_99
int main(void)
{
    return 0;
}

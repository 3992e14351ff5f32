// The wrapper as CC: compile, preprocess, assemble, link, share, inform; no unused-argument warning even under -Werror.
// RUN: %prosper-clang -Werror -Weverything -Wno-disabled-macro-expansion -c %s -o %t.o
// RUN: %prosper-clang -Werror %t.o -o %t && %t
// RUN: %prosper-clang -Werror -E %s -o %t.i && grep -q main %t.i
// RUN: %prosper-clang -Werror -M %s | grep -c wrapper.c
// RUN: %prosper-clang -Werror -fsyntax-only %s
// RUN: %prosper-clang -Werror -S %s -o %t.s && grep -q __prosper_abi_3 %t.s
// RUN: %prosper-clang -Werror -c %t.s -o %t.2.o && %prosper-clang %t.2.o -o %t.2 && %t.2
// RUN: %prosper-clang -Werror -x c - -o %t.3 < %s && %t.3
// RUN: %prosper-clang -Werror -shared -fPIC %s -o %t.so
// RUN: echo "-O2 -o %t.4 '%s'" > %t.rsp && %prosper-clang -Werror @%t.rsp && %t.4
// RUN: %prosper-clang --version | grep -c "clang version"
// RUN: %prosper-clang -print-search-dirs | grep -c libraries
// RUN: %prosper-clang -v 2>&1 | grep -c "clang version"
// RUN: %prosper-clang -v %s -o %t.5 2>&1 | grep -c -e -lprosper
// RUN: %prosper-clang -r %t.o -o %t.6.o
// RUN: ! %prosper-clang -static %s -o %t.7 2>&1 | %filecheck %s --check-prefix=STATIC
// RUN: ! %prosper-clang --prosper-track=heap %s -o %t.7 2>&1 | %filecheck %s --check-prefix=TRACK
// RUN: ! %prosper-clang -flto -fuse-ld=bfd %s -o %t.7 2>&1 | %filecheck %s --check-prefix=LINKER
// RUN: env PROSPER_CC=/nowhere/cc sh -c '! %prosper-clang %s -o %t.8' 2>&1 | grep -c /nowhere/cc
// RUN: %prosper-clangxx -Werror -x c++ %s -o %t.9 && %t.9
// RUN: echo "int from_header(void);" > %t.h && %prosper-clang -Werror %t.h -o %t.pch && %prosper-clang -Werror -include-pch %t.pch %s -o %t.10 && %t.10
// RUN: %prosper-clang -Werror -x c-header %t.h -o %t.2.pch && %prosper-clangxx -Werror -xc++-header %t.h -o %t.3.pch
// STATIC: PROSPER_E_USAGE: -static
// TRACK: PROSPER_E_USAGE: --prosper-track=heap
// LINKER: PROSPER_E_USAGE: with -flto
int main(void)
{
    return 0;
}

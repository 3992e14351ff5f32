; Every module gets the note and the reference to the version symbol, also one without code.
; RUN: %stack %s | %filecheck %s --check-prefix=STACK
; RUN: %all %s | %filecheck %s --check-prefix=ALL
; STACK: @__prosper_note = private constant <{ i32, i32, i32, [8 x i8], i32, i32, i32, i32 }> <{ i32 8, i32 16, i32 1, [8 x i8] c"Prosper\00", i32 3, i32 1, i32 0, i32 0 }>, section ".note.prosper", align 4
; STACK: @__prosper_abi_3 = external global i8
; STACK: @__prosper_abi_reference = linkonce_odr hidden constant ptr @__prosper_abi_3, comdat
; STACK: @llvm.used = appending global [1 x ptr] [ptr @__prosper_abi_reference]
; STACK: @llvm.compiler.used = appending global [1 x ptr] [ptr @__prosper_note]
; ALL: c"Prosper\00", i32 3, i32 2, i32 0, i32 0 }>

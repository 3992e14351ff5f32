/* uncovered_x86_64.S - a note (docs/abi.md) that says: something in this object has no marks. prosper-clang links it where it finds code that the pass has not seen. */
    .section .note.prosper, "a", @note
    .p2align 2
    .long 8, 16, 1          /* sizes of name and description; NOTE_TYPE */
    .asciz "Prosper"
    .long 3, 2, 2, 0        /* ABI_VERSION, MODE_ALL, FLAG_UNCOVERED */
    .section .note.GNU-stack, "", @progbits

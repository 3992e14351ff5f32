/* layout_asm.h - the one constant of layout.h that assembly needs; checkpoint.c asserts that they agree. */
#define PRS_STACK_TOP_ASM 0x400000100000

/* layout.h - where everything lives in the address space of a persistent process.
 *
 *   0x0000_0000_0040_0000   a non-PIE program and its brk heap (up to PRS_MAP_BASE)
 *   0x0000_7000_0000        dirty map, one byte per 64-byte line, 2 TiB of address space reserved (abi.h)
 *   0x0210_0000_0000        long map, the same size
 *   0x1000_0000_0000        program range, marked part: what instrumented code maps, and the instrumented heap
 *   0x2000_0000_0000        program range, other part: what all others map (libmimalloc's heap too)
 *   0x3000_0000_0000        end of the program range
 *   0x4000_0000_0000        runtime range: handler stack, META, mirrors; never in the image
 *   0x4300_0000_0000        the profile file, mapped shared, and its tables (option profile)
 *   0x4800_0000_0000        the pool file, mapped shared
 *   0x5000_0000_0000        end of the runtime range
 *   0x5555_5555_4000        a PIE program and its brk heap (no address randomisation)
 *   0x7fff_f7..             start-up libraries, kernel-chosen mappings, vdso, stack
 *
 * The runtime range is far from anything that the kernel hands out by itself, so that a larger pool or another
 * number of mirrors never moves a mapping of the program between one run and the next.
 */
#ifndef PRS_LAYOUT_H
#define PRS_LAYOUT_H

#define PRS_PAGE 4096ul
#define PRS_LINE 64ul
#define PRS_LINES_PER_PAGE 64u

#define PRS_PROGRAM_BASE 0x100000000000ul
#define PRS_MARKED_BASE  0x100000000000ul /* the part of the program range whose every writer leaves marks, where all code is covered (marks.h) */
#define PRS_MARKED_END   0x200000000000ul
#define PRS_PROGRAM_END  0x300000000000ul

#define PRS_RUNTIME_BASE 0x400000000000ul
#define PRS_STACK_BASE   0x400000000000ul /* handler stack */
#define PRS_STACK_SIZE   (1ul << 20)
#define PRS_META_BASE    0x400100000000ul /* struct prs_meta (image.h), logged like any small memory */
#define PRS_SCRATCH_BASE 0x400200000000ul /* volatile tables of the runtime: see arena.h */
#define PRS_SCRATCH_END  0x430000000000ul
#define PRS_PROFILE_BASE 0x430000000000ul /* the file of option profile, and its tables (profile.h) */
#define PRS_MIRROR_BASE  0x440000000000ul /* DRAM mirrors of small memory */
#define PRS_MIRROR_END   0x480000000000ul
#define PRS_POOL_BASE    0x480000000000ul
#define PRS_POOL_END     0x500000000000ul
#define PRS_RUNTIME_END  0x500000000000ul

#define PRS_REDZONE 128ul /* x86-64 ABI: [SP-128, SP) belongs to the running function */

#endif

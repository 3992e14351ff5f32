/* given.c - memory that the program gives away to be written later, by libc or the kernel, or under a frame: stdio buffers, alternate and coroutine
 * stacks, states of random generators.
 *
 * No call names the writes when they happen, so the memory is named here, when it is given (covered.h). Plain functions otherwise. Context: normal;
 * sigaltstack and makecontext may be called in handlers.
 */
#include "interpose.h"
#include "../covered.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

PRS_EXPORT int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t size)
{
    prs_given_add(buffer, size);
    return NEXT(setvbuf)(stream, buffer, mode, size);
}

PRS_EXPORT void setbuffer(FILE *restrict stream, char *restrict buffer, size_t size)
{
    prs_given_add(buffer, size);
    NEXT(setbuffer)(stream, buffer, size);
}

PRS_EXPORT void setbuf(FILE *restrict stream, char *restrict buffer) { setbuffer(stream, buffer, BUFSIZ); }

PRS_EXPORT FILE *fmemopen(void *buffer, size_t size, const char *mode)
{
    prs_given_add(buffer, size);
    return NEXT(fmemopen)(buffer, size, mode);
}

PRS_EXPORT FILE *open_memstream(char **buffer, size_t *size)
{
    prs_given_add(buffer, sizeof *buffer);
    prs_given_add(size, sizeof *size);
    return NEXT(open_memstream)(buffer, size);
}

PRS_EXPORT int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
    if (stack != NULL && (stack->ss_flags & SS_DISABLE) == 0) {
        prs_given_add(stack->ss_sp, stack->ss_size);
    }
    return (int)prs_errno(prs_sys(SYS_sigaltstack, stack, old));
}

PRS_EXPORT char *initstate(unsigned seed, char *state, size_t size)
{
    prs_given_add(state, size);
    return NEXT(initstate)(seed, state, size);
}

PRS_EXPORT int initstate_r(unsigned seed, char *restrict state, size_t size, struct random_data *restrict data)
{
    prs_given_add(state, size);
    prs_given_add(data, sizeof *data);
    return NEXT(initstate_r)(seed, state, size, data);
}

/* makecontext takes any number of arguments: given_x86_64.S looks here, then jumps on with them. */
void *prs_given_context(const ucontext_t *context);
__attribute__((used)) void *prs_given_context(const ucontext_t *context)
{
    prs_given_add(context->uc_stack.ss_sp, context->uc_stack.ss_size);
    return prs_next_get(PRS_NEXT_makecontext);
}

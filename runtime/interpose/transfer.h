/* transfer.h - reads and writes that arrive whole although our signal came in between. */
#ifndef PRS_TRANSFER_H
#define PRS_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* As the system call: the count, or -errno. A short count that only our signal caused is gone on with. */
long prs_transfer_write(int fd, const void *buffer, size_t size);
bool prs_transfer_blocking(int fd);
long prs_transfer_writev(int fd, const struct iovec *parts, int count);

#endif

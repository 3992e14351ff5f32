/* demangle.h - readable names of C++ functions. */
#ifndef PRS_DEMANGLE_H
#define PRS_DEMANGLE_H

#include <stddef.h>

/* In place, cut to size; as it was where it is no mangled name, or nobody here can read it. */
void demangle(char *name, size_t size);
/* The qualified name of a demangled function alone: without return type, arguments and template arguments. At most size - 1 letters. */
void function_name(const char *readable, char *out, size_t size);

#endif

#ifndef GREET_H
#define GREET_H

#include <stddef.h>

// Writes a greeting into `buffer`, cut to `size` bytes with the final NUL; returns the length it would have had.
int greet(char* buffer, size_t size, const char* name);

#endif

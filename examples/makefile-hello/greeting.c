#include "greeting.h"

#include <stdio.h>

#ifdef __wasi__
#define PLATFORM "wasi"
#elif defined(__EMSCRIPTEN__)
#define PLATFORM "emscripten"
#else
#define PLATFORM "native"
#endif

void greet(const char *name) { printf("Hello, %s, from %s.\n", name, PLATFORM); }

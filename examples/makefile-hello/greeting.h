#ifndef GREETING_H
#define GREETING_H

// Prints a greeting to somebody on standard output.
void greet(const char* name);

#endif

#include <stdio.h>

#include "greet.h"

int main(int argc, char **argv) {
  char line[512];
  greet(line, sizeof line, argc > 1 ? argv[1] : "world");
  return puts(line) < 0;
}

#include "greet.h"

#include <stdio.h>

#include "config.h"

#ifdef HAVE_GETHOSTNAME
#include <unistd.h>
#endif

int greet(char *buffer, size_t size, const char *name) {
#ifdef HAVE_GETHOSTNAME
  char host[256];
  if (gethostname(host, sizeof host) != 0) host[0] = '\0';
  host[sizeof host - 1] = '\0';
  return snprintf(buffer, size, "Hello, %s, from the host %s.", name, host);
#else
  return snprintf(buffer, size, "Hello, %s, from a place without a host name.", name);
#endif
}

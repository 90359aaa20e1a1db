#include "core/base/fault.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char *armed;

void fault_arm(const char *name)
{
        armed = name && *name ? name : NULL;
}

void fault_point(const char *name)
{
        if (armed && strcmp(armed, name) == 0)
                kill(getpid(), SIGKILL);
}

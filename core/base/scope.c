#include "core/base/scope.h"

#include <unistd.h>

void close_fdp(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

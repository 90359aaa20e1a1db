#include "fcgi/operation.h"

#include <string.h>

const struct query *operation_query(const struct operation *operation, const char *name)
{
        const struct query *query = operation->query;

        while (query && query->name && strcmp(query->name, name) != 0)
                query++;
        return query && query->name ? query : NULL;
}

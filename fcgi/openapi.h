/* The OpenAPI 3.1 description of the service (spec.openapis.org/oas/v3.1.0), made from the route
 * table, the operations and their tables: what dispatches is what is described. */
#ifndef FCGI_OPENAPI_H
#define FCGI_OPENAPI_H

#include "core/base/jsonw.h"
#include "fcgi/routes.h"

/* Write the members of the document. Where several routes differ by a query parameter alone, as
 * S3's do, the one without it is described. */
void openapi_write(struct jsonw *json, const struct route *routes, size_t count);

#endif

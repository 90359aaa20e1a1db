/* A quota as answers show it. */
#ifndef FCGI_RENDER_QUOTA_H
#define FCGI_RENDER_QUOTA_H

#include "core/base/jsonw.h"
#include "core/cloud/limits/quota.h"

/* Its members, into an object that is open. */
void render_quota(struct jsonw *json, const struct quota *quota);
/* The same as an object in an array: for lists. arg: the struct jsonw. */
void render_quota_row(void *arg, const struct quota *quota);
/* A limit or a use under key. */
void render_quota_value(struct jsonw *json, const char *key, enum quota_type type, int64_t value);

#endif

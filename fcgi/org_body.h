/* What organisations and teams have in common in bodies. */
#ifndef FCGI_ORG_BODY_H
#define FCGI_ORG_BODY_H

#include "core/base/jsonw.h"
#include "core/cloud/auth/org.h"
#include "fcgi/request.h"

/* {"name", "description"}; of a new one the name must be there. */
extern const struct field_table org_body_new, org_body_old;
/* ERR_INVALID names the field. */
NODISCARD enum err org_body_read(struct ctx *ctx, const struct request *request,
                                 struct org_given *ret);

/* {"user_id"}. */
extern const struct field_table org_body_member;
/* ERR_INVALID. */
NODISCARD enum err org_body_read_member(struct ctx *ctx, const struct request *request,
                                        int64_t *ret_user_id);

/* A member_row_fn: arg is the struct jsonw in whose array he goes. */
void org_body_render_member(void *arg, const struct member *row);

#endif

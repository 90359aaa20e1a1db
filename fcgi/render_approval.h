/* A request for approval as answers show it. */
#ifndef FCGI_RENDER_APPROVAL_H
#define FCGI_RENDER_APPROVAL_H

#include "core/base/jsonw.h"
#include "core/cloud/approval/approval.h"

/* Its members, into an object that is open. */
void render_approval_request(struct jsonw *json, const struct approval_request *request);

#endif

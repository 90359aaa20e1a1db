#include "fcgi/org_body.h"

#include "core/base/fields.h"

#define GIVEN_FIELDS(must)                                                                         \
        FIELD(struct org_given, name, FIELD_STRING, .required = (must)),                           \
                FIELD(struct org_given, description, FIELD_STRING)

static const struct field of_new[] = { GIVEN_FIELDS(true) };
static const struct field of_old[] = { GIVEN_FIELDS(false) };
const struct field_table org_body_new = { of_new, ARRAY_SIZE(of_new) };
const struct field_table org_body_old = { of_old, ARRAY_SIZE(of_old) };

enum err org_body_read(struct ctx *ctx, const struct request *request, struct org_given *ret)
{
        *ret = (struct org_given){ 0 };
        return request_fields(ctx, request, ret);
}

struct member_body {
        int64_t user_id;
};
static const struct field member_fields[] = {
        FIELD(struct member_body, user_id, FIELD_INT, .min = 1, .required = true),
};
const struct field_table org_body_member = { member_fields, ARRAY_SIZE(member_fields) };

enum err org_body_read_member(struct ctx *ctx, const struct request *request, int64_t *ret_user_id)
{
        struct member_body given = { 0 };
        enum err rc = request_fields(ctx, request, &given);

        if (rc == OK)
                *ret_user_id = given.user_id;
        return rc;
}

void org_body_render_member(void *arg, const struct member *row)
{
        struct jsonw *json = arg;

        jsonw_object(json, NULL);
        jsonw_int(json, "user_id", row->user_id);
        jsonw_string(json, "username", row->username);
        jsonw_string(json, "display_name", row->display_name);
        jsonw_bool(json, "is_active", row->is_active);
        jsonw_object_end(json);
}

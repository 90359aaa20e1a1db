/* Table-driven decoding of JSON objects into structs. Unknown, mistyped and out-of-range fields
 * get one uniform ERR_INVALID from here, naming the field and what is allowed. */
#ifndef CORE_BASE_FIELDS_H
#define CORE_BASE_FIELDS_H

#include <stddef.h>

#include "core/base/json.h"

enum field_type {
        FIELD_STRING,      /* const char *; min/max count bytes */
        FIELD_BOOL,        /* bool */
        FIELD_INT,         /* int64_t; min/max are values */
        FIELD_NUMBER,      /* double; min/max are values */
        FIELD_CHOICE,      /* const char *; one of choices */
        FIELD_URL,         /* const char *; http or https with a host */
        FIELD_OBJECT,      /* json_t *, borrowed from the decoded tree */
        FIELD_ARRAY,       /* json_t *, borrowed; max counts items */
        FIELD_STRING_LIST, /* json_t *, borrowed array of strings; max counts items */
        FIELD_CIDR_LIST,   /* json_t *, borrowed array of addresses or ranges; max counts items */
        FIELD_TYPE_COUNT
};

struct field {
        const char *name;
        enum field_type type;
        size_t offset;              /* of the member in the struct */
        double min, max;            /* max 0: no upper limit */
        const char *const *choices; /* FIELD_CHOICE: NULL-terminated */
        bool required;
        /* A rule beyond the type: fill ctx->detail and return ERR_INVALID, or OK. May be NULL. */
        enum err (*check)(struct ctx *ctx, const char *name, const json_t *value);
};

#define FIELD(st, member, kind, ...)                                                               \
        {                                                                                          \
                .name = #member, .type = (kind), .offset = offsetof(st, member), __VA_ARGS__       \
        }

/* A table and how many rows it has. FIELDS(rows): of an array in sight, for as long as that is. */
struct field_table {
        const struct field *rows;
        size_t count;
};
#define FIELDS(rows) (&(const struct field_table){ rows, ARRAY_SIZE(rows) })

/* Check every member of object against the table without storing anything. A null counts as absent.
 * ERR_INVALID: the first bad field, in the object's order; then missing required ones. */
NODISCARD enum err fields_check(struct ctx *ctx, const struct field *fields, size_t count,
                                const json_t *object);

/* fields_check, then store each given field into *out; members not given keep their value, so
 * the caller sets defaults first. Strings are borrowed from object, which must outlive out. */
NODISCARD enum err fields_decode(struct ctx *ctx, const struct field *fields, size_t count,
                                 const json_t *object, void *out);

/* True when url is http:// or https:// with a host, no space, control byte or user part. */
bool fields_is_url(const char *url);

#endif

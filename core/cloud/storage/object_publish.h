/* The moment in which an object becomes visible: its row and its file's name in one transaction. */
#ifndef CORE_CLOUD_STORAGE_OBJECT_PUBLISH_H
#define CORE_CLOUD_STORAGE_OBJECT_PUBLISH_H

#include "core/cloud/storage/object_upload.h"

struct object_publication {
        struct object_body *body; /* ended; NULL: the file stays what it is, only the row changes */
        bool is_new;              /* there is no body, and yet bytes have come: in the S3 store */
        const struct bucket *bucket;
        struct object object; /* all of its row */
        struct object_condition only;
        bool unheard;          /* no event is made of it */
        const char *upload_id; /* its row in uploads goes; NULL: it has none */
        /* Runs in the same transaction. NULL: nothing more to write. */
        enum err (*also)(struct ctx *ctx, void *arg, const struct object *object);
        void *arg;
};

/* What object_upload_finish returns of it. object.file_mtime_ns is set here. */
NODISCARD enum err object_publish(struct ctx *ctx, struct object_publication *publication);

/* Is the condition one that nothing but an object can meet? */
bool object_condition_needs_one(const struct object_condition *only);
/* Is the condition met as the key is now? ERR_PRECONDITION. ERR_NOT_FOUND: it needs an object, and
 * there is none. */
NODISCARD enum err object_check_condition(struct ctx *ctx, const struct object_condition *only,
                                          const char *bucket, const char *key);

/* The media type that a client gave, when it is one, else that of the key. Borrowed from either. */
const char *object_type_given(const char *content_type, const char *key);

#endif

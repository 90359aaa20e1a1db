/* A bucket with objects for tests of what is done with them: {fixture_dir}/outputs/bucket. */
#ifndef TESTS_FIXTURE_STORAGE_H
#define TESTS_FIXTURE_STORAGE_H

#include "core/cloud/storage/multipart.h"
#include "core/cloud/storage/object_store.h"
#include "tests/fixture_db.h"

#define FIXTURE_BUCKET "bucket"

/* fixture_cloud_setup with the bucket, a user's. */
int fixture_storage_setup(void **state);

/* clang-format off */
#define FIXTURE_STORAGE_TEST(f) { #f, f, fixture_storage_setup, fixture_db_teardown, NULL }
/* clang-format on */

/* Another one, in the same place; owner "": a job's. */
void fixture_bucket_insert(struct ctx *ctx, const char *name, const char *owner);

/* Upload a text as an object. */
NODISCARD enum err fixture_upload(struct ctx *ctx, const char *key, const char *text);
/* Its bytes as a reader gets them; NULL: there is no such object. In ctx->arena. */
const char *fixture_object_text(struct ctx *ctx, const char *key);

/* Files (directories not) below a directory of the fixture, with those that are hidden; 0 when it
 * is not there. */
unsigned fixture_count_files(struct ctx *ctx, const char *name);

/* Begin an upload in parts, and send one part of so many bytes, all of them c. */
const char *fixture_multipart(struct ctx *ctx, const char *key);
NODISCARD enum err fixture_part(struct ctx *ctx, const struct part_intent *intent, char c,
                                struct part *ret);

#endif

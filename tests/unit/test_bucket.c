#include "core/cloud/storage/bucket.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/crypto.h"
#include "core/cloud/auth/permission.h"
#include "core/store/store_jobs.h"
#include "tests/fixture_storage.h"

#define JOB "01hm3v00000000000000000001"

static void a_bucket_is_made_once_and_found(void **state)
{
        struct ctx *ctx = *state;
        struct bucket bucket;

        assert_ok(ctx, bucket_create(ctx, "new-bucket"));
        assert_ok(ctx, bucket_create(ctx, "new-bucket"));
        assert_ok(ctx, bucket_find(ctx, "new-bucket", &bucket));
        assert_string_equal(bucket.directory, fixture_path(ctx, "outputs/new-bucket"));
        assert_string_equal(bucket.owner, "local");
        assert_true(bucket.created_at_us == FIXTURE_TIME_US);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM buckets"), 2);
        assert_rc(ctx, ERR_NOT_FOUND, bucket_find(ctx, "other", &bucket));
        assert_string_equal(ctx->code, "NoSuchBucket");
}

static void names_follow_the_rules_of_s3(void **state)
{
        static const char *const good[] = {
                "abc", "a.b.c", "a-b", "123", "1aa", "job-1.outputs", "0hm3v-0000000000000000000x"
        };
        static const char *const wrong[] = {
                "",     "ab",        "Abc",        "a_b",   "a b",
                "-ab",  "ab-",       ".ab",        "ab.",   "a..b",
                "a.-b", "a-.b",      "1.2.3.4",    "a/b",   "..",
                "../x", ".incoming", ".multipart", "abc\n", "\xc3\xa4\xc3\xa4\xc3\xa4",
                JOB,
        };
        struct ctx *ctx = *state;
        char longest[65];

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                if (bucket_create(ctx, good[i]) != OK)
                        fail_msg("\"%s\": %s", good[i], ctx->detail);
        }
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_rc(ctx, ERR_INVALID, bucket_create(ctx, wrong[i]));
                assert_string_equal(ctx->code, "InvalidBucketName");
        }
        memset(longest, 'x', sizeof(longest));
        longest[64] = '\0';
        assert_rc(ctx, ERR_INVALID, bucket_create(ctx, longest));
        assert_ok(ctx, bucket_create(ctx, longest + 1));
}

static void only_an_empty_bucket_can_be_deleted(void **state)
{
        const struct multipart named = { .bucket = FIXTURE_BUCKET, .key = "b" };
        struct multipart upload = named;
        struct ctx *ctx = *state;
        struct bucket bucket;

        assert_ok(ctx, fixture_upload(ctx, "a/b", "1"));
        assert_rc(ctx, ERR_CONFLICT, bucket_delete(ctx, FIXTURE_BUCKET));
        assert_string_equal(ctx->code, "BucketNotEmpty");
        assert_ok(ctx, object_remove(ctx, FIXTURE_BUCKET, "a/b"));
        upload.upload_id = fixture_multipart(ctx, "b");
        assert_rc(ctx, ERR_CONFLICT, bucket_delete(ctx, FIXTURE_BUCKET));
        assert_ok(ctx, multipart_abort(ctx, &upload));
        assert_ok(ctx, bucket_delete(ctx, FIXTURE_BUCKET));
        assert_rc(ctx, ERR_NOT_FOUND, bucket_find(ctx, FIXTURE_BUCKET, &bucket));
        assert_rc(ctx, ERR_NOT_FOUND, bucket_delete(ctx, FIXTURE_BUCKET));
        assert_int_not_equal(access(fixture_path(ctx, "outputs/" FIXTURE_BUCKET), F_OK), 0);
}

static void the_bucket_of_a_job_cannot_be_deleted(void **state)
{
        struct ctx *ctx = *state;

        fixture_bucket_insert(ctx, JOB, "");
        assert_rc(ctx, ERR_DENIED, bucket_delete(ctx, JOB));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM buckets"), 2);
}

static void a_job_makes_no_bucket(void **state)
{
        struct ctx *ctx = *state;

        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = JOB };
        assert_rc(ctx, ERR_DENIED, bucket_create(ctx, "new-bucket"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM buckets"), 1);
}

static void making_and_deleting_are_written_down(void **state)
{
        struct ctx *ctx = *state;

        assert_ok(ctx, bucket_create(ctx, "new-bucket"));
        assert_ok(ctx, bucket_delete(ctx, "new-bucket"));
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM audit_log WHERE event_type LIKE "
                                             "'storage.bucket_%' AND target_id = 'new-bucket'"),
                         2);
}

static bool create_too(struct ctx *ctx, unsigned index, void *arg)
{
        (void)index;
        (void)arg;
        return bucket_create(ctx, "contended") == OK;
}

static void all_that_make_it_at_once_have_it(void **state)
{
        struct ctx *ctx = *state;

        fixture_threads(ctx, 8, create_too, NULL);
        assert_int_equal(fixture_number(ctx, "SELECT COUNT(*) FROM buckets"), 2);
}

struct names {
        char names[8][32];
        unsigned count;
};

static void take_name(void *arg, const struct bucket *bucket)
{
        struct names *names = arg;

        snprintf(names->names[names->count++], 32, "%s", bucket->bucket);
}

static void buckets_are_listed_by_name_page_by_page(void **state)
{
        struct bucket_range range = { .after = "", .prefix = "", .limit = 2 };
        struct names names = { .count = 0 };
        struct ctx *ctx = *state;

        assert_ok(ctx, bucket_create(ctx, "zebra"));
        assert_ok(ctx, bucket_create(ctx, "a-first"));
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &names));
        assert_int_equal(names.count, 2);
        range.after = names.names[1];
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &names));
        assert_int_equal(names.count, 3);
        assert_string_equal(names.names[0], "a-first");
        assert_string_equal(names.names[1], FIXTURE_BUCKET);
        assert_string_equal(names.names[2], "zebra");
}

static void a_job_sees_its_own_only(void **state)
{
        struct bucket_range range = { .after = "", .prefix = "", .limit = 10 };
        struct names names = { .count = 0 };
        struct ctx *ctx = *state;

        fixture_bucket_insert(ctx, JOB, "");
        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = JOB };
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &names));
        assert_int_equal(names.count, 1);
        assert_string_equal(names.names[0], JOB);
        range.after = JOB;
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &names));
        assert_int_equal(names.count, 1);
}

/* Become a user who may this. */
static void act_as(struct ctx *ctx, const char *name, const char *permissions)
{
        ctx->actor = (struct actor){
                .kind = ACTOR_USER,
                .name = name,
                .rights = permission_set_close(permission_set_parse(permissions)),
        };
}

static void insert_job_of(struct ctx *ctx, const char *owner)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct job job = {
                .job_id = JOB, .provider = "replicate", .owner = owner, .metadata = "{}"
        };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_job_insert(ctx, &job, &(struct job_secrets){ 0 }));
        assert_ok(ctx, db_commit(&tx));
        fixture_bucket_insert(ctx, JOB, "");
}

static void the_bucket_of_a_job_is_its_owners(void **state)
{
        struct ctx *ctx = *state;

        insert_job_of(ctx, "ann");
        act_as(ctx, "ann", "job.view.own job.delete.own");
        assert_ok(ctx, bucket_require(ctx, JOB, BUCKET_READ));
        assert_ok(ctx, bucket_require(ctx, JOB, BUCKET_WRITE));
        act_as(ctx, "ann", "job.view.own");
        assert_rc(ctx, ERR_DENIED, bucket_require(ctx, JOB, BUCKET_WRITE));
        act_as(ctx, "ann", "job.delete.own");
        assert_rc(ctx, ERR_NOT_FOUND, bucket_require(ctx, JOB, BUCKET_READ));
        assert_rc(ctx, ERR_NOT_FOUND, bucket_require(ctx, JOB, BUCKET_WRITE));
}

static void strangers_are_told_that_there_is_no_bucket(void **state)
{
        struct ctx *ctx = *state;
        const char *told;

        insert_job_of(ctx, "ann");
        act_as(ctx, "bob", "job.view.own job.delete.own job.delete.all");
        assert_rc(ctx, ERR_NOT_FOUND, bucket_require(ctx, "no-such-bucket", BUCKET_WRITE));
        assert_string_equal(ctx->code, "NoSuchBucket");
        assert_ok(ctx, ctx_strdup(ctx, ctx->detail, &told));
        assert_rc(ctx, ERR_NOT_FOUND, bucket_require(ctx, JOB, BUCKET_WRITE));
        assert_string_equal(ctx->code, "NoSuchBucket");
        assert_string_equal(ctx->detail, told);
        assert_rc(ctx, ERR_NOT_FOUND, bucket_require(ctx, JOB, BUCKET_READ));
}

static void who_sees_all_jobs_reads_all_buckets(void **state)
{
        struct ctx *ctx = *state;

        insert_job_of(ctx, "ann");
        act_as(ctx, "bob", "job.view.all job.delete.own");
        assert_ok(ctx, bucket_require(ctx, JOB, BUCKET_READ));
        assert_rc(ctx, ERR_DENIED, bucket_require(ctx, JOB, BUCKET_WRITE));
        assert_string_equal(ctx->code, "AccessDenied");
        act_as(ctx, "bob", "job.view.all job.delete.all");
        assert_ok(ctx, bucket_require(ctx, JOB, BUCKET_WRITE));
}

static void a_bucket_that_was_made_is_its_makers(void **state)
{
        struct ctx *ctx = *state;

        act_as(ctx, "ann", "job.view.own job.delete.own admin.config");
        assert_ok(ctx, bucket_create(ctx, "anns-data"));
        assert_ok(ctx, bucket_require(ctx, "anns-data", BUCKET_WRITE));
        act_as(ctx, "bob", "job.view.own job.delete.own admin.config");
        assert_rc(ctx, ERR_NOT_FOUND, bucket_require(ctx, "anns-data", BUCKET_READ));
        assert_rc(ctx, ERR_NOT_FOUND, bucket_delete(ctx, "anns-data"));
        assert_rc(ctx, ERR_CONFLICT, bucket_create(ctx, "anns-data"));
        assert_string_equal(ctx->code, "BucketAlreadyExists");
        act_as(ctx, "ann", "job.view.own job.delete.own admin.config");
        assert_ok(ctx, bucket_delete(ctx, "anns-data"));
}

static void a_job_has_its_own_bucket_only(void **state)
{
        struct ctx *ctx = *state;

        ctx->actor = (struct actor){ .kind = ACTOR_JOB, .job_id = JOB };
        assert_ok(ctx, bucket_require(ctx, JOB, BUCKET_WRITE));
        assert_rc(ctx, ERR_DENIED, bucket_require(ctx, "01hm3v00000000000000000002", BUCKET_READ));
        assert_rc(ctx, ERR_DENIED, bucket_require(ctx, "", BUCKET_READ));
        assert_rc(ctx, ERR_DENIED, bucket_require(ctx, JOB "/", BUCKET_READ));
}

static void one_sees_the_buckets_that_one_may_read(void **state)
{
        struct bucket_range range = { .after = "", .prefix = "", .limit = 10 };
        struct names anns = { .count = 0 }, bobs = { .count = 0 }, all = { .count = 0 };
        struct names newest = { .count = 0 };
        struct ctx *ctx = *state;

        insert_job_of(ctx, "ann");
        act_as(ctx, "ann", "job.view.own admin.config");
        assert_ok(ctx, bucket_create(ctx, "anns-data"));
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &anns));
        assert_int_equal(anns.count, 2);
        assert_string_equal(anns.names[0], JOB);
        assert_string_equal(anns.names[1], "anns-data");
        assert_ok(ctx, bucket_each_newest(ctx, 10, take_name, &newest));
        assert_int_equal(newest.count, 2);
        act_as(ctx, "bob", "job.view.own");
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &bobs));
        assert_ok(ctx, bucket_each_newest(ctx, 10, take_name, &bobs));
        assert_int_equal(bobs.count, 0);
        act_as(ctx, "bob", "job.view.all");
        assert_ok(ctx, bucket_each(ctx, &range, take_name, &all));
        assert_int_equal(all.count, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_STORAGE_TEST(a_bucket_is_made_once_and_found),
                FIXTURE_STORAGE_TEST(names_follow_the_rules_of_s3),
                FIXTURE_STORAGE_TEST(only_an_empty_bucket_can_be_deleted),
                FIXTURE_STORAGE_TEST(the_bucket_of_a_job_cannot_be_deleted),
                FIXTURE_STORAGE_TEST(a_job_makes_no_bucket),
                FIXTURE_STORAGE_TEST(making_and_deleting_are_written_down),
                FIXTURE_STORAGE_TEST(all_that_make_it_at_once_have_it),
                FIXTURE_STORAGE_TEST(buckets_are_listed_by_name_page_by_page),
                FIXTURE_STORAGE_TEST(a_job_sees_its_own_only),
                FIXTURE_STORAGE_TEST(the_bucket_of_a_job_is_its_owners),
                FIXTURE_STORAGE_TEST(strangers_are_told_that_there_is_no_bucket),
                FIXTURE_STORAGE_TEST(who_sees_all_jobs_reads_all_buckets),
                FIXTURE_STORAGE_TEST(a_bucket_that_was_made_is_its_makers),
                FIXTURE_STORAGE_TEST(a_job_has_its_own_bucket_only),
                FIXTURE_STORAGE_TEST(one_sees_the_buckets_that_one_may_read),
        };

        return FIXTURE_RUN("buckets", tests);
}

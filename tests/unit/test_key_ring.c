#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cloud/secrets/key_ring.h"
#include "core/cloud/secrets/seal.h"
#include "tests/fixture_db.h"

static mode_t mode_of(struct ctx *ctx, const char *name)
{
        struct stat st;

        assert_int_equal(stat(fixture_path(ctx, name), &st), 0);
        return st.st_mode & 07777;
}

static bool take_key(struct ctx *ctx, unsigned index, void *arg)
{
        struct master_key *keys = arg;

        return key_ring_sealing(ctx, &keys[index]) == OK;
}

/* What a process that starts now has read: nothing. */
static void start_anew(struct ctx *ctx)
{
        key_ring_free(TAKE(ctx->cloud->keys));
        assert_ok(ctx, key_ring_new(ctx, &ctx->cloud->keys));
}

static void the_master_key_is_made_once(void **state)
{
        struct ctx *ctx = *state;
        struct master_key keys[8] = { 0 }, zero = { 0 };

        fixture_threads(ctx, 8, take_key, keys);
        for (unsigned i = 1; i < 8; i++)
                assert_memory_equal(&keys[i], &keys[0], sizeof(keys[0]));
        assert_memory_not_equal(&keys[0], &zero, sizeof(zero));
        assert_int_equal(mode_of(ctx, "credential.key"), 0600);
        start_anew(ctx);
        assert_ok(ctx, key_ring_sealing(ctx, &keys[1]));
        assert_memory_equal(&keys[1], &keys[0], sizeof(keys[0]));
        assert_int_equal(unlink(fixture_path(ctx, "credential.key")), 0);
        assert_ok(ctx, key_ring_sealing(ctx, &keys[1]));
        assert_memory_equal(&keys[1], &keys[0], sizeof(keys[0]));
        start_anew(ctx);
        assert_ok(ctx, key_ring_sealing(ctx, &keys[1]));
        assert_memory_not_equal(&keys[1], &keys[0], sizeof(keys[0]));
}

static void a_master_key_file_that_is_unsafe_or_short_is_refused(void **state)
{
        static const struct {
                const char *text;
                mode_t mode;
        } cases[] = {
                { "0123456789abcdef0123456789abcdef", 0644 },
                { "0123456789abcdef0123456789abcde", 0600 },
                { "", 0600 },
                { "0123456789abcdef                      \n", 0600 },
        };
        struct ctx *ctx = *state;
        struct master_key key;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *path = fixture_write(ctx, "credential.key", cases[i].text);

                assert_int_equal(chmod(path, cases[i].mode), 0);
                assert_rc(ctx, ERR_UNAVAILABLE, key_ring_sealing(ctx, &key));
                assert_string_equal(fixture_read(ctx, "credential.key"), cases[i].text);
        }
}

static void a_line_end_in_the_key_file_does_not_change_the_key(void **state)
{
        struct ctx *ctx = *state;
        struct master_key bare, edited;

        fixture_write(ctx, "credential.key", "0123456789abcdef0123456789abcdef");
        assert_int_equal(chmod(fixture_path(ctx, "credential.key"), 0600), 0);
        assert_ok(ctx, key_ring_sealing(ctx, &bare));
        fixture_write(ctx, "credential.key", "0123456789abcdef0123456789abcdef\r\n");
        start_anew(ctx);
        assert_ok(ctx, key_ring_sealing(ctx, &edited));
        assert_memory_equal(&bare, &edited, sizeof(bare));
}

/* Files of before there could be several keys go on to work, and texts say the same key. */
static void the_key_of_a_text_and_its_id_are_what_they_always_were(void **state)
{
        static const char sealed[] = "v1.";
        struct ctx *ctx = *state;
        struct master_key key;
        unsigned char hash[SHA256_SIZE];
        char id[KEY_ID_SIZE];

        fixture_write(ctx, "credential.key", "0123456789abcdef0123456789abcdef\n");
        assert_int_equal(chmod(fixture_path(ctx, "credential.key"), 0600), 0);
        start_anew(ctx);
        assert_ok(ctx, key_ring_sealing(ctx, &key));
        assert_true(crypto_sha256("0123456789abcdef0123456789abcdef", 32, hash));
        assert_memory_equal(key.bytes, hash, MASTER_KEY_SIZE);
        assert_true(crypto_hmac_sha256(key.bytes, MASTER_KEY_SIZE, "key id", 6, hash));
        crypto_hex(hash, 4, id);
        assert_string_equal(key.id, id);
        assert_false(seal_key_id(sealed, id));
}

static void write_ring(struct ctx *ctx, struct key_list *list)
{
        char *text;

        assert_ok(ctx, key_file_print(ctx, list, &text));
        fixture_write(ctx, "credential.key", text);
        assert_int_equal(chmod(fixture_path(ctx, "credential.key"), 0600), 0);
}

/* As after a rotation on another host: the file is replaced while this process goes on. */
static void a_new_file_is_noticed_and_old_texts_still_open(void **state)
{
        struct ctx *ctx = *state;
        struct key_list list;
        struct secret plain;
        const char *old, *new;
        char id[KEY_ID_SIZE];

        assert_ok(ctx, seal_text(ctx, "a/b", (struct secret){ "old", 3 }, &old));
        assert_ok(ctx, key_ring_read(ctx, &list));
        list.keys[1] = list.keys[0];
        list.keys[1].use = KEY_OPENS;
        assert_ok(ctx, key_file_make(ctx, &list.keys[0].key));
        list.count = 2;
        write_ring(ctx, &list);
        assert_ok(ctx, seal_text(ctx, "a/b", (struct secret){ "new", 3 }, &new));
        assert_true(seal_key_id(new, id));
        assert_string_equal(id, list.keys[0].key.id);
        assert_ok(ctx, seal_open(ctx, "a/b", old, &plain));
        assert_string_equal(plain.bytes, "old");
        assert_ok(ctx, seal_open(ctx, "a/b", new, &plain));
        assert_string_equal(plain.bytes, "new");
        list.count = 1;
        write_ring(ctx, &list);
        assert_rc(ctx, ERR_UNAVAILABLE, seal_open(ctx, "a/b", old, &plain));
        assert_non_null(strstr(ctx->detail, "credential.key has no key"));
}

static void a_file_of_keys_that_is_cut_or_changed_is_refused(void **state)
{
        static const char *const replaced[][2] = {
                { "end\n", "" },       { "seals", "opens" }, { "opens", "seals" },
                { "opens", "closes" }, { "Z ", "Z 0" },      { "T", "x" },
        };
        struct ctx *ctx = *state;
        struct key_list list = { .count = 2,
                                 .keys = { { .use = KEY_SEALS }, { .use = KEY_OPENS } } };
        struct key_list read;
        char *text;

        assert_ok(ctx, key_file_make(ctx, &list.keys[0].key));
        assert_ok(ctx, key_file_make(ctx, &list.keys[1].key));
        assert_ok(ctx, key_file_print(ctx, &list, &text));
        assert_ok(ctx, key_file_parse(ctx, "k", text, strlen(text), &read));
        assert_int_equal(read.count, 2);
        assert_memory_equal(&read.keys[1].key, &list.keys[1].key, sizeof(read.keys[1].key));
        for (size_t i = 0; i < ARRAY_SIZE(replaced); i++) {
                const char *at = strstr(text, replaced[i][0]);
                const char *bad = arena_printf(ctx->arena, "%.*s%s%s", (int)(at - text), text,
                                               replaced[i][1], at + strlen(replaced[i][0]));

                assert_rc(ctx, ERR_UNAVAILABLE, key_file_parse(ctx, "k", bad, strlen(bad), &read));
        }
        for (size_t len = 0; len < strlen(text) - strlen("end\n"); len++) {
                const char *cut = arena_strndup(ctx->arena, text, len);

                assert_rc(ctx, ERR_UNAVAILABLE, key_file_parse(ctx, "k", cut, len, &read));
        }
        list.keys[1].key = list.keys[0].key;
        assert_ok(ctx, key_file_print(ctx, &list, &text));
        assert_rc(ctx, ERR_UNAVAILABLE, key_file_parse(ctx, "k", text, strlen(text), &read));
}

/* Half of a file that is being copied in place. */
static void a_file_that_becomes_unusable_leaves_the_keys_as_they_were(void **state)
{
        struct ctx *ctx = *state;
        struct master_key before, after;

        assert_ok(ctx, key_ring_sealing(ctx, &before));
        fixture_write(ctx, "credential.key", "simpletuner-cloud-keys 1\nseals 0");
        assert_int_equal(chmod(fixture_path(ctx, "credential.key"), 0600), 0);
        assert_ok(ctx, key_ring_sealing(ctx, &after));
        assert_string_equal(before.id, after.id);
        start_anew(ctx);
        assert_rc(ctx, ERR_UNAVAILABLE, key_ring_sealing(ctx, &after));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_CLOUD_TEST(the_master_key_is_made_once),
                FIXTURE_CLOUD_TEST(a_master_key_file_that_is_unsafe_or_short_is_refused),
                FIXTURE_CLOUD_TEST(a_line_end_in_the_key_file_does_not_change_the_key),
                FIXTURE_CLOUD_TEST(the_key_of_a_text_and_its_id_are_what_they_always_were),
                FIXTURE_CLOUD_TEST(a_new_file_is_noticed_and_old_texts_still_open),
                FIXTURE_CLOUD_TEST(a_file_of_keys_that_is_cut_or_changed_is_refused),
                FIXTURE_CLOUD_TEST(a_file_that_becomes_unusable_leaves_the_keys_as_they_were),
        };

        return cmocka_run_group_tests_name("key_ring", tests, NULL, NULL);
}

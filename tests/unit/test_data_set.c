#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/data/data_set.h"
#include "tests/fixture_db.h"

/* The temporary directory has a data root "data" with the directories of a test. */
static const char *data(struct ctx *ctx, const char *below)
{
        const char *path =
                fixture_path(ctx, arena_printf(ctx->arena, "data%s%s", *below ? "/" : "", below));

        assert_non_null(path);
        return path;
}

static const char *make(struct ctx *ctx, const char *below)
{
        const char *path = data(ctx, below);
        char *copy = arena_strdup(ctx->arena, path);

        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                mkdir(copy, 0700);
                *slash = '/';
        }
        mkdir(copy, 0700);
        assert_int_equal(access(path, X_OK), 0);
        return path;
}

static void set_roots(struct ctx *ctx, const char *roots)
{
        static struct config config;

        config.data_roots = roots;
        ctx->config = &config;
}

static json_t *entries_of(struct ctx *ctx, const char *text)
{
        json_t *json = NULL;

        assert_ok(ctx, json_parse(ctx, "text", text, strlen(text), &json));
        assert_ok(ctx, json_keep(ctx, json));
        return json;
}

static const json_t *entries_at(struct ctx *ctx, const char *directory)
{
        return entries_of(ctx,
                          arena_printf(ctx->arena, "[{\"instance_data_dir\":\"%s\"}]", directory));
}

static struct data_sets found(struct ctx *ctx, const json_t *entries)
{
        struct data_sets sets = { 0 };

        assert_ok(ctx, data_sets_find(ctx, entries, &sets));
        return sets;
}

static void assert_refused(struct ctx *ctx, const char *directory, enum err expected)
{
        struct data_sets sets;

        assert_rc(ctx, expected, data_sets_find(ctx, entries_at(ctx, directory), &sets));
        assert_non_null(strstr(ctx->detail, "dataloader_config[0].instance_data_dir"));
}

static void only_entries_of_this_machine_are_data_sets(void **state)
{
        struct ctx *ctx = *state;
        static const char *const others[] = {
                "[]",
                "[{}]",
                "[{\"type\":\"local\"}]",
                "[{\"type\":\"aws\",\"instance_data_dir\":\"/etc\"}]",
                "[{\"type\":\"local\",\"instance_data_dir\":null}]",
                "[{\"type\":\"local\",\"instance_data_dir\":\"\"}]",
        };

        set_roots(ctx, make(ctx, ""));
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                assert_int_equal(found(ctx, entries_of(ctx, others[i])).count, 0);
        assert_int_equal(found(ctx, NULL).count, 0);
        assert_int_equal(found(ctx, entries_at(ctx, make(ctx, "a"))).count, 1);
}

static void an_entry_of_a_wrong_form_is_refused(void **state)
{
        struct ctx *ctx = *state;
        struct data_sets sets;
        static const char *const wrong[] = {
                "[7]",
                "[{\"instance_data_dir\":7}]",
                "[{\"type\":7,\"instance_data_dir\":\"/x\"}]",
                "[{\"type\":\"local\",\"instance_data_dir\":[]}]",
        };

        set_roots(ctx, make(ctx, ""));
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                assert_rc(ctx, ERR_INVALID, data_sets_find(ctx, entries_of(ctx, wrong[i]), &sets));
                assert_non_null(strstr(ctx->detail, "dataloader_config[0]"));
        }
}

static void a_directory_at_or_below_a_root_is_found(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set;

        set_roots(ctx, arena_printf(ctx->arena, ":/nowhere:%s/:", make(ctx, "")));
        set = found(ctx, entries_at(ctx, make(ctx, "deep/down/pictures"))).sets[0];
        assert_string_equal(set.below, "deep/down/pictures");
        assert_string_equal(set.name, "pictures");
        set = found(ctx, entries_at(ctx, data(ctx, ""))).sets[0];
        assert_string_equal(set.below, "");
        assert_string_equal(set.name, "data");
        set = found(ctx, entries_at(ctx, data(ctx, "deep//./down/"))).sets[0];
        assert_string_equal(set.below, "deep/down");
}

static void a_root_that_is_a_link_counts_as_what_it_leads_to(void **state)
{
        struct ctx *ctx = *state;
        const char *link = fixture_path(ctx, "link");

        make(ctx, "a");
        assert_int_equal(symlink("data", link), 0);
        set_roots(ctx, link);
        assert_string_equal(found(ctx, entries_at(ctx, data(ctx, "a"))).sets[0].below, "a");
        assert_string_equal(
                found(ctx, entries_at(ctx, arena_printf(ctx->arena, "%s/a", link))).sets[0].below,
                "a");
}

static void a_directory_elsewhere_is_denied(void **state)
{
        struct ctx *ctx = *state;

        set_roots(ctx, make(ctx, ""));
        assert_int_equal(mkdir(fixture_path(ctx, "data2"), 0700), 0);
        assert_int_equal(symlink("/etc", data(ctx, "out")), 0);
        assert_refused(ctx, "/etc", ERR_DENIED);
        assert_refused(ctx, "/", ERR_DENIED);
        assert_refused(ctx, "/not/there", ERR_DENIED);
        assert_refused(ctx, fixture_path(ctx, "data2"), ERR_DENIED);
        assert_refused(ctx, data(ctx, ".."), ERR_DENIED);
        assert_refused(ctx, data(ctx, "../data2"), ERR_DENIED);
        assert_refused(ctx, data(ctx, "../data3"), ERR_DENIED);
        assert_refused(ctx, data(ctx, "out"), ERR_DENIED);
        set_roots(ctx, "");
        assert_refused(ctx, data(ctx, ""), ERR_DENIED);
        set_roots(ctx, "data:relative");
        assert_refused(ctx, data(ctx, ""), ERR_DENIED);
}

static void what_is_no_directory_of_data_is_refused(void **state)
{
        static const char *const names[] = { ".git", ".env",   ".ssh",         ".gnupg",
                                             ".aws", ".azure", ".config",      "__pycache__",
                                             "venv", ".venv",  "node_modules", ".Git" };
        struct ctx *ctx = *state;

        set_roots(ctx, make(ctx, ""));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_refused(ctx, make(ctx, names[i]), ERR_DENIED);
                assert_refused(ctx, make(ctx, arena_printf(ctx->arena, "%s/below", names[i])),
                               ERR_DENIED);
        }
        assert_refused(ctx, data(ctx, "missing"), ERR_INVALID);
        assert_refused(ctx, fixture_write(ctx, "data/file", "x"), ERR_INVALID);
        assert_refused(ctx, "relative", ERR_INVALID);
        assert_refused(ctx, "~/data", ERR_INVALID);
}

static void every_directory_has_a_name_of_its_own(void **state)
{
        struct ctx *ctx = *state;
        static const char *const names[] = { "p", "p-2", "p-2-2", "p", "p-3" };
        struct data_sets sets;

        set_roots(ctx, make(ctx, ""));
        sets = found(ctx, entries_of(ctx, arena_printf(ctx->arena,
                                                       "[{\"instance_data_dir\":\"%s\"},"
                                                       "{\"instance_data_dir\":\"%s\"},"
                                                       "{\"instance_data_dir\":\"%s\"},"
                                                       "{\"instance_data_dir\":\"%s/\"},"
                                                       "{\"instance_data_dir\":\"%s\"}]",
                                                       make(ctx, "1/p"), make(ctx, "2/p"),
                                                       make(ctx, "1/p-2"), data(ctx, "1/p"),
                                                       make(ctx, "3/p"))));
        assert_int_equal(sets.count, ARRAY_SIZE(names));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_string_equal(sets.sets[i].name, names[i]);
                assert_int_equal(sets.sets[i].repeats, i == 3);
        }
}

static void the_provider_gets_names_instead_of_paths(void **state)
{
        struct ctx *ctx = *state;
        const json_t *renamed, *entries;
        struct data_sets sets;
        const char *text;

        set_roots(ctx, make(ctx, ""));
        entries = entries_of(ctx, arena_printf(ctx->arena,
                                               "[{\"id\":\"a\",\"type\":\"aws\"},"
                                               "{\"id\":\"b\",\"instance_data_dir\":\"%s\"}]",
                                               make(ctx, "p")));
        sets = found(ctx, entries);
        assert_ok(ctx, data_sets_rename(ctx, &sets, entries, &renamed));
        assert_ok(ctx, json_text(ctx, renamed, &text));
        assert_string_equal(text, "[{\"id\":\"a\",\"type\":\"aws\"},"
                                  "{\"id\":\"b\",\"instance_data_dir\":\"p\"}]");
        assert_string_equal(json_string_at(json_array_get(entries, 1), "instance_data_dir"),
                            data(ctx, "p"));
}

static void a_link_put_in_the_way_later_is_not_followed(void **state)
{
        struct ctx *ctx = *state;
        struct data_set set;
        int fd;

        set_roots(ctx, make(ctx, ""));
        set = found(ctx, entries_at(ctx, make(ctx, "a/b"))).sets[0];
        assert_int_equal(rmdir(data(ctx, "a/b")), 0);
        assert_int_equal(rmdir(data(ctx, "a")), 0);
        assert_int_equal(symlink("/", data(ctx, "a")), 0);
        assert_rc(ctx, ERR_INVALID, data_set_open(ctx, &set, &fd));
}

static void keys_and_hidden_files_are_skipped(void **state)
{
        static const char *const skipped[] = { ".a",    ".env",  "prod.env", "a.pem",
                                               "a.KEY", "a.crt", "a.p12",    "a.b.pfx" };
        static const char *const sent[] = { "a.png", "env", "key", "a.keys", "pem.txt", "a." };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(skipped); i++)
                assert_true(data_file_is_skipped(skipped[i]));
        for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
                assert_false(data_file_is_skipped(sent[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(only_entries_of_this_machine_are_data_sets),
                FIXTURE_TEST(an_entry_of_a_wrong_form_is_refused),
                FIXTURE_TEST(a_directory_at_or_below_a_root_is_found),
                FIXTURE_TEST(a_root_that_is_a_link_counts_as_what_it_leads_to),
                FIXTURE_TEST(a_directory_elsewhere_is_denied),
                FIXTURE_TEST(what_is_no_directory_of_data_is_refused),
                FIXTURE_TEST(every_directory_has_a_name_of_its_own),
                FIXTURE_TEST(the_provider_gets_names_instead_of_paths),
                FIXTURE_TEST(a_link_put_in_the_way_later_is_not_followed),
                FIXTURE_TEST(keys_and_hidden_files_are_skipped),
        };

        return cmocka_run_group_tests_name("data set", tests, NULL, NULL);
}

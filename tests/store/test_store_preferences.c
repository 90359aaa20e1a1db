#include "core/store/store_preferences.h"
#include "tests/fixture_db.h"

static void put(struct ctx *ctx, const char *name, const char *value)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };

        assert_ok(ctx, db_begin(ctx, &tx));
        assert_ok(ctx, store_preference_put(ctx, name, value));
        assert_ok(ctx, db_commit(&tx));
}

static const char *value_of(struct ctx *ctx, const char *name)
{
        const char *value = NULL;

        assert_ok(ctx, store_preference_get(ctx, name, &value));
        return value;
}

static void what_nobody_chose_is_not_there(void **state)
{
        const char *value = "untouched";

        assert_rc(*state, ERR_NOT_FOUND, store_preference_get(*state, "data_consent", &value));
        assert_string_equal(value, "untouched");
}

static void the_last_choice_counts(void **state)
{
        put(*state, "a", "one");
        put(*state, "b", "other");
        put(*state, "a", "two");
        assert_string_equal(value_of(*state, "a"), "two");
        assert_string_equal(value_of(*state, "b"), "other");
}

static void a_choice_is_taken_back(void **state)
{
        const char *value = NULL;

        put(*state, "a", "one");
        put(*state, "a", NULL);
        assert_rc(*state, ERR_NOT_FOUND, store_preference_get(*state, "a", &value));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_DB_TEST(what_nobody_chose_is_not_there),
                FIXTURE_DB_TEST(the_last_choice_counts),
                FIXTURE_DB_TEST(a_choice_is_taken_back),
        };

        return FIXTURE_RUN("store preferences", tests);
}

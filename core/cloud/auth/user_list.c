#include "core/cloud/auth/user.h"

/* A page of users, whose levels are then read at once. */
struct page {
        struct ctx *ctx;
        struct user_view *views;
        size_t count, max, at;
        enum err rc;
};

static enum err keep(struct ctx *ctx, struct user *row)
{
        const char **const texts[] = { &row->username, &row->email,  &row->display_name,
                                       &row->granted,  &row->denied, &row->auth_provider };
        enum err rc = OK;

        row->password_hash = NULL;
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(texts); i++)
                rc = ctx_strdup(ctx, *texts[i], texts[i]);
        return rc;
}

static void take_user(void *arg, const struct user *row)
{
        struct page *page = arg;
        struct user *user;

        if (page->rc != OK || page->count == page->max)
                return;
        user = &page->views[page->count].user;
        *user = *row;
        page->rc = keep(page->ctx, user);
        page->count++;
}

static enum err add_level(struct ctx *ctx, struct user_view *view, const struct level *row)
{
        struct level *level = arena_alloc(ctx->arena, sizeof(*level));
        const struct level **end = &view->levels;
        enum err rc;

        if (!level)
                return ctx_nomem(ctx);
        *level = *row;
        rc = ctx_strdup(ctx, row->name, &level->name);
        if (rc == OK)
                rc = ctx_strdup(ctx, row->description, &level->description);
        if (rc == OK)
                rc = ctx_strdup(ctx, row->permissions, &level->permissions);
        while (*end)
                end = (const struct level **)&(*end)->next;
        *end = level;
        return rc;
}

/* Both come sorted by user. */
static void take_level(void *arg, int64_t user_id, const struct level *row)
{
        struct page *page = arg;

        while (page->at < page->count && page->views[page->at].user.user_id < user_id)
                page->at++;
        if (page->rc == OK && page->at < page->count &&
            page->views[page->at].user.user_id == user_id)
                page->rc = add_level(page->ctx, &page->views[page->at], row);
}

static enum err load(struct page *page, const struct user_filter *filter)
{
        const struct user_page rows = { filter->offset, filter->limit, filter->include_inactive };
        struct ctx *ctx = page->ctx;
        enum err rc = store_users_each(ctx, &rows, take_user, page);

        if (rc == OK)
                rc = page->rc;
        if (rc == OK && page->count > 0)
                rc = store_user_levels_each(ctx, page->views[0].user.user_id,
                                            page->views[page->count - 1].user.user_id, take_level,
                                            page);
        if (rc == OK)
                rc = page->rc;
        for (size_t i = 0; rc == OK && i < page->count; i++) {
                struct user_view *view = &page->views[i];

                if (view->user.is_active)
                        rc = user_rights(ctx, &view->user, view->levels, &view->rights);
        }
        return rc;
}

enum err user_count(struct ctx *ctx, int64_t *ret)
{
        return store_users_count(ctx, ret);
}

enum err user_list(struct ctx *ctx, const struct user_filter *filter, user_view_fn *row, void *arg,
                   int64_t *ret_total)
{
        struct page page = { .ctx = ctx, .max = (size_t)filter->limit };
        enum err rc;

        page.views = arena_alloc(ctx->arena, page.max * sizeof(*page.views));
        if (!page.views)
                return ctx_nomem(ctx);
        rc = load(&page, filter);
        if (rc == OK)
                rc = filter->include_inactive ? store_users_count(ctx, ret_total)
                                              : store_users_count_active(ctx, ret_total);
        for (size_t i = 0; rc == OK && i < page.count; i++)
                row(arg, &page.views[i]);
        return rc;
}

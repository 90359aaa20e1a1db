#include "core/cloud/storage/storage_usage.h"

#include "core/store/store_objects.h"

#define PAGE 500

struct page {
        struct ctx *ctx;
        struct bucket *rows;
        unsigned count;
        enum err rc;
};

static void keep(void *arg, const struct bucket *bucket)
{
        struct page *page = arg;
        struct bucket *kept = page->rows + page->count++;

        *kept = *bucket;
        if (page->rc == OK)
                page->rc = ctx_strdup(page->ctx, bucket->bucket, &kept->bucket);
        if (page->rc == OK)
                page->rc = ctx_strdup(page->ctx, bucket->directory, &kept->directory);
        if (page->rc == OK)
                page->rc = ctx_strdup(page->ctx, bucket->owner, &kept->owner);
}

static enum err add_page(struct page *page, bucket_usage_fn *row, void *arg,
                         struct storage_usage *usage)
{
        for (unsigned i = 0; i < page->count; i++) {
                const struct bucket *bucket = page->rows + i;
                struct uploads_in_flight flight;
                enum err rc = store_uploads_in_flight(page->ctx, bucket->bucket, &flight);

                if (rc != OK)
                        return rc;
                row(arg, bucket, flight.part_bytes);
                usage->buckets++;
                usage->files += bucket->files;
                usage->bytes += bucket->bytes;
                usage->part_bytes += flight.part_bytes;
        }
        return OK;
}

enum err storage_usage(struct ctx *ctx, bucket_usage_fn *row, void *arg, struct storage_usage *ret)
{
        struct bucket_range range = { .after = "", .prefix = "", .limit = PAGE };
        struct page page = { .ctx = ctx, .count = PAGE };
        struct storage_usage usage = { .buckets = 0 };
        enum err rc = OK;

        page.rows = arena_alloc(ctx->arena, PAGE * sizeof(*page.rows));
        if (!page.rows)
                return ctx_nomem(ctx);
        while (rc == OK && page.count == PAGE) {
                page.count = 0;
                rc = store_buckets_by_name(ctx, &range, keep, &page);
                if (rc == OK)
                        rc = page.rc;
                if (rc == OK)
                        rc = add_page(&page, row, arg, &usage);
                if (page.count > 0)
                        range.after = page.rows[page.count - 1].bucket;
        }
        if (rc == OK)
                *ret = usage;
        return rc;
}

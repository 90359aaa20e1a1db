#include "core/db/salvage_walk.h"

#include <stdlib.h>

#define DEPTH_MAX 40

static void free_bytes(unsigned char *bytes)
{
        free(bytes);
}
DEFINE_CLEANUP(unsigned char *, free_bytes)

enum err salvage_walk_init(struct ctx *ctx, struct salvage_source *source, salvage_row_fn *row,
                           void *arg, struct salvage_walk *ret)
{
        *ret = (struct salvage_walk){ .source = source, .row = row, .arg = arg };
        ret->fields = calloc(SQLITE_FIELDS_MAX, sizeof(*ret->fields));
        return ret->fields ? OK : ctx_nomem(ctx);
}

void salvage_walk_done(struct salvage_walk *walk)
{
        free(walk->fields);
        walk->fields = NULL;
}

/* ERR_CONFLICT: the row is damaged. The payload must live as long as the fields are used. */
static enum err read_row(struct salvage_walk *walk, const struct sqlite_page *page, uint32_t n,
                         struct salvage_row *ret, unsigned char **ret_payload)
{
        struct sqlite_cell cell;

        *ret = (struct salvage_row){ .page = page->number, .fields = walk->fields };
        if (!sqlite_page_cell(page, n, &cell))
                return ERR_CONFLICT;
        *ret_payload = salvage_payload(walk->source, &cell);
        ret->rowid = cell.rowid;
        if (!*ret_payload ||
            !sqlite_record_parse(*ret_payload, cell.payload, walk->fields, &ret->count))
                return ERR_CONFLICT;
        return OK;
}

static enum err walk_leaf(struct ctx *ctx, struct salvage_walk *walk,
                          const struct sqlite_page *page)
{
        enum err rc = OK;

        for (uint32_t n = 0; rc == OK && n < page->cells; n++) {
                CLEANUP(free_bytesp) unsigned char *payload = NULL;
                struct salvage_row row;

                walk->entries++;
                if (!walk->row)
                        continue;
                if (read_row(walk, page, n, &row, &payload) == OK)
                        rc = walk->row(ctx, walk->arg, &row);
                else
                        walk->bad_rows++;
        }
        return rc;
}

static enum err walk_page(struct ctx *ctx, struct salvage_walk *walk, uint32_t number,
                          unsigned depth);

static enum err walk_children(struct ctx *ctx, struct salvage_walk *walk,
                              const struct sqlite_page *page, unsigned depth)
{
        struct sqlite_cell cell;
        enum err rc = OK;

        for (uint32_t n = 0; rc == OK && n < page->cells; n++) {
                if (!sqlite_page_cell(page, n, &cell)) {
                        walk->bad_pages++;
                        continue;
                }
                walk->entries += page->kind == SQLITE_PAGE_INDEX_INTERIOR;
                rc = walk_page(ctx, walk, cell.child, depth + 1);
        }
        return rc == OK ? walk_page(ctx, walk, page->right, depth + 1) : rc;
}

static enum err walk_page(struct ctx *ctx, struct salvage_walk *walk, uint32_t number,
                          unsigned depth)
{
        struct salvage_source *source = walk->source;
        CLEANUP(free_bytesp) unsigned char *bytes = malloc(source->page_size);
        struct sqlite_page page;
        bool is_table;

        if (!bytes)
                return ctx_nomem(ctx);
        if (depth > DEPTH_MAX || !salvage_read(source, number, bytes) ||
            source->marks[number] == SALVAGE_SEEN ||
            !sqlite_page_parse(bytes, number, source->usable, &page)) {
                walk->bad_pages++;
                return OK;
        }
        is_table = page.kind == SQLITE_PAGE_TABLE_LEAF || page.kind == SQLITE_PAGE_TABLE_INTERIOR;
        if (is_table != (walk->row != NULL)) {
                walk->bad_pages++;
                return OK;
        }
        source->marks[number] = SALVAGE_SEEN;
        if (page.kind == SQLITE_PAGE_TABLE_LEAF || page.kind == SQLITE_PAGE_INDEX_LEAF)
                return walk_leaf(ctx, walk, &page);
        return walk_children(ctx, walk, &page, depth);
}

enum err salvage_walk_tree(struct ctx *ctx, struct salvage_walk *walk, uint32_t root)
{
        return walk_page(ctx, walk, root, 0);
}

/* ---- orphans ---- */

static bool is_acceptable(struct salvage_walk *walk, const struct sqlite_page *page,
                          salvage_accept_fn *accept)
{
        for (uint32_t n = 0; n < page->cells; n++) {
                struct sqlite_cell cell;
                struct salvage_row row = { .page = page->number, .fields = walk->fields };

                if (!sqlite_page_cell(page, n, &cell))
                        return false;
                /* What lies on other pages is not looked at yet: that would mark them. */
                if (!(cell.overflow ? sqlite_record_begin : sqlite_record_parse)(
                            cell.local, cell.local_len, walk->fields, &row.count) ||
                    (accept && !accept(&row)))
                        return false;
        }
        return page->cells > 0;
}

enum err salvage_walk_orphans(struct ctx *ctx, struct salvage_walk *walk, salvage_accept_fn *accept)
{
        struct salvage_source *source = walk->source;
        CLEANUP(free_bytesp) unsigned char *bytes = malloc(source->page_size);
        enum err rc = bytes ? OK : ctx_nomem(ctx);

        for (uint32_t number = 1; rc == OK && number <= source->pages; number++) {
                struct sqlite_page page;

                if (source->marks[number] == SALVAGE_SEEN || !salvage_read(source, number, bytes) ||
                    !sqlite_page_parse(bytes, number, source->usable, &page) ||
                    page.kind != SQLITE_PAGE_TABLE_LEAF || !is_acceptable(walk, &page, accept))
                        continue;
                source->marks[number] = SALVAGE_SEEN;
                rc = walk_leaf(ctx, walk, &page);
        }
        return rc;
}

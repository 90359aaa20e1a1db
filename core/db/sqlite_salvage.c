#include "core/db/sqlite_salvage.h"

#include <stdlib.h>
#include <string.h>

#include "core/db/salvage_out.h"

#define SCHEMA_ROOT   1
#define SCHEMA_FIELDS 5 /* type, name, tbl_name, rootpage, sql */

/* A row of sqlite_schema. */
struct object {
        struct object *next;
        const char *type, *name, *table, *sql;
        uint32_t root;
};

struct salvage {
        struct salvage_source source;
        struct salvage_out *out;
        struct object *objects;
        struct sqlite_salvage report;
};

/* A table, while its rows are put into the new file. */
struct filling {
        struct salvage *salvage;
        struct sqlite_salvage_table *table;
        struct salvage_target *target;
};

static void salvage_done(struct salvage *salvage)
{
        salvage_source_close(&salvage->source);
        salvage_out_free(salvage->out);
}

/* ---- the schema ---- */

static bool is_word(const struct sqlite_field *field, const char *word)
{
        return field->type == SQLITE_FIELD_TEXT && field->len == strlen(word) &&
               memcmp(field->bytes, word, field->len) == 0;
}

static bool is_schema_row(const struct salvage_row *row)
{
        static const char *const types[] = { "table", "index", "trigger", "view" };

        /* The text of a long one may go on elsewhere. */
        if (row->count != SCHEMA_FIELDS && row->count != SCHEMA_FIELDS - 1)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                if (is_word(&row->fields[0], types[i]))
                        return row->fields[1].type == SQLITE_FIELD_TEXT &&
                               row->fields[2].type == SQLITE_FIELD_TEXT &&
                               row->fields[3].type == SQLITE_FIELD_INT;
        }
        return false;
}

static const char *copy_text(struct ctx *ctx, const struct sqlite_field *field)
{
        if (field->type != SQLITE_FIELD_TEXT || memchr(field->bytes, '\0', field->len))
                return "";
        return arena_strndup(ctx->arena, (const char *)field->bytes, field->len);
}

static enum err take_object(struct ctx *ctx, void *arg, const struct salvage_row *row)
{
        struct salvage *salvage = arg;
        struct object *object;

        if (row->count != SCHEMA_FIELDS || !is_schema_row(row))
                return OK;
        object = arena_alloc(ctx->arena, sizeof(*object));
        if (!object)
                return ctx_nomem(ctx);
        object->type = copy_text(ctx, &row->fields[0]);
        object->name = copy_text(ctx, &row->fields[1]);
        object->table = copy_text(ctx, &row->fields[2]);
        object->root = (uint32_t)row->fields[3].integer;
        object->sql = copy_text(ctx, &row->fields[4]);
        if (!object->type || !object->name || !object->table || !object->sql)
                return ctx_nomem(ctx);
        object->next = salvage->objects;
        salvage->objects = object;
        return OK;
}

static enum err read_schema(struct ctx *ctx, struct salvage *salvage)
{
        CLEANUP(salvage_walk_done) struct salvage_walk walk = { 0 };
        enum err rc = salvage_walk_init(ctx, &salvage->source, take_object, salvage, &walk);

        if (rc == OK)
                rc = salvage_walk_tree(ctx, &walk, SCHEMA_ROOT);
        if (rc == OK && walk.bad_pages > 0)
                rc = salvage_walk_orphans(ctx, &walk, is_schema_row);
        return rc;
}

static bool is_own_table(const struct object *object)
{
        return strcmp(object->type, "table") == 0 && strncmp(object->name, "sqlite_", 7) != 0;
}

static bool is_known(const struct salvage *salvage, const struct object *object)
{
        for (const struct object *o = salvage->objects; o; o = o->next) {
                if (strcmp(o->type, object->type) == 0 && strcmp(o->name, object->name) == 0)
                        return true;
        }
        return false;
}

/* What the sample has and the damaged file has not: where its rows are is not known. */
static enum err complete_schema(struct ctx *ctx, struct salvage *salvage, const char *sample)
{
        CLEANUP(salvage_done)
        struct salvage other = { .source = { .fd = -1, .log_fd = -1 } };
        enum err rc = salvage_source_open(ctx, sample, &other.source);

        if (rc == OK)
                rc = read_schema(ctx, &other);
        for (struct object *o = other.objects, *next; rc == OK && o; o = next) {
                next = o->next;
                if (is_known(salvage, o))
                        continue;
                o->root = 0;
                o->next = salvage->objects;
                salvage->objects = o;
        }
        return rc;
}

/* ---- rows ---- */

static enum err keep_stray(struct ctx *ctx, struct salvage *salvage, const struct salvage_row *row)
{
        salvage->report.stray_rows++;
        return salvage_out_stray(ctx, salvage->out, row);
}

static enum err take_row(struct ctx *ctx, void *arg, const struct salvage_row *row)
{
        struct filling *filling = arg;
        enum err rc = salvage_target_add(ctx, filling->target, row);

        if (rc == ERR_CONFLICT)
                return keep_stray(ctx, filling->salvage, row);
        filling->table->rows += rc == OK;
        return rc;
}

/* Entries of an index of all rows: how many there were. -1: it cannot be told. */
static enum err count_index(struct ctx *ctx, struct salvage *salvage, const struct object *index,
                            int64_t *ret)
{
        CLEANUP(salvage_walk_done) struct salvage_walk walk = { 0 };
        enum err rc = salvage_walk_init(ctx, &salvage->source, NULL, NULL, &walk);

        if (rc == OK)
                rc = salvage_walk_tree(ctx, &walk, index->root);
        *ret = walk.bad_pages == 0 ? walk.entries : -1;
        return rc;
}

static bool is_partial(const char *sql)
{
        return strstr(sql, " WHERE ") || strstr(sql, " where ") || strstr(sql, "\nWHERE ");
}

static enum err count_expected(struct ctx *ctx, struct salvage *salvage, const char *table,
                               int64_t *ret)
{
        enum err rc = OK;

        *ret = -1;
        for (const struct object *o = salvage->objects; rc == OK && o; o = o->next) {
                int64_t entries;

                if (strcmp(o->type, "index") != 0 || strcmp(o->table, table) != 0 || o->root == 0)
                        continue;
                rc = count_index(ctx, salvage, o, &entries);
                if (rc == OK && !is_partial(o->sql) && entries > *ret)
                        *ret = entries;
        }
        return rc;
}

/* Make the table, and fill it with what its tree leads to. */
static enum err fill_table(struct ctx *ctx, struct salvage *salvage, const struct object *object,
                           struct filling *ret)
{
        CLEANUP(salvage_walk_done) struct salvage_walk walk = { 0 };
        struct sqlite_salvage_table *table = ret->table;
        int64_t expected;
        enum err rc;

        rc = salvage_target_new(ctx, salvage->out, object->name, &ret->target, &table->columns);
        if (rc == OK && table->is_new) {
                table->lost = -1;
                return OK;
        }
        if (rc == OK)
                rc = salvage_walk_init(ctx, &salvage->source, take_row, ret, &walk);
        if (rc == OK)
                rc = salvage_walk_tree(ctx, &walk, object->root);
        if (rc == OK)
                rc = count_expected(ctx, salvage, object->name, &expected);
        if (rc != OK)
                return rc;
        table->bad_pages = walk.bad_pages;
        table->lost = expected; /* what is there is taken off at the end */
        if (expected < 0 && walk.bad_pages == 0)
                table->lost = table->rows + walk.bad_rows;
        return OK;
}

static struct sqlite_salvage_table **place_of(struct sqlite_salvage_table **list, const char *name)
{
        while (*list && strcmp((*list)->name, name) < 0)
                list = &(*list)->next;
        return list;
}

static void note_not_made(struct ctx *ctx, struct salvage *salvage, const struct object *object)
{
        if (salvage->report.not_made++ == 0)
                salvage->report.first_not_made =
                        arena_printf(ctx->arena, "%s %s: %s", object->type, object->name,
                                     salvage_out_message(salvage->out));
}

static enum err fill_tables(struct ctx *ctx, struct salvage *salvage, struct filling *fillings,
                            size_t *ret_count)
{
        enum err rc = OK;

        *ret_count = 0;
        for (const struct object *o = salvage->objects; rc == OK && o; o = o->next) {
                struct sqlite_salvage_table *table, **place;

                if (!is_own_table(o))
                        continue;
                if (!salvage_out_make(salvage->out, o->sql)) {
                        note_not_made(ctx, salvage, o);
                        continue;
                }
                table = arena_alloc(ctx->arena, sizeof(*table));
                if (!table)
                        return ctx_nomem(ctx);
                place = place_of(&salvage->report.tables, o->name);
                *table = (struct sqlite_salvage_table){
                        .next = *place, .name = o->name, .root = o->root, .is_new = o->root == 0
                };
                *place = table;
                fillings[*ret_count] = (struct filling){ .salvage = salvage, .table = table };
                rc = fill_table(ctx, salvage, o, &fillings[*ret_count]);
                ++*ret_count;
        }
        return rc;
}

/* ---- what no tree leads to ---- */

struct adoption {
        struct salvage *salvage;
        struct filling *fillings;
        size_t count;
};

/* It is of the one table that has lost pages and takes such rows; where there are two it could be
 * of, it is of none. */
static struct filling *parent_of(const struct adoption *adoption, const struct salvage_row *row)
{
        struct filling *found = NULL;

        for (size_t i = 0; i < adoption->count; i++) {
                struct filling *one = &adoption->fillings[i];

                if ((one->table->bad_pages == 0 && !one->table->is_new) ||
                    one->table->columns != row->count)
                        continue;
                if (found)
                        return NULL;
                found = one;
        }
        return found;
}

static enum err adopt(struct ctx *ctx, void *arg, const struct salvage_row *row)
{
        struct adoption *adoption = arg;
        struct filling *filling = parent_of(adoption, row);
        enum err rc;

        if (!filling)
                return keep_stray(ctx, adoption->salvage, row);
        rc = salvage_target_add(ctx, filling->target, row);
        if (rc == ERR_CONFLICT)
                return keep_stray(ctx, adoption->salvage, row);
        filling->table->rows += rc == OK;
        filling->table->found += rc == OK;
        return rc;
}

static enum err adopt_orphans(struct ctx *ctx, struct salvage *salvage, struct filling *fillings,
                              size_t count)
{
        CLEANUP(salvage_walk_done) struct salvage_walk walk = { 0 };
        struct adoption adoption = { salvage, fillings, count };
        enum err rc = salvage_walk_init(ctx, &salvage->source, adopt, &adoption, &walk);

        salvage_mark_free(&salvage->source);
        return rc == OK ? salvage_walk_orphans(ctx, &walk, NULL) : rc;
}

/* ---- all of it ---- */

/* Indexes and the like, which go by the rows that are there. */
static void make_others(struct ctx *ctx, struct salvage *salvage)
{
        for (const struct object *o = salvage->objects; o; o = o->next) {
                if (strcmp(o->type, "table") == 0 || !*o->sql)
                        continue;
                if (!salvage_out_make(salvage->out, o->sql))
                        note_not_made(ctx, salvage, o);
        }
}

static void set_losses(struct sqlite_salvage_table *table)
{
        for (; table; table = table->next) {
                if (table->lost >= 0)
                        table->lost = table->lost > table->rows ? table->lost - table->rows : 0;
        }
}

static bool has_any(const struct salvage *salvage)
{
        for (const struct sqlite_salvage_table *t = salvage->report.tables; t; t = t->next) {
                if (!t->is_new || t->rows > 0)
                        return true;
        }
        return false;
}

static enum err fill(struct ctx *ctx, struct salvage *salvage)
{
        struct filling *fillings;
        size_t count = 1;
        enum err rc;

        for (const struct object *o = salvage->objects; o; o = o->next)
                count++;
        fillings = arena_alloc(ctx->arena, count * sizeof(*fillings));
        if (!fillings)
                return ctx_nomem(ctx);
        rc = fill_tables(ctx, salvage, fillings, &count);
        if (rc == OK)
                rc = adopt_orphans(ctx, salvage, fillings, count);
        if (rc != OK)
                return rc;
        make_others(ctx, salvage);
        set_losses(salvage->report.tables);
        if (!has_any(salvage))
                return ctx_fail(ctx, ERR_CONFLICT, "no table can be found in the file");
        return salvage_out_end(ctx, salvage->out);
}

enum err sqlite_salvage(struct ctx *ctx, const struct sqlite_salvage_paths *paths,
                        struct sqlite_salvage *ret)
{
        CLEANUP(salvage_done)
        struct salvage salvage = { .source = { .fd = -1, .log_fd = -1 } };
        struct salvage_source *source = &salvage.source;
        enum err rc = salvage_source_open(ctx, paths->from, source);

        if (rc == OK)
                rc = salvage_out_open(ctx, paths->to, paths->strays, source->page_size,
                                      &salvage.out);
        if (rc == OK)
                rc = read_schema(ctx, &salvage);
        if (rc == OK && paths->sample)
                rc = complete_schema(ctx, &salvage, paths->sample);
        if (rc == OK)
                rc = fill(ctx, &salvage);
        if (rc != OK)
                return rc;
        salvage.report.page_size = source->page_size;
        salvage.report.pages = source->pages;
        salvage.report.has_header = source->has_header;
        salvage.report.log_pages = source->log_pages;
        for (uint32_t n = source->file_pages + 1; n <= source->pages; n++)
                salvage.report.missing_pages += source->log_at[n] == 0;
        *ret = salvage.report;
        return OK;
}

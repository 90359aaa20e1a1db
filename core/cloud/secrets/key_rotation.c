#include "core/cloud/secrets/key_rotation.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/json.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/cloud.h"
#include "core/cloud/secrets/key_ring.h"
#include "core/cloud/secrets/seal.h"
#include "core/db/db.h"
#include "core/store/store_sealed.h"

#define BATCH 50

/* ---- the file ---- */

static enum err note(struct ctx *ctx, const char *key_id, const char *step, const char *action)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:s, s:s}", "key", key_id, "step", step);
        const struct audit_entry entry = {
                .event_type = "key.rotated",
                .target_type = "key",
                .target_id = key_id,
                .action = action,
                .details = details,
        };

        return details ? audit_add(ctx, &entry) : ctx_nomem(ctx);
}

/* The index of the key that was prepared, count when there is none. */
static size_t find_next(const struct key_list *list)
{
        size_t i = 0;

        while (i < list->count && list->keys[i].use != KEY_NEXT)
                i++;
        return i;
}

static enum err add_next(struct ctx *ctx, struct key_list *list, void *arg)
{
        struct kept_key *kept = &list->keys[list->count];
        enum err rc;

        (void)arg;
        if (find_next(list) < list->count)
                return OK;
        if (list->count == KEYS_MAX)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "there are %d keys already: run \"secret rotate-key --retire\"",
                                KEYS_MAX);
        kept->use = KEY_NEXT;
        kept->since_us = clock_wall_us(ctx->clock);
        rc = key_file_make(ctx, &kept->key);
        list->count += rc == OK;
        return rc == OK ? note(ctx, kept->key.id, "prepared", "Made a key to seal with later") : rc;
}

/* The key that was prepared comes first, and the one that was first after it. */
static enum err seal_with_next(struct ctx *ctx, struct key_list *list, void *arg)
{
        const size_t index = find_next(list);
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct kept_key next;

        (void)arg;
        if (index == list->count)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "no key is prepared: run \"secret rotate-key --prepare\" first");
        next = list->keys[index];
        memmove(&list->keys[1], &list->keys[0], index * sizeof(list->keys[0]));
        list->keys[0] = next;
        secret_wipe(&next, sizeof(next));
        list->keys[0].use = KEY_SEALS;
        list->keys[1].use = KEY_OPENS;
        list->keys[0].since_us = list->keys[1].since_us = now_us;
        return note(ctx, list->keys[0].key.id, "activated", "Changed the key of secrets");
}

static enum err begin(struct ctx *ctx, struct key_list *list, void *arg)
{
        enum err rc;

        if (find_next(list) < list->count)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "a key is prepared: when all hosts have the file, run \"secret "
                                "rotate-key --activate\"");
        if (list->count > 1)
                return OK;
        rc = add_next(ctx, list, arg);
        return rc == OK ? seal_with_next(ctx, list, arg) : rc;
}

/* The entry is in the log when the file has changed: a crash in between leaves an entry or none of
 * what was not done, never a change without one that a second try would not write. */
static enum err change(struct ctx *ctx, key_change_fn *fn, void *arg)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = key_ring_change(ctx, fn, arg);
        FAULT_POINT("rotate.file");
        return rc == OK ? db_commit(&tx) : rc;
}

enum err key_rotation_prepare(struct ctx *ctx)
{
        return change(ctx, add_next, NULL);
}

enum err key_rotation_activate(struct ctx *ctx)
{
        return change(ctx, seal_with_next, NULL);
}

/* Other hosts could not read what this one seals with a key that they do not have. */
static enum err check_hosts(struct ctx *ctx)
{
        struct key_list list;
        enum err rc;

        if (strcmp(database_kind(ctx->cloud->database), "sqlite") == 0)
                return OK;
        rc = key_ring_read(ctx, &list);
        if (rc != OK)
                return rc;
        secret_wipe(list.keys, sizeof(list.keys));
        if (list.count > 1)
                return OK;
        return ctx_fail(
                ctx, ERR_CONFLICT,
                "other hosts may use this database, and would lack the new key: run \"secret "
                "rotate-key --prepare\" and copy credential.key to them first, or say "
                "--one-host");
}

enum err key_rotation_begin(struct ctx *ctx, bool is_one_host)
{
        enum err rc = is_one_host ? OK : check_hosts(ctx);

        return rc == OK ? change(ctx, begin, NULL) : rc;
}

/* ---- the rows ---- */

/* What the text of a row is sealed for. NULL: out of memory. */
static const char *place_of(struct ctx *ctx, const struct sealed_column *column,
                            const struct sealed_row *row)
{
        const char *place = column->place;

        for (unsigned i = 0; place && i < column->key_count; i++)
                place = arena_printf(ctx->arena, "%s/%s", place, row->key[i]);
        return place;
}

/* The sealed text in a column: all of it, or a string in it. */
static const char *find_sealed(struct ctx *ctx, const struct sealed_column *column,
                               const char *text, size_t *ret_before)
{
        const char *start = strstr(text, column->begins);

        if (!start)
                return "";
        start += strlen(column->begins);
        *ret_before = (size_t)(start - text);
        return arena_strndup(ctx->arena, start, strcspn(start, "\""));
}

/* The text of a row under the key that seals. ERR_UNAVAILABLE: it does not open. */
static enum err reseal(struct ctx *ctx, const struct sealed_column *column,
                       const struct sealed_row *row, const char **ret)
{
        size_t before = 0;
        const char *place = place_of(ctx, column, row);
        const char *old = find_sealed(ctx, column, row->text, &before), *new;
        struct secret plain;
        enum err rc;

        if (!place || !old)
                return ctx_nomem(ctx);
        rc = seal_open(ctx, place, old, &plain);
        if (rc == OK)
                rc = seal_text(ctx, place, plain, &new);
        if (rc != OK)
                return rc;
        secret_wipe((char *)plain.bytes, plain.len);
        *ret = arena_printf(ctx->arena, "%.*s%s%s", (int)before, row->text, new,
                            row->text + before + strlen(old));
        return *ret ? OK : ctx_nomem(ctx);
}

static enum err reseal_row(struct ctx *ctx, const struct sealed_column *column,
                           const struct sealed_row *row, struct key_rotation *sum)
{
        bool replaced = false;
        const char *text;
        enum err rc = reseal(ctx, column, row, &text);

        if (rc == ERR_UNAVAILABLE) {
                sum->unreadable++;
                return OK;
        }
        if (rc == OK)
                rc = store_sealed_replace(ctx, column, row, text, &replaced);
        sum->sealed += replaced;
        return rc;
}

static enum err reseal_batch(struct ctx *ctx, const struct sealed_column *column,
                             const struct sealed_row *rows, struct key_rotation *sum)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct key_rotation batch = { 0 };
        enum err rc = db_begin(ctx, &tx);

        for (const struct sealed_row *row = rows; rc == OK && row; row = row->next)
                rc = reseal_row(ctx, column, row, &batch);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc != OK)
                return rc;
        sum->sealed += batch.sealed;
        sum->unreadable += batch.unreadable;
        FAULT_POINT("rotate.batch");
        return OK;
}

/* One column. What is kept of a batch lives in an arena of its own. */
static enum err reseal_column(struct ctx *ctx, const struct sealed_column *column,
                              const char *key_id, struct key_rotation *sum)
{
        CLEANUP(arena_freep) struct arena *one = arena_new();
        CLEANUP(arena_freep) struct arena *two = arena_new();
        struct arena *arenas[2] = { one, two };
        struct sealed_page page = { .key_id = key_id, .limit = BATCH };
        struct arena *outer = ctx->arena;
        enum err rc = one && two ? OK : ctx_nomem(ctx);

        for (unsigned turn = 0; rc == OK; turn = !turn) {
                struct sealed_row *rows = NULL;

                ctx->arena = arenas[turn];
                rc = store_sealed_list(ctx, column, &page, &rows);
                if (rc != OK || !rows)
                        break;
                rc = reseal_batch(ctx, column, rows, sum);
                for (page.after = rows; page.after->next; page.after = page.after->next)
                        ;
                arena_reset(arenas[!turn]); /* of the row before these */
        }
        ctx->arena = outer;
        return rc;
}

enum err key_rotation_reseal(struct ctx *ctx, struct key_rotation *ret)
{
        struct key_rotation sum = { 0 };
        struct master_key key;
        enum err rc = key_ring_sealing(ctx, &key);

        secret_wipe(key.bytes, sizeof(key.bytes));
        for (size_t i = 0; rc == OK && sealed_column_at(i); i++)
                rc = reseal_column(ctx, sealed_column_at(i), key.id, &sum);
        if (rc == OK)
                *ret = sum;
        return rc;
}

/* ---- the old keys ---- */

enum err key_rotation_left(struct ctx *ctx, const struct key_list *list, size_t index,
                           struct key_left *ret)
{
        const char *id = list->keys[index].key.id;
        struct key_left left = { 0 };
        bool is_oldest = true;
        enum err rc = OK;

        for (size_t i = index + 1; i < list->count; i++)
                is_oldest = is_oldest && list->keys[i].use == KEY_NEXT;
        for (size_t i = 0; rc == OK && sealed_column_at(i); i++) {
                int64_t rows = 0;

                rc = store_sealed_count(ctx, sealed_column_at(i), id, &rows);
                left.rows += rows;
        }
        if (rc == OK)
                rc = store_sealed_uploads(ctx, id, is_oldest, &left.uploads);
        if (rc == OK)
                *ret = left;
        return rc;
}

static enum err check_old(struct ctx *ctx, const struct key_list *list, size_t index)
{
        const struct kept_key *kept = &list->keys[index];
        const int64_t until_us = kept->since_us + KEY_SETTLES_US;
        char until[CLOCK_ISO_SIZE];
        struct key_left left;
        enum err rc;

        if (clock_wall_us(ctx->clock) < until_us) {
                clock_format_iso(until_us, until);
                return ctx_fail(ctx, ERR_NOT_READY,
                                "key %s sealed a moment ago, and what was begun then may still be "
                                "written: try again after %s",
                                kept->key.id, until);
        }
        rc = key_rotation_left(ctx, list, index, &left);
        if (rc == OK && left.rows > 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%" PRId64
                                " rows are sealed under key %s: run \"secret rotate-key\"",
                                left.rows, kept->key.id);
        if (rc == OK && left.uploads > 0)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%" PRId64
                                " active jobs upload with secrets from key %s: try again "
                                "when they have ended",
                                left.uploads, kept->key.id);
        return rc;
}

/* Those that have not sealed for long enough; that nothing is left under them was seen before. */
static enum err drop_old(struct ctx *ctx, struct key_list *list, void *arg)
{
        const int64_t settled_us = clock_wall_us(ctx->clock) - KEY_SETTLES_US;
        size_t *dropped = arg, kept = 0;
        enum err rc = OK;

        for (size_t i = 0; rc == OK && i < list->count; i++) {
                if (list->keys[i].use == KEY_OPENS && list->keys[i].since_us <= settled_us) {
                        rc = note(ctx, list->keys[i].key.id, "retired", "Dropped an old key");
                        (*dropped)++;
                } else
                        list->keys[kept++] = list->keys[i];
        }
        if (rc == OK)
                list->count = kept;
        return rc;
}

enum err key_rotation_retire(struct ctx *ctx, size_t *ret_dropped)
{
        struct key_list list;
        size_t dropped = 0;
        enum err rc = key_ring_read(ctx, &list);

        for (size_t i = rc == OK ? list.count : 0; rc == OK && i-- > 0;) {
                if (list.keys[i].use == KEY_OPENS)
                        rc = check_old(ctx, &list, i);
        }
        secret_wipe(&list, sizeof(list));
        if (rc == OK)
                rc = change(ctx, drop_old, &dropped);
        if (rc == OK)
                *ret_dropped = dropped;
        return rc;
}

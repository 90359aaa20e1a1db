#include "core/cloud/audit/audit_note.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/json.h"
#include "core/cloud/secrets/private_file.h"

#define FILE_NAME "audit.head"

static const char *path_of(struct ctx *ctx)
{
        return arena_printf(ctx->arena, "%s/" FILE_NAME, ctx->config->home);
}

bool audit_note_exists(struct ctx *ctx)
{
        const char *path = path_of(ctx);

        return path && access(path, F_OK) == 0;
}

/* What the file says: the head as it was, and that of a backup which is being put back. */
struct note {
        struct audit_head head, expected; /* expected.mac NULL: nothing is */
};

static void take_head(const json_t *object, struct audit_head *ret)
{
        ret->audit_id = json_integer_value(json_object_get(object, "audit_id"));
        ret->entries = json_integer_value(json_object_get(object, "entries"));
        ret->entry_hash = json_string_at(object, "entry_hash");
        ret->mac = json_string_at(object, "mac");
}

/* ERR_NOT_FOUND: there is no note. *ret_good: it is signed with these keys. */
static enum err read_note(struct ctx *ctx, const struct audit_key_set *keys, struct note *ret,
                          bool *ret_good)
{
        const char *path = path_of(ctx);
        char *text = NULL;
        size_t len = 0;
        json_t *note = NULL;
        enum err rc;

        if (!path)
                return ctx_nomem(ctx);
        rc = private_file_read(ctx, path, &text, &len);
        if (rc != OK)
                return rc;
        *ret_good = false;
        if (json_parse_object(ctx, FILE_NAME, text, len, &note) != OK)
                return OK;
        rc = json_keep(ctx, note);
        if (rc != OK)
                return rc;
        take_head(note, &ret->head);
        take_head(json_object_get(note, "expected"), &ret->expected);
        if (!ret->expected.mac || !audit_head_is_good(keys, &ret->expected))
                ret->expected = (struct audit_head){ 0 };
        *ret_good = audit_head_is_good(keys, &ret->head);
        return OK;
}

/* One that was pruned cannot be asked. */
static enum err find_in(struct ctx *ctx, const struct audit_state *state,
                        const struct audit_head *note, bool *ret_found)
{
        const char *hash = NULL;
        enum err rc = OK;

        *ret_found = true;
        if (note->audit_id > state->head.audit_id || !state->anchor.mac) {
                *ret_found = false;
        } else if (note->audit_id == state->head.audit_id) {
                *ret_found = audit_hash_equal(note->entry_hash, state->head.entry_hash);
        } else if (note->audit_id >= state->anchor.first_id) {
                rc = store_audit_hash(ctx, note->audit_id, &hash);
                if (rc == OK)
                        *ret_found = audit_hash_equal(note->entry_hash, hash);
                else if (rc == ERR_NOT_FOUND) /* missing: said by those who read the entries */
                        rc = OK;
        }
        return rc;
}

/* Is the noted entry in the log? state may be from before the note was written; then the log of now
 * tells. */
static enum err find_entry(struct ctx *ctx, const struct audit_state *state,
                           const struct audit_head *note, bool *ret_found)
{
        struct audit_state now;
        enum err rc = find_in(ctx, state, note, ret_found);

        if (rc != OK || *ret_found)
                return rc;
        rc = store_audit_state(ctx, &now);
        return rc == OK ? find_in(ctx, &now, note, ret_found) : rc;
}

/* The same, or the backup that was expected is there: *ret_restored. */
static enum err find_note(struct ctx *ctx, const struct audit_state *state, const struct note *note,
                          bool *ret_found, bool *ret_restored)
{
        enum err rc = find_entry(ctx, state, &note->head, ret_found);

        *ret_restored = false;
        if (rc == OK && note->expected.mac && note->expected.audit_id >= state->anchor.first_id)
                rc = find_entry(ctx, state, &note->expected, ret_restored);
        *ret_found = *ret_found || *ret_restored;
        return rc;
}

enum err audit_note_compare(struct ctx *ctx, const struct audit_key_set *keys,
                            const struct audit_state *state, struct audit_report *report)
{
        struct note note = { 0 };
        bool good = false, found = true, restored;
        enum err rc = read_note(ctx, keys, &note, &good);

        if (rc == ERR_NOT_FOUND)
                return OK;
        if (rc == OK && !good)
                audit_report_add(report, state->head.audit_id, AUDIT_HEAD_MISMATCH, 1);
        if (rc != OK || !good)
                return rc;
        rc = find_note(ctx, state, &note, &found, &restored);
        if (rc == OK && !found)
                audit_report_add(report, note.head.audit_id, AUDIT_HEAD_BEHIND, 1);
        return rc;
}

static json_t *pack_head(const struct audit_head *head)
{
        return json_pack("{s:I, s:I, s:s, s:s}", "audit_id", (json_int_t)head->audit_id, "entries",
                         (json_int_t)head->entries, "entry_hash", head->entry_hash, "mac",
                         head->mac);
}

static enum err write_note(struct ctx *ctx, const struct audit_head *head,
                           const struct audit_head *expected)
{
        CLEANUP(json_decrefp) json_t *note = pack_head(head);
        const char *text;
        enum err rc;

        if (!note ||
            (expected->mac && json_object_set_new(note, "expected", pack_head(expected)) != 0))
                return ctx_nomem(ctx);
        rc = json_text(ctx, note, &text);
        if (rc != OK)
                return rc;
        text = arena_printf(ctx->arena, "%s\n", text);
        return text ? private_file_replace(ctx, path_of(ctx), text) : ctx_nomem(ctx);
}

static enum err fail_behind(struct ctx *ctx, int64_t audit_id)
{
        return ctx_fail(ctx, ERR_CONFLICT,
                        "entry %lld of the audit log, which " FILE_NAME
                        " notes, is not in the database: it was cut or put back. Run "
                        "\"simpletuner-cloud audit verify\"",
                        (long long)audit_id);
}

enum err audit_note_write(struct ctx *ctx, bool *ret_written)
{
        const struct audit_key_set *keys;
        const struct audit_head none = { 0 };
        struct note note = { 0 };
        struct audit_state state;
        bool good = true, found = true, restored = false;
        enum err rc = store_audit_state(ctx, &state);

        *ret_written = false;
        if (rc == OK && !state.head.mac && !audit_note_exists(ctx))
                return OK;
        if (rc == OK)
                rc = audit_keys_get(ctx, false, &keys);
        if (rc != OK)
                return rc;
        rc = read_note(ctx, keys, &note, &good);
        if (rc == OK && good)
                rc = find_note(ctx, &state, &note, &found, &restored);
        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        if (!found)
                return fail_behind(ctx, note.head.audit_id);
        if (!good || !audit_head_is_good(keys, &state.head))
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%s is not signed with the audit key that is set here",
                                good ? "the head of the audit log" : FILE_NAME);
        if (!restored && note.head.audit_id >= state.head.audit_id)
                return OK;
        *ret_written = true;
        return write_note(ctx, &state.head, restored ? &none : &note.expected);
}

enum err audit_note_expect(struct ctx *ctx, const struct audit_head *restored)
{
        const struct audit_head none = { 0 };
        const struct audit_key_set *keys;
        struct note note = { 0 };
        bool good;
        enum err rc;

        if (!audit_note_exists(ctx))
                return OK;
        rc = audit_keys_get(ctx, false, &keys);
        if (rc == OK)
                rc = read_note(ctx, keys, &note, &good);
        if (rc == OK && !good) /* of another key, as its log: what comes has ours */
                return restored ? write_note(ctx, restored, &none) : OK;
        return rc == OK ? write_note(ctx, &note.head, restored ? restored : &none) : rc;
}

enum err audit_note_forget(struct ctx *ctx)
{
        const char *path = path_of(ctx);

        if (!path)
                return ctx_nomem(ctx);
        if (unlink(path) != 0 && errno != ENOENT)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be removed: %m", path);
        return OK;
}

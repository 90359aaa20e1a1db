#include "core/cloud/audit/audit_export.h"

#include <stdio.h>
#include <string.h>

#include "core/base/jsonw.h"
#include "core/cloud/audit/audit_chain.h"
#include "core/cloud/audit/audit_types.h"

#define BATCH     512
#define PIECE_MAX (64 * MiB)

struct writing {
        const struct audit_export *export;
        struct buf piece; /* of a batch */
        int64_t next_id, to_id;
        unsigned in_batch;
        struct audit_export_end end;
        char last_hash[AUDIT_HASH_SIZE];
};

void audit_export_end_text(const struct audit_export_end *end, char ret_text[AUDIT_EXPORT_END_SIZE])
{
        snprintf(ret_text, AUDIT_EXPORT_END_SIZE, "%lld %lld %lld %.64s %d",
                 (long long)end->entries, (long long)end->first_id, (long long)end->last_id,
                 end->last_hash, end->filtered);
}

static bool is_wanted(const struct audit_export *export, const struct audit_row *row)
{
        if (export->since_us && row->created_at_us < export->since_us)
                return false;
        if (export->until_us && row->created_at_us > export->until_us)
                return false;
        return !export->security_only || audit_type_is_security(row->event_type);
}

static enum err add_row(struct ctx *ctx, void *arg, const struct audit_row *row)
{
        struct writing *writing = arg;
        struct audit_export_end *end = &writing->end;
        const enum audit_format format = writing->export->format;

        writing->in_batch++;
        writing->next_id = row->audit_id + 1;
        if (row->audit_id > writing->to_id || !is_wanted(writing->export, row))
                return OK;
        if (end->entries++ == 0)
                end->first_id = row->audit_id;
        else if (row->audit_id != end->last_id + 1)
                end->filtered = true;
        end->last_id = row->audit_id;
        snprintf(writing->last_hash, sizeof(writing->last_hash), "%s",
                 row->entry_hash ? row->entry_hash : "");
        audit_format_row(&writing->piece, format, row);
        buf_puts(&writing->piece, format == AUDIT_CSV ? "\r\n" : "\n");
        return buf_ok(&writing->piece) ? OK : ctx_nomem(ctx);
}

static enum err write_piece(struct ctx *ctx, struct writing *writing)
{
        const struct audit_export *export = writing->export;
        bool goes_on = writing->piece.len == 0 ||
                       export->write(export->arg, buf_str(&writing->piece), writing->piece.len);

        buf_reset(&writing->piece);
        return goes_on ? OK : ctx_fail(ctx, ERR_CONFLICT, "the export was broken off");
}

static enum err add_end(struct ctx *ctx, struct writing *writing, const struct audit_key_set *keys)
{
        struct audit_export_end *end = &writing->end;
        struct jsonw json = jsonw_to(&writing->piece);
        char text[AUDIT_EXPORT_END_SIZE], mac[AUDIT_HASH_SIZE];

        end->last_hash = writing->last_hash;
        audit_export_end_text(end, text);
        if (!audit_export_mac(keys, text, mac))
                return ctx_fail(ctx, ERR_INTERNAL, "an export cannot be signed");
        jsonw_object(&json, NULL);
        jsonw_object(&json, "export_end");
        jsonw_int(&json, "entries", end->entries);
        jsonw_int(&json, "first_id", end->first_id);
        jsonw_int(&json, "last_id", end->last_id);
        jsonw_string(&json, "last_hash", end->last_hash);
        jsonw_bool(&json, "filtered", end->filtered);
        jsonw_string(&json, "mac", mac);
        jsonw_object_end(&json);
        jsonw_object_end(&json);
        buf_putc(&writing->piece, '\n');
        return buf_ok(&writing->piece) ? OK : ctx_nomem(ctx);
}

/* Only what is signed by somebody can be vouched for. */
static enum err finish(struct ctx *ctx, struct writing *writing, bool is_signed)
{
        const struct audit_key_set *keys;
        enum err rc = OK;

        if (writing->export->format == AUDIT_JSON && is_signed) {
                rc = audit_keys_get(ctx, false, &keys);
                if (rc == OK)
                        rc = add_end(ctx, writing, keys);
        }
        return rc == OK ? write_piece(ctx, writing) : rc;
}

enum err audit_export_run(struct ctx *ctx, const struct audit_export *export)
{
        struct writing writing = { .export = export };
        struct audit_state state;
        enum err rc = store_audit_state(ctx, &state);

        if (rc != OK)
                return rc;
        buf_init(&writing.piece, PIECE_MAX);
        buf_puts(&writing.piece, audit_format_header(export->format));
        writing.to_id = state.newest_id;
        do {
                writing.in_batch = 0;
                rc = store_audit_scan(ctx, writing.next_id, BATCH, add_row, &writing);
                if (rc == OK)
                        rc = write_piece(ctx, &writing);
        } while (rc == OK && writing.in_batch == BATCH && writing.next_id <= writing.to_id);
        if (rc == OK)
                rc = finish(ctx, &writing, state.head.mac != NULL);
        buf_done(&writing.piece);
        return rc;
}

#include "core/cloud/audit/audit_chain.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/json.h"
#include "core/db/db.h"

#define FORM_MAX (64 * MiB)

struct audit_hasher {
        struct crypto_mac *mac;
        struct buf form;
};

/* ---- the canonical form ---- */

static void add_text(struct buf *form, const char *text)
{
        size_t len;

        if (!text) {
                buf_add(form, "-,", 2);
                return;
        }
        len = strlen(text);
        buf_put_int(form, (int64_t)len);
        buf_putc(form, ':');
        buf_add(form, text, len);
        buf_putc(form, ',');
}

static void add_number(struct buf *form, int64_t number)
{
        char text[24], *at = text + sizeof(text) - 1;
        uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

        *at = '\0';
        do {
                *--at = (char)('0' + rest % 10);
                rest /= 10;
        } while (rest > 0);
        if (number < 0)
                *--at = '-';
        add_text(form, at);
}

static void add_row(struct buf *form, const struct audit_row *row)
{
        add_number(form, row->audit_id);
        add_number(form, row->created_at_us);
        add_text(form, row->event_type);
        add_text(form, row->actor);
        if (row->actor_id)
                add_number(form, row->actor_id);
        else
                add_text(form, NULL);
        add_text(form, row->actor_ip);
        add_text(form, row->target_type);
        add_text(form, row->target_id);
        add_text(form, row->action);
        add_text(form, row->details);
        add_text(form, row->correlation_id);
        add_text(form, row->previous_hash);
}

/* ---- hashes and signatures ---- */

enum err audit_hasher_new(struct ctx *ctx, const struct audit_key_set *keys,
                          struct audit_hasher **ret)
{
        CLEANUP(audit_hasher_freep) struct audit_hasher *hasher = calloc(1, sizeof(*hasher));

        if (!hasher)
                return ctx_nomem(ctx);
        buf_init(&hasher->form, FORM_MAX);
        hasher->mac = crypto_mac_new(keys->of[AUDIT_ENTRY], SHA256_SIZE);
        if (!hasher->mac)
                return ctx_nomem(ctx);
        *ret = TAKE(hasher);
        return OK;
}

void audit_hasher_free(struct audit_hasher *hasher)
{
        if (!hasher)
                return;
        crypto_mac_free(hasher->mac);
        buf_done(&hasher->form);
        free(hasher);
}

enum err audit_hash_row(struct ctx *ctx, struct audit_hasher *hasher, const struct audit_row *row,
                        char ret_hash[AUDIT_HASH_SIZE])
{
        unsigned char mac[SHA256_SIZE];
        struct buf *form = &hasher->form;

        buf_reset(form);
        add_row(form, row);
        if (!buf_ok(form))
                return ctx_nomem(ctx);
        if (!crypto_mac_of(hasher->mac, form->data, form->len, mac))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an audit entry");
        crypto_hex(mac, sizeof(mac), ret_hash);
        return OK;
}

static bool sign_form(const struct audit_key_set *keys, enum audit_use use, const struct buf *form,
                      char ret_mac[AUDIT_HASH_SIZE])
{
        unsigned char mac[SHA256_SIZE];

        if (!buf_ok(form) ||
            !crypto_hmac_sha256(keys->of[use], SHA256_SIZE, buf_str(form), form->len, mac))
                return false;
        crypto_hex(mac, sizeof(mac), ret_mac);
        return true;
}

static bool head_mac(const struct audit_key_set *keys, const struct audit_head *head,
                     char ret_mac[AUDIT_HASH_SIZE])
{
        CLEANUP(buf_done) struct buf form = { 0 };

        buf_init(&form, FORM_MAX);
        add_number(&form, head->audit_id);
        add_number(&form, head->entries);
        add_text(&form, head->entry_hash);
        return sign_form(keys, AUDIT_HEAD, &form, ret_mac);
}

static bool anchor_mac(const struct audit_key_set *keys, const struct audit_anchor *anchor,
                       char ret_mac[AUDIT_HASH_SIZE])
{
        CLEANUP(buf_done) struct buf form = { 0 };

        buf_init(&form, FORM_MAX);
        add_number(&form, anchor->first_id);
        add_text(&form, anchor->previous_hash);
        add_number(&form, anchor->pruned);
        add_number(&form, anchor->unchained);
        return sign_form(keys, AUDIT_ANCHOR, &form, ret_mac);
}

bool audit_export_mac(const struct audit_key_set *keys, const char *text,
                      char ret_mac[AUDIT_HASH_SIZE])
{
        CLEANUP(buf_done) struct buf form = { 0 };

        buf_init(&form, FORM_MAX);
        add_text(&form, text);
        return sign_form(keys, AUDIT_EXPORT, &form, ret_mac);
}

/* Copy a mac to the arena, if it was made. */
static enum err keep_mac(struct ctx *ctx, bool made, const char *mac, const char **ret)
{
        if (!made)
                return ctx_fail(ctx, ERR_INTERNAL, "the audit log cannot be signed");
        return ctx_strdup(ctx, mac, ret);
}

enum err audit_head_sign(struct ctx *ctx, const struct audit_key_set *keys, struct audit_head *head)
{
        char mac[AUDIT_HASH_SIZE];

        return keep_mac(ctx, head_mac(keys, head, mac), mac, &head->mac);
}

enum err audit_anchor_sign(struct ctx *ctx, const struct audit_key_set *keys,
                           struct audit_anchor *anchor)
{
        char mac[AUDIT_HASH_SIZE];

        return keep_mac(ctx, anchor_mac(keys, anchor, mac), mac, &anchor->mac);
}

bool audit_hash_equal(const char *a, const char *b)
{
        return a && b &&
               secret_equal((struct secret){ a, strlen(a) }, (struct secret){ b, strlen(b) });
}

bool audit_head_is_good(const struct audit_key_set *keys, const struct audit_head *head)
{
        char mac[AUDIT_HASH_SIZE];

        return head->mac && head_mac(keys, head, mac) && audit_hash_equal(mac, head->mac);
}

bool audit_anchor_is_good(const struct audit_key_set *keys, const struct audit_anchor *anchor)
{
        char mac[AUDIT_HASH_SIZE];

        return anchor->mac && anchor_mac(keys, anchor, mac) && audit_hash_equal(mac, anchor->mac);
}

/* ---- appending ---- */

/* Begin the chain after head: what there is so far counts as without a hash. */
static enum err begin_chain(struct ctx *ctx, const struct audit_key_set *keys,
                            struct audit_head *head)
{
        struct audit_anchor anchor = { .first_id = head->audit_id + 1,
                                       .previous_hash = AUDIT_GENESIS };
        struct audit_state state;
        enum err rc;

        /* with an anchor after all of them, the older entries are counted */
        rc = store_audit_anchor_put(ctx, &anchor);
        if (rc == OK)
                rc = store_audit_state(ctx, &state);
        if (rc != OK)
                return rc;
        anchor.unchained = state.older;
        head->entries = 0;
        head->entry_hash = AUDIT_GENESIS;
        rc = audit_anchor_sign(ctx, keys, &anchor);
        return rc == OK ? store_audit_anchor_put(ctx, &anchor) : rc;
}

/* Make sure that head may be followed. */
static enum err check_head(struct ctx *ctx, const struct audit_key_set *keys,
                           struct audit_head *head)
{
        struct audit_anchor anchor;
        enum err rc = OK;

        if (!head->mac)
                rc = store_audit_anchor_get(ctx, &anchor);
        if (rc != OK)
                return rc;
        if (!head->mac && !anchor.mac && head->entries == 0)
                return begin_chain(ctx, keys, head);
        if (audit_head_is_good(keys, head))
                return OK;
        return ctx_fail(ctx, ERR_INTERNAL,
                        "the head of the audit log is not signed with the audit key that is set "
                        "here: bring the key back, or run \"simpletuner-cloud audit verify\"");
}

/* Put row after head, of which the lock is held, and make it the head. */
static enum err append_after(struct ctx *ctx, const struct audit_key_set *keys,
                             struct audit_head *head, struct audit_row *row)
{
        CLEANUP(audit_hasher_freep) struct audit_hasher *hasher = NULL;
        char hash[AUDIT_HASH_SIZE];
        enum err rc = audit_hasher_new(ctx, keys, &hasher);

        if (rc != OK)
                return rc;
        row->audit_id = head->audit_id + 1;
        row->created_at_us = clock_wall_us(ctx->clock);
        row->previous_hash = head->entry_hash;
        rc = audit_hash_row(ctx, hasher, row, hash);
        if (rc == OK)
                rc = ctx_strdup(ctx, hash, &row->entry_hash);
        if (rc == OK)
                rc = store_audit_insert(ctx, row);
        if (rc != OK)
                return rc;
        FAULT_POINT("audit.appended");
        head->audit_id = row->audit_id;
        head->entries++;
        head->entry_hash = row->entry_hash;
        rc = audit_head_sign(ctx, keys, head);
        return rc == OK ? store_audit_head_put(ctx, head) : rc;
}

enum err audit_append(struct ctx *ctx, struct audit_row *row)
{
        const struct audit_key_set *keys;
        struct audit_head head;
        enum err rc;

        rc = store_audit_head_lock(ctx, &head);
        if (rc == OK)
                rc = audit_keys_get(ctx, !head.mac, &keys);
        if (rc == OK)
                rc = check_head(ctx, keys, &head);
        return rc == OK ? append_after(ctx, keys, &head, row) : rc;
}

/* What the new chain says of the old one. */
static enum err append_restart(struct ctx *ctx, const struct audit_key_set *keys,
                               struct audit_head *head)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:I, s:s?}", "last_id", (json_int_t)head->audit_id,
                                    "last_hash", head->entry_hash);
        struct audit_row row = {
                .event_type = "audit.restarted",
                .actor = ctx_actor_name(ctx),
                .actor_id = ctx->actor.user_id,
                .target_type = "audit",
                .action = "The audit log began a new chain; entries before it are not verified",
        };
        enum err rc;

        if (!details)
                return ctx_nomem(ctx);
        rc = json_text(ctx, details, &row.details);
        if (rc == OK)
                rc = begin_chain(ctx, keys, head);
        return rc == OK ? append_after(ctx, keys, head, &row) : rc;
}

enum err audit_chain_restart(struct ctx *ctx, int64_t *ret_first_id)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct audit_key_set *keys;
        struct audit_state state;
        struct audit_head head;
        enum err rc;

        rc = audit_keys_get(ctx, true, &keys);
        if (rc == OK)
                rc = db_begin(ctx, &tx);
        if (rc == OK)
                rc = store_audit_rows_restore(ctx);
        if (rc == OK)
                rc = store_audit_head_lock(ctx, &head);
        if (rc == OK)
                rc = store_audit_state(ctx, &state);
        if (rc != OK)
                return rc;
        if (head.audit_id < state.newest_id)
                head.audit_id = state.newest_id;
        rc = append_restart(ctx, keys, &head);
        if (rc == OK)
                rc = db_commit(&tx);
        if (rc == OK)
                *ret_first_id = head.audit_id;
        return rc;
}

#include "core/cloud/archive/archive_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/cloud/archive/archive_urls.h"
#include "core/cloud/storage/object_upload.h"
#include "core/db/db.h"

#define TRIES_MAX 20 /* in a row, as long as each brings something */

/* One request and what it brings. */
struct fetch {
        struct ctx *ctx;
        struct archive_hold *hold;
        struct archive_item *item;
        struct object_upload *upload;
        int64_t total; /* bytes of the whole file; -1: not said */
        bool begun;    /* the bytes to come belong to the file */
        bool whole;    /* there is nothing to come */
        enum err rc;   /* why it was stopped */
};

static enum err save_row(struct ctx *ctx, const char *job_id, const struct archive_file *row)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_archive_file_update(ctx, job_id, row);
        return rc == OK ? db_commit(&tx) : rc;
}

/* ---- what the answer says ---- */

/* Only a strong validator may stand in If-Range. */
static bool is_strong(const char *etag)
{
        return etag && etag[0] == '"' && strlen(etag) < 256;
}

/* The whole file: forget what we have, then whose bytes they are, then take the new ones. */
static enum err start_over(struct fetch *fetch, const struct http_head *head)
{
        struct archive_file *row = &fetch->item->row;
        struct ctx *ctx = fetch->ctx;
        const char *etag = NULL;
        enum err rc;

        rc = ctx_strdup(ctx, is_strong(head->etag) ? head->etag : NULL, &etag);
        if (rc == OK && object_upload_size(fetch->upload) > 0)
                rc = object_upload_restart(ctx, fetch->upload);
        if (rc != OK)
                return rc;
        row->etag = etag;
        fetch->total = head->length;
        fetch->begun = true;
        return save_row(ctx, fetch->hold->claim.job_id, row);
}

/* "bytes 100-199/200": the first byte and how many there are in all, -1 for "*". RFC 9110 14.4. */
static bool read_content_range(const char *text, int64_t *ret_from, int64_t *ret_total)
{
        long long from, to, total = -1;
        int end = 0;

        if (!text || sscanf(text, "bytes %lld-%lld/%n", &from, &to, &end) != 2 || end == 0)
                return false;
        if (strcmp(text + end, "*") != 0 && sscanf(text + end, "%lld", &total) != 1)
                return false;
        *ret_from = from;
        *ret_total = total;
        return true;
}

static enum err go_on(struct fetch *fetch, const struct http_head *head)
{
        int64_t from;

        if (!read_content_range(head->content_range, &from, &fetch->total) ||
            from != object_upload_size(fetch->upload)) {
                enum err rc = object_upload_restart(fetch->ctx, fetch->upload);

                return rc == OK ? ctx_fail(fetch->ctx, ERR_OUTCOME_UNKNOWN,
                                           "the server sent another range than it was asked for")
                                : rc;
        }
        fetch->begun = true;
        return OK;
}

/* There is nothing from here on. Either the process died between the last byte and the object, or
 * the file is another one. */
static enum err beyond_the_end(struct fetch *fetch, const struct http_head *head)
{
        long long total;
        enum err rc;

        if (head->content_range && sscanf(head->content_range, "bytes */%lld", &total) == 1 &&
            total == object_upload_size(fetch->upload)) {
                fetch->total = total;
                fetch->whole = true;
                return OK;
        }
        rc = object_upload_restart(fetch->ctx, fetch->upload);
        return rc == OK ? ctx_fail(fetch->ctx, ERR_OUTCOME_UNKNOWN,
                                   "the file is shorter than what has come of it")
                        : rc;
}

static enum err read_head(struct fetch *fetch, const struct http_head *head)
{
        switch (head->status) {
        case 200:
                return start_over(fetch, head);
        case 206:
                return go_on(fetch, head);
        case 416:
                return beyond_the_end(fetch, head);
        case 404:
        case 410:
                fetch->item->fate = ARCHIVE_FILE_MISSING;
                fetch->item->reason = "the provider does not have this file any more";
                return OK;
        default:
                return ctx_fail(fetch->ctx, ERR_PROVIDER, "the server answered HTTP %ld",
                                head->status);
        }
}

static bool on_head(void *arg, const struct http_head *head)
{
        struct fetch *fetch = arg;

        fetch->rc = read_head(fetch, head);
        if (fetch->rc == OK && fetch->begun && fetch->total >= 0)
                fetch->rc = object_upload_expect(fetch->ctx, fetch->upload, fetch->total);
        return fetch->rc == OK && fetch->begun;
}

static bool on_bytes(void *arg, const void *bytes, size_t len)
{
        struct fetch *fetch = arg;

        fetch->rc = object_upload_write(fetch->ctx, fetch->upload, bytes, len);
        if (fetch->rc == OK)
                fetch->rc = archive_claim_keep(fetch->ctx, fetch->hold);
        if (object_upload_size(fetch->upload) > fetch->total / 2)
                FAULT_POINT("archive.part");
        return fetch->rc == OK;
}

/* ---- one request ---- */

/* The provider's own files with its token; others as anybody gets them, and only from out in the
 * world. A proxy is the one that resolves names: then all of them are its business. */
static struct http_request make_request(const struct provider_session *session, const char *url,
                                        struct http_settings *http)
{
        struct http_request request = { .method = "GET", .url = url };

        *http = session->http;
        if (archive_url_same_origin(url, session->api_base)) {
                if (session->token.len > 0)
                        request.bearer = session->token.bytes;
        } else if (http->proxy) {
                http->no_proxy = NULL;
        } else {
                http->public_only = true;
        }
        return request;
}

/* Ask for what is missing. OK: all of it is there, or the fate is another. */
static enum err ask(struct fetch *fetch, const struct provider_session *session)
{
        const struct http_sink sink = { .begin = on_head, .write = on_bytes, .arg = fetch };
        struct http_settings http;
        struct http_request request = make_request(session, fetch->item->url, &http);
        enum err rc;

        fetch->begun = fetch->whole = false;
        fetch->total = -1;
        fetch->rc = OK;
        if (fetch->item->row.etag) {
                request.range_from = object_upload_size(fetch->upload);
                request.if_range = request.range_from > 0 ? fetch->item->row.etag : NULL;
        }
        rc = http_download(fetch->ctx, &http, &request, &sink);
        if (rc == ERR_CONFLICT)
                return fetch->rc; /* we stopped it */
        if (rc == OK && fetch->total >= 0 && object_upload_size(fetch->upload) != fetch->total)
                return ctx_fail(fetch->ctx, ERR_OUTCOME_UNKNOWN,
                                "the file is not as long as was said");
        fetch->whole = rc == OK;
        return rc;
}

/* ---- one file ---- */

static enum err mark_stored(struct ctx *ctx, void *arg, const struct object *object)
{
        struct fetch *fetch = arg;
        struct archive_file *row = &fetch->item->row;

        row->size_bytes = object->size_bytes;
        row->sha256 = object->sha256;
        row->done = true;
        return store_archive_file_update(ctx, fetch->hold->claim.job_id, row);
}

static enum err fetch_whole(struct fetch *fetch, const struct provider_session *session)
{
        enum err rc = ERR_OUTCOME_UNKNOWN;

        for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
                int64_t before = object_upload_size(fetch->upload);

                rc = archive_claim_keep(fetch->ctx, fetch->hold);
                if (rc == OK)
                        rc = ask(fetch, session);
                if (rc != ERR_OUTCOME_UNKNOWN || object_upload_size(fetch->upload) == before)
                        return rc;
        }
        return rc;
}

static enum err refuse(struct ctx *ctx, struct archive_item *item, const char *reason)
{
        item->fate = ARCHIVE_FILE_REFUSED;
        return ctx_strdup(ctx, reason, &item->reason);
}

enum err archive_fetch(struct ctx *ctx, const struct provider_session *session,
                       struct archive_hold *hold, struct archive_item *item)
{
        CLEANUP(object_upload_freep) struct object_upload *upload = NULL;
        struct fetch fetch = { .ctx = ctx, .hold = hold, .item = item };
        const struct object_intent intent = {
                .bucket = hold->claim.job_id,
                .key = item->row.key,
                .size = -1,
                .resume = true,
                .unheard = true,
                .also = mark_stored,
                .arg = &fetch,
        };
        struct object object;
        enum err rc;

        if (!archive_url_same_origin(item->url, session->api_base) &&
            !archive_url_looks_public(item->url))
                return refuse(ctx, item, "the URL is not one of a public https server");
        rc = object_upload_begin(ctx, &intent, &upload);
        if (rc != OK)
                return rc;
        fetch.upload = upload;
        rc = fetch_whole(&fetch, session);
        if (rc == ERR_DENIED || rc == ERR_TOO_LARGE)
                return refuse(ctx, item, ctx->detail);
        if (rc != OK || !fetch.whole)
                return rc;
        rc = object_upload_finish(ctx, upload, NULL, &object);
        if (rc != OK)
                return rc;
        FAULT_POINT("archive.stored");
        item->fate = ARCHIVE_FILE_STORED;
        item->reason = NULL;
        item->content_type = object.content_type;
        return OK;
}

enum err archive_is_stored(struct ctx *ctx, const char *job_id, struct archive_item *item)
{
        struct object object;
        enum err rc;

        if (!item->row.done)
                return OK;
        rc = store_object_get(ctx, job_id, item->row.key, &object);
        if (rc == OK && strcmp(object.sha256, item->row.sha256) == 0) {
                item->fate = ARCHIVE_FILE_STORED;
                item->content_type = object.content_type;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

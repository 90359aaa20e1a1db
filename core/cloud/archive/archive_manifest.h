/* What the archiver writes itself: the logs as they came, and a manifest of all it fetched. */
#ifndef CORE_CLOUD_ARCHIVE_ARCHIVE_MANIFEST_H
#define CORE_CLOUD_ARCHIVE_ARCHIVE_MANIFEST_H

#include "core/cloud/archive/archive_fetch.h"

#define ARCHIVE_LOGS     "archive/logs.txt"
#define ARCHIVE_MANIFEST "archive/manifest.json"

/* Everything about the results of one job. */
struct archive_contents {
        struct job job;
        struct archive_item *items;
        size_t count;
        size_t left_out;    /* files beyond ARCHIVE_FILES_MAX */
        int64_t logs_bytes; /* of ARCHIVE_LOGS, 0: there are none */
};

/* Store the logs, or find those that are stored already when the provider has none any more. Errors
 * as object_upload_finish. */
NODISCARD enum err archive_put_logs(struct ctx *ctx, const char *logs,
                                    struct archive_contents *contents);

/* {"job_id", "provider", "external_id", "status", "created_at", "complete", "files": [{"key",
 * "url", "size", "sha256", "content_type"} | {"key", "url", "missing", "error"}], "files_left_out",
 * "logs_bytes"}; created_at is when the manifest was made. */
NODISCARD enum err archive_put_manifest(struct ctx *ctx, const struct archive_contents *contents);

#endif

/* One output file on its way into the bucket of its job. What has come stays when the connection
 * breaks or the process dies, and the next attempt goes on from there: by Range and If-Range
 * (RFC 9110 13.1.5, 14.2), if the file has a strong ETag. */
#ifndef CORE_CLOUD_ARCHIVE_ARCHIVE_FETCH_H
#define CORE_CLOUD_ARCHIVE_ARCHIVE_FETCH_H

#include "core/cloud/archive/archive_claim.h"
#include "core/cloud/provider/provider.h"

enum archive_fate {
        ARCHIVE_FILE_WAITING, /* not there yet; reason says why, if it was tried */
        ARCHIVE_FILE_STORED,
        ARCHIVE_FILE_MISSING, /* the provider does not have it any more */
        ARCHIVE_FILE_REFUSED  /* it must not be fetched; reason says why */
};

struct archive_item {
        struct archive_file row;
        const char *url; /* to fetch it from; NULL: the provider names it no more */
        enum archive_fate fate;
        const char *reason;       /* NULL: none */
        const char *content_type; /* once it is stored */
};

/* Fetch a file that is not stored yet. OK: item says what came of it. ERR_NOT_READY: interrupted,
 * as archive_claim_keep. Other results concern this file, and another attempt may have more luck:
 * ERR_PROVIDER, ERR_OUTCOME_UNKNOWN, ERR_NO_SPACE, ERR_CONFLICT (another process is at it).
 * Faults. */
NODISCARD enum err archive_fetch(struct ctx *ctx, const struct provider_session *session,
                                 struct archive_hold *hold, struct archive_item *item);

/* Is the object of a file that was fetched before still there? */
NODISCARD enum err archive_is_stored(struct ctx *ctx, const char *job_id,
                                     struct archive_item *item);

#endif

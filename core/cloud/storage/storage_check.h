/* "storage fsck": database against disk. Uploads may go on meanwhile: whatever looks wrong is
 * looked at again under the lock of its key. */
#ifndef CORE_CLOUD_STORAGE_STORAGE_CHECK_H
#define CORE_CLOUD_STORAGE_STORAGE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

enum storage_fault {
        FAULT_NO_FILE, /* a row without its file. Repair: the row goes */
        FAULT_NO_ROW,  /* a file that is no object: see storage_gc.h */
        FAULT_SIZE,    /* the file has another size than its row says */
        FAULT_CHANGED, /* the file was replaced, and its row was not: the next reader mends it */
        FAULT_CONTENT, /* the bytes are others: with hashes only */
        FAULT_PART,    /* a part of an unfinished upload is not there, or has another size */
        FAULT_TOTALS,  /* a bucket's files and bytes are not those of its rows. Repair: they are */
        FAULT_COUNT
};
const char *storage_fault_name(enum storage_fault fault);

struct storage_finding {
        enum storage_fault fault;
        const char *bucket, *key; /* "": it is the bucket's; of a file without row: its path */
        bool repaired;
};
typedef void storage_finding_fn(void *arg, const struct storage_finding *finding);

struct storage_check {
        bool hashes, repair;
        storage_finding_fn *found;
        void *arg;
};

struct storage_report {
        int64_t buckets, objects, findings, repaired;
};

/* All buckets. Of objects that another S3 store keeps only the totals are checked. Memory does not
 * grow with them. Faults. */
NODISCARD enum err storage_check(struct ctx *ctx, const struct storage_check *check,
                                 struct storage_report *ret);

#endif

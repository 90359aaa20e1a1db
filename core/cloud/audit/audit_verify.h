/* Is the audit log what was written? Every entry is hashed anew and compared with the one before;
 * then head and anchor, and the note of the head that lies outside the database. Reads in batches:
 * the length of the log does not matter for memory. The log as it was at the call is looked at:
 * what is appended or pruned meanwhile is no error. No hash that should have been is ever told. */
#ifndef CORE_CLOUD_AUDIT_AUDIT_VERIFY_H
#define CORE_CLOUD_AUDIT_AUDIT_VERIFY_H

#include "core/base/jsonw.h"
#include "core/cloud/audit/audit_chain.h"

enum audit_fault {
        AUDIT_HASH_MISMATCH,   /* a field is not what was written */
        AUDIT_LINK_MISMATCH,   /* it does not follow the entry before it */
        AUDIT_MISSING,         /* entries are gone, from this number on */
        AUDIT_INSERTED,        /* an entry that nobody of ours wrote */
        AUDIT_HEAD_MISMATCH,   /* the head is not the one that was signed, or not of this log */
        AUDIT_ANCHOR_MISMATCH, /* the same of the anchor */
        AUDIT_HEAD_BEHIND,     /* the log is older than the note outside of the database */
        AUDIT_FAULT_COUNT
};
/* "hash_mismatch" */
const char *audit_fault_name(enum audit_fault fault);

#define AUDIT_BROKEN_MAX 100

struct audit_broken {
        int64_t audit_id;
        enum audit_fault fault;
        int64_t count; /* of missing or inserted entries; else 1 */
};

struct audit_report {
        int64_t checked, first_id, last_id; /* entries with good hashes or bad ones */
        int64_t unchained;                  /* entries from before there was a chain */
        int64_t broken_total;
        struct audit_broken broken[AUDIT_BROKEN_MAX]; /* the first of them, by number */
        unsigned broken_count;
};

/* Both ends are included and 0 means all; of a range the first entry is compared with the one
 * before it, and head and note are looked at only when the range reaches the newest. */
struct audit_range {
        int64_t start_id, end_id;
};

/* OK: *ret says how it is. ERR_INVALID: the range is none. ERR_UNAVAILABLE: there is no key.
 * Faults.
 */
NODISCARD enum err audit_verify(struct ctx *ctx, struct audit_range range,
                                struct audit_report *ret);

/* Write it into an object that is open: valid, entries_checked, first_id, last_id, unchained,
 * broken_total, broken_links. */
void audit_report_render(struct jsonw *json, const struct audit_report *report);

/* Entries one after the other, for all who check some: what is wrong is added to report. */
struct audit_checker {
        struct audit_hasher *hasher;
        struct audit_report *report;
        int64_t expected_id;            /* the number that comes next; 0: any */
        char previous[AUDIT_HASH_SIZE]; /* the hash it must follow; "": any */
};
void audit_checker_follow(struct audit_checker *checker, int64_t expected_id, const char *previous);
NODISCARD enum err audit_checker_take(struct ctx *ctx, struct audit_checker *checker,
                                      const struct audit_row *row);
void audit_report_add(struct audit_report *report, int64_t audit_id, enum audit_fault fault,
                      int64_t count);

#endif

/* The whole database moved to another one, of the same kind or not: every table, every row,
 * verified value by value. The destination is marked as unfinished until all is verified; no
 * program of the service uses it before, and the same call goes on where one was stopped. */
#ifndef CORE_CLOUD_DATABASE_DATABASE_COPY_H
#define CORE_CLOUD_DATABASE_DATABASE_COPY_H

#include "core/store/store_copy.h"

/* A database as an operator names it: its URL, or the name of the variable that holds it (in the
 * environment or the env file). With neither it is the service's own. */
struct copy_place {
        const char *url, *variable;
        const char *option; /* what gave it: "--from" */
};

struct copy_request {
        struct copy_place from, to;
        bool dry_run;     /* look at both, write nothing */
        bool verify_only; /* compare, write nothing */
        bool online;      /* while the source is in use: leaves the copy unfinished */
        copy_progress_fn *progress;
        void *arg;
};

#define COPY_DIFFERENCES_SHOWN 20

struct copied_difference {
        struct copied_difference *next;
        const char *table, *key;
        enum copy_difference what;
};

struct copied_table {
        struct copied_table *next;
        const struct copy_table *table;
        int64_t rows;                 /* of the source */
        int64_t written;              /* rows written or removed this time */
        int64_t differences;          /* that were found in the end */
        char sha256[SHA256_HEX_SIZE]; /* of the source's rows; the copy's are the same */
};

struct copied {
        const char *from, *to; /* for people: no password in them */
        unsigned schema_version;
        bool resumed;       /* another call began it */
        bool finished;      /* the destination is ready for use */
        const char *in_use; /* "", or who uses the source */
        struct copied_table *tables;
        int64_t rows, written;
        int64_t differences;                /* all of them ... */
        struct copied_difference *examples; /* ... and the first few */
};

/* ERR_INVALID: a URL, or a value in the source that not every database can hold. ERR_NOT_FOUND: no
 * such source. ERR_NOT_READY: a schema that has to be migrated first, or a source that is itself
 * an unfinished copy. ERR_CONFLICT: in use, or the destination has rows of its own; with *ret
 * filled, differences were found. Faults. */
NODISCARD enum err database_copy(struct ctx *ctx, const struct copy_request *request,
                                 struct copied *ret);

#endif

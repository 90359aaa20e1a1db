/* A damaged SQLite file, page by page, with what its write-ahead log has of newer ones. It is only
 * read, and never by SQLite. Private to core/db. */
#ifndef CORE_DB_SALVAGE_SOURCE_H
#define CORE_DB_SALVAGE_SOURCE_H

#include "core/base/ctx.h"
#include "core/db/sqlite_page.h"

enum salvage_mark { SALVAGE_UNSEEN, SALVAGE_SEEN }; /* used by a tree, a payload or the free list */

struct salvage_source {
        int fd, log_fd;
        uint32_t page_size, usable, pages;
        uint32_t file_pages;  /* that the file has; fewer: it was cut off */
        uint32_t log_pages;   /* pages that are taken from the log */
        int64_t *log_at;      /* of each page: where it is in the log; 0: it is not */
        unsigned char *marks; /* of each page: enum salvage_mark */
        bool has_header;
};

/* ERR_NOT_FOUND: there is no file. ERR_UNSUPPORTED: texts in it are UTF-16. ERR_CONFLICT: there is
 * no page of a database in it. Faults. */
NODISCARD enum err salvage_source_open(struct ctx *ctx, const char *path,
                                       struct salvage_source *ret);
void salvage_source_close(struct salvage_source *source);

/* Page number, page_size bytes; what the file has not reads as zeros. False: there is no such
 * page, or it cannot be read. */
NODISCARD bool salvage_read(const struct salvage_source *source, uint32_t number,
                            unsigned char *ret);

/* The whole payload of a cell, from malloc. NULL: part of it is gone. Its pages are marked. */
NODISCARD unsigned char *salvage_payload(struct salvage_source *source,
                                         const struct sqlite_cell *cell);

/* Mark what is on the free list, as far as that can be followed. */
void salvage_mark_free(struct salvage_source *source);

#endif

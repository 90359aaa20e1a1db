#include "core/db/salvage_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/db/wal_file.h"

/* Fileformat2 1.3. */
#define PAGE_SIZE_AT 16
#define RESERVED_AT  20
#define PAGES_AT     28
#define FREE_AT      32
#define ENCODING_AT  56
#define PAGE_MIN     512
#define PAGE_USUAL   4096
#define PAYLOAD_MAX  ((uint64_t)(1024 * MiB))
#define PROBES       2000 /* pages that are looked at to find how large they are */

static bool read_at(int fd, int64_t at, void *bytes, size_t len)
{
        return fd >= 0 && pread(fd, bytes, len, at) == (ssize_t)len;
}

void salvage_source_close(struct salvage_source *source)
{
        close_fdp(&source->fd);
        close_fdp(&source->log_fd);
        free(source->log_at);
        free(source->marks);
        *source = (struct salvage_source){ .fd = -1, .log_fd = -1 };
}

bool salvage_read(const struct salvage_source *source, uint32_t number, unsigned char *ret)
{
        const size_t size = source->page_size;
        ssize_t got;

        if (number == 0 || number > source->pages)
                return false;
        if (source->log_at && source->log_at[number])
                return read_at(source->log_fd, source->log_at[number], ret, size);
        memset(ret, 0, size);
        got = pread(source->fd, ret, size, (int64_t)(number - 1) * (int64_t)size);
        return got >= 0;
}

/* ---- how large pages are ---- */

static bool has_header(const unsigned char *bytes)
{
        return memcmp(bytes, "SQLite format 3", 16) == 0;
}

static uint32_t header_page_size(const unsigned char *bytes)
{
        uint32_t size = sqlite_get16(bytes + PAGE_SIZE_AT);

        size = size == 1 ? WAL_PAGE_MAX : size;
        return size >= PAGE_MIN && (size & (size - 1)) == 0 ? size : 0;
}

/* Bytes that are in good pages if pages are of this size. */
static int64_t good_bytes(int fd, int64_t file_size, uint32_t size, unsigned char *page)
{
        struct sqlite_page parsed;
        int64_t good = 0;

        for (int64_t n = 1; n < file_size / size && n < PROBES; n++)
                if (read_at(fd, n * size, page, size) &&
                    sqlite_page_parse(page, (uint32_t)n + 1, size, &parsed) && parsed.cells > 0)
                        good += size;
        return good;
}

static uint32_t guess_page_size(int fd, int64_t file_size)
{
        unsigned char *page = malloc(WAL_PAGE_MAX);
        int64_t best_bytes = page ? good_bytes(fd, file_size, PAGE_USUAL, page) : 0;
        uint32_t best = PAGE_USUAL;

        for (uint32_t size = PAGE_MIN; page && size <= WAL_PAGE_MAX; size *= 2) {
                int64_t good = good_bytes(fd, file_size, size, page);

                if (good > 2 * best_bytes) {
                        best_bytes = good;
                        best = size;
                }
        }
        free(page);
        return best_bytes > 0 ? best : 0;
}

/* ---- the log ---- */

struct log_walk {
        struct salvage_source *source;
        struct wal_header header;
        struct wal_point point;
        uint32_t *numbers; /* of the pages of the transaction that is being read */
        uint32_t count, committed_pages;
        uint32_t first; /* its first frame */
};

static bool grow(struct salvage_source *source, uint32_t pages)
{
        int64_t *log_at = calloc((size_t)pages + 1, sizeof(*log_at));

        if (!log_at)
                return false;
        if (source->log_at)
                memcpy(log_at, source->log_at, ((size_t)source->pages + 1) * sizeof(*log_at));
        free(source->log_at);
        source->log_at = log_at;
        source->pages = pages;
        return true;
}

/* A transaction has ended: its pages count. */
static bool take_transaction(struct log_walk *walk, uint32_t database_pages)
{
        struct salvage_source *source = walk->source;

        if (database_pages > source->pages && !grow(source, database_pages))
                return false;
        for (uint32_t i = 0; i < walk->count; i++) {
                if (walk->numbers[i] <= source->pages)
                        source->log_at[walk->numbers[i]] =
                                wal_frame_at(walk->header.page_size, walk->first + i) +
                                WAL_FRAME_SIZE;
        }
        walk->committed_pages = database_pages;
        walk->first += walk->count;
        walk->count = 0;
        return true;
}

static bool walk_frames(struct log_walk *walk, unsigned char *bytes, uint32_t frames)
{
        const size_t size = wal_frame_bytes(walk->header.page_size);
        struct wal_frame frame;

        for (uint32_t n = 1; n <= frames; n++) {
                if (!read_at(walk->source->log_fd, wal_frame_at(walk->header.page_size, n), bytes,
                             size) ||
                    !wal_frame_check(&walk->header, bytes, &walk->point, &frame))
                        break;
                walk->numbers[walk->count++] = frame.page;
                if (frame.database_pages > 0 && !take_transaction(walk, frame.database_pages))
                        return false;
        }
        return true;
}

/* ERR_NOMEM. A log that does not fit is left out. */
static enum err read_log(struct ctx *ctx, struct salvage_source *source)
{
        struct log_walk walk = { .source = source, .first = 1 };
        unsigned char header[WAL_HEADER_SIZE], *bytes = NULL;
        struct stat st;
        uint32_t frames;
        bool done;

        if (!read_at(source->log_fd, 0, header, sizeof(header)) ||
            !wal_header_parse(header, &walk.header) || fstat(source->log_fd, &st) != 0 ||
            walk.header.page_size != source->page_size)
                return OK;
        frames = (uint32_t)((st.st_size - WAL_HEADER_SIZE) /
                            (int64_t)wal_frame_bytes(source->page_size));
        walk.point = wal_header_point(&walk.header);
        walk.numbers = calloc((size_t)frames + 1, sizeof(*walk.numbers));
        bytes = malloc(wal_frame_bytes(source->page_size));
        done = walk.numbers && bytes && walk_frames(&walk, bytes, frames);
        free(walk.numbers);
        free(bytes);
        for (uint32_t n = 1; done && n <= source->pages; n++)
                source->log_pages += source->log_at[n] > 0;
        return done ? OK : ctx_nomem(ctx);
}

/* ---- opening ---- */

static uint32_t log_page_size(int log_fd)
{
        unsigned char bytes[WAL_HEADER_SIZE];
        struct wal_header header;

        return read_at(log_fd, 0, bytes, sizeof(bytes)) && wal_header_parse(bytes, &header)
                       ? header.page_size
                       : 0;
}

static enum err look_at_header(struct ctx *ctx, struct salvage_source *source, int64_t size)
{
        unsigned char header[SQLITE_FILE_HEADER] = { 0 };

        source->has_header = read_at(source->fd, 0, header, sizeof(header)) && has_header(header);
        if (source->has_header)
                source->page_size = header_page_size(header);
        if (!source->page_size)
                source->page_size = log_page_size(source->log_fd);
        if (!source->page_size)
                source->page_size = guess_page_size(source->fd, size);
        if (!source->page_size)
                return ctx_fail(ctx, ERR_CONFLICT, "there is no page of a database in the file");
        if (source->has_header && sqlite_get32(header + ENCODING_AT) > 1)
                return ctx_fail(ctx, ERR_UNSUPPORTED, "its texts are UTF-16");
        source->usable = source->page_size;
        if (source->has_header && header[RESERVED_AT] <= source->page_size - 480)
                source->usable -= header[RESERVED_AT];
        source->file_pages = (uint32_t)(size / source->page_size);
        source->pages = source->file_pages;
        if (source->has_header && sqlite_get32(header + PAGES_AT) > source->pages &&
            sqlite_get32(header + PAGES_AT) / 1024 <= source->pages)
                source->pages = sqlite_get32(header + PAGES_AT);
        return OK;
}

enum err salvage_source_open(struct ctx *ctx, const char *path, struct salvage_source *ret)
{
        CLEANUP(salvage_source_close) struct salvage_source source = { .fd = -1, .log_fd = -1 };
        const char *log = arena_printf(ctx->arena, "%s-wal", path);
        struct stat st;
        enum err rc;

        if (!log)
                return ctx_nomem(ctx);
        source.fd = open(path, O_RDONLY | O_CLOEXEC);
        if (source.fd < 0 || fstat(source.fd, &st) != 0)
                return ctx_fail(ctx, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "%s: %m",
                                path);
        source.log_fd = open(log, O_RDONLY | O_CLOEXEC);
        rc = look_at_header(ctx, &source, st.st_size);
        if (rc == OK && !grow(&source, source.pages))
                rc = ctx_nomem(ctx);
        if (rc == OK)
                rc = read_log(ctx, &source);
        if (rc == OK) {
                source.marks = calloc((size_t)source.pages + 1, 1);
                rc = source.marks ? OK : ctx_nomem(ctx);
        }
        if (rc != OK)
                return rc;
        *ret = source;
        source = (struct salvage_source){ .fd = -1, .log_fd = -1 };
        return OK;
}

/* ---- payloads and the free list ---- */

unsigned char *salvage_payload(struct salvage_source *source, const struct sqlite_cell *cell)
{
        unsigned char *page = NULL, *payload = NULL;
        uint64_t have = cell->local_len;
        uint32_t next = cell->overflow;

        if (cell->payload > PAYLOAD_MAX ||
            cell->payload > (uint64_t)source->pages * source->page_size)
                return NULL;
        payload = malloc(cell->payload + 1);
        page = malloc(source->page_size);
        if (payload && page)
                memcpy(payload, cell->local, cell->local_len);
        while (payload && page && have < cell->payload) {
                uint64_t take = cell->payload - have;

                if (take > source->usable - 4)
                        take = source->usable - 4;
                if (next == 0 || !salvage_read(source, next, page) ||
                    source->marks[next] == SALVAGE_SEEN)
                        break;
                source->marks[next] = SALVAGE_SEEN;
                memcpy(payload + have, page + 4, take);
                have += take;
                next = sqlite_get32(page);
        }
        if (!page || have < cell->payload) {
                free(payload);
                payload = NULL;
        }
        free(page);
        return payload;
}

void salvage_mark_free(struct salvage_source *source)
{
        unsigned char *page = malloc(source->page_size);
        uint32_t trunk = 0;

        if (page && salvage_read(source, 1, page) && has_header(page))
                trunk = sqlite_get32(page + FREE_AT);
        while (trunk > 1 && trunk <= source->pages && source->marks[trunk] == SALVAGE_UNSEEN &&
               salvage_read(source, trunk, page)) {
                uint32_t count = sqlite_get32(page + 4);

                source->marks[trunk] = SALVAGE_SEEN;
                for (uint32_t i = 0; i < count && 8 + 4 * i + 4 <= source->usable; i++) {
                        uint32_t leaf = sqlite_get32(page + 8 + 4 * i);

                        if (leaf > 1 && leaf <= source->pages)
                                source->marks[leaf] = SALVAGE_SEEN;
                }
                trunk = sqlite_get32(page);
        }
        free(page);
}

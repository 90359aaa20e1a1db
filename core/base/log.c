#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/jsonw.h"

/* A line is built in place: what is variable is cut to its cap, so that the marks which make the
 * line whole always fit. LINE_RESERVE keeps room for them behind the pairs. */
#define LINE_SIZE    8192
#define LINE_RESERVE 64
#define NAME_CAP     128
#define MESSAGE_CAP  3072
#define KEY_CAP      64
#define VALUE_CAP    2048
#define NUMBER_CAP   32
#define PAIRS_MAX    32

static const char cut_mark[] = "...";

static const char *const level_names[LOG_LEVEL_COUNT] = {
        [LOG_DEBUG] = "DEBUG",
        [LOG_INFO] = "INFO",
        [LOG_WARNING] = "WARNING",
        [LOG_ERROR] = "ERROR",
};

/* Process-wide by nature, like the descriptor it writes to. The lock keeps a descriptor open
 * while a line is written to it. */
static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_JSON;
static struct {
        pthread_rwlock_t lock;
        int fd;
        char *file; /* NULL for standard error */
} sink = { .lock = PTHREAD_RWLOCK_INITIALIZER, .fd = STDERR_FILENO };

struct pair {
        const char *key, *value;
        bool is_number; /* the value is one as JSON has it */
};

struct event {
        const struct ctx *ctx;
        enum log_level level;
        const char *file, *function, *logger, *message;
        int line;
        struct pair pairs[PAIRS_MAX];
        size_t pair_count;
};

struct line {
        char data[LINE_SIZE];
        size_t len;
};

static int open_log(const char *file)
{
        return open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/* Make fd and file (owned) the sink; what was before is closed and freed. */
static void replace_sink(int fd, char *file)
{
        int old_fd;
        char *old_file;

        pthread_rwlock_wrlock(&sink.lock);
        old_fd = sink.fd;
        old_file = sink.file;
        sink.fd = fd;
        sink.file = file;
        pthread_rwlock_unlock(&sink.lock);
        if (old_file)
                close(old_fd);
        free(old_file);
}

static bool open_sink(const char *file)
{
        char *copy = strdup(file);
        int fd = copy ? open_log(copy) : -1;

        if (fd < 0) {
                free(copy);
                return false;
        }
        replace_sink(fd, copy);
        return true;
}

bool log_configure(enum log_level level, enum log_format format, const char *file)
{
        if (file && !open_sink(file))
                return false;
        if (!file)
                replace_sink(STDERR_FILENO, NULL);
        atomic_store(&current_level, (int)level);
        atomic_store(&current_format, (int)format);
        return true;
}

void log_reopen(void)
{
        int fd;

        pthread_rwlock_wrlock(&sink.lock);
        fd = sink.file ? open_log(sink.file) : -1;
        if (fd >= 0) {
                close(sink.fd);
                sink.fd = fd;
        }
        pthread_rwlock_unlock(&sink.lock);
}

bool log_enabled(enum log_level level)
{
        return (int)level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static size_t room(const struct line *line)
{
        return LINE_SIZE - LINE_RESERVE - line->len;
}

/* The marks between the values. The caps leave room for them; the reserve is theirs too. */
static void put(struct line *line, const char *text)
{
        size_t len = strlen(text);

        if (len > LINE_SIZE - line->len)
                return;
        memcpy(line->data + line->len, text, len);
        line->len += len;
}

/* The next piece of a value: as in JSON, but for a quote where none stands around the text. */
static size_t next_piece(const char *s, bool bare, size_t max, struct jsonw_piece *ret)
{
        if (bare && *s == '"' && max > 0) {
                ret->text = s;
                ret->len = 1;
                return 1;
        }
        return jsonw_piece(s, max, ret);
}

/* Text from outside, escaped to stay on its line and cut to cap bytes. */
static void put_value(struct line *line, const char *s, bool bare, size_t cap)
{
        size_t left = (cap < room(line) ? cap : room(line)) - strlen(cut_mark), used;
        struct jsonw_piece piece;

        while ((used = next_piece(s, bare, left, &piece)) > 0) {
                memcpy(line->data + line->len, piece.text, piece.len);
                line->len += piece.len;
                left -= piece.len;
                s += used;
        }
        if (*s)
                put(line, cut_mark);
}

static void put_number(struct line *line, int number)
{
        char digits[12];
        size_t at = sizeof(digits) - 1;
        unsigned value = number < 0 ? 0 : (unsigned)number;

        digits[at] = '\0';
        do {
                digits[--at] = (char)('0' + value % 10);
                value /= 10;
        } while (value > 0);
        put(line, digits + at);
}

static void put_json_member(struct line *line, const char *before, const char *value, size_t cap)
{
        put(line, before);
        put(line, "\"");
        put_value(line, value, false, cap);
        put(line, "\"");
}

static bool fits_pair(const struct line *line)
{
        return room(line) > KEY_CAP + LINE_RESERVE;
}

static void put_json_pair_value(struct line *line, const struct pair *pair)
{
        if (!pair->is_number) {
                put_json_member(line, ":", pair->value, VALUE_CAP);
                return;
        }
        put(line, ":");
        put(line, pair->value);
}

static void put_json_extra(struct line *line, const struct event *event)
{
        size_t i;

        if (event->pair_count == 0)
                return;
        put(line, ",\"extra\":{");
        for (i = 0; i < event->pair_count && fits_pair(line); i++) {
                put_json_member(line, i ? "," : "", event->pairs[i].key, KEY_CAP);
                put_json_pair_value(line, &event->pairs[i]);
        }
        if (i < event->pair_count)
                put(line, ",\"truncated\":true");
        put(line, "}");
}

static void put_json(struct line *line, const struct event *event, const char *timestamp)
{
        put(line, "{\"timestamp\":\"");
        put(line, timestamp);
        put_json_member(line, "\",\"level\":", level_names[event->level], NAME_CAP);
        put_json_member(line, ",\"logger\":", event->logger, NAME_CAP);
        put_json_member(line, ",\"message\":", event->message, MESSAGE_CAP);
        if (event->ctx && event->ctx->correlation_id[0])
                put_json_member(line, ",\"correlation_id\":", event->ctx->correlation_id, NAME_CAP);
        put_json_member(line, ",\"source\":{\"file\":", event->file, NAME_CAP);
        put(line, ",\"line\":");
        put_number(line, event->line);
        put_json_member(line, ",\"function\":", event->function, NAME_CAP);
        put(line, "}");
        put_json_extra(line, event);
        put(line, "}\n");
}

static void put_text_pair(struct line *line, const struct pair *pair)
{
        bool bare = pair->value[0] && !strpbrk(pair->value, " \"=");

        put(line, " ");
        put_value(line, pair->key, true, KEY_CAP);
        put(line, bare ? "=" : "=\"");
        put_value(line, pair->value, bare, VALUE_CAP);
        if (!bare)
                put(line, "\"");
}

/* For journald, which knows the time itself: what sd-daemon(3) has before a line, the priority of
 * syslog(3). */
static void put_priority(struct line *line, enum log_level level)
{
        static const char *const priorities[LOG_LEVEL_COUNT] = {
                [LOG_DEBUG] = "<7>",
                [LOG_INFO] = "<6>",
                [LOG_WARNING] = "<4>",
                [LOG_ERROR] = "<3>",
        };

        put(line, priorities[level]);
}

static void put_text_time(struct line *line, char *timestamp)
{
        timestamp[10] = ' '; /* 2024-01-15T10:30:00.000Z to 2024-01-15 10:30:00 */
        timestamp[19] = ' ';
        timestamp[20] = '\0';
        put(line, timestamp);
}

static void put_text(struct line *line, const struct event *event)
{
        const char *id = event->ctx ? event->ctx->correlation_id : "";
        size_t i;

        put(line, "[");
        put(line, level_names[event->level]);
        put(line, "] ");
        put_value(line, event->logger, true, NAME_CAP);
        put(line, " (");
        put_value(line, id[0] ? id : "-", true, NAME_CAP);
        put(line, "): ");
        put_value(line, event->message, true, MESSAGE_CAP);
        for (i = 0; i < event->pair_count && fits_pair(line); i++)
                put_text_pair(line, &event->pairs[i]);
        if (i < event->pair_count)
                put(line, " truncated=true");
        put(line, "\n");
}

/* A JSON number without an exponent, RFC 8259 6, short enough to be put down whole. */
static bool is_number(const char *text)
{
        static const char digits[] = "0123456789";
        const char *at = text + (*text == '-');
        size_t len = strspn(at, digits);

        if (len == 0 || (len > 1 && *at == '0'))
                return false;
        at += len;
        if (*at == '.') {
                len = strspn(++at, digits);
                if (len == 0)
                        return false;
                at += len;
        }
        return *at == '\0' && at - text < NUMBER_CAP;
}

static struct pair make_pair(const char *key, const char *value)
{
        if (*key == '#')
                return (struct pair){ key + 1, value, is_number(value) };
        return (struct pair){ key, value, false };
}

/* A pair of the caller's replaces the context's of the same key. */
static void collect_pairs(struct event *event, va_list ap)
{
        const char *key, *value;

        if (event->ctx && event->ctx->job_id[0])
                event->pairs[event->pair_count++] = make_pair("job_id", event->ctx->job_id);
        while (event->pair_count < PAIRS_MAX && (key = va_arg(ap, const char *))) {
                value = va_arg(ap, const char *);
                if (!value)
                        continue;
                if (event->pair_count > 0 && strcmp(key, "job_id") == 0 &&
                    strcmp(event->pairs[0].key, key) == 0)
                        event->pairs[0].value = value;
                else
                        event->pairs[event->pair_count++] = make_pair(key, value);
        }
}

/* There is nobody to tell when the log itself fails, so it is not told. */
static void write_line(const struct line *line)
{
        ssize_t written;

        pthread_rwlock_rdlock(&sink.lock);
        do {
                written = write(sink.fd, line->data, line->len);
        } while (written < 0 && errno == EINTR);
        pthread_rwlock_unlock(&sink.lock);
}

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static void put_event(struct line *line, const struct event *event)
{
        const struct ctx *ctx = event->ctx;
        const struct clock *clock = ctx && ctx->clock ? ctx->clock : &clock_system;
        char timestamp[CLOCK_ISO_SIZE];

        clock_format_iso(clock_wall_us(clock), timestamp);
        switch ((enum log_format)atomic_load_explicit(&current_format, memory_order_relaxed)) {
        case LOG_JSON:
                put_json(line, event, timestamp);
                break;
        case LOG_TEXT:
                put_text_time(line, timestamp);
                put_text(line, event);
                break;
        case LOG_JOURNAL:
                put_priority(line, event->level);
                put_text(line, event);
                break;
        }
}

void log_event_at(const struct ctx *ctx, enum log_level level, const char *file, int line_number,
                  const char *function, const char *logger, const char *message, ...)
{
        struct event event = { .ctx = ctx, .level = level, .file = base_name(file) };
        int saved_errno = errno;
        struct line line;
        va_list ap;

        if (!log_enabled(level))
                return;
        event.line = line_number;
        event.function = function;
        event.logger = logger;
        event.message = message;
        va_start(ap, message);
        collect_pairs(&event, ap);
        va_end(ap);
        line.len = 0;
        put_event(&line, &event);
        write_line(&line);
        errno = saved_errno;
}

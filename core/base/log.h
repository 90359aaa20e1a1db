/* Structured events: one line each, as JSON or as text, to standard error or a file.
 * Core returns errors, front ends log them; core itself logs only events an operator must see.
 * Never a body, a token or a header value. Line form: operations guide, "Structured logging". */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <stdbool.h>

#include "core/base/ctx.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVEL_COUNT };
/* LOG_JOURNAL: text as systemd's journal reads it, with a priority and without the time. */
enum log_format { LOG_JSON, LOG_TEXT, LOG_JOURNAL };

/* Set level, form and file (NULL: standard error) for the whole process; file is copied.
 * False: the file cannot be opened for appending (errno says why); nothing changed. */
bool log_configure(enum log_level level, enum log_format format, const char *file);

/* Open the file anew, for SIGHUP and logrotate. Keeps the old one if that fails. Async-signal
 * UNSAFE: call it from a normal thread. */
void log_reopen(void);

/* True when a line of this level would be written. */
bool log_enabled(enum log_level level);

/* Write one event. logger is dotted ("simpletuner.cloud.jobs"), message is a short sentence.
 * Then key, value pairs of strings, ended by NULL; a NULL value leaves its pair out. The value of a
 * "#key" is a number, and one in JSON too: "#status", "200" is "status":200.
 * ctx gives the correlation id and the job; it may be NULL. Thread safe, one write(2) per line. */
#define log_event(ctx, level, logger, message, ...)                                                \
        log_event_at((ctx), (level), __FILE__, __LINE__, __func__, (logger), (message),            \
                     ##__VA_ARGS__, (const char *)NULL)
void log_event_at(const struct ctx *ctx, enum log_level level, const char *file, int line,
                  const char *function, const char *logger, const char *message, ...)
        __attribute__((sentinel));

#endif

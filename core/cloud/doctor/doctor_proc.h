/* What the kernel tells in /proc, read for the doctor: locks, processes, and the clock. The parsers
 * are functions of text alone. Formats: proc(5), adjtimex(2). */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_PROC_H
#define CORE_CLOUD_DOCTOR_DOCTOR_PROC_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/ctx.h"

/* A line of /proc/locks. */
struct proc_lock {
        bool write, flock; /* flock: of the whole file; else a range of bytes */
        bool waiting;      /* for a lock that somebody else has */
        pid_t pid;         /* 0 or -1: a process of another container, or an open file's lock */
        unsigned major, minor;
        ino_t inode;
        long long first, last; /* bytes; last -1: to the end */
};
/* False: the line is none. */
bool proc_lock_parse(const char *line, struct proc_lock *ret);

/* Call found for each lock on the file that st is of. False: /proc/locks cannot be read. */
typedef void proc_lock_fn(void *arg, const struct proc_lock *lock);
NODISCARD bool proc_locks_of(const struct stat *st, proc_lock_fn *found, void *arg);

/* A file in the arena, at most max bytes of it; its NULs are blanks with blanks_for_nuls. NULL: it
 * cannot be read. */
const char *proc_read(struct ctx *ctx, const char *path, size_t max, bool blanks_for_nuls);

/* The command line of a process, for people; "?" when it cannot be read. */
const char *proc_command(struct ctx *ctx, pid_t pid);

/* A process that runs a program of this name. */
struct proc_info {
        pid_t pid;
        uid_t uid;
        bool replaced;         /* its program is no longer the file that was started */
        const char *arguments; /* separated by NUL, an empty one at the end */
        const char *program;   /* path; NULL: not to be seen */
};
typedef void proc_info_fn(void *arg, const struct proc_info *process);
/* Call found for each process whose program, or its first argument, ends in one of the names. */
NODISCARD enum err proc_each(struct ctx *ctx, const char *const *names, proc_info_fn *found,
                             void *arg);
/* The value of an option of it, "--listen PATH" or "--listen=PATH"; NULL: not given. */
const char *proc_option(const struct proc_info *process, const char *option);

/* Is a line of a crontab one that starts the companion's cron? */
bool crontab_line_is_ours(const char *line);
/* Does one of these lines? *ret_line: the first, in the arena. */
bool crontab_has_us(struct ctx *ctx, const char *text, const char **ret_line);

/* Run a program and take what it writes, at most max bytes, for at most timeout_ms. *ret_status: as
 * waitpid's. NULL: it is not there, or did not end. In the arena. */
const char *proc_output(struct ctx *ctx, const char *const *argv, unsigned timeout_ms,
                        int *ret_status);

#endif

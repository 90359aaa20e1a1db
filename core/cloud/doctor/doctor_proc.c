#include "core/cloud/doctor/doctor_proc.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_MAX 160
#define OUTPUT_MAX  (64 * KiB)

static void fclosep(FILE **file)
{
        if (*file)
                fclose(*file);
}
static void closedirp(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

/* ---- locks ---- */

bool proc_lock_parse(const char *line, struct proc_lock *ret)
{
        struct proc_lock lock = { 0 };
        char kind[16], advice[16], mode[16], first[32], last[32];
        unsigned long inode;
        const char *rest = strchr(line, ':');
        int pid;

        if (!rest)
                return false;
        rest += 1 + strspn(rest + 1, " ");
        if (strncmp(rest, "->", 2) == 0) {
                lock.waiting = true;
                rest += 2 + strspn(rest + 2, " ");
        }
        if (sscanf(rest, "%15s %15s %15s %d %x:%x:%lu %31s %31s", kind, advice, mode, &pid,
                   &lock.major, &lock.minor, &inode, first, last) != 9)
                return false;
        lock.flock = strcmp(kind, "FLOCK") == 0;
        lock.write = strcmp(mode, "WRITE") == 0;
        lock.pid = pid;
        lock.inode = inode;
        lock.first = strtoll(first, NULL, 10);
        lock.last = strcmp(last, "EOF") == 0 ? -1 : strtoll(last, NULL, 10);
        *ret = lock;
        return true;
}

bool proc_locks_of(const struct stat *st, proc_lock_fn *found, void *arg)
{
        CLEANUP(fclosep) FILE *in = fopen("/proc/locks", "re");
        struct proc_lock lock;
        char line[256];

        while (in && fgets(line, sizeof(line), in)) {
                if (proc_lock_parse(line, &lock) && lock.inode == st->st_ino &&
                    lock.major == major(st->st_dev) && lock.minor == minor(st->st_dev))
                        found(arg, &lock);
        }
        return in != NULL;
}

/* ---- processes ---- */

const char *proc_read(struct ctx *ctx, const char *path, size_t max, bool blanks_for_nuls)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char *text = fd >= 0 ? arena_alloc(ctx->arena, max + 2) : NULL;
        size_t len = 0;
        ssize_t got;

        while (text && len < max && (got = read(fd, text + len, max - len)) > 0)
                len += (size_t)got;
        for (size_t i = 0; text && blanks_for_nuls && i + 1 < len; i++)
                text[i] = text[i] ? text[i] : ' ';
        return text;
}

const char *proc_command(struct ctx *ctx, pid_t pid)
{
        char path[64];
        const char *text;

        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        text = pid > 0 ? proc_read(ctx, path, COMMAND_MAX, true) : NULL;
        return text && *text ? text : "?";
}

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool is_named(const char *path, const char *const *names)
{
        for (; path && *names; names++) {
                if (strcmp(base_name(path), *names) == 0)
                        return true;
        }
        return false;
}

/* The second argument too: of a script's interpreter that is the script. */
static bool look_at_process(struct ctx *ctx, const char *pid, const char *const *names,
                            struct proc_info *ret)
{
        static const char gone[] = " (deleted)";
        const char *directory = arena_printf(ctx->arena, "/proc/%s", pid);
        const char *cmdline = arena_printf(ctx->arena, "/proc/%s/cmdline", pid);
        const char *exe = arena_printf(ctx->arena, "/proc/%s/exe", pid);
        struct proc_info info = { .pid = (pid_t)strtol(pid, NULL, 10) };
        char program[1024];
        struct stat st;
        ssize_t len;

        if (!directory || !cmdline || !exe || stat(directory, &st) != 0)
                return false;
        info.uid = st.st_uid;
        info.arguments = proc_read(ctx, cmdline, 4 * KiB, false);
        len = readlink(exe, program, sizeof(program) - 1);
        if (len > 0) {
                program[len] = '\0';
                if ((size_t)len > strlen(gone) && strcmp(program + len - strlen(gone), gone) == 0) {
                        program[(size_t)len - strlen(gone)] = '\0';
                        info.replaced = true;
                }
                info.program = arena_strdup(ctx->arena, program);
        }
        if (!info.arguments || !*info.arguments)
                return false;
        *ret = info;
        return is_named(info.program, names) || is_named(info.arguments, names);
}

enum err proc_each(struct ctx *ctx, const char *const *names, proc_info_fn *found, void *arg)
{
        CLEANUP(closedirp) DIR *dir = opendir("/proc");
        const struct dirent *entry;
        struct proc_info info;

        if (!dir)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "/proc: %m");
        while ((entry = readdir(dir))) {
                if (isdigit((unsigned char)entry->d_name[0]) &&
                    look_at_process(ctx, entry->d_name, names, &info))
                        found(arg, &info);
        }
        return OK;
}

const char *proc_option(const struct proc_info *process, const char *option)
{
        const size_t len = strlen(option);

        for (const char *at = process->arguments; *at; at += strlen(at) + 1) {
                if (strcmp(at, option) == 0)
                        return at[len + 1] ? at + len + 1 : NULL;
                if (strncmp(at, option, len) == 0 && at[len] == '=')
                        return at + len + 1;
        }
        return NULL;
}

/* ---- crontabs ---- */

bool crontab_line_is_ours(const char *line)
{
        const char *at;

        line += strspn(line, " \t");
        if (*line == '#' || (*line != '@' && *line != '*' && !isdigit((unsigned char)*line)))
                return false;
        for (at = strstr(line, "simpletuner-cloud"); at; at = strstr(at + 1, "simpletuner-cloud")) {
                const char *word = at + strlen("simpletuner-cloud");

                word += strspn(word, "'\" \t");
                if (strncmp(word, "cron", 4) == 0 && !isalnum((unsigned char)word[4]))
                        return true;
        }
        return false;
}

bool crontab_has_us(struct ctx *ctx, const char *text, const char **ret_line)
{
        while (*text) {
                const size_t len = strcspn(text, "\n");
                const char *line = arena_strndup(ctx->arena, text, len);

                if (line && crontab_line_is_ours(line)) {
                        *ret_line = line;
                        return true;
                }
                text += len + (text[len] != '\0');
        }
        return false;
}

/* ---- programs ---- */

static bool start(const char *const *argv, int out, pid_t *ret_pid)
{
        static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        static char lang[] = "LC_ALL=C.UTF-8";
        char *const env[] = { path, lang, NULL };
        posix_spawn_file_actions_t actions;
        bool started;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        started = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, env) == 0;
        posix_spawn_file_actions_destroy(&actions);
        return started;
}

const char *proc_output(struct ctx *ctx, const char *const *argv, unsigned timeout_ms,
                        int *ret_status)
{
        const int64_t end_us = clock_mono_us(ctx->clock) + timeout_ms * US_PER_MS;
        char *text = arena_alloc(ctx->arena, OUTPUT_MAX + 1);
        size_t len = 0;
        int ends[2];
        pid_t pid;
        ssize_t got = -1;

        if (!text || pipe2(ends, O_CLOEXEC) != 0)
                return NULL;
        if (!start(argv, ends[1], &pid)) {
                close(ends[0]);
                close(ends[1]);
                return NULL;
        }
        close(ends[1]);
        while (len < OUTPUT_MAX) {
                struct pollfd fd = { .fd = ends[0], .events = POLLIN };
                int64_t left_us = end_us - clock_mono_us(ctx->clock);

                if (left_us <= 0 || poll(&fd, 1, (int)(left_us / US_PER_MS) + 1) <= 0)
                        break;
                got = read(ends[0], text + len, OUTPUT_MAX - len);
                if (got <= 0)
                        break;
                len += (size_t)got;
        }
        close(ends[0]);
        if (got != 0)
                kill(pid, SIGKILL);
        return waitpid(pid, ret_status, 0) == pid && got == 0 ? text : NULL;
}

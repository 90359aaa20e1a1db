/* The responder on this host: its processes, sockets, limits, and the memory it shares. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/json.h"
#include "core/cloud/doctor/doctor_fastcgi.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/doctor/doctor_proc.h"
#include "core/cloud/doctor/doctor_token.h"

#define ANSWER_MS        2500
#define SOCKETS_MAX      16
#define FILES_PER_THREAD 4
#define NO_FILE_MIN      1024

static const char *const responders[] = { "simpletuner-cloud.fcgi", NULL };
static const char *const fronts[] = { "lighttpd", "apache2", "httpd", "nginx", NULL };

/* Where the packages put the sockets that systemd hands over. */
static const char *const usual_sockets[] = { "/run/simpletuner-cloud/api.sock",
                                             "/run/simpletuner-cloud/bulk.sock" };

struct service {
        struct ctx *ctx;
        struct doctor *doctor;
        unsigned running; /* responders of this home */
        const char *sockets[SOCKETS_MAX];
        size_t socket_count;
};

/* Its variable SIMPLETUNER_HOME, as it was started; NULL: not to be seen, or not set. */
static const char *home_of(struct ctx *ctx, const struct proc_info *process)
{
        static const char name[] = "SIMPLETUNER_HOME=";
        char path[64];
        const char *at;

        snprintf(path, sizeof(path), "/proc/%d/environ", (int)process->pid);
        at = proc_read(ctx, path, 64 * KiB, false);
        for (; at && *at; at += strlen(at) + 1) {
                if (strncmp(at, name, strlen(name)) == 0)
                        return at + strlen(name);
        }
        return NULL;
}

/* Another installation's, on the same host, is none of our business. */
static bool is_ours(struct ctx *ctx, const struct proc_info *process)
{
        const char *home = home_of(ctx, process);

        return !home || *home == '~' || strcmp(home, ctx->config->home) == 0;
}

static void add_socket(struct service *service, const char *path)
{
        if (!path || *path != '/' || service->socket_count == SOCKETS_MAX)
                return;
        for (size_t i = 0; i < service->socket_count; i++) {
                if (strcmp(service->sockets[i], path) == 0)
                        return;
        }
        service->sockets[service->socket_count++] = path;
}

static void add_sockets(void *arg, const struct proc_info *process)
{
        struct service *service = arg;

        if (!is_ours(service->ctx, process))
                return;
        service->running++;
        add_socket(service, proc_option(process, "--listen"));
        add_socket(service, proc_option(process, "--listen-bulk"));
}

static enum err find_service(struct ctx *ctx, struct doctor *doctor, struct service *ret)
{
        *ret = (struct service){ .ctx = ctx, .doctor = doctor };
        return proc_each(ctx, responders, add_sockets, ret);
}

/* ---- its processes ---- */

/* May it use what is not its own (CAP_DAC_OVERRIDE), as when root has a front server start it? */
static bool overrides_owners(struct ctx *ctx, pid_t pid)
{
        char path[64];
        const char *text, *line;

        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        text = proc_read(ctx, path, 8 * KiB, false);
        line = text ? strstr(text, "\nCapEff:") : NULL;
        return line && strtoull(line + strlen("\nCapEff:"), NULL, 16) & 2;
}

static void say_process(void *arg, const struct proc_info *process)
{
        struct service *service = arg;
        struct ctx *ctx = service->ctx;
        struct stat st;

        if (!is_ours(ctx, process))
                return;
        service->running++;
        if (process->replaced)
                doctor_say(ctx, service->doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx,
                                          "systemctl restart simpletuner-cloud || kill -TERM %d",
                                          (int)process->pid),
                           "The responder (process %d) runs a program that was replaced since: "
                           "restart it",
                           (int)process->pid);
        if (stat(ctx->config->home, &st) == 0 && st.st_uid != process->uid &&
            !overrides_owners(ctx, process->pid))
                doctor_say(ctx, service->doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "ps -o user= -p %d; ls -ld '%s'", (int)process->pid,
                                          ctx->config->home),
                           "The responder (process %d) runs as user %u, but %s belongs to user %u",
                           (int)process->pid, (unsigned)process->uid, ctx->config->home,
                           (unsigned)st.st_uid);
}

void doctor_responder(struct ctx *ctx, struct doctor *doctor)
{
        struct service service = { .ctx = ctx, .doctor = doctor };

        if (proc_each(ctx, responders, say_process, &service) != OK)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL, "Not known: %s", ctx->detail);
        else if (service.running == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           "systemctl status simpletuner-cloud; pgrep -af simpletuner-cloud.fcgi",
                           "No responder with the home %s runs on this host", ctx->config->home);
        else if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "Responders running: %u", service.running);
}

/* ---- its sockets ---- */

/* May a process with these ids connect? Groups: of the process, as /proc tells them. */
struct visitor {
        const char *socket;
        const struct stat *st;
        struct ctx *ctx;
        unsigned seen, admitted;
        pid_t refused;
};

static bool has_group(struct ctx *ctx, pid_t pid, gid_t gid)
{
        char path[64];
        const char *text, *line;

        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        text = proc_read(ctx, path, 8 * KiB, false);
        for (const char *name = "\nGid:"; name;
             name = *name && name[2] == 'i' ? "\nGroups:" : NULL) {
                line = text ? strstr(text, name) : NULL;
                for (const char *at = line ? line + strlen(name) : NULL;
                     at && *at && *at != '\n';) {
                        char *end;
                        unsigned long id = strtoul(at, &end, 10);

                        if (end == at)
                                break;
                        if (id == gid)
                                return true;
                        at = end + strspn(end, " \t");
                }
        }
        return false;
}

/* Apache and nginx have workers that are not root's, lighttpd is one process. */
static void visit(void *arg, const struct proc_info *process)
{
        struct visitor *visitor = arg;
        const mode_t mode = visitor->st->st_mode;

        if (process->uid == 0 && !(process->program && strstr(process->program, "lighttpd")))
                return;
        visitor->seen++;
        if (process->uid == 0 || mode & 002 ||
            (process->uid == visitor->st->st_uid && mode & 0200) ||
            (mode & 0020 && has_group(visitor->ctx, process->pid, visitor->st->st_gid)))
                visitor->admitted++;
        else
                visitor->refused = process->pid;
}

static void say_access(struct ctx *ctx, struct doctor *doctor, const char *path,
                       const struct stat *st)
{
        struct visitor visitor = { .socket = path, .st = st, .ctx = ctx };

        if (proc_each(ctx, fronts, visit, &visitor) == OK && visitor.seen > 0 &&
            visitor.admitted == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "ls -l '%s'; ps -o user,group,supgrp,args -p %d",
                                          path, (int)visitor.refused),
                           "The front server (process %d) may not connect to %s (mode %03o, group "
                           "%u): start the responder with --socket-group",
                           (int)visitor.refused, path, (unsigned)st->st_mode & 0777,
                           (unsigned)st->st_gid);
}

/* Its version, when it is of this home. */
static void say_version(struct ctx *ctx, struct doctor *doctor, const char *path,
                        const char *answer)
{
        CLEANUP(json_decrefp) json_t *seen = NULL;
        const char *body = strstr(answer, "\r\n\r\n"), *version;

        if (!body || json_parse_object(ctx, "answer", body + 4, strlen(body + 4), &seen) != OK ||
            !json_string_at(seen, "version")) {
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           "pgrep -af simpletuner-cloud.fcgi; simpletuner-cloud --version",
                           "Behind %s is a responder of another home or an older version: %.60s",
                           path, answer);
                return;
        }
        version = json_string_at(seen, "version");
        if (strcmp(version, PACKAGE_VERSION) != 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING, "systemctl restart simpletuner-cloud",
                           "The responder behind %s is of version %s, this companion of %s", path,
                           version, PACKAGE_VERSION);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "%s is served", path);
}

static void say_socket(struct ctx *ctx, struct doctor *doctor, const char *path,
                       const struct doctor_token *token)
{
        const char *const variables[] = { "REQUEST_METHOD",
                                          "GET",
                                          "REQUEST_URI",
                                          DOCTOR_ECHO_PATH,
                                          "SERVER_PROTOCOL",
                                          "HTTP/1.1",
                                          "REMOTE_ADDR",
                                          "127.0.0.1",
                                          "HTTP_HOST",
                                          "localhost",
                                          "HTTP_X_SIMPLETUNER_DOCTOR",
                                          token->text,
                                          "HTTP_X_SIMPLETUNER_DOCTOR_NONCE",
                                          "socket",
                                          NULL };
        const char *command = DOCTOR_COMMAND(ctx, "namei -l '%s'; ss -xlp | grep '%s'", path, path);
        const char *answer;
        struct stat st;

        if (stat(path, &st) != 0) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, command, "The socket %s is not there: %m",
                           path);
                return;
        }
        if (!S_ISSOCK(st.st_mode)) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, command, "%s is no socket", path);
                return;
        }
        say_access(ctx, doctor, path, &st);
        if (doctor_fastcgi_get(ctx, path, variables, ANSWER_MS, &answer) != OK)
                doctor_say(ctx, doctor, DOCTOR_ERROR, command, "Nobody serves %s: %s", path,
                           ctx->detail);
        else
                say_version(ctx, doctor, path, answer);
}

void doctor_sockets(struct ctx *ctx, struct doctor *doctor)
{
        struct doctor_token token;
        struct service service;
        struct stat st;

        if (find_service(ctx, doctor, &service) != OK || doctor_token_make(ctx, &token) != OK) {
                doctor_say_untried(ctx, doctor);
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(usual_sockets); i++) {
                if (service.running == 0 && stat(usual_sockets[i], &st) == 0)
                        add_socket(&service, usual_sockets[i]);
        }
        for (size_t i = 0; i < service.socket_count; i++)
                say_socket(ctx, doctor, service.sockets[i], &token);
        doctor_token_remove(&token);
        if (service.socket_count == 0)
                doctor_say(ctx, doctor, service.running ? DOCTOR_OK : DOCTOR_NOTE, NULL,
                           service.running ? "The front server or systemd hands the sockets over"
                                           : "No responder runs that could have one");
}

/* ---- memory that nobody uses any more ---- */

static void count_lock(void *arg, const struct proc_lock *lock)
{
        (void)lock;
        ++*(unsigned *)arg;
}

/* Is it ours, and of nobody who lives? Who uses it holds its lock (shared_memory.c). */
static bool is_left_behind(int dir, const char *name, struct stat *ret)
{
        unsigned locks = 0;

        return strncmp(name, "simpletuner-", strlen("simpletuner-")) == 0 &&
               fstatat(dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0 && ret->st_uid == geteuid() &&
               proc_locks_of(ret, count_lock, &locks) && locks == 0;
}

void doctor_memory(struct ctx *ctx, struct doctor *doctor)
{
        DIR *dir = opendir("/dev/shm");
        const struct dirent *entry;
        intmax_t bytes = 0;
        unsigned count = 0;
        struct stat st;

        while (dir && (entry = readdir(dir))) {
                if (!is_left_behind(dirfd(dir), entry->d_name, &st))
                        continue;
                count++;
                bytes += (intmax_t)st.st_size;
        }
        if (dir)
                closedir(dir);
        if (count > 0)
                doctor_say(ctx, doctor, DOCTOR_NOTE,
                           "for f in /dev/shm/simpletuner-*; do fuser -s \"$f\" || rm -v \"$f\"; "
                           "done",
                           "Processes that were killed left %u pieces of shared memory behind, "
                           "%jd KiB",
                           count, bytes / (intmax_t)KiB);
}

/* ---- open files ---- */

struct file_limits {
        struct service service;
        uint64_t wanted;
};

static void say_limit(void *arg, const struct proc_info *process)
{
        struct file_limits *limits = arg;
        struct ctx *ctx = limits->service.ctx;
        const char *text, *line;
        char path[64];
        uint64_t soft;

        snprintf(path, sizeof(path), "/proc/%d/limits", (int)process->pid);
        text = is_ours(ctx, process) ? proc_read(ctx, path, 8 * KiB, false) : NULL;
        line = text ? strstr(text, "Max open files") : NULL;
        soft = line ? strtoull(line + strlen("Max open files"), NULL, 10) : 0;
        if (soft > 0 && soft < limits->wanted)
                doctor_say(ctx, limits->service.doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "prlimit --pid %d --nofile=%" PRIu64 ":",
                                          (int)process->pid, limits->wanted),
                           "The responder (process %d) may open %" PRIu64 " files, its threads may "
                           "want %" PRIu64,
                           (int)process->pid, soft, limits->wanted);
}

void doctor_limits(struct ctx *ctx, struct doctor *doctor)
{
        const uint64_t threads = ctx->config->api_threads + ctx->config->bulk_threads;
        struct file_limits limits = { .service = { .ctx = ctx, .doctor = doctor } };

        limits.wanted = 256 + threads * FILES_PER_THREAD;
        limits.wanted = limits.wanted < NO_FILE_MIN ? NO_FILE_MIN : limits.wanted;
        if (proc_each(ctx, responders, say_limit, &limits) != OK)
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL, "Not known: %s", ctx->detail);
}

#include "core/cloud/doctor/doctor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/cloud/doctor/doctor_child.h"

#define WIDTH    6         /* checks at once */
#define TEXT_MAX (1 * MiB) /* what one of them may say */

/* THE table of checks, in the order they are told. */
/* clang-format off */
static const struct doctor_check checks[] = {
        /* name         group       run                needs              seconds */
        { "settings",   "Settings", doctor_settings,   CHECK_NOTHING,     5  },
        { "start",      "Settings", doctor_start,      CHECK_NOTHING,     15 },
        { "files",      "Settings", doctor_files,      CHECK_NOTHING,     10 },
        { "disk",       "Settings", doctor_disk,       CHECK_NOTHING,     10 },
        { "database",   "Database", doctor_database,   CHECK_NOTHING,     60 },
        { "schema",     "Database", doctor_schema,     CHECK_NOTHING,     15 },
        { "locks",      "Database", doctor_locks,      CHECK_NOTHING,     15 },
        { "network",    "Network",  doctor_network,    CHECK_CLOUD,       45 },
        { "clock",      "Network",  doctor_clock,      CHECK_CLOUD,       20 },
        { "secrets",    "Network",  doctor_secrets,    CHECK_CLOUD,       15 },
        { "provider",   "Network",  doctor_provider,   CHECK_DATABASE,    30 },
        { "webhook",    "Network",  doctor_webhook,    CHECK_DATABASE,    30 },
        { "public_url", "Service",  doctor_public_url, CHECK_NOTHING,     30 },
        { "front",      "Service",  doctor_front,      CHECK_NOTHING,     60 },
        { "responder",  "Service",  doctor_responder,  CHECK_NOTHING,     15 },
        { "sockets",    "Service",  doctor_sockets,    CHECK_NOTHING,     15 },
        { "memory",     "Service",  doctor_memory,     CHECK_NOTHING,     5  },
        { "limits",     "Service",  doctor_limits,     CHECK_NOTHING,     5  },
        { "companion",  "Work",     doctor_companion,  CHECK_CLOUD,       20 },
        { "audit",      "Work",     doctor_audit,      CHECK_DATABASE,    15 },
        { "backup",     "Work",     doctor_backup,     CHECK_DATABASE,    15 },
        { "storage",    "Work",     doctor_storage,    CHECK_DATABASE,    20 },
        { "state",      "Work",     doctor_state,      CHECK_CLOUD,       15 },
};
/* clang-format on */

const char *doctor_level_name(enum doctor_level level)
{
        static const char *const names[] = { "ok", "note", "warning", "error" };

        return names[level];
}

const char *doctor_check_name(size_t n)
{
        return n < ARRAY_SIZE(checks) ? checks[n].name : NULL;
}

/* Is this name in the list? */
static bool is_among(const char *list, const char *name)
{
        const size_t len = strlen(name);

        for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
                if (strcspn(at, ",") == len && strncmp(at, name, len) == 0)
                        return true;
        }
        return false;
}

bool doctor_knows(const char *names)
{
        unsigned wanted = 1, known = 0;

        for (const char *c = names; *c; c++)
                wanted += *c == ',';
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
                known += is_among(names, checks[i].name);
        return known == wanted;
}

/* ---- running them ---- */

/* A check that is at it, or was. */
struct running {
        const struct doctor_check *check;
        pid_t pid; /* 0: not begun */
        int fd;    /* what it says; -1: it has ended */
        int64_t deadline_us;
        struct buf text;
        bool late;
        int status; /* as waitpid's */
};

struct round {
        struct running all[ARRAY_SIZE(checks)];
        size_t count, begun, at_work;
};

static enum err begin(struct ctx *ctx, const struct doctor_options *options,
                      struct running *running)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) != 0)
                return ctx_fail(ctx, ERR_INTERNAL, "no pipe can be made: %m");
        running->pid = fork();
        if (running->pid == 0)
                doctor_child(ctx, options, running->check, ends[1]);
        close(ends[1]);
        if (running->pid < 0) {
                close(ends[0]);
                return ctx_fail(ctx, ERR_INTERNAL, "no process can be made: %m");
        }
        running->fd = ends[0];
        running->deadline_us =
                clock_mono_us(ctx->clock) + (int64_t)running->check->patience_s * US_PER_S;
        return OK;
}

/* Its end of the pipe is closed, or its time is up. One that not even SIGKILL ends, because it
 * hangs in a file system, is left behind. */
static void end(struct round *round, struct running *running, bool late)
{
        close_fdp(&running->fd);
        running->fd = -1;
        running->late = late;
        if (late)
                kill(running->pid, SIGKILL);
        if (waitpid(running->pid, &running->status, late ? WNOHANG : 0) <= 0)
                running->status = 0;
        round->at_work--;
}

static void take(struct round *round, struct running *running)
{
        char space[8 * KiB];
        ssize_t len = read(running->fd, space, sizeof(space));

        if (len > 0)
                buf_add(&running->text, space, (size_t)len);
        else if (len == 0 || errno != EINTR)
                end(round, running, false);
}

/* Wait for what any of them says, or for the first whose time is up. */
static void wait_for_some(struct ctx *ctx, struct round *round)
{
        struct pollfd fds[ARRAY_SIZE(checks)];
        int64_t now_us = clock_mono_us(ctx->clock), first_us = INT64_MAX;

        for (size_t i = 0; i < round->begun; i++) {
                const struct running *running = &round->all[i];

                fds[i] = (struct pollfd){ .fd = running->fd, .events = POLLIN };
                if (running->fd >= 0 && running->deadline_us < first_us)
                        first_us = running->deadline_us;
        }
        if (poll(fds, round->begun,
                 first_us > now_us ? (int)((first_us - now_us) / US_PER_MS) + 1 : 0) < 0)
                return;
        now_us = clock_mono_us(ctx->clock);
        for (size_t i = 0; i < round->begun; i++) {
                if (fds[i].fd >= 0 && fds[i].revents)
                        take(round, &round->all[i]);
                else if (fds[i].fd >= 0 && now_us >= round->all[i].deadline_us)
                        end(round, &round->all[i], true);
        }
}

static enum err run_all(struct ctx *ctx, const struct doctor_options *options, struct round *round)
{
        enum err rc = OK;

        while (round->at_work > 0 || (rc == OK && round->begun < round->count)) {
                while (rc == OK && round->begun < round->count && round->at_work < WIDTH) {
                        rc = begin(ctx, options, &round->all[round->begun]);
                        round->begun += rc == OK;
                        round->at_work += rc == OK;
                }
                if (round->at_work > 0)
                        wait_for_some(ctx, round);
        }
        return rc;
}

/* ---- what they said ---- */

struct collector {
        struct doctor_report *report;
        const struct doctor_finding **tail;
};

static enum err add(struct ctx *ctx, struct collector *into, const struct doctor_finding *finding)
{
        struct doctor_finding *kept = arena_alloc(ctx->arena, sizeof(*kept));

        if (!kept)
                return ctx_nomem(ctx);
        *kept = *finding;
        *into->tail = kept;
        into->tail = &kept->next;
        into->report->counts[finding->level]++;
        return OK;
}

static enum err add_line(struct ctx *ctx, struct collector *into, const struct doctor_check *check,
                         const json_t *line)
{
        struct doctor_finding finding = { .check = check->name, .group = check->group };
        enum err rc = ctx_strdup(ctx, json_string_at(line, "found"), &finding.found);

        if (rc == OK)
                rc = ctx_strdup(ctx, json_string_at(line, "command"), &finding.command);
        if (rc != OK)
                return rc;
        finding.level = (enum doctor_level)json_number_at(line, "level", DOCTOR_ERROR);
        return add(ctx, into, &finding);
}

/* It did not come to its end. */
static enum err add_break(struct ctx *ctx, struct collector *into, const struct running *running)
{
        const struct doctor_check *check = running->check;
        struct doctor_finding finding = {
                .check = check->name,
                .group = check->group,
                .level = running->late ? DOCTOR_WARNING : DOCTOR_ERROR,
                .command = DOCTOR_COMMAND(ctx, "simpletuner-cloud doctor --only %s", check->name),
        };

        finding.found =
                running->late
                        ? arena_printf(ctx->arena,
                                       "The check did not end within %u s: what it asks hangs",
                                       check->patience_s)
                        : arena_printf(ctx->arena, "The check broke off (%s %d)",
                                       WIFSIGNALED(running->status) ? "signal" : "status",
                                       WIFSIGNALED(running->status) ? WTERMSIG(running->status)
                                                                    : WEXITSTATUS(running->status));
        return finding.found ? add(ctx, into, &finding) : ctx_nomem(ctx);
}

static enum err collect(struct ctx *ctx, const struct running *running, struct collector *into)
{
        const char *at = buf_str(&running->text);
        bool ended = false;
        enum err rc = OK;

        while (rc == OK && strchr(at, '\n')) {
                CLEANUP(json_decrefp) json_t *line = NULL;
                const size_t len = strcspn(at, "\n");

                rc = json_parse_object(ctx, "finding", at, len, &line);
                if (rc == OK && json_object_get(line, "end"))
                        ended = true;
                else if (rc == OK)
                        rc = add_line(ctx, into, running->check, line);
                at += len + 1;
        }
        return rc == OK && !ended ? add_break(ctx, into, running) : rc;
}

static bool is_url(const char *text)
{
        const char *host = strstr(text, "://");

        return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) && host[3] &&
               host[3] != '/';
}

enum err doctor_run(struct ctx *ctx, const struct doctor_options *options,
                    struct doctor_report *ret)
{
        struct doctor_report report = { 0 };
        struct collector into = { &report, &report.findings };
        const int64_t start_us = clock_mono_us(ctx->clock);
        struct round *round = arena_alloc(ctx->arena, sizeof(*round));
        enum err rc;

        if (!round)
                return ctx_nomem(ctx);
        if (options->only && !doctor_knows(options->only))
                return ctx_fail(ctx, ERR_INVALID, "the checks are " DOCTOR_CHECKS);
        if (options->url && !is_url(options->url))
                return ctx_fail(ctx, ERR_INVALID, "--url must be an http or https URL with a host");
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                if (options->only && !is_among(options->only, checks[i].name))
                        continue;
                round->all[round->count] = (struct running){ .check = &checks[i], .fd = -1 };
                buf_init(&round->all[round->count++].text, TEXT_MAX);
        }
        rc = run_all(ctx, options, round);
        for (size_t i = 0; i < round->count; i++) {
                if (rc == OK)
                        rc = collect(ctx, &round->all[i], &into);
                buf_done(&round->all[i].text);
        }
        report.took_us = clock_mono_us(ctx->clock) - start_us;
        if (rc == OK)
                *ret = report;
        return rc;
}

#include "core/base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT_MAX 4096

/* Its descriptors: ours on the right side of each pair are closed in it by themselves. */
struct pipes {
        int in[2], out[2], err;
};

static void close_pipes(struct pipes *pipes)
{
        close_fdp(&pipes->in[0]);
        close_fdp(&pipes->in[1]);
        close_fdp(&pipes->out[0]);
        close_fdp(&pipes->out[1]);
        close_fdp(&pipes->err);
}

/* A socket for its input, because writing to a pipe without reader would be a signal. */
static bool open_pipes(struct pipes *pipes, int wanted)
{
        pipes->err = memfd_create("complaints", MFD_CLOEXEC);
        if (pipes->err < 0)
                return false;
        if (wanted & CHILD_IN && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipes->in) != 0)
                return false;
        return !(wanted & CHILD_OUT) || pipe2(pipes->out, O_CLOEXEC) == 0;
}

static int plan(posix_spawn_file_actions_t *actions, const struct pipes *pipes)
{
        int failed;

        failed = pipes->in[0] >= 0
                         ? posix_spawn_file_actions_adddup2(actions, pipes->in[0], STDIN_FILENO)
                         : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
                                                            O_RDONLY, 0);
        if (!failed)
                failed = pipes->out[1] >= 0
                                 ? posix_spawn_file_actions_adddup2(actions, pipes->out[1],
                                                                    STDOUT_FILENO)
                                 : posix_spawn_file_actions_addopen(actions, STDOUT_FILENO,
                                                                    "/dev/null", O_WRONLY, 0);
        return failed ? failed
                      : posix_spawn_file_actions_adddup2(actions, pipes->err, STDERR_FILENO);
}

static int spawn(const char *const *argv, const char *const *environment, const struct pipes *pipes,
                 pid_t *ret_pid)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int failed;

        sigemptyset(&none);
        sigemptyset(&all);
        sigaddset(&all, SIGPIPE);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        failed = plan(&actions, pipes);
        if (!failed)
                failed = posix_spawn(ret_pid, argv[0], &actions, &attributes, (char *const *)argv,
                                     (char *const *)environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return failed;
}

enum err child_start(struct ctx *ctx, const char *const *argv, const char *const *environment,
                     int wanted, struct child *ret)
{
        CLEANUP(close_pipes) struct pipes pipes = { { -1, -1 }, { -1, -1 }, -1 };
        const char *slash = strrchr(argv[0], '/');
        int failed;
        pid_t pid;

        if (!open_pipes(&pipes, wanted))
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", argv[0]);
        failed = spawn(argv, environment, &pipes, &pid);
        if (failed)
                return ctx_fail(ctx, ERR_NOT_READY, "%s cannot be started: %s", argv[0],
                                strerrordesc_np(failed));
        *ret = (struct child){ .pid = pid,
                               .name = slash ? slash + 1 : argv[0],
                               .in_fd = TAKE_FD(pipes.in[1]),
                               .out_fd = TAKE_FD(pipes.out[0]),
                               .err_fd = TAKE_FD(pipes.err) };
        return OK;
}

enum err child_write(struct ctx *ctx, struct child *child, const void *bytes, size_t len)
{
        const char *at = bytes;

        while (len > 0) {
                ssize_t n = send(child->in_fd, at, len, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s does not read: %m", child->name);
                at += n;
                len -= (size_t)n;
        }
        return OK;
}

/* The first line that names an error, else the first. */
static const char *complaint(const struct child *child, char text[COMPLAINT_MAX])
{
        ssize_t len = pread(child->err_fd, text, COMPLAINT_MAX - 1, 0);
        char *line = text, *found;

        text[len > 0 ? len : 0] = '\0';
        found = strstr(text, "ERROR:");
        if (!found)
                found = strstr(text, "error:");
        while (found && found > text && found[-1] != '\n')
                found--;
        if (found)
                line = found;
        line[strcspn(line, "\n")] = '\0';
        return *line ? line : "it failed";
}

static void forget(struct child *child)
{
        close_fdp(&child->in_fd);
        close_fdp(&child->out_fd);
        close_fdp(&child->err_fd);
        child->pid = 0;
}

enum err child_end(struct ctx *ctx, struct child *child)
{
        char text[COMPLAINT_MAX];
        int status = 0;
        enum err rc = OK;

        close_fdp(&child->in_fd);
        close_fdp(&child->out_fd);
        while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                rc = ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %s", child->name, complaint(child, text));
        forget(child);
        return rc;
}

void child_kill(struct child *child)
{
        if (child->pid > 0) {
                kill(child->pid, SIGTERM);
                while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        forget(child);
}

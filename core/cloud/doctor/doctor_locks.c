/* Who holds the database up? Of SQLite's files only the numbers in the shared index are read, and
 * the kernel's list of locks: asking SQLite would take part in what is looked at. Formats:
 * sqlite.org/walformat.html 2, proc(5). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/doctor/doctor_proc.h"
#include "core/db/db.h"

#define LOOKS       4
#define LOOK_US     (INT64_C(300) * US_PER_MS)
#define WAL_MAX     (INT64_C(256) * (int64_t)MiB)
#define HOLDERS_MAX 16
#define READERS     5

/* Bytes of the -shm file, and of the database file where locks of the old kind are. */
#define BYTE_WRITE   120
#define BYTE_READ    123
#define BYTE_PENDING 0x40000000LL

struct index_header {            /* the part of the -shm file that is wanted */
        uint32_t frames;         /* in the -wal file */
        uint32_t written;        /* of them, back into the database */
        uint32_t marks[READERS]; /* up to which frame each kind of readers sees */
};

/* Somebody who has had a lock at every look. */
struct holder {
        pid_t pid;
        unsigned looks;
        bool writes;
        uint32_t mark; /* of a reader: what it sees; UINT32_MAX: no reader of the log */
};

struct scene {
        struct holder holders[HOLDERS_MAX];
        size_t count;
        unsigned look;
        const struct index_header *index;
};

static bool read_index(const char *path, struct index_header *ret)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint32_t words[30];

        if (fd < 0 || pread(fd, words, sizeof(words), 0) != (ssize_t)sizeof(words))
                return false;
        ret->frames = words[4];
        ret->written = words[24];
        memcpy(ret->marks, words + 25, sizeof(ret->marks));
        return true;
}

static void note(struct scene *scene, pid_t pid, bool writes, uint32_t mark)
{
        struct holder *holder = scene->holders;

        while (holder < scene->holders + scene->count &&
               (holder->pid != pid || holder->writes != writes))
                holder++;
        if (holder == scene->holders + scene->count) {
                if (scene->count == HOLDERS_MAX || scene->look > 0)
                        return;
                *holder = (struct holder){ .pid = pid, .writes = writes, .mark = mark };
                scene->count++;
        }
        if (holder->looks == scene->look)
                holder->looks++;
        holder->mark = mark < holder->mark ? mark : holder->mark;
}

static void note_index_lock(void *arg, const struct proc_lock *lock)
{
        struct scene *scene = arg;

        if (lock->waiting || lock->flock || lock->pid == getpid())
                return;
        if (lock->first <= BYTE_WRITE && lock->last >= BYTE_WRITE)
                note(scene, lock->pid, true, UINT32_MAX);
        for (unsigned i = 0; i < READERS; i++) {
                if (lock->first <= BYTE_READ + i && lock->last >= BYTE_READ + i)
                        note(scene, lock->pid, false,
                             scene->index && i > 0 ? scene->index->marks[i] : 0);
        }
}

static void note_file_lock(void *arg, const struct proc_lock *lock)
{
        struct scene *scene = arg;

        if (!lock->waiting && !lock->flock && lock->pid != getpid() && lock->write &&
            (lock->last < 0 || lock->last >= BYTE_PENDING))
                note(scene, lock->pid, true, UINT32_MAX);
}

/* Several looks: who has a lock at all of them has it for long. */
static bool watch(struct ctx *ctx, const char *file, const char *shm, struct scene *scene)
{
        struct stat main_st, shm_st;
        bool readable = true;

        for (scene->look = 0; scene->look < LOOKS && readable; scene->look++) {
                if (scene->look > 0)
                        clock_sleep_us(ctx->clock, LOOK_US);
                if (stat(file, &main_st) == 0)
                        readable = proc_locks_of(&main_st, note_file_lock, scene);
                if (readable && stat(shm, &shm_st) == 0)
                        readable = proc_locks_of(&shm_st, note_index_lock, scene);
        }
        return readable;
}

static const char *describe(struct ctx *ctx, pid_t pid)
{
        if (pid <= 0)
                return "a process outside this container";
        return arena_printf(ctx->arena, "process %d (%s)", (int)pid, proc_command(ctx, pid));
}

static void say_holders(struct ctx *ctx, struct doctor *doctor, const struct scene *scene)
{
        for (size_t i = 0; i < scene->count; i++) {
                const struct holder *holder = &scene->holders[i];
                const char *who = describe(ctx, holder->pid);
                const char *command = DOCTOR_COMMAND(ctx, "ps -o pid,user,etime,stat,args -p %d",
                                                     (int)holder->pid);

                if (holder->looks < LOOKS)
                        continue;
                if (holder->writes)
                        doctor_say(ctx, doctor, DOCTOR_WARNING, command,
                                   "The write lock of the database is held for more than %d ms by "
                                   "%s: all writers wait",
                                   (int)(LOOKS - 1) * (int)(LOOK_US / US_PER_MS), who);
                else
                        doctor_say(ctx, doctor, DOCTOR_NOTE, command,
                                   "A read of the database goes on for more than %d ms by %s",
                                   (int)(LOOKS - 1) * (int)(LOOK_US / US_PER_MS), who);
        }
}

/* The reader that sees the least, and so keeps the log from being written back; NULL: none does. */
static const struct holder *find_blocker(const struct scene *scene)
{
        const struct holder *found = NULL;

        for (size_t i = 0; i < scene->count; i++) {
                const struct holder *holder = &scene->holders[i];

                if (!holder->writes && holder->looks == LOOKS && scene->index &&
                    holder->mark < scene->index->frames && (!found || holder->mark < found->mark))
                        found = holder;
        }
        return found;
}

static void say_log(struct ctx *ctx, struct doctor *doctor, const struct scene *scene,
                    const char *wal)
{
        const struct index_header *index = scene->index;
        const struct holder *blocker = find_blocker(scene);
        struct stat st;
        int64_t size = stat(wal, &st) == 0 ? st.st_size : 0;

        if (size > WAL_MAX && blocker)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "ps -o pid,user,etime,stat,args -p %d; kill %d",
                                          (int)blocker->pid, (int)blocker->pid),
                           "The write-ahead log has grown to %" PRId64
                           " MiB, because no checkpoint gets past what %s reads",
                           size / (int64_t)MiB, describe(ctx, blocker->pid));
        else if (size > WAL_MAX)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "sqlite3 '%.*s' 'PRAGMA wal_checkpoint(TRUNCATE)'",
                                          (int)(strlen(wal) - strlen("-wal")), wal),
                           "The write-ahead log has %" PRId64 " MiB", size / (int64_t)MiB);
        else if (index)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL,
                           "The write-ahead log has %" PRId64 " KiB, %u of its %u pages are back "
                           "in the database",
                           size / (int64_t)KiB, index->written, index->frames);
}

static void look_at_sqlite(struct ctx *ctx, struct doctor *doctor, const char *file)
{
        const char *shm = arena_printf(ctx->arena, "%s-shm", file);
        const char *wal = arena_printf(ctx->arena, "%s-wal", file);
        struct scene scene = { 0 };
        struct index_header index;
        struct stat st;

        if (!shm || !wal)
                return;
        if (stat(file, &st) != 0 && errno != ENOENT) {
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL,
                           "Not known, because %s cannot be looked at: %m", file);
                return;
        }
        if (read_index(shm, &index))
                scene.index = &index;
        if (!watch(ctx, file, shm, &scene))
                doctor_say(ctx, doctor, DOCTOR_NOTE, "ls -l /proc/locks",
                           "/proc/locks cannot be read: who holds locks is not known");
        say_holders(ctx, doctor, &scene);
        say_log(ctx, doctor, &scene, wal);
        if (doctor->said == 0)
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "Nobody holds a lock");
}

void doctor_locks(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx);
        struct stat st;
        bool given;

        if (file)
                look_at_sqlite(ctx, doctor, file);
        else if (stat(ctx->config->home, &st) == 0 && doctor_open(ctx, &given) == OK) {
                db_set_timeout(ctx, 8000);
                doctor_pgsql_locks(ctx, doctor);
        }
}

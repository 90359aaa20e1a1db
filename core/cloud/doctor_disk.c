/* The disks: room, inodes, and file systems that a database cannot be on. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/doctor_part.h"

#define INODES_MIN 1000

/* statfs(2) */
static const struct {
        unsigned long magic;
        const char *name;
        enum doctor_level level; /* with a SQLite database on it */
} kinds[] = {
        { 0x6969, "NFS", DOCTOR_ERROR },         { 0x517b, "SMB", DOCTOR_ERROR },
        { 0xff534d42, "CIFS", DOCTOR_ERROR },    { 0xfe534d42, "SMB2", DOCTOR_ERROR },
        { 0x01021997, "9P", DOCTOR_ERROR },      { 0x00c36400, "Ceph", DOCTOR_ERROR },
        { 0x0bd00bd0, "Lustre", DOCTOR_ERROR },  { 0x5346414f, "AFS", DOCTOR_ERROR },
        { 0x65735546, "FUSE", DOCTOR_WARNING },  { 0x01021994, "tmpfs", DOCTOR_WARNING },
        { 0x858458f6, "ramfs", DOCTOR_WARNING },
};

/* The file system of a path, or of the nearest directory above it that is there. */
static bool look_up(struct ctx *ctx, const char *path, struct statvfs *ret, struct stat *ret_stat)
{
        char *copy = arena_strdup(ctx->arena, path);

        while (copy && (statvfs(copy, ret) != 0 || stat(copy, ret_stat) != 0)) {
                char *slash = strrchr(copy, '/');

                if ((errno != ENOENT && errno != ENOTDIR) || !slash || slash == copy)
                        return false;
                *slash = '\0';
        }
        return copy != NULL;
}

static void look_at_room(struct ctx *ctx, struct doctor *doctor, const char *path,
                         const struct statvfs *vfs)
{
        const uint64_t room = (uint64_t)vfs->f_bavail * vfs->f_frsize;
        const uint64_t floor = ctx->config->min_free_bytes;
        const char *command = DOCTOR_COMMAND(ctx, "df -h '%s'; du -xsh '%s'/*", path, path);

        if (vfs->f_flag & ST_RDONLY)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "findmnt -T '%s'; dmesg | tail", path),
                           "The file system of %s is read-only", path);
        else if (room < floor)
                doctor_say(ctx, doctor, DOCTOR_ERROR, command,
                           "%s has %" PRIu64 " MiB free, less than the floor of %" PRIu64
                           " MiB: uploads are refused",
                           path, room / MiB, floor / MiB);
        else if (room < 2 * floor)
                doctor_say(ctx, doctor, DOCTOR_WARNING, command,
                           "%s has %" PRIu64 " MiB free; below %" PRIu64 " MiB uploads are refused",
                           path, room / MiB, floor / MiB);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "%s has %" PRIu64 " MiB free", path,
                           room / MiB);
        if (vfs->f_files > 0 && vfs->f_favail < INODES_MIN)
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_COMMAND(ctx, "df -i '%s'", path),
                           "The file system of %s has %ju inodes left", path,
                           (uintmax_t)vfs->f_favail);
}

static void look_at_kind(struct ctx *ctx, struct doctor *doctor, const char *file)
{
        struct statfs fs;

        if (statfs(file, &fs) != 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (((unsigned long)fs.f_type & 0xffffffff) != kinds[i].magic)
                        continue;
                doctor_say(ctx, doctor, kinds[i].level,
                           DOCTOR_COMMAND(ctx, "findmnt -T '%s'", file),
                           "The database %s is on %s, %s", file, kinds[i].name,
                           kinds[i].level == DOCTOR_ERROR
                                   ? "whose locks do not keep it whole: put it on a local disk, or "
                                     "use PostgreSQL"
                                   : "where it may not outlive a restart of the machine");
        }
}

void doctor_disk(struct ctx *ctx, struct doctor *doctor)
{
        const char *file = doctor_database_file(ctx), *home = ctx->config->home;
        const char *const places[] = {
                home,
                file,
                arena_printf(ctx->arena, "%s/outputs", home),
                arena_printf(ctx->arena, "%s/backups", home),
                arena_printf(ctx->arena, "%s/run/spool", home),
                *ctx->config->log_file ? ctx->config->log_file : NULL,
                "/tmp",
        };
        dev_t seen[ARRAY_SIZE(places)];
        size_t count = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                struct statvfs vfs;
                struct stat st;
                bool known = false;

                if (!places[i] || !look_up(ctx, places[i], &vfs, &st))
                        continue;
                for (size_t j = 0; j < count; j++)
                        known = known || seen[j] == st.st_dev;
                if (!known)
                        look_at_room(ctx, doctor, places[i], &vfs);
                seen[count++] = st.st_dev;
        }
        if (file)
                look_at_kind(ctx, doctor, file);
}

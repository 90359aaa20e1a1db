/* The disks: room, inodes, and file systems that a database cannot be on. */
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_part.h"

#define INODES_MIN 1000

static const char network[] = "whose locks and shared memory do not keep it whole: put it on a "
                              "local disk, or use PostgreSQL";
static const char unknown[] =
        "which may be a network's, whose locks do not keep it whole: see what "
        "is behind it, or use PostgreSQL";
static const char memory[] = "where it does not outlive a restart of the machine";

/* With a SQLite database on them; statfs(2). */
static const struct doctor_file_system kinds[] = {
        { 0x00006969, "NFS", DOCTOR_ERROR, network },
        { 0x0000517b, "SMB", DOCTOR_ERROR, network },
        { 0xff534d42, "CIFS", DOCTOR_ERROR, network },
        { 0xfe534d42, "SMB2", DOCTOR_ERROR, network },
        { 0x01021997, "9P", DOCTOR_ERROR, network },
        { 0x00c36400, "Ceph", DOCTOR_ERROR, network },
        { 0x0bd00bd0, "Lustre", DOCTOR_ERROR, network },
        { 0x5346414f, "AFS", DOCTOR_ERROR, network },
        { 0x6b414653, "AFS", DOCTOR_ERROR, network },
        { 0x73757245, "Coda", DOCTOR_ERROR, network },
        { 0x19830326, "BeeGFS", DOCTOR_ERROR, network },
        { 0x47504653, "GPFS", DOCTOR_ERROR, network },
        { 0x01161970, "GFS2", DOCTOR_ERROR, network },
        { 0x7461636f, "OCFS2", DOCTOR_ERROR, network },
        { 0x786f4256, "vboxsf", DOCTOR_ERROR, network },
        { 0x65735546, "FUSE", DOCTOR_WARNING, unknown },
        { 0x01021994, "tmpfs", DOCTOR_WARNING, memory },
        { 0x858458f6, "ramfs", DOCTOR_WARNING, memory },
};

const struct doctor_file_system *doctor_judge_file_system(unsigned long f_type)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                /* Of 32 bits, with the sign of a long. */
                if ((f_type & 0xffffffff) == kinds[i].magic)
                        return &kinds[i];
        }
        return NULL;
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
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx, "df -i '%s'; du --inodes -xs '%s'/*", path, path),
                           "The file system of %s has %ju of %ju inodes left: without them no file "
                           "can be made, whatever room there is",
                           path, (uintmax_t)vfs->f_favail, (uintmax_t)vfs->f_files);
}

static void look_at_kind(struct ctx *ctx, struct doctor *doctor, const char *file)
{
        const char *there = doctor_nearest(ctx, file);
        const struct doctor_file_system *kind;
        struct statfs fs;

        if (!there || statfs(there, &fs) != 0)
                return;
        kind = doctor_judge_file_system((unsigned long)fs.f_type);
        if (kind)
                doctor_say(ctx, doctor, kind->level, DOCTOR_COMMAND(ctx, "findmnt -T '%s'", there),
                           "The database %s is on %s, %s", file, kind->name, kind->why);
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
                const char *there;
                struct statvfs vfs;
                struct stat st;
                bool known = false;

                there = places[i] ? doctor_nearest(ctx, places[i]) : NULL;
                if (!there || statvfs(there, &vfs) != 0 || stat(there, &st) != 0)
                        continue;
                for (size_t j = 0; j < count; j++)
                        known = known || seen[j] == st.st_dev;
                if (!known)
                        look_at_room(ctx, doctor, there, &vfs);
                seen[count++] = st.st_dev;
        }
        if (file)
                look_at_kind(ctx, doctor, file);
}

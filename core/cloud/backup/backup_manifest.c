/* manifest.json: written, read and checked. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/jsonw.h"
#include "core/cloud/backup/backup.h"

#define MANIFEST_MAX (1 * MiB)

static json_t *pack_audit(const struct audit_head *head)
{
        return json_pack("{s:I, s:I, s:s?, s:s?}", "audit_id", (json_int_t)head->audit_id,
                         "entries", (json_int_t)head->entries, "entry_hash", head->entry_hash,
                         "mac", head->mac);
}

static json_t *pack_files(const struct backup *backup)
{
        json_t *files = json_pack("[{s:s, s:I, s:s}]", "file", backup->file, "size_bytes",
                                  (json_int_t)backup->file_bytes, "sha256", backup->sha256);

        if (files && backup->private_bytes)
                json_array_append_new(files,
                                      json_pack("{s:s, s:I, s:s}", "file", BACKUP_PRIVATE,
                                                "size_bytes", (json_int_t)backup->private_bytes,
                                                "sha256", backup->private_sha256));
        return files;
}

static json_t *pack_components(const struct backup *backup)
{
        return backup->private_bytes ? json_pack("[s, s]", "database", "config")
                                     : json_pack("[s]", "database");
}

static json_t *pack(const struct backup *backup)
{
        char created[CLOCK_ISO_SIZE];
        json_t *json;

        clock_format_iso(backup->created_at_us, created);
        json = json_pack("{s:i, s:s, s:s?, s:s?, s:s, s:s, s:s?, s:s, s:i, s:I, s:o, s:o, s:o}",
                         "format", BACKUP_FORMAT, "backup_id", backup->id, "name", backup->name,
                         "description", backup->description, "kind", backup->kind, "created_at",
                         created, "created_by", backup->created_by, "program_version",
                         backup->program_version, "schema_version", (int)backup->schema_version,
                         "took_ms", (json_int_t)(backup->took_us / US_PER_MS), "files",
                         pack_files(backup), "components", pack_components(backup), "audit_head",
                         pack_audit(&backup->audit_head));
        if (!json)
                return NULL;
        json_object_set(json, "rows", (json_t *)backup->rows);
        if (backup->plain_sha256)
                json_object_set_new(json, "database",
                                    json_pack("{s:I, s:s}", "size_bytes",
                                              (json_int_t)backup->plain_bytes, "sha256",
                                              backup->plain_sha256));
        if (backup->wal)
                json_object_set(json, "wal", (json_t *)backup->wal);
        return json;
}

enum err backup_manifest_write(struct ctx *ctx, const struct backup_new *made,
                               const struct backup *backup)
{
        CLEANUP(json_decrefp) json_t *json = pack(backup);
        CLEANUP(close_fdp) int fd = -1;

        if (!json)
                return ctx_nomem(ctx);
        fd = openat(made->fd, BACKUP_MANIFEST, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || json_dumpfd(json, fd, JSON_INDENT(2)) != 0 || write(fd, "\n", 1) != 1)
                return ctx_fail(ctx, errno == ENOSPC ? ERR_NO_SPACE : ERR_UNAVAILABLE,
                                "%s/" BACKUP_MANIFEST " cannot be written: %m", made->path);
        return OK;
}

/* ---- reading ---- */

static int64_t int_at(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

/* A file of the directory it is named in, and of no other. */
static bool is_plain_name(const char *name)
{
        return name && *name && *name != '.' && !strchr(name, '/') && strlen(name) < 256;
}

static bool is_hash(const char *hash)
{
        return hash && strlen(hash) == SHA256_HEX_SIZE - 1 &&
               strspn(hash, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

static bool take_files(const json_t *files, struct backup *backup)
{
        const json_t *main_file = json_array_get(files, 0), *other = json_array_get(files, 1);

        backup->file = json_string_at(main_file, "file");
        backup->sha256 = json_string_at(main_file, "sha256");
        backup->file_bytes = int_at(main_file, "size_bytes");
        if (other) {
                backup->private_sha256 = json_string_at(other, "sha256");
                backup->private_bytes = int_at(other, "size_bytes");
                if (!is_hash(backup->private_sha256) || backup->private_bytes <= 0)
                        return false;
        }
        return is_plain_name(backup->file) && is_hash(backup->sha256) && backup->file_bytes > 0;
}

static bool take(const json_t *json, struct backup *backup)
{
        const json_t *database = json_object_get(json, "database");
        const json_t *head = json_object_get(json, "audit_head");
        const char *created = json_string_at(json, "created_at");

        backup->id = json_string_at(json, "backup_id");
        backup->name = json_string_at(json, "name");
        backup->description = json_string_at(json, "description");
        backup->kind = json_string_at(json, "kind");
        backup->created_by = json_string_at(json, "created_by");
        backup->program_version = json_string_at(json, "program_version");
        backup->schema_version = (unsigned)int_at(json, "schema_version");
        backup->took_us = int_at(json, "took_ms") * US_PER_MS;
        backup->rows = json_object_get(json, "rows");
        backup->wal = json_object_get(json, "wal");
        backup->plain_bytes = int_at(database, "size_bytes");
        backup->plain_sha256 = json_string_at(database, "sha256");
        backup->audit_head = (struct audit_head){
                .audit_id = int_at(head, "audit_id"),
                .entries = int_at(head, "entries"),
                .entry_hash = json_string_at(head, "entry_hash"),
                .mac = json_string_at(head, "mac"),
        };
        return backup->id && backup_is_id(backup->id) && backup->kind && backup->program_version &&
               created && clock_parse_iso(created, &backup->created_at_us) &&
               json_is_object(backup->rows) && take_files(json_object_get(json, "files"), backup) &&
               (strcmp(backup->kind, "sqlite") != 0 ||
                (is_hash(backup->plain_sha256) && backup->plain_bytes > 0));
}

static enum err read_text(struct ctx *ctx, const char *path, char **ret, size_t *ret_len)
{
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat st;
        char *text;

        if (fd < 0)
                return ctx_fail(
                        ctx, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
                        "%s: %m", path);
        if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)MANIFEST_MAX)
                return ctx_fail(ctx, ERR_CONFLICT, "%s is no manifest of a backup", path);
        text = arena_alloc(ctx->arena, (size_t)st.st_size + 1);
        if (!text)
                return ctx_nomem(ctx);
        if (read(fd, text, (size_t)st.st_size) != st.st_size)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read", path);
        *ret = text;
        *ret_len = (size_t)st.st_size;
        return OK;
}

enum err backup_manifest_read(struct ctx *ctx, const char *path, struct backup *ret)
{
        const char *file = arena_printf(ctx->arena, "%s/" BACKUP_MANIFEST, path);
        struct backup backup = { .path = path };
        json_t *json = NULL;
        size_t len = 0;
        char *text = NULL;
        enum err rc;

        rc = file ? read_text(ctx, file, &text, &len) : ctx_nomem(ctx);
        if (rc != OK)
                return rc;
        if (json_parse_object(ctx, BACKUP_MANIFEST, text, len, &json) != OK)
                return ctx_fail(ctx, ERR_CONFLICT, "%s is damaged: it is no JSON object", file);
        rc = json_keep(ctx, json);
        if (rc != OK)
                return rc;
        if (int_at(json, "format") > BACKUP_FORMAT)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "%s is of a newer version of this program: install that", file);
        if (int_at(json, "format") != BACKUP_FORMAT || !take(json, &backup))
                return ctx_fail(ctx, ERR_CONFLICT, "%s is damaged: it lacks what it should say",
                                file);
        *ret = backup;
        return OK;
}

void backup_render(struct jsonw *json, const struct backup *backup)
{
        jsonw_string(json, "id", backup->id);
        jsonw_string(json, "name", backup->name);
        jsonw_string(json, "description", backup->description);
        jsonw_time(json, "created_at", backup->created_at_us);
        jsonw_string(json, "created_by", backup->created_by);
        jsonw_string(json, "kind", backup->kind);
        jsonw_int(json, "size_bytes", backup->size_bytes);
        if (backup->plain_bytes)
                jsonw_int(json, "database_bytes", backup->plain_bytes);
        jsonw_int(json, "schema_version", backup->schema_version);
        jsonw_string(json, "program_version", backup->program_version);
        jsonw_int(json, "job_count", int_at(backup->rows, "jobs"));
        jsonw_int(json, "took_ms", backup->took_us / US_PER_MS);
        jsonw_array(json, "components");
        jsonw_string(json, NULL, "database");
        if (backup->private_bytes)
                jsonw_string(json, NULL, "config");
        jsonw_array_end(json);
        jsonw_bool(json, "point_in_time", backup->wal != NULL);
}

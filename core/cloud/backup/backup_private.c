#include "core/cloud/backup/backup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/config.h"
#include "core/base/config_problem.h"
#include "core/cloud/audit/audit_key.h"
#include "core/cloud/cloud.h"
#include "core/cloud/secrets/private_file.h"
#include "core/cloud/secrets/secrets.h"

#define PASSPHRASE_NAME "SIMPLETUNER_BACKUP_PASSPHRASE"
#define PASSPHRASE_MIN  12
#define MAGIC           "simpletuner-cloud private 1"
#define LOG_N           15
#define SALT_SIZE       16
#define HEAD_SIZE       128
#define CHUNK_SIZE      (64 * KiB)
#define FILE_SIZE_MAX   (1 * MiB)
#define ALL_SIZE_MAX    (16 * MiB)

/* What is kept, and where it belongs. */
static const char *const home_files[] = { "credential.key", "audit.key",    "audit.head",
                                          "secrets.json",   "secrets.yaml", "secrets.yml" };
#define ENV_FILE   "cloud.env"
#define RULES_FILE "rate-limits.json"

static enum err passphrase(struct ctx *ctx, struct secret *ret)
{
        enum err rc = secrets_get(ctx, PASSPHRASE_NAME, ret);

        if (rc == ERR_NOT_FOUND)
                return ctx_fail(
                        ctx, ERR_INVALID,
                        "keys and configuration are kept encrypted only: set " PASSPHRASE_NAME
                        " in the environment or the secrets file");
        if (rc == OK && ret->len < PASSPHRASE_MIN)
                return ctx_fail(ctx, ERR_INVALID,
                                PASSPHRASE_NAME " must have at least %d characters",
                                PASSPHRASE_MIN);
        return rc;
}

enum err backup_private_ready(struct ctx *ctx)
{
        struct secret found;

        return passphrase(ctx, &found);
}

static enum err derive(struct ctx *ctx, const unsigned char salt[SALT_SIZE],
                       unsigned char ret_key[AEAD_KEY_SIZE])
{
        const struct crypto_scrypt cost = { LOG_N, 8, 3 };
        struct secret word;
        enum err rc = passphrase(ctx, &word);

        if (rc == OK && !crypto_scrypt(word, (struct crypto_bytes){ salt, SALT_SIZE }, &cost,
                                       ret_key, AEAD_KEY_SIZE))
                rc = ctx_fail(ctx, ERR_INTERNAL, "scrypt failed");
        return rc;
}

/* ---- gathering ---- */

static const char *place_of(struct ctx *ctx, const char *name)
{
        if (strcmp(name, ENV_FILE) == 0 && config_file_path(ctx->config))
                return config_file_path(ctx->config);
        if (strcmp(name, RULES_FILE) == 0 && *ctx->config->rate_rules)
                return ctx->config->rate_rules;
        return arena_printf(ctx->arena, "%s/%s", ctx->config->home, name);
}

static enum err add_file(struct ctx *ctx, json_t *files, const char *name)
{
        const char *path = place_of(ctx, name);
        CLEANUP(close_fdp) int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
        struct stat st;
        char *bytes, *text;
        ssize_t len;

        if (fd < 0)
                return errno == ENOENT ? OK : ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", name);
        if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_SIZE_MAX)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s is no small file", path);
        bytes = arena_alloc(ctx->arena, (size_t)st.st_size + 1);
        text = arena_alloc(ctx->arena, BASE64_SIZE((size_t)st.st_size));
        if (!bytes || !text)
                return ctx_nomem(ctx);
        len = read(fd, bytes, (size_t)st.st_size);
        if (len != st.st_size)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s cannot be read", path);
        crypto_base64(bytes, (size_t)len, text);
        secret_wipe(bytes, (size_t)len);
        return json_object_set_new(files, name, json_string(text)) == 0 ? OK : ctx_nomem(ctx);
}

static enum err gather(struct ctx *ctx, const char **ret_text)
{
        CLEANUP(json_decrefp) json_t *files = json_object();
        enum err rc = files ? OK : ctx_nomem(ctx);

        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(home_files); i++)
                rc = add_file(ctx, files, home_files[i]);
        if (rc == OK)
                rc = add_file(ctx, files, ENV_FILE);
        if (rc == OK && *ctx->config->rate_rules)
                rc = add_file(ctx, files, RULES_FILE);
        return rc == OK ? json_text(ctx, files, ret_text) : rc;
}

/* ---- sealing: a line of text, then chunks of their length and the sealed bytes ---- */

static size_t chunk_aad(char aad[64], unsigned number, bool last)
{
        return (size_t)snprintf(aad, 64, "private.enc %u%s", number, last ? " last" : "");
}

static bool put_bytes(int fd, const void *bytes, size_t len)
{
        return write(fd, bytes, len) == (ssize_t)len;
}

static bool put_chunk(int fd, const unsigned char *key, struct crypto_bytes plain, unsigned number,
                      bool last)
{
        unsigned char sealed[CHUNK_SIZE + AEAD_OVERHEAD], size[4];
        const size_t len = plain.len + AEAD_OVERHEAD;
        char aad[64];

        for (unsigned i = 0; i < 4; i++)
                size[i] = (unsigned char)(len >> (24 - 8 * i));
        return crypto_aead_seal(key, (struct crypto_bytes){ aad, chunk_aad(aad, number, last) },
                                plain, sealed) &&
               put_bytes(fd, size, sizeof(size)) && put_bytes(fd, sealed, len);
}

static bool put_all(int fd, const unsigned char salt[SALT_SIZE], const unsigned char *key,
                    const char *text)
{
        char head[HEAD_SIZE], salt_text[BASE64_SIZE(SALT_SIZE)];
        size_t left = strlen(text);
        unsigned number = 0;

        crypto_base64(salt, SALT_SIZE, salt_text);
        snprintf(head, sizeof(head), MAGIC " %s\n", salt_text);
        if (!put_bytes(fd, head, strlen(head)))
                return false;
        do {
                const size_t len = left < CHUNK_SIZE ? left : CHUNK_SIZE;

                left -= len;
                if (!put_chunk(fd, key, (struct crypto_bytes){ text, len }, number++, left == 0))
                        return false;
                text += len;
        } while (left > 0);
        return true;
}

enum err backup_private_write(struct ctx *ctx, const struct backup_new *made, struct backup *backup)
{
        CLEANUP(close_fdp) int fd = -1;
        unsigned char salt[SALT_SIZE], key[AEAD_KEY_SIZE];
        char hex[SHA256_HEX_SIZE];
        const char *text;
        bool ok;
        enum err rc = gather(ctx, &text);

        if (rc == OK && !crypto_random(salt, sizeof(salt)))
                rc = ctx_fail(ctx, ERR_INTERNAL, "no randomness");
        if (rc == OK)
                rc = derive(ctx, salt, key);
        if (rc != OK)
                return rc;
        fd = openat(made->fd, BACKUP_PRIVATE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ok = fd >= 0 && put_all(fd, salt, key, text) && lseek(fd, 0, SEEK_SET) == 0;
        secret_wipe(key, sizeof(key));
        if (!ok)
                return ctx_fail(ctx, ERR_UNAVAILABLE, BACKUP_PRIVATE " cannot be written: %m");
        rc = backup_hash_file(ctx, fd, hex);
        backup->private_bytes = lseek(fd, 0, SEEK_END);
        return rc == OK ? ctx_strdup(ctx, hex, &backup->private_sha256) : rc;
}

/* ---- opening ---- */

static enum err read_all(struct ctx *ctx, const struct backup *backup, unsigned char **ret,
                         size_t *ret_len)
{
        const char *path = arena_printf(ctx->arena, "%s/" BACKUP_PRIVATE, backup->path);
        CLEANUP(close_fdp) int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
        char hex[SHA256_HEX_SIZE];
        struct stat st;
        enum err rc;

        if (fd < 0 || fstat(fd, &st) != 0)
                return ctx_fail(ctx, ERR_CONFLICT, BACKUP_PRIVATE " is missing from the backup");
        if (!S_ISREG(st.st_mode) || st.st_size != backup->private_bytes ||
            st.st_size > (off_t)ALL_SIZE_MAX)
                return ctx_fail(ctx, ERR_CONFLICT, BACKUP_PRIVATE " has another size than it had");
        rc = backup_hash_file(ctx, fd, hex);
        if (rc == OK && strcmp(hex, backup->private_sha256) != 0)
                rc = ctx_fail(ctx, ERR_CONFLICT,
                              BACKUP_PRIVATE " is damaged: its SHA-256 is not "
                                             "that of the manifest");
        if (rc != OK)
                return rc;
        *ret = arena_alloc(ctx->arena, (size_t)st.st_size + 1);
        if (!*ret)
                return ctx_nomem(ctx);
        *ret_len = (size_t)st.st_size;
        return pread(fd, *ret, *ret_len, 0) == st.st_size
                       ? OK
                       : ctx_fail(ctx, ERR_UNAVAILABLE, BACKUP_PRIVATE " cannot be read");
}

enum err backup_private_check(struct ctx *ctx, const struct backup *backup)
{
        unsigned char *bytes;
        size_t len;

        return read_all(ctx, backup, &bytes, &len);
}

static bool open_chunks(const unsigned char *key, const unsigned char *at, size_t left,
                        struct buf *out)
{
        unsigned char plain[CHUNK_SIZE];

        for (unsigned number = 0; left > 0; number++) {
                size_t len;
                char aad[64];

                if (left < 4)
                        return false;
                len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
                at += 4;
                left -= 4;
                if (len < AEAD_OVERHEAD || len > left || len > CHUNK_SIZE + AEAD_OVERHEAD)
                        return false;
                if (!crypto_aead_open(
                            key, (struct crypto_bytes){ aad, chunk_aad(aad, number, len == left) },
                            (struct crypto_bytes){ at, len }, plain) ||
                    !buf_add(out, plain, len - AEAD_OVERHEAD))
                        return false;
                at += len;
                left -= len;
        }
        secret_wipe(plain, sizeof(plain));
        return out->len > 0;
}

static enum err open_sealed(struct ctx *ctx, const struct backup *backup, json_t **ret)
{
        CLEANUP(buf_done) struct buf out = { 0 };
        unsigned char salt[SALT_SIZE], key[AEAD_KEY_SIZE], *bytes;
        const size_t at = strlen(MAGIC " ");
        size_t len, salt_len = 0, end;
        enum err rc = read_all(ctx, backup, &bytes, &len);
        bool ok;

        if (rc != OK)
                return rc;
        end = strcspn((char *)bytes, "\n");
        if (len <= end || end < at || memcmp(bytes, MAGIC " ", at) != 0 ||
            !crypto_base64_decode((char *)bytes + at, end - at, salt, sizeof(salt), &salt_len) ||
            salt_len != SALT_SIZE)
                return ctx_fail(ctx, ERR_CONFLICT, BACKUP_PRIVATE " is of no form that is known");
        rc = derive(ctx, salt, key);
        if (rc != OK)
                return rc;
        buf_init(&out, ALL_SIZE_MAX);
        ok = open_chunks(key, bytes + end + 1, len - end - 1, &out);
        secret_wipe(key, sizeof(key));
        if (!ok)
                return ctx_fail(ctx, ERR_CONFLICT,
                                BACKUP_PRIVATE " does not open: " PASSPHRASE_NAME
                                               " is another one than when it was made");
        rc = json_parse_object(ctx, BACKUP_PRIVATE, out.data, out.len, ret);
        secret_wipe(out.data, out.len);
        return rc == OK ? json_keep(ctx, *ret) : rc;
}

static bool is_known(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(home_files); i++) {
                if (strcmp(home_files[i], name) == 0)
                        return true;
        }
        return strcmp(name, ENV_FILE) == 0 || strcmp(name, RULES_FILE) == 0;
}

/* The old one stays beside it. The note of the audit log is that of now, if there is one. */
static enum err put_file(struct ctx *ctx, const char *name, const char *text)
{
        const char *path = place_of(ctx, name);
        const char *kept = path ? arena_printf(ctx->arena, "%s.before-restore", path) : NULL;
        const size_t len = strlen(text);
        char *bytes = arena_alloc(ctx->arena, len + 1);
        size_t plain_len = 0;
        enum err rc;

        if (!kept || !bytes)
                return ctx_nomem(ctx);
        if (!crypto_base64_decode(text, len, bytes, len, &plain_len) || strlen(bytes) != plain_len)
                return ctx_fail(ctx, ERR_CONFLICT, "%s in " BACKUP_PRIVATE " is no text", name);
        if (strcmp(name, "audit.head") == 0 && access(path, F_OK) == 0)
                return OK;
        unlink(kept);
        if (link(path, kept) != 0 && errno != ENOENT)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %m", kept);
        rc = private_file_replace(ctx, path, bytes);
        secret_wipe(bytes, plain_len);
        return rc;
}

enum err backup_private_restore(struct ctx *ctx, const struct backup *backup, bool dry_run)
{
        json_t *files = NULL, *value;
        const char *name;
        enum err rc;

        if (!backup->private_bytes)
                return ctx_fail(ctx, ERR_INVALID,
                                "Components not in backup: config (it was made without)");
        rc = open_sealed(ctx, backup, &files);
        if (rc != OK || dry_run)
                return rc;
        json_object_foreach (files, name, value) {
                if (!is_known(name) || !json_is_string(value))
                        return ctx_fail(ctx, ERR_CONFLICT,
                                        "%s in " BACKUP_PRIVATE " is nothing of this service's",
                                        name);
                rc = put_file(ctx, name, json_string_value(value));
                if (rc != OK)
                        return rc;
        }
        return audit_keys_reload(ctx);
}

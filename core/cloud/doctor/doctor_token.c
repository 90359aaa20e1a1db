#include "core/cloud/doctor/doctor_token.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/secrets/private_file.h"

#define PREFIX     ".doctor-"
#define ID_LEN     (ULID_SIZE - 1)
#define SECRET_LEN (DOCTOR_TOKEN_SIZE - ULID_SIZE - 1)

static void closedirp(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

static const char *path_of(struct ctx *ctx, const char *text)
{
        return arena_printf(ctx->arena, "%s/" PREFIX "%.*s", ctx->config->home, ID_LEN, text);
}

const char *doctor_token_file(struct ctx *ctx, const char *text)
{
        return arena_printf(ctx->arena, "%s/outputs/" PREFIX "%.*s", ctx->config->home, ID_LEN,
                            text);
}

/* What is older than any token is good for was left by a doctor that was killed. */
static void clean(struct ctx *ctx, const char *directory)
{
        CLEANUP(closedirp) DIR *dir = opendir(directory);
        const int64_t limit_s = clock_wall_us(ctx->clock) / US_PER_S - 2 * DOCTOR_TOKEN_S;
        const struct dirent *entry;
        struct stat st;

        while (dir && (entry = readdir(dir))) {
                if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(st.st_mode) && st.st_mtim.tv_sec < limit_s)
                        unlinkat(dirfd(dir), entry->d_name, 0);
        }
}

/* For the service's user, also when root asks. */
static void give_away(const char *path, const char *home)
{
        struct stat st;

        if (geteuid() == 0 && stat(home, &st) == 0 && st.st_uid != 0 &&
            lchown(path, st.st_uid, st.st_gid) != 0)
                unlink(path);
}

enum err doctor_token_make(struct ctx *ctx, struct doctor_token *ret)
{
        unsigned char secret[SHA256_SIZE];
        char key_hex[SHA256_HEX_SIZE], id[ULID_SIZE];
        struct doctor_token token;
        const char *text;
        enum err rc = crypto_ulid(ctx, id);

        if (rc != OK)
                return rc;
        if (!crypto_random(secret, sizeof(secret)) || !crypto_random(token.key, sizeof(token.key)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness");
        snprintf(token.text, sizeof(token.text), "%s.", id);
        crypto_hex(secret, sizeof(secret), token.text + ULID_SIZE);
        crypto_hex(token.key, sizeof(token.key), key_hex);
        clean(ctx, ctx->config->home);
        clean(ctx, arena_printf(ctx->arena, "%s/outputs", ctx->config->home));
        token.path = path_of(ctx, token.text);
        text = arena_printf(ctx->arena, "%s %s %" PRId64 "\n", token.text + ULID_SIZE, key_hex,
                            clock_wall_us(ctx->clock) / US_PER_S + DOCTOR_TOKEN_S);
        if (!token.path || !text)
                return ctx_nomem(ctx);
        rc = private_file_replace(ctx, token.path, text);
        if (rc != OK && faccessat(AT_FDCWD, ctx->config->home, W_OK | X_OK, AT_EACCESS) != 0)
                return ctx_fail(ctx, rc, "no file can be made in %s: %m", ctx->config->home);
        if (rc != OK)
                return rc;
        give_away(token.path, ctx->config->home);
        *ret = token;
        return OK;
}

void doctor_token_remove(const struct doctor_token *token)
{
        unlink(token->path);
}

bool doctor_token_proof(const unsigned char key[SHA256_SIZE], const char *nonce,
                        char ret_proof[SHA256_HEX_SIZE])
{
        unsigned char mac[SHA256_SIZE];

        if (!crypto_hmac_sha256(key, SHA256_SIZE, nonce, strlen(nonce), mac))
                return false;
        crypto_hex(mac, sizeof(mac), ret_proof);
        return true;
}

/* It becomes part of a path: of letters and digits alone. */
static bool is_token(const char *text)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

        return text && strspn(text, letters) == ID_LEN && text[ID_LEN] == '.' &&
               strlen(text + ULID_SIZE) == SECRET_LEN;
}

/* "SECRET KEY EXPIRES\n" */
static bool read_file(struct ctx *ctx, char *text, size_t len, const char *secret,
                      unsigned char ret_key[SHA256_SIZE])
{
        const struct secret given = { secret, SECRET_LEN }, kept = { text, SECRET_LEN };

        return len > 2 * SECRET_LEN + 2 && text[SECRET_LEN] == ' ' && secret_equal(given, kept) &&
               crypto_hex_decode(text + SECRET_LEN + 1, SECRET_LEN, ret_key, SHA256_SIZE) &&
               strtoll(text + 2 * SECRET_LEN + 2, NULL, 10) > clock_wall_us(ctx->clock) / US_PER_S;
}

enum err doctor_token_check(struct ctx *ctx, const char *text, const char *nonce,
                            char ret_proof[SHA256_HEX_SIZE])
{
        unsigned char key[SHA256_SIZE];
        const char *path = is_token(text) && nonce ? path_of(ctx, text) : NULL;
        size_t len = 0;
        char *kept;

        if (!path || private_file_read(ctx, path, &kept, &len) != OK ||
            !read_file(ctx, kept, len, text + ULID_SIZE, key) ||
            !doctor_token_proof(key, nonce, ret_proof))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Not found");
        return OK;
}

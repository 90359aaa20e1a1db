/* Hashes, MACs, randomness, encodings and secrets. The only user of OpenSSL. */
#ifndef CORE_BASE_CRYPTO_H
#define CORE_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* Bytes that no printf format fits. Wiped by secret_wipe when they own their memory. */
struct secret {
        const char *bytes; /* NUL-terminated for C libraries that need it */
        size_t len;
};

/* Bytes that are none. */
struct crypto_bytes {
        const void *bytes;
        size_t len;
};

/* Equal length and bytes, in time that depends on the lengths only. */
bool secret_equal(struct secret a, struct secret b);
/* Overwrite the bytes in a way the compiler keeps; for memory the caller owns. */
void secret_wipe(void *bytes, size_t len);

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE (2 * SHA256_SIZE + 1)
#define SHA1_SIZE       20
#define MD5_SIZE        16
#define MD5_HEX_SIZE    (2 * MD5_SIZE + 1)

/* FIPS 180-4; RFC 1321; RFC 2104. False only when OpenSSL fails, which is a fault. */
NODISCARD bool crypto_sha256(const void *bytes, size_t len, unsigned char ret[SHA256_SIZE]);
NODISCARD bool crypto_sha256_hex(const void *bytes, size_t len, char ret_hex[SHA256_HEX_SIZE]);
NODISCARD bool crypto_md5(const void *bytes, size_t len, unsigned char ret[MD5_SIZE]);
NODISCARD bool crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                                  unsigned char ret[SHA256_SIZE]);

/* HMAC-SHA256 of many messages under one key, which is prepared once. For one thread. NULL: out of
 * memory. */
struct crypto_mac;
NODISCARD struct crypto_mac *crypto_mac_new(const void *key, size_t key_len);
void crypto_mac_free(struct crypto_mac *mac);
DEFINE_CLEANUP(struct crypto_mac *, crypto_mac_free)
NODISCARD bool crypto_mac_of(struct crypto_mac *mac, const void *bytes, size_t len,
                             unsigned char ret[SHA256_SIZE]);

/* AES-256-GCM (NIST SP 800-38D) with a random nonce: nonce, ciphertext and tag in one piece, len +
 * AEAD_OVERHEAD bytes. aad is what the text belongs to; opening it for anything else fails. */
#define AEAD_KEY_SIZE 32
#define AEAD_OVERHEAD (12 + 16)
NODISCARD bool crypto_aead_seal(const unsigned char key[AEAD_KEY_SIZE], struct crypto_bytes aad,
                                struct crypto_bytes plain, unsigned char *ret);
/* False: another key or aad, or changed. ret has room for len - AEAD_OVERHEAD bytes. */
NODISCARD bool crypto_aead_open(const unsigned char key[AEAD_KEY_SIZE], struct crypto_bytes aad,
                                struct crypto_bytes sealed, unsigned char *ret);

/* One hash of a stream. */
enum crypto_hash_kind { CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_HASH_COUNT };
struct crypto_hash;
NODISCARD struct crypto_hash *crypto_hash_new(enum crypto_hash_kind kind); /* NULL: no memory */
void crypto_hash_free(struct crypto_hash *hash);
DEFINE_CLEANUP(struct crypto_hash *, crypto_hash_free)
NODISCARD bool crypto_hash_add(struct crypto_hash *hash, const void *bytes, size_t len);
/* The hash of what was added; then it is empty again. ret has room for the kind's MD5_SIZE,
 * SHA1_SIZE, SHA256_SIZE. */
NODISCARD bool crypto_hash_end(struct crypto_hash *hash, unsigned char *ret);

/* Cryptographic randomness. False: the kernel has none, which is a fault. */
NODISCARD bool crypto_random(void *ret_bytes, size_t len);
/* len characters and a NUL, each of the alphabet as likely as any other. False as above. */
NODISCARD bool crypto_random_text(const char *alphabet, char *ret, size_t len);

/* A key from a password, RFC 7914; n is 2^log_n. False only when OpenSSL fails, also for want of
 * memory: 128 r n bytes. */
struct crypto_scrypt {
        unsigned log_n, r, p;
};
NODISCARD bool crypto_scrypt(struct secret password, struct crypto_bytes salt,
                             const struct crypto_scrypt *cost, void *ret_key, size_t key_len);

/* RFC 4648. The encoders write a NUL; sizes count it. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void crypto_hex(const void *bytes, size_t len, char *ret_hex /* 2 len + 1 */);
/* Either case. False, and ret_bytes untouched: not exactly 2 len hex digits. */
bool crypto_hex_decode(const char *text, size_t text_len, void *ret_bytes, size_t len);
void crypto_base64(const void *bytes, size_t len, char *ret_text /* BASE64_SIZE */);
void crypto_base64url(const void *bytes, size_t len, char *ret_text /* BASE64_SIZE, unpadded */);
/* Standard alphabet, padding required as RFC 4648 4. False: not base64, or longer than max. */
bool crypto_base64_decode(const char *text, size_t text_len, void *ret_bytes, size_t max,
                          size_t *ret_len);

/* A lower-case ULID: 26 characters, sorts by time, valid as an S3 bucket name and file name.
 * 48 bits of milliseconds, 80 random bits; https://github.com/ulid/spec. ERR_INTERNAL. */
#define ULID_SIZE 27
NODISCARD enum err crypto_ulid(struct ctx *ctx, char ret_id[ULID_SIZE]);
/* The first that a moment could have: what was made before it sorts before this. */
void crypto_ulid_first(int64_t wall_us, char ret_id[ULID_SIZE]);

/* Add the certificates of a PEM file or hashed directory to an SSL_CTX (as curl hands out), beside
 * those it has. False: unreadable or no certificate in it. */
NODISCARD bool crypto_ssl_ctx_add_ca(void *ssl_ctx, const char *path);

/* Whose certificate the last handshake saw, and why it is not trusted. Names as "CN = x, O = y". */
#define CRYPTO_NAME_SIZE 256
struct crypto_certificate {
        char subject[CRYPTO_NAME_SIZE], issuer[CRYPTO_NAME_SIZE]; /* "": none was seen */
        char problem[128];                                        /* "": it is trusted */
        int64_t not_after_us; /* of the other side's own, or of that at fault; 0: none was seen */
};

/* Let an SSL_CTX write down the certificate that it refuses, of the whole chain the one at fault,
 * or else the other side's. The SSL_CTX may outlive *watched: it writes only while it shakes
 * hands. */
void crypto_ssl_ctx_watch(void *ssl_ctx, struct crypto_certificate *watched);

#endif

#include "core/base/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool secret_equal(struct secret a, struct secret b)
{
        return a.len == b.len && CRYPTO_memcmp(a.bytes, b.bytes, a.len) == 0;
}

void secret_wipe(void *bytes, size_t len)
{
        if (bytes)
                OPENSSL_cleanse(bytes, len);
}

/* Fetched once: OpenSSL 3 looks an algorithm up anew, under a lock, whenever it is asked by
 * name. They live as long as the process. */
static struct {
        EVP_MD *hash[CRYPTO_HASH_COUNT];
        EVP_CIPHER *aes_256_gcm;
} algorithms;

static void fetch_algorithms(void)
{
        static const char *const names[] = {
                [CRYPTO_MD5] = "MD5",
                [CRYPTO_SHA1] = "SHA1",
                [CRYPTO_SHA256] = "SHA256",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                algorithms.hash[i] = EVP_MD_fetch(NULL, names[i], NULL);
        algorithms.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

static bool have_algorithms(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, fetch_algorithms);
        return algorithms.hash[CRYPTO_MD5] && algorithms.hash[CRYPTO_SHA1] &&
               algorithms.hash[CRYPTO_SHA256] && algorithms.aes_256_gcm;
}

static bool hash_whole(enum crypto_hash_kind kind, const void *bytes, size_t len,
                       unsigned char *ret)
{
        return have_algorithms() &&
               EVP_Digest(bytes, len, ret, NULL, algorithms.hash[kind], NULL) == 1;
}

bool crypto_sha256(const void *bytes, size_t len, unsigned char ret[SHA256_SIZE])
{
        return hash_whole(CRYPTO_SHA256, bytes, len, ret);
}

bool crypto_md5(const void *bytes, size_t len, unsigned char ret[MD5_SIZE])
{
        return hash_whole(CRYPTO_MD5, bytes, len, ret);
}

bool crypto_sha256_hex(const void *bytes, size_t len, char ret_hex[SHA256_HEX_SIZE])
{
        unsigned char hash[SHA256_SIZE];

        if (!crypto_sha256(bytes, len, hash))
                return false;
        crypto_hex(hash, sizeof(hash), ret_hex);
        return true;
}

bool crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                        unsigned char ret[SHA256_SIZE])
{
        if (key_len > INT_MAX || !have_algorithms())
                return false;
        return HMAC(algorithms.hash[CRYPTO_SHA256], key, (int)key_len, bytes, len, ret, NULL) !=
               NULL;
}

#define SHA256_BLOCK 64

/* RFC 2104: both hashes with their first block done already. */
struct crypto_mac {
        EVP_MD_CTX *inner, *outer, *work;
};

static bool begin_with_pad(EVP_MD_CTX *context, const unsigned char key[SHA256_BLOCK],
                           unsigned char pad)
{
        unsigned char block[SHA256_BLOCK];
        bool begun;

        for (size_t i = 0; i < SHA256_BLOCK; i++)
                block[i] = key[i] ^ pad;
        begun = EVP_DigestInit_ex2(context, algorithms.hash[CRYPTO_SHA256], NULL) == 1 &&
                EVP_DigestUpdate(context, block, sizeof(block)) == 1;
        secret_wipe(block, sizeof(block));
        return begun;
}

struct crypto_mac *crypto_mac_new(const void *key, size_t key_len)
{
        CLEANUP(crypto_mac_freep) struct crypto_mac *mac = calloc(1, sizeof(*mac));
        unsigned char block[SHA256_BLOCK] = { 0 };
        bool made = false;

        if (!mac || !have_algorithms())
                return NULL;
        mac->inner = EVP_MD_CTX_new();
        mac->outer = EVP_MD_CTX_new();
        mac->work = EVP_MD_CTX_new();
        if (key_len <= sizeof(block))
                memcpy(block, key, key_len);
        else if (!crypto_sha256(key, key_len, block))
                return NULL;
        if (mac->inner && mac->outer && mac->work)
                made = begin_with_pad(mac->inner, block, 0x36) &&
                       begin_with_pad(mac->outer, block, 0x5c);
        secret_wipe(block, sizeof(block));
        return made ? TAKE(mac) : NULL;
}

void crypto_mac_free(struct crypto_mac *mac)
{
        if (!mac)
                return;
        EVP_MD_CTX_free(mac->inner);
        EVP_MD_CTX_free(mac->outer);
        EVP_MD_CTX_free(mac->work);
        free(mac);
}

bool crypto_mac_of(struct crypto_mac *mac, const void *bytes, size_t len,
                   unsigned char ret[SHA256_SIZE])
{
        return EVP_MD_CTX_copy_ex(mac->work, mac->inner) == 1 &&
               EVP_DigestUpdate(mac->work, bytes, len) == 1 &&
               EVP_DigestFinal_ex(mac->work, ret, NULL) == 1 &&
               EVP_MD_CTX_copy_ex(mac->work, mac->outer) == 1 &&
               EVP_DigestUpdate(mac->work, ret, SHA256_SIZE) == 1 &&
               EVP_DigestFinal_ex(mac->work, ret, NULL) == 1;
}

#define NONCE_SIZE 12
#define TAG_SIZE   16

typedef EVP_CIPHER_CTX cipher;
DEFINE_CLEANUP(cipher *, EVP_CIPHER_CTX_free)

bool crypto_aead_seal(const unsigned char key[AEAD_KEY_SIZE], struct crypto_bytes aad,
                      struct crypto_bytes plain, unsigned char *ret)
{
        CLEANUP(EVP_CIPHER_CTX_freep) cipher *c = EVP_CIPHER_CTX_new();
        unsigned char *text = ret + NONCE_SIZE, *tag = text + plain.len;
        int n = 0;

        return c && plain.len <= INT_MAX && aad.len <= INT_MAX && have_algorithms() &&
               crypto_random(ret, NONCE_SIZE) &&
               EVP_EncryptInit_ex2(c, algorithms.aes_256_gcm, key, ret, NULL) == 1 &&
               EVP_EncryptUpdate(c, NULL, &n, aad.bytes, (int)aad.len) == 1 &&
               EVP_EncryptUpdate(c, text, &n, plain.bytes, (int)plain.len) == 1 &&
               EVP_EncryptFinal_ex(c, tag, &n) == 1 &&
               EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1;
}

bool crypto_aead_open(const unsigned char key[AEAD_KEY_SIZE], struct crypto_bytes aad,
                      struct crypto_bytes sealed, unsigned char *ret)
{
        CLEANUP(EVP_CIPHER_CTX_freep) cipher *c = EVP_CIPHER_CTX_new();
        const unsigned char *nonce = sealed.bytes, *text = nonce + NONCE_SIZE;
        size_t len = sealed.len - AEAD_OVERHEAD;
        unsigned char tag[TAG_SIZE];
        int n = 0;

        if (!c || sealed.len < AEAD_OVERHEAD || len > INT_MAX || aad.len > INT_MAX ||
            !have_algorithms())
                return false;
        memcpy(tag, text + len, TAG_SIZE);
        return EVP_DecryptInit_ex2(c, algorithms.aes_256_gcm, key, nonce, NULL) == 1 &&
               EVP_DecryptUpdate(c, NULL, &n, aad.bytes, (int)aad.len) == 1 &&
               EVP_DecryptUpdate(c, ret, &n, text, (int)len) == 1 &&
               EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
               EVP_DecryptFinal_ex(c, ret + len, &n) == 1;
}

struct crypto_hash {
        EVP_MD_CTX *context;
};

struct crypto_hash *crypto_hash_new(enum crypto_hash_kind kind)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = calloc(1, sizeof(*hash));

        if (!hash || !have_algorithms())
                return NULL;
        hash->context = EVP_MD_CTX_new();
        if (!hash->context || EVP_DigestInit_ex2(hash->context, algorithms.hash[kind], NULL) != 1)
                return NULL;
        return TAKE(hash);
}

void crypto_hash_free(struct crypto_hash *hash)
{
        if (!hash)
                return;
        EVP_MD_CTX_free(hash->context);
        free(hash);
}

bool crypto_hash_add(struct crypto_hash *hash, const void *bytes, size_t len)
{
        return EVP_DigestUpdate(hash->context, bytes, len) == 1;
}

bool crypto_hash_end(struct crypto_hash *hash, unsigned char *ret)
{
        return EVP_DigestFinal_ex(hash->context, ret, NULL) == 1 &&
               EVP_DigestInit_ex2(hash->context, NULL, NULL) == 1;
}

bool crypto_random(void *ret_bytes, size_t len)
{
        unsigned char *at = ret_bytes;

        while (len > 0) {
                ssize_t got = getrandom(at, len, 0);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return false;
                at += got;
                len -= (size_t)got;
        }
        return true;
}

/* Bytes past the largest multiple of the alphabet's size are drawn again. */
bool crypto_random_text(const char *alphabet, char *ret, size_t len)
{
        const unsigned size = (unsigned)strlen(alphabet), bound = 256 - 256 % size;
        unsigned char bytes[64];
        size_t n = 0;

        while (n < len) {
                if (!crypto_random(bytes, sizeof(bytes)))
                        return false;
                for (size_t i = 0; i < sizeof(bytes) && n < len; i++) {
                        if (bytes[i] < bound)
                                ret[n++] = alphabet[bytes[i] % size];
                }
        }
        ret[len] = '\0';
        secret_wipe(bytes, sizeof(bytes));
        return true;
}

bool crypto_scrypt(struct secret password, struct crypto_bytes salt,
                   const struct crypto_scrypt *cost, void *ret_key, size_t key_len)
{
        const uint64_t n = UINT64_C(1) << cost->log_n;
        const uint64_t memory_max = 2 * 128 * (uint64_t)cost->r * (n + cost->p);

        return EVP_PBE_scrypt(password.bytes, password.len, salt.bytes, salt.len, n, cost->r,
                              cost->p, memory_max, ret_key, key_len) == 1;
}

/* The form c_rehash gives: eight hex digits, a dot, a number. */
static bool is_hashed_name(const char *name)
{
        return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] >= '0' &&
               name[9] <= '9';
}

static bool has_hashed_certificate(const char *path)
{
        DIR *dir = opendir(path);
        const struct dirent *entry;
        bool found = false;

        if (!dir)
                return false;
        while (!found && (entry = readdir(dir)))
                found = is_hashed_name(entry->d_name);
        closedir(dir);
        return found;
}

bool crypto_ssl_ctx_add_ca(void *ssl_ctx, const char *path)
{
        struct stat st;
        bool added;

        if (stat(path, &st) != 0)
                return false;
        if (S_ISDIR(st.st_mode))
                added = has_hashed_certificate(path) && SSL_CTX_load_verify_dir(ssl_ctx, path) == 1;
        else
                added = SSL_CTX_load_verify_file(ssl_ctx, path) == 1;
        if (!added)
                ERR_clear_error();
        return added;
}

typedef BIO text_bio;
DEFINE_CLEANUP(text_bio *, BIO_free_all)

/* On one line, with what is not printable ASCII escaped: names are the other side's words. */
static void print_name(const X509_NAME *name, char ret_text[CRYPTO_NAME_SIZE])
{
        CLEANUP(BIO_free_allp) text_bio *out = BIO_new(BIO_s_mem());
        int len = 0;

        if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE) >= 0)
                len = BIO_read(out, ret_text, CRYPTO_NAME_SIZE - 1);
        ret_text[len > 0 ? len : 0] = '\0';
}

/* When it ends, as wall time; 0: it does not say. */
static int64_t end_of(const X509 *certificate)
{
        const ASN1_TIME *end = X509_get0_notAfter(certificate);
        struct tm tm;

        return end && ASN1_TIME_to_tm(end, &tm) == 1 ? (int64_t)timegm(&tm) * US_PER_S : 0;
}

/* What OpenSSL would do by itself, and then a look at what came of it. */
static int verify_and_note(X509_STORE_CTX *store, void *arg)
{
        struct crypto_certificate *watched = arg;
        int trusted = X509_verify_cert(store);
        const X509 *at_fault = X509_STORE_CTX_get_current_cert(store);

        if (trusted == 1 || !at_fault)
                at_fault = X509_STORE_CTX_get0_cert(store);
        print_name(X509_get_subject_name(at_fault), watched->subject);
        print_name(X509_get_issuer_name(at_fault), watched->issuer);
        watched->not_after_us = end_of(at_fault);
        snprintf(watched->problem, sizeof(watched->problem), "%s",
                 trusted == 1 ? ""
                              : X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
        return trusted;
}

void crypto_ssl_ctx_watch(void *ssl_ctx, struct crypto_certificate *watched)
{
        *watched = (struct crypto_certificate){ 0 };
        SSL_CTX_set_cert_verify_callback(ssl_ctx, verify_and_note, watched);
        SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION);
}

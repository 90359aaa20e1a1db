#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/crypto.h"
#include "core/base/digest.h"
#include "tests/fixture.h"

static const char certificate[] =
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBmDCCAT+gAwIBAgIUVMPpsXKG0alUyB3uJkeXBp0KQa4wCgYIKoZIzj0EAwIw\n"
        "ITEfMB0GA1UEAwwWU2ltcGxlVHVuZXIgQ2xvdWQgdGVzdDAgFw0yNjExMjQwMzE5\n"
        "NTZaGA8yMTI2MTAzMTAzMTk1NlowITEfMB0GA1UEAwwWU2ltcGxlVHVuZXIgQ2xv\n"
        "dWQgdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAXaLh/1+1UJOMnmU6xv\n"
        "Bj+BPrfRGFekVXmp/YRYYMPVV76YUuLx6kiiVkG1L9dbETSsjGSbUs1Ff5mll7Qi\n"
        "4nKjUzBRMB0GA1UdDgQWBBTWtpB1xET6ARyjsM8D7flSyt8oXjAfBgNVHSMEGDAW\n"
        "gBTWtpB1xET6ARyjsM8D7flSyt8oXjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49\n"
        "BAMCA0cAMEQCIHCiVvwvC8SL0aSw7K/0fdH6LdQZwAEg5+fU52MuCWq4AiB6K+ZJ\n"
        "UPLqq+3BURtK2BBZiz6Q9LNjLJc17Q07OoeApA==\n"
        "-----END CERTIFICATE-----\n";

static const char *hex(const void *bytes, size_t len)
{
        static char text[256];

        assert_true(2 * len < sizeof(text));
        crypto_hex(bytes, len, text);
        return text;
}

static void sha256_gives_the_fips_180_vectors(void **state)
{
        char text[SHA256_HEX_SIZE];

        (void)state;
        assert_true(crypto_sha256_hex("abc", 3, text));
        assert_string_equal(text,
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_true(crypto_sha256_hex("", 0, text));
        assert_string_equal(text,
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_true(crypto_sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                                      56, text));
        assert_string_equal(text,
                            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void hmac_gives_the_rfc_4231_vectors(void **state)
{
        unsigned char key[131], mac[SHA256_SIZE], data[50];

        (void)state;
        memset(key, 0x0b, 20);
        assert_true(crypto_hmac_sha256(key, 20, "Hi There", 8, mac));
        assert_string_equal(hex(mac, sizeof(mac)),
                            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        assert_true(crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac));
        assert_string_equal(hex(mac, sizeof(mac)),
                            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        memset(key, 0xaa, sizeof(key));
        memset(data, 0xdd, sizeof(data));
        assert_true(crypto_hmac_sha256(key, 20, data, sizeof(data), mac));
        assert_string_equal(hex(mac, sizeof(mac)),
                            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
        assert_true(crypto_hmac_sha256(
                key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54, mac));
        assert_string_equal(hex(mac, sizeof(mac)),
                            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_takes_an_empty_key_and_text(void **state)
{
        unsigned char mac[SHA256_SIZE];

        (void)state;
        assert_true(crypto_hmac_sha256("", 0, "", 0, mac));
        assert_string_equal(hex(mac, sizeof(mac)),
                            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void a_prepared_mac_is_the_same_for_every_message_and_key(void **state)
{
        unsigned char key[200], message[300], expected[SHA256_SIZE], mac[SHA256_SIZE];

        (void)state;
        for (size_t i = 0; i < sizeof(message); i++) {
                message[i] = (unsigned char)(7 * i);
                key[i % sizeof(key)] = (unsigned char)(5 * i + 1);
        }
        for (size_t key_len = 1; key_len <= sizeof(key); key_len += 21) {
                CLEANUP(crypto_mac_freep) struct crypto_mac *prepared = NULL;

                prepared = crypto_mac_new(key, key_len);
                assert_non_null(prepared);
                for (size_t len = 0; len <= sizeof(message); len += 37) {
                        assert_true(crypto_hmac_sha256(key, key_len, message, len, expected));
                        assert_true(crypto_mac_of(prepared, message, len, mac));
                        assert_memory_equal(mac, expected, sizeof(mac));
                }
        }
}

/* The signature of a delivery as Standard Webhooks define it, from the primitives. */
static void assert_signature(const char *secret, const char *text, const char *expected)
{
        unsigned char key[64], mac[SHA256_SIZE];
        char signature[BASE64_SIZE(SHA256_SIZE)];
        size_t key_len = 0;

        assert_true(crypto_base64_decode(secret, strlen(secret), key, sizeof(key), &key_len));
        assert_true(crypto_hmac_sha256(key, key_len, text, strlen(text), mac));
        crypto_base64(mac, sizeof(mac), signature);
        assert_string_equal(signature, expected);
}

static void the_standard_webhooks_vectors_come_out(void **state)
{
        (void)state;
        assert_signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                         "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}",
                         "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_signature("C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                         "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk.1649367553."
                         "{\"email\":\"test@example.com\",\"username\":\"test_user\"}",
                         "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

static const char *hash_of(enum crypto_hash_kind kind, size_t size, const char *text)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(kind);
        unsigned char sum[SHA256_SIZE];

        assert_non_null(hash);
        for (; *text != '\0'; text++)
                assert_true(crypto_hash_add(hash, text, 1));
        assert_true(crypto_hash_end(hash, sum));
        return hex(sum, size);
}

/* RFC 1321 A.5, FIPS 180-4. */
static void one_hash_of_a_stream_gives_the_published_vectors(void **state)
{
        (void)state;
        assert_string_equal(hash_of(CRYPTO_MD5, MD5_SIZE, "abc"),
                            "900150983cd24fb0d6963f7d28e17f72");
        assert_string_equal(hash_of(CRYPTO_MD5, MD5_SIZE, ""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_string_equal(hash_of(CRYPTO_SHA1, SHA1_SIZE, "abc"),
                            "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_string_equal(hash_of(CRYPTO_SHA256, SHA256_SIZE, "abc"),
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void md5_gives_the_rfc_1321_vectors(void **state)
{
        unsigned char sum[MD5_SIZE];

        (void)state;
        assert_true(crypto_md5("", 0, sum));
        assert_string_equal(hex(sum, sizeof(sum)), "d41d8cd98f00b204e9800998ecf8427e");
        assert_true(crypto_md5("message digest", 14, sum));
        assert_string_equal(hex(sum, sizeof(sum)), "f96b697d7cb7938d525a2f31aaf161d0");
}

static void hex_is_decoded_only_when_it_is_exactly_that(void **state)
{
        unsigned char bytes[4] = { 1, 2, 3, 4 };

        (void)state;
        assert_false(crypto_hex_decode("00ff", 4, bytes, 3));
        assert_false(crypto_hex_decode("00ff0", 5, bytes, 2));
        assert_false(crypto_hex_decode("00fg", 4, bytes, 2));
        assert_false(crypto_hex_decode("0x12", 4, bytes, 2));
        assert_false(crypto_hex_decode(" 0ff", 4, bytes, 2));
        assert_memory_equal(bytes, "\1\2\3\4", 4);
        assert_true(crypto_hex_decode("00fF1Aa9", 8, bytes, 4));
        assert_memory_equal(bytes, "\0\xff\x1a\xa9", 4);
        assert_true(crypto_hex_decode("", 0, bytes, 0));
}

static void a_stream_has_the_same_digests_however_it_is_cut(void **state)
{
        CLEANUP(digest_freep) struct digest *digest = digest_new();
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE];

        (void)state;
        assert_non_null(digest);
        assert_true(digest_add(digest, "message ", 8));
        assert_true(digest_add(digest, "", 0));
        assert_true(digest_add(digest, "digest", 6));
        assert_true(digest_end(digest, md5, sha256));
        assert_string_equal(md5, "f96b697d7cb7938d525a2f31aaf161d0");
        assert_string_equal(sha256,
                            "f7846f55cf23e14eebeab5b4e1550cad5b509e3348fbc4efa3a1413d393cb650");
}

static void a_stream_starts_over_when_its_hash_was_taken(void **state)
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
        char sha256[SHA256_HEX_SIZE], expected[SHA256_HEX_SIZE];
        unsigned char raw[SHA256_SIZE];

        (void)state;
        assert_non_null(hash);
        assert_true(crypto_sha256_hex("message digest", 14, expected));
        for (int i = 0; i < 2; i++) {
                assert_true(crypto_hash_add(hash, "message ", 8));
                assert_true(crypto_hash_add(hash, "digest", 6));
                assert_true(crypto_hash_end(hash, raw));
                crypto_hex(raw, SHA256_SIZE, sha256);
                assert_string_equal(sha256, expected);
        }
}

static void an_empty_stream_has_digests_too(void **state)
{
        CLEANUP(digest_freep) struct digest *digest = digest_new();
        char md5[MD5_HEX_SIZE], sha256[SHA256_HEX_SIZE];

        (void)state;
        assert_non_null(digest);
        assert_true(digest_end(digest, md5, sha256));
        assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
}

static void secrets_are_equal_only_when_every_byte_is(void **state)
{
        static const struct secret secret = { "token", 5 };

        (void)state;
        assert_true(secret_equal(secret, (struct secret){ "token", 5 }));
        assert_false(secret_equal(secret, (struct secret){ "tokem", 5 }));
        assert_false(secret_equal(secret, (struct secret){ "tokens", 6 }));
        assert_false(secret_equal(secret, (struct secret){ "", 0 }));
        assert_true(secret_equal((struct secret){ "", 0 }, (struct secret){ "", 0 }));
}

static void a_wiped_secret_is_gone(void **state)
{
        char bytes[] = "secret";

        (void)state;
        secret_wipe(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
                assert_int_equal(bytes[i], 0);
        secret_wipe(NULL, 0);
}

static void base64_gives_the_rfc_4648_vectors_both_ways(void **state)
{
        static const char *const pairs[][2] = {
                { "", "" },
                { "f", "Zg==" },
                { "fo", "Zm8=" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg==" },
                { "fooba", "Zm9vYmE=" },
                { "foobar", "Zm9vYmFy" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                size_t len = strlen(pairs[i][0]), got = 99;
                char text[16], bytes[16];

                crypto_base64(pairs[i][0], len, text);
                assert_string_equal(text, pairs[i][1]);
                assert_true(crypto_base64_decode(text, strlen(text), bytes, len, &got));
                assert_int_equal(got, len);
                assert_memory_equal(bytes, pairs[i][0], len);
        }
}

static void base64url_has_its_own_alphabet_and_no_padding(void **state)
{
        char text[16];

        (void)state;
        crypto_base64url("\xFB\xFF\xFE", 3, text);
        assert_string_equal(text, "-__-");
        crypto_base64url("f", 1, text);
        assert_string_equal(text, "Zg");
}

static void what_is_not_base64_is_refused(void **state)
{
        static const char *const wrong[] = {
                "Z",     "Zg",       "Zg=",      "Zg===", "====", "A===", "Zm9_",
                "Zm 9v", "Zm9v\n\n", "Zg==Zg==", "Zh==",  "Zm9=", "=Zm9"
        };
        char bytes[16];
        size_t len = 42;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_false(crypto_base64_decode(wrong[i], strlen(wrong[i]), bytes, 16, &len));
        assert_false(crypto_base64_decode("Zm9v", 4, bytes, 2, &len));
        assert_int_equal(len, 42);
}

static void random_bytes_differ(void **state)
{
        unsigned char a[1000], b[1000];

        (void)state;
        assert_true(crypto_random(a, sizeof(a)));
        assert_true(crypto_random(b, sizeof(b)));
        assert_memory_not_equal(a, b, sizeof(a));
}

static void ids_are_ulids_that_sort_by_time(void **state)
{
        struct ctx *ctx = *state;
        char first[ULID_SIZE], same_ms[ULID_SIZE], later[ULID_SIZE];

        assert_int_equal(crypto_ulid(ctx, first), OK);
        assert_int_equal(crypto_ulid(ctx, same_ms), OK);
        fixture_advance_us(ctx, US_PER_MS);
        assert_int_equal(crypto_ulid(ctx, later), OK);
        assert_int_equal(strlen(first), 26);
        assert_int_equal(strspn(first, "0123456789abcdefghjkmnpqrstvwxyz"), 26);
        assert_memory_equal(first, "01hm6aqh20", 10); /* 1705314600000 ms */
        assert_memory_equal(first, same_ms, 10);
        assert_string_not_equal(first, same_ms);
        assert_true(strcmp(first, later) < 0);
        crypto_ulid_first(FIXTURE_TIME_US, same_ms);
        assert_int_equal(strlen(same_ms), 26);
        assert_true(strcmp(same_ms, first) < 0);
        crypto_ulid_first(FIXTURE_TIME_US + US_PER_MS, same_ms);
        assert_true(strcmp(first, same_ms) < 0 && strcmp(same_ms, later) < 0);
}

static void certificates_come_from_a_file_or_a_hashed_directory(void **state)
{
        struct ctx *ctx = *state;
        SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());

        assert_non_null(ssl);
        assert_true(crypto_ssl_ctx_add_ca(ssl, fixture_write(ctx, "ca.pem", certificate)));
        assert_int_equal(mkdir(fixture_path(ctx, "certs"), 0700), 0);
        assert_false(crypto_ssl_ctx_add_ca(ssl, fixture_path(ctx, "certs")));
        fixture_write(ctx, "certs/0a1b2c3d.0", certificate);
        assert_true(crypto_ssl_ctx_add_ca(ssl, fixture_path(ctx, "certs")));
        SSL_CTX_free(ssl);
}

static void a_file_without_certificate_is_refused(void **state)
{
        struct ctx *ctx = *state;
        SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());

        assert_non_null(ssl);
        assert_false(crypto_ssl_ctx_add_ca(ssl, fixture_path(ctx, "missing.pem")));
        assert_false(crypto_ssl_ctx_add_ca(ssl, fixture_write(ctx, "empty.pem", "")));
        assert_false(crypto_ssl_ctx_add_ca(ssl, fixture_write(ctx, "text.pem", "not PEM\n")));
        SSL_CTX_free(ssl);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_prepared_mac_is_the_same_for_every_message_and_key),
                cmocka_unit_test(sha256_gives_the_fips_180_vectors),
                cmocka_unit_test(hmac_gives_the_rfc_4231_vectors),
                cmocka_unit_test(hmac_takes_an_empty_key_and_text),
                cmocka_unit_test(the_standard_webhooks_vectors_come_out),
                cmocka_unit_test(one_hash_of_a_stream_gives_the_published_vectors),
                cmocka_unit_test(md5_gives_the_rfc_1321_vectors),
                cmocka_unit_test(hex_is_decoded_only_when_it_is_exactly_that),
                cmocka_unit_test(a_stream_has_the_same_digests_however_it_is_cut),
                cmocka_unit_test(a_stream_starts_over_when_its_hash_was_taken),
                cmocka_unit_test(an_empty_stream_has_digests_too),
                cmocka_unit_test(secrets_are_equal_only_when_every_byte_is),
                cmocka_unit_test(a_wiped_secret_is_gone),
                cmocka_unit_test(base64_gives_the_rfc_4648_vectors_both_ways),
                cmocka_unit_test(base64url_has_its_own_alphabet_and_no_padding),
                cmocka_unit_test(what_is_not_base64_is_refused),
                cmocka_unit_test(random_bytes_differ),
                FIXTURE_TEST(ids_are_ulids_that_sort_by_time),
                FIXTURE_TEST(certificates_come_from_a_file_or_a_hashed_directory),
                FIXTURE_TEST(a_file_without_certificate_is_refused),
        };

        return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}

#include "core/base/siphash.h"
#include "tests/fixture.h"

#define KEY                                                                                        \
        {                                                                                          \
                UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)                         \
        }

/* Appendix A of the paper, and vectors.h of the reference implementation: the text is 00 01 02 ...
 */
static void it_is_siphash_2_4(void **state)
{
        static const struct {
                size_t len;
                uint64_t hash;
        } vectors[] = {
                { 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
                { 8, UINT64_C(0x93f5f5799a932462) },  { 15, UINT64_C(0xa129ca6149be45e5) },
                { 16, UINT64_C(0x3f2acc7f57c29bdb) }, { 63, UINT64_C(0x958a324ceb064572) },
        };
        const struct siphash_key key = KEY;
        unsigned char text[64];

        (void)state;
        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = (unsigned char)i;
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
                assert_int_equal(siphash(&key, text, vectors[i].len), vectors[i].hash);
}

static void another_key_gives_another_hash(void **state)
{
        const struct siphash_key key = KEY, other = { key.k0 ^ 1, key.k1 };

        (void)state;
        assert_int_not_equal(siphash(&key, "login|203.0.113.7", 17),
                             siphash(&other, "login|203.0.113.7", 17));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_siphash_2_4),
                cmocka_unit_test(another_key_gives_another_hash),
        };

        return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}

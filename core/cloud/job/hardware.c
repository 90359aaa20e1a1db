#include "core/cloud/job/hardware.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 63
#define PRICE_MAX    1e6 /* USD per second; more is no price, and would not fit */

/* clang-format off */
static const struct hardware table[] = {
        { "h100",    "H100",    "gpu-h100", "H100 (80GB)", 1 },
        { "h100-x2", "2x H100", "gpu-h100", "H100 (80GB)", 2 },
        { "h100-x4", "4x H100", "gpu-h100", "H100 (80GB)", 4 },
        { "h100-x8", "8x H100", "gpu-h100", "H100 (80GB)", 8 },
        { "l40s",    "L40S",    "gpu-l40s", "L40S (48GB)", 1 },
        { "l40s-x2", "2x L40S", "gpu-l40s", "L40S (48GB)", 2 },
        { "l40s-x4", "4x L40S", "gpu-l40s", "L40S (48GB)", 4 },
        { "l40s-x8", "8x L40S", "gpu-l40s", "L40S (48GB)", 8 },
};

/* USD per second of one card, in billionths. */
static const struct { const char *price_id; int64_t nanos; } prices[] = {
        { "gpu-h100", 1525000 },
        { "gpu-l40s",  972222 },
};

static const struct { const char *spelling, *profile; } synonyms[] = {
        { "1xh100", "h100" }, { "h100-x1", "h100" }, { "1x-h100", "h100" },
        { "1xl40s", "l40s" }, { "l40s-x1", "l40s" }, { "1x-l40s", "l40s" },
};
/* clang-format on */

enum err hardware_find(struct ctx *ctx, const char *name, struct hardware *ret)
{
        static const char prefix[] = "advanced-trainer-";
        char spelling[NAME_MAX_LEN + 1];
        const char *wanted = spelling;

        snprintf(spelling, sizeof(spelling), "%s", name);
        for (char *c = spelling; *c; c++)
                *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
        if (strncmp(wanted, prefix, sizeof(prefix) - 1) == 0)
                wanted += sizeof(prefix) - 1;
        for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++) {
                if (strcmp(wanted, synonyms[i].spelling) == 0)
                        wanted = synonyms[i].profile;
        }
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                if (strcmp(wanted, table[i].profile) == 0) {
                        *ret = table[i];
                        return OK;
                }
        }
        return ctx_fail(ctx, ERR_INVALID,
                        "hardware_profile: Invalid Replicate hardware profile '%.64s'. Valid "
                        "profiles: h100, h100-x2, h100-x4, h100-x8, l40s, l40s-x2, l40s-x4, "
                        "l40s-x8",
                        name);
}

bool hardware_at(size_t n, struct hardware *ret)
{
        if (n >= ARRAY_SIZE(table))
                return false;
        *ret = table[n];
        return true;
}

/* ---- profiles that the setting lists ---- */

#define VALID_MAX 256

bool hardware_listed_at(const json_t *info, size_t n, struct hardware *ret)
{
        static const struct hardware only = { "default", "default", "default", "default", 1 };
        const char *id, *name;
        json_t *entry;
        size_t i = 0;

        if (json_object_size(info) == 0) {
                if (n == 0)
                        *ret = only;
                return n == 0;
        }
        json_object_foreach ((json_t *)(uintptr_t)info, id, entry) {
                if (i++ < n)
                        continue;
                name = json_string_at(entry, "name");
                *ret = (struct hardware){ id, name ? name : id, id, name ? name : id, 1 };
                return true;
        }
        return false;
}

enum err hardware_listed_find(struct ctx *ctx, const json_t *info, const char *name,
                              struct hardware *ret)
{
        char valid[VALID_MAX] = "";
        struct hardware hardware;

        for (size_t i = 0; hardware_listed_at(info, i, &hardware); i++) {
                size_t len = strlen(valid);

                if (strcmp(hardware.profile, name) == 0) {
                        *ret = hardware;
                        return OK;
                }
                snprintf(valid + len, sizeof(valid) - len, "%s%s", len ? ", " : "",
                         hardware.profile);
        }
        return ctx_fail(ctx, ERR_INVALID,
                        "hardware_profile: Invalid hardware profile '%.64s'. Valid profiles: %s",
                        name, valid);
}

const char *hardware_card_name(const struct hardware *hardware, const json_t *info)
{
        const char *name = json_string_at(json_object_get(info, hardware->price_id), "name");

        return name ? name : hardware->card;
}

int64_t hardware_price_nanos(const struct hardware *hardware, const json_t *info)
{
        const json_t *entry = json_object_get(info, hardware->price_id);
        double price = json_number_at(entry, "cost_per_second", -1);

        if (price > PRICE_MAX)
                price = PRICE_MAX;
        if (price >= 0)
                return (int64_t)(price * 1e9 + 0.5) * hardware->count;
        for (size_t i = 0; i < ARRAY_SIZE(prices); i++) {
                if (strcmp(prices[i].price_id, hardware->price_id) == 0)
                        return prices[i].nanos * hardware->count;
        }
        return 0;
}

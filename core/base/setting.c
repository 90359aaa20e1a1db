#include "core/base/setting.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/fields.h"
#include "core/base/ipnet.h"

char *setting_expand_path(struct arena *arena, const struct setting_places *places,
                          const char *path)
{
        const char *home = "";
        char *full;
        size_t len;

        if (path[0] == '~' && (path[1] == '/' || path[1] == '\0')) {
                home = places->user_home;
                path++;
        }
        full = home ? arena_printf(arena, "%s%s", home, path) : NULL;
        if (!full || full[0] != '/')
                return NULL;
        for (len = strlen(full); len > 1 && full[len - 1] == '/';)
                full[--len] = '\0';
        return full;
}

static bool has_control(const char *text)
{
        for (; *text; text++) {
                if ((unsigned char)*text < ' ' || *text == 0x7F)
                        return true;
        }
        return false;
}

static bool parse_uint(const struct setting *setting, const char *text, uint64_t *ret)
{
        unsigned long long value;

        if (!text[0] || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 18)
                return false;
        value = strtoull(text, NULL, 10);
        if ((double)value < setting->min || (double)value > setting->max)
                return false;
        *ret = value;
        return true;
}

static bool parse_double(const struct setting *setting, const char *text, double *ret)
{
        char *end;
        double value;

        if (!text[0] || text[strspn(text, "0123456789.")] != '\0')
                return false;
        value = strtod(text, &end);
        if (*end != '\0' || value < setting->min || value > setting->max)
                return false;
        *ret = value;
        return true;
}

static bool parse_bool(const char *text, bool *ret)
{
        static const char *const words[] = { "false", "true", "0", "1", "no", "yes", "off", "on" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strcasecmp(text, words[i]) == 0) {
                        *ret = i % 2;
                        return true;
                }
        }
        return false;
}

static bool parse_choice(const char *const *choices, const char *text, const char **ret)
{
        for (; *choices; choices++) {
                if (strcasecmp(text, *choices) == 0) {
                        *ret = *choices;
                        return true;
                }
        }
        return false;
}

/* Text kinds return their value, in the arena; NULL: not allowed, or out of memory. */
static const char *parse_url(struct arena *arena, const char *text)
{
        size_t len = strlen(text);

        if (!fields_is_url(text) || strpbrk(text, "?#"))
                return NULL;
        while (len > 0 && text[len - 1] == '/')
                len--;
        return arena_strndup(arena, text, len);
}

/* Nothing that would have to be escaped in a URL. */
static const char *parse_bucket(struct arena *arena, const char *text)
{
        static const char scheme[] = "s3://";
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "-_./";
        size_t len = strlen(text);
        const char *name = text + strlen(scheme);

        if (strncmp(text, scheme, strlen(scheme)) != 0 || strspn(name, plain) != strlen(name) ||
            *name == '/' || *name == '\0' || strstr(name, "//") || strstr(name, "/."))
                return NULL;
        return arena_strndup(arena, text, text[len - 1] == '/' ? len - 1 : len);
}

static const char *parse_database(struct arena *arena, const char *home, const char *text)
{
        static const char place[] = "sqlite:///{home}/";
        static const char *const schemes[] = { "sqlite:///", "postgresql://", "postgres://" };

        if (home && strncmp(text, place, strlen(place)) == 0)
                return arena_printf(arena, "sqlite://%s/%s", home, text + strlen(place));
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
                if (strncmp(text, schemes[i], strlen(schemes[i])) == 0 &&
                    text[strlen(schemes[i])] != '\0' && !has_control(text))
                        return arena_strdup(arena, text);
        }
        return NULL;
}

static bool parse_cidrs(struct arena *arena, const struct setting *setting, const char *text)
{
        size_t max = (size_t)setting->max;
        struct ipnet *nets = arena_alloc(arena, max * sizeof(*nets));
        const char *bad;

        return nets && ipnet_parse_list(text, nets, max, &bad) >= 0;
}

static bool keep(const char *text, const char **ret)
{
        if (!text)
                return false;
        *ret = text;
        return true;
}

static bool keep_copy(struct arena *arena, const char *text, const char **ret)
{
        return keep(arena_strdup(arena, text), ret);
}

bool setting_parse(struct arena *arena, const struct setting *setting,
                   const struct setting_places *places, const char *text, void *ret_member)
{
        switch (setting->kind) {
        case KIND_STRING:
                return !has_control(text) && keep_copy(arena, text, ret_member);
        case KIND_PATH:
                return !has_control(text) &&
                       keep(setting_expand_path(arena, places, text), ret_member);
        case KIND_UINT:
                return parse_uint(setting, text, ret_member);
        case KIND_DOUBLE:
                return parse_double(setting, text, ret_member);
        case KIND_BOOL:
                return parse_bool(text, ret_member);
        case KIND_CHOICE:
                return parse_choice(setting->choices, text, ret_member);
        case KIND_CIDRS:
                return parse_cidrs(arena, setting, text) && keep_copy(arena, text, ret_member);
        case KIND_URL:
                return keep(parse_url(arena, text), ret_member);
        case KIND_BUCKET:
                return keep(parse_bucket(arena, text), ret_member);
        case KIND_DATABASE:
                return keep(parse_database(arena, places->home, text), ret_member);
        case KIND_COUNT:
                break;
        }
        return false;
}

void setting_describe(const struct setting *setting, char ret_text[SETTING_ALLOWED_SIZE])
{
        static const char *const words[KIND_COUNT] = {
                [KIND_STRING] = "text without control characters",
                [KIND_PATH] = "an absolute path",
                [KIND_BOOL] = "true or false",
                [KIND_CIDRS] = "a list of IP addresses or CIDR ranges",
                [KIND_URL] = "an http or https URL with a host and without query",
                [KIND_BUCKET] = "s3://bucket or s3://bucket/prefix, of letters, digits, -, _ and .",
                [KIND_DATABASE] = "sqlite:///ABSOLUTE/PATH or postgresql://...",
        };
        const char *kind = setting->kind == KIND_UINT ? "a whole number" : "a number";

        if (setting->kind == KIND_CHOICE)
                snprintf(ret_text, SETTING_ALLOWED_SIZE, "%s", setting->help);
        else if (words[setting->kind])
                snprintf(ret_text, SETTING_ALLOWED_SIZE, "%s", words[setting->kind]);
        else
                snprintf(ret_text, SETTING_ALLOWED_SIZE, "%s from %.15g to %.15g", kind,
                         setting->min, setting->max);
}

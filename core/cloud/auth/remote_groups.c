#include "core/cloud/auth/remote_groups.h"

#include <string.h>
#include <strings.h>

/* A part of a text. */
struct piece {
        const char *text;
        size_t len;
};

static struct piece trim(const char *text, size_t len)
{
        while (len > 0 && *text == ' ') {
                text++;
                len--;
        }
        while (len > 0 && text[len - 1] == ' ')
                len--;
        return (struct piece){ text, len };
}

static bool equals(struct piece a, struct piece b)
{
        return a.len == b.len && strncasecmp(a.text, b.text, a.len) == 0;
}

/* The group at *at, which moves to the next. */
static struct piece next_group(const char **at)
{
        const char *text = *at;
        size_t len = strcspn(text, ";");

        if (!memchr(text, '=', len))
                len = strcspn(text, ",;");
        *at = text + len + (text[len] != '\0');
        return trim(text, len);
}

static bool is_among(struct piece group, const char *groups)
{
        while (*groups) {
                if (equals(next_group(&groups), group))
                        return true;
        }
        return false;
}

/* The last "=" of an entry. NULL: it has none. */
static const char *find_split(const char *entry, size_t len)
{
        while (len > 0 && entry[len - 1] != '=')
                len--;
        return len > 0 ? entry + len - 1 : NULL;
}

bool remote_groups_give(const char *map, const char *groups, const char *level)
{
        const size_t level_len = strlen(level);

        while (groups && *map) {
                const size_t len = strcspn(map, ";");
                const char *split = find_split(map, len);

                if (split) {
                        struct piece group = trim(map, (size_t)(split - map));
                        struct piece name = trim(split + 1, len - (size_t)(split + 1 - map));

                        if (group.len > 0 && name.len == level_len &&
                            strncmp(name.text, level, level_len) == 0 && is_among(group, groups))
                                return true;
                }
                map += len + (map[len] != '\0');
        }
        return false;
}

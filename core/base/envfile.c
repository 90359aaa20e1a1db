#include "core/base/envfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cut the blanks at both ends, in place. */
static char *trim(char *s)
{
        size_t len;

        s += strspn(s, " \t");
        for (len = strlen(s); len > 0 && strchr(" \t\r\n", s[len - 1]);)
                s[--len] = '\0';
        return s;
}

static char *unquote(char *value)
{
        size_t len = strlen(value);

        if (len < 2 || (value[0] != '"' && value[0] != '\'') || value[len - 1] != value[0])
                return value;
        value[len - 1] = '\0';
        return value + 1;
}

static bool is_name(const char *name)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                      "0123456789";

        return name[0] != '\0' && name[strspn(name, allowed)] == '\0' &&
               !(name[0] >= '0' && name[0] <= '9');
}

enum parsed { PARSED_LINE, PARSED_NOTHING, PARSED_WRONG };

/* Split text, in place, into the name and value of ret. */
static enum parsed parse_line(char *text, struct env_line *ret)
{
        char *equals;

        text = trim(text);
        if (text[0] == '\0' || text[0] == '#')
                return PARSED_NOTHING;
        if (strncmp(text, "export ", 7) == 0)
                text = trim(text + 7);
        equals = strchr(text, '=');
        if (!equals)
                return PARSED_WRONG;
        *equals = '\0';
        ret->name = trim(text);
        ret->value = unquote(trim(equals + 1));
        return is_name(ret->name) ? PARSED_LINE : PARSED_WRONG;
}

static struct env_line *keep_line(struct arena *arena, const struct env_line *line)
{
        struct env_line *kept = arena_alloc(arena, sizeof(*kept));

        if (!kept)
                return NULL;
        kept->line = line->line;
        kept->name = arena_strdup(arena, line->name);
        kept->value = arena_strdup(arena, line->value);
        return kept->name && kept->value ? kept : NULL;
}

static void free_textp(char **text)
{
        free(*text);
}

static void fclosep(FILE **file)
{
        if (*file)
                fclose(*file);
}

/* NULL when all lines are read, else what is wrong with the one *ret_number names. */
static const char *read_lines(struct arena *arena, FILE *in, struct envfile *file,
                              unsigned *ret_number)
{
        CLEANUP(free_textp) char *text = NULL;
        const struct env_line **tail = &file->lines;
        size_t size = 0;
        ssize_t len;

        for (*ret_number = 1; (len = getline(&text, &size, in)) >= 0; ++*ret_number) {
                struct env_line line = { .line = *ret_number }, *kept;
                enum parsed parsed;

                if (strlen(text) != (size_t)len)
                        return "there is a NUL byte in it";
                parsed = parse_line(text, &line);
                if (parsed == PARSED_WRONG)
                        return "it is not of the form NAME=VALUE";
                if (parsed == PARSED_NOTHING)
                        continue;
                kept = keep_line(arena, &line);
                if (!kept)
                        return "out of memory";
                *tail = kept;
                tail = &kept->next;
        }
        return ferror(in) ? strerror(errno) : NULL;
}

static const char *or_no_memory(const char *text)
{
        return text ? text : "out of memory";
}

const char *envfile_read(struct arena *arena, const char *path, bool required,
                         const struct envfile **ret)
{
        CLEANUP(fclosep) FILE *in = fopen(path, "re");
        struct envfile *file;
        const char *wrong;
        unsigned number;

        if (!in && !required && (errno == ENOENT || errno == ENOTDIR)) {
                *ret = NULL;
                return NULL;
        }
        if (!in)
                return or_no_memory(
                        arena_printf(arena, "%s cannot be opened: %s", path, strerror(errno)));
        file = arena_alloc(arena, sizeof(*file));
        if (!file || !(file->path = arena_strdup(arena, path)))
                return or_no_memory(NULL);
        wrong = read_lines(arena, in, file, &number);
        if (wrong)
                return or_no_memory(arena_printf(arena, "%s:%u: %s", path, number, wrong));
        *ret = file;
        return NULL;
}

const struct env_line *envfile_find(const struct envfile *file, const char *name)
{
        const struct env_line *found = NULL;

        for (const struct env_line *line = file ? file->lines : NULL; line; line = line->next) {
                if (strcmp(line->name, name) == 0)
                        found = line;
        }
        return found;
}

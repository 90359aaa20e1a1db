/* What the value of one setting may be: the kinds of values, their limits and how they are told.
 * Where values come from is config.c's business. */
#ifndef CORE_BASE_SETTING_H
#define CORE_BASE_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"

enum setting_kind {
        KIND_STRING,   /* const char *, no control characters */
        KIND_PATH,     /* const char *, absolute once ~ is expanded */
        KIND_UINT,     /* uint64_t from min to max */
        KIND_DOUBLE,   /* double from min to max */
        KIND_BOOL,     /* bool */
        KIND_CHOICE,   /* const char *, one of choices; any case */
        KIND_CIDRS,    /* const char *, at most max ranges for ipnet_parse_list */
        KIND_URL,      /* const char *, without trailing slash */
        KIND_BUCKET,   /* const char *, s3://bucket or s3://bucket/prefix */
        KIND_DATABASE, /* const char *, sqlite:///... ({home} is filled in) or postgresql://... */
        KIND_COUNT
};

struct setting {
        const char *name;
        enum setting_kind kind;
        size_t offset;
        const char *fallback; /* in the form a user would write it */
        const char *help;
        double min, max;
        const char *const *choices;
        const char *alias; /* another name, looked up after this one */
        size_t set_offset; /* bool: given at all; 0 for none */
};

/* The directories that values may name; NULL: not known (yet). */
struct setting_places {
        const char *user_home; /* for "~" */
        const char *home;      /* for "{home}" */
};

/* Store text as the setting's kind into *ret_member; texts are copied to the arena.
 * False: not an allowed value, or out of memory. */
NODISCARD bool setting_parse(struct arena *arena, const struct setting *setting,
                             const struct setting_places *places, const char *text,
                             void *ret_member);

/* "a number from 1 to 600": what the setting may be, to go after "must be". */
#define SETTING_ALLOWED_SIZE 128
void setting_describe(const struct setting *setting, char ret_text[SETTING_ALLOWED_SIZE]);

/* path in the arena, absolute, ~ expanded, no slash at the end; NULL: it is not that. */
char *setting_expand_path(struct arena *arena, const struct setting_places *places,
                          const char *path);

#endif

/* The texts of identity, as rules: user names, addresses, and lines that are shown to people. */
#ifndef CORE_CLOUD_AUTH_USER_TEXT_H
#define CORE_CLOUD_AUTH_USER_TEXT_H

#include "core/base/ctx.h"

/* 3 to 50 of A-Z a-z 0-9 _ -, and none of the words that stand for somebody who is no user.
 * ERR_INVALID. */
NODISCARD enum err user_text_name(struct ctx *ctx, const char *name);

/* Of a user of the front server: 1 to 64 of A-Z a-z 0-9 . _ @ - and none of those words.
 * ERR_INVALID. */
#define USER_REMOTE_NAME_MAX 64
NODISCARD enum err user_text_remote_name(struct ctx *ctx, const char *name);

/* One @ with something on both sides, at most 254 bytes, no space or control character.
 * ERR_INVALID. */
NODISCARD enum err user_text_email(struct ctx *ctx, const char *email);

/* A line of UTF-8 text without control characters, of min to max bytes. ERR_INVALID names field. */
struct text_size {
        size_t min, max;
};
NODISCARD enum err user_text_line(struct ctx *ctx, const char *field, const char *text,
                                  struct text_size size);

/* The same, where line breaks are allowed. */
NODISCARD enum err user_text_prose(struct ctx *ctx, const char *field, const char *text,
                                   struct text_size size);

#endif

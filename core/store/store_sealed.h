/* Every column that holds texts sealed with a key of credential.key (core/cloud/secrets/seal.h),
 * for those who seal them anew. A test looks for sealed texts that are in none of them. */
#ifndef CORE_STORE_STORE_SEALED_H
#define CORE_STORE_STORE_SEALED_H

#include <stdint.h>

#include "core/base/ctx.h"

#define SEALED_KEYS_MAX 3

struct sealed_column {
        const char *place;  /* what the text is sealed for; "/" and each key column follow */
        unsigned key_count; /* 0: place is all of it */
        const char *begins; /* what goes before it: "", or a member's name in a compact JSON text */
        const char *list_sql, *replace_sql, *count_sql;
};

struct sealed_row {
        const char *key[SEALED_KEYS_MAX];
        const char *text; /* the whole column */
        const struct sealed_row *next;
};

/* The n-th, NULL past the last. */
const struct sealed_column *sealed_column_at(size_t n);

/* At most limit rows after one (NULL: from the first), in the order of their keys, whose text is
 * not sealed under key_id. In the arena. Faults. */
struct sealed_page {
        const char *key_id;
        const struct sealed_row *after;
        int64_t limit;
};
NODISCARD enum err store_sealed_list(struct ctx *ctx, const struct sealed_column *column,
                                     const struct sealed_page *page, struct sealed_row **ret);

/* Put text in the place of what the row had when it was listed. *ret_replaced false: it has been
 * changed or removed meanwhile. Inside a transaction. Faults. */
NODISCARD enum err store_sealed_replace(struct ctx *ctx, const struct sealed_column *column,
                                        const struct sealed_row *row, const char *text,
                                        bool *ret_replaced);

/* How many rows are sealed under key_id. Faults. */
NODISCARD enum err store_sealed_count(struct ctx *ctx, const struct sealed_column *column,
                                      const char *key_id, int64_t *ret);

/* How many active jobs have an upload token whose S3 secret comes from key_id; is_oldest: those
 * count too of which it is not known. Faults. */
NODISCARD enum err store_sealed_uploads(struct ctx *ctx, const char *key_id, bool is_oldest,
                                        int64_t *ret);

#endif

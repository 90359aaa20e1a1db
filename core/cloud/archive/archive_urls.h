/* The URLs of what a job made, as pure functions: which there are in a provider's output, which may
 * be fetched, and what their objects are called. */
#ifndef CORE_CLOUD_ARCHIVE_ARCHIVE_URLS_H
#define CORE_CLOUD_ARCHIVE_ARCHIVE_URLS_H

#include <stdbool.h>

#include "core/base/json.h"

#define ARCHIVE_FILES_MAX 64
#define ARCHIVE_OUTPUTS   "archive/outputs/"

struct archive_url {
        const char *url;  /* borrowed from the output */
        const char *bare; /* without query and fragment, for the eyes of others */
        const char *key;  /* ARCHIVE_OUTPUTS and a name made of the path's end; no two are alike */
};

struct archive_urls {
        struct archive_url items[ARCHIVE_FILES_MAX];
        size_t count;
        size_t left_out; /* there were more */
};

/* A URL, or URLs anywhere in lists and objects: depth first, each once. output: may be NULL.
 * ERR_NOMEM. */
NODISCARD enum err archive_urls_collect(struct ctx *ctx, const json_t *output,
                                        struct archive_urls *ret);

/* Scheme, host and port are the same. */
bool archive_url_same_origin(const char *url, const char *base);

/* Could this be out in the world: https, no user name in it, and the host is a name with a domain
 * or a public address? Where a name leads to is for the connection to find out. */
bool archive_url_looks_public(const char *url);

#endif

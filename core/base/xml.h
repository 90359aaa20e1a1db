/* XML 1.0 with namespaces as strangers send it, read whole into a tree in the arena. Elements and
 * their text only: attributes, comments, processing instructions and which namespace a name is of
 * are passed over. An element has text or elements, not both. A DOCTYPE is refused, so nothing can
 * be declared that grows or fetches. The only user of libexpat. */
#ifndef CORE_BASE_XML_H
#define CORE_BASE_XML_H

#include <stddef.h>

#include "core/base/ctx.h"

#define XML_SIZE_MAX  (4 * MiB)
#define XML_DEPTH_MAX 8     /* the root is at depth 1 */
#define XML_NODES_MAX 50000 /* elements */

struct xml {
        const char *name;  /* without the prefix of a namespace */
        const char *text;  /* as it stands there, UTF-8; "" when there is none, or elements */
        struct xml *child; /* the first element in it, or NULL */
        struct xml *next;  /* the element behind it in the same parent, or NULL */
};

/* ERR_INVALID: not well-formed, or one of the above. ERR_NOMEM. */
NODISCARD enum err xml_parse(struct ctx *ctx, const char *text, size_t len, struct xml **ret_root);

/* The first element of that name directly in parent, or NULL. */
const struct xml *xml_child(const struct xml *parent, const char *name);

/* Its text, or NULL when there is no such element. */
const char *xml_text(const struct xml *parent, const char *child_name);

#endif

/* XML of strangers: whatever is read can be written and read again, and is the same then. */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/xml.h"
#include "core/base/xmlw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names are not escaped: what the reader lets through as a name is one. */
static void write_tree(struct buf *out, const struct xml *node)
{
        xmlw_open(out, node->name);
        xmlw_escaped(out, node->text);
        for (const struct xml *child = node->child; child; child = child->next)
                write_tree(out, child);
        xmlw_close(out, node->name);
}

static bool is_same(const struct xml *a, const struct xml *b)
{
        for (; a && b; a = a->next, b = b->next)
                if (strcmp(a->name, b->name) != 0 || strcmp(a->text, b->text) != 0 ||
                    !is_same(a->child, b->child))
                        return false;
        return !a && !b;
}

static void read_back(struct ctx *ctx, const struct xml *root)
{
        CLEANUP(buf_done) struct buf out;
        struct xml *again = NULL;

        buf_init(&out, 64 * MiB);
        write_tree(&out, root);
        if (!buf_ok(&out) || out.len > XML_SIZE_MAX)
                return;
        if (xml_parse(ctx, buf_str(&out), out.len, &again) != OK || !is_same(root, again))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .arena = arena };
        struct xml *root = NULL;

        if (arena && xml_parse(&ctx, (const char *)data, size, &root) == OK)
                read_back(&ctx, root);
        return 0;
}

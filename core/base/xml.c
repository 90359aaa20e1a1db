#include "core/base/xml.h"

#include <expat.h>
#include <string.h>

#include "core/base/buf.h"

#define BEFORE_LOCAL_NAME '\n' /* what expat puts between a namespace and a name; in no name */

struct level {
        struct xml *node;
        struct xml **next; /* where its next child goes */
};

struct reader {
        struct ctx *ctx;
        XML_Parser parser;
        struct level open[XML_DEPTH_MAX];
        unsigned depth, nodes;
        struct buf text; /* since the last tag */
        struct xml *root;
        enum err rc; /* not OK: reading has stopped, though expat may still call */
};

DEFINE_CLEANUP(XML_Parser, XML_ParserFree)

static void stop(struct reader *r, enum err rc)
{
        r->rc = rc;
        XML_StopParser(r->parser, XML_FALSE);
}

static void refuse(struct reader *r, const char *why)
{
        stop(r, ctx_fail(r->ctx, ERR_INVALID, "the XML %s", why));
}

static struct xml *make_node(struct reader *r, const char *name)
{
        const char *before = strrchr(name, BEFORE_LOCAL_NAME);
        struct xml *node = arena_alloc(r->ctx->arena, sizeof(*node));

        if (!node)
                return NULL;
        node->text = "";
        node->name = arena_strdup(r->ctx->arena, before ? before + 1 : name);
        return node->name ? node : NULL;
}

static bool is_blank(const struct buf *text)
{
        return strspn(buf_str(text), " \t\r\n") == text->len;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
        struct reader *r = user;
        struct xml *node;

        (void)attributes;
        if (r->rc != OK)
                return;
        if (!is_blank(&r->text)) {
                refuse(r, "mixes text and elements");
                return;
        }
        if (r->depth == XML_DEPTH_MAX) {
                refuse(r, "is nested too deeply");
                return;
        }
        if (r->nodes++ == XML_NODES_MAX) {
                refuse(r, "has too many elements");
                return;
        }
        node = make_node(r, name);
        if (!node) {
                stop(r, ctx_nomem(r->ctx));
                return;
        }
        if (r->depth == 0) {
                r->root = node;
        } else {
                struct level *parent = &r->open[r->depth - 1];

                *parent->next = node;
                parent->next = &node->next;
        }
        r->open[r->depth++] = (struct level){ node, &node->child };
        buf_reset(&r->text);
}

static void XMLCALL on_end(void *user, const char *name)
{
        struct reader *r = user;
        struct xml *node;

        (void)name;
        if (r->rc != OK)
                return;
        node = r->open[--r->depth].node;
        if (node->child && !is_blank(&r->text)) {
                refuse(r, "mixes text and elements");
                return;
        }
        if (!node->child && r->text.len > 0) {
                node->text = arena_strndup(r->ctx->arena, buf_str(&r->text), r->text.len);
                if (!node->text)
                        stop(r, ctx_nomem(r->ctx));
        }
        buf_reset(&r->text);
}

static void XMLCALL on_text(void *user, const char *text, int len)
{
        struct reader *r = user;

        if (r->rc == OK && !buf_add(&r->text, text, (size_t)len))
                stop(r, ctx_nomem(r->ctx));
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system_id,
                               const char *public_id, int has_internal_subset)
{
        (void)name;
        (void)system_id;
        (void)public_id;
        (void)has_internal_subset;
        refuse(user, "has a DOCTYPE, which is not taken");
}

static enum err read_all(struct reader *r, const char *text, size_t len)
{
        XML_SetUserData(r->parser, r);
        XML_SetElementHandler(r->parser, on_start, on_end);
        XML_SetCharacterDataHandler(r->parser, on_text);
        XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
        if (XML_Parse(r->parser, text, (int)len, XML_TRUE) == XML_STATUS_OK)
                return OK;
        if (r->rc != OK)
                return r->rc;
        if (XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
                return ctx_nomem(r->ctx);
        return ctx_fail(r->ctx, ERR_INVALID, "the XML is not well-formed: %s in line %lu",
                        XML_ErrorString(XML_GetErrorCode(r->parser)),
                        (unsigned long)XML_GetCurrentLineNumber(r->parser));
}

enum err xml_parse(struct ctx *ctx, const char *text, size_t len, struct xml **ret_root)
{
        CLEANUP(XML_ParserFreep) XML_Parser parser = NULL;
        struct reader reader = { .ctx = ctx };
        enum err rc;

        if (len > XML_SIZE_MAX)
                return ctx_fail(ctx, ERR_INVALID, "the XML is larger than %zu bytes", XML_SIZE_MAX);
        parser = XML_ParserCreateNS(NULL, BEFORE_LOCAL_NAME);
        if (!parser)
                return ctx_nomem(ctx);
        reader.parser = parser;
        buf_init(&reader.text, 2 * XML_SIZE_MAX); /* one byte of Latin-1 may become two */
        rc = read_all(&reader, text, len);
        buf_done(&reader.text);
        if (rc == OK)
                *ret_root = reader.root;
        return rc;
}

const struct xml *xml_child(const struct xml *parent, const char *name)
{
        const struct xml *child = parent->child;

        while (child && strcmp(child->name, name) != 0)
                child = child->next;
        return child;
}

const char *xml_text(const struct xml *parent, const char *child_name)
{
        const struct xml *child = xml_child(parent, child_name);

        return child ? child->text : NULL;
}

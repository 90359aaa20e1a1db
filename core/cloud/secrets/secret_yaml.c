#include "core/cloud/secrets/secret_yaml.h"

#include <string.h>
#include <yaml.h>

#include "core/base/buf.h"

#define TEXT_MAX (512 * KiB)

/* Where the parser is in the one map that there may be. */
enum place { BEFORE, AT_NAME, AT_VALUE, AFTER };

struct reader {
        struct ctx *ctx;
        const char *path;
        enum place place;
        json_t *values;
        const char *name;
};

static enum err wrong(const struct reader *reader, const yaml_mark_t *mark, const char *what)
{
        return ctx_fail(reader->ctx, ERR_INVALID, "%s:%zu: %s", reader->path, mark->line + 1, what);
}

static void end_event(yaml_event_t *event)
{
        yaml_event_delete(event);
}

static void end_parser(yaml_parser_t *parser)
{
        yaml_parser_delete(parser);
}

static void end_emitter(yaml_emitter_t *emitter)
{
        yaml_emitter_delete(emitter);
}

static bool is_null(const yaml_event_t *event)
{
        static const char *const words[] = { "", "~", "null", "Null", "NULL" };
        const char *text = (const char *)event->data.scalar.value;

        if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (strcmp(text, words[i]) == 0)
                        return true;
        }
        return false;
}

/* A name, or its value. */
static enum err take_scalar(struct reader *reader, const yaml_event_t *event)
{
        const char *text = (const char *)event->data.scalar.value;
        json_t *value;

        if (event->data.scalar.anchor || event->data.scalar.tag)
                return wrong(reader, &event->start_mark, "anchors and tags are not allowed");
        if (strlen(text) != event->data.scalar.length)
                return wrong(reader, &event->start_mark, "NUL is not allowed");
        if (reader->place == AT_NAME) {
                reader->place = AT_VALUE;
                if (!*text || json_object_get(reader->values, text))
                        return wrong(reader, &event->start_mark, "a name is empty or there twice");
                return ctx_strdup(reader->ctx, text, &reader->name);
        }
        if (reader->place == BEFORE && is_null(event)) { /* the file is empty, or of comments */
                reader->place = AFTER;
                return OK;
        }
        if (reader->place != AT_VALUE)
                return wrong(reader, &event->start_mark,
                             "it must be lines of the form NAME: value");
        reader->place = AT_NAME;
        value = is_null(event) ? json_null() : json_string(text);
        if (json_object_set_new(reader->values, reader->name, value) != 0)
                return ctx_nomem(reader->ctx);
        return OK;
}

static enum err take_event(struct reader *reader, const yaml_event_t *event)
{
        const yaml_mark_t *mark = &event->start_mark;

        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return take_scalar(reader, event);
        case YAML_MAPPING_START_EVENT:
                if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
                        return wrong(reader, mark, "anchors and tags are not allowed");
                if (reader->place != BEFORE)
                        return wrong(reader, mark, "a value must be one text, not a map");
                reader->place = AT_NAME;
                return OK;
        case YAML_MAPPING_END_EVENT:
                reader->place = AFTER;
                return OK;
        case YAML_SEQUENCE_START_EVENT:
                return wrong(reader, mark, "a value must be one text, not a list");
        case YAML_ALIAS_EVENT:
                return wrong(reader, mark, "aliases are not allowed");
        case YAML_DOCUMENT_START_EVENT:
                return reader->place == BEFORE
                               ? OK
                               : wrong(reader, mark, "there must be one document only");
        default:
                return OK;
        }
}

static enum err read_events(struct reader *reader, yaml_parser_t *parser)
{
        bool at_end = false;
        enum err rc = OK;

        while (rc == OK && !at_end) {
                CLEANUP(end_event) yaml_event_t event = { 0 };

                if (!yaml_parser_parse(parser, &event)) {
                        const char *problem = parser->problem ? parser->problem : "no YAML";

                        return parser->error == YAML_MEMORY_ERROR
                                       ? ctx_nomem(reader->ctx)
                                       : wrong(reader, &parser->problem_mark, problem);
                }
                at_end = event.type == YAML_STREAM_END_EVENT;
                rc = take_event(reader, &event);
        }
        return rc;
}

enum err secret_yaml_parse(struct ctx *ctx, const char *path, const char *text, size_t len,
                           json_t **ret)
{
        CLEANUP(json_decrefp) json_t *values = json_object();
        CLEANUP(end_parser) yaml_parser_t parser = { 0 };
        struct reader reader = { .ctx = ctx, .path = path, .values = values };
        enum err rc;

        if (!values || !yaml_parser_initialize(&parser))
                return ctx_nomem(ctx);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        rc = read_events(&reader, &parser);
        if (rc == OK)
                *ret = TAKE(values);
        return rc;
}

/* ---- writing ---- */

static int write_to_buf(void *arg, unsigned char *bytes, size_t len)
{
        return buf_add(arg, bytes, len);
}

static bool emit(yaml_emitter_t *emitter, int made, yaml_event_t *event)
{
        return made && yaml_emitter_emit(emitter, event);
}

/* A text that nothing else can be read from: in quotes. */
static bool emit_text(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
        yaml_event_t event;

        return emit(emitter,
                    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                                 (int)strlen(text), 1, 1, style),
                    &event);
}

static bool emit_all(yaml_emitter_t *emitter, const json_t *values)
{
        yaml_event_t event;
        const char *name;
        json_t *value;
        bool good;

        good = emit(emitter, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING),
                    &event) &&
               emit(emitter, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1),
                    &event) &&
               emit(emitter,
                    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                        YAML_BLOCK_MAPPING_STYLE),
                    &event);
        json_object_foreach ((json_t *)values, name, value) {
                const char *text = json_string_value(value);

                good = good && emit_text(emitter, name, YAML_ANY_SCALAR_STYLE) &&
                       emit_text(emitter, text ? text : "", YAML_DOUBLE_QUOTED_SCALAR_STYLE);
        }
        return good && emit(emitter, yaml_mapping_end_event_initialize(&event), &event) &&
               emit(emitter, yaml_document_end_event_initialize(&event, 1), &event) &&
               emit(emitter, yaml_stream_end_event_initialize(&event), &event);
}

enum err secret_yaml_print(struct ctx *ctx, const json_t *values, const char **ret)
{
        CLEANUP(end_emitter) yaml_emitter_t emitter = { 0 };
        CLEANUP(buf_done) struct buf buf = { .max = TEXT_MAX };

        if (!yaml_emitter_initialize(&emitter))
                return ctx_nomem(ctx);
        yaml_emitter_set_output(&emitter, write_to_buf, &buf);
        yaml_emitter_set_width(&emitter, -1);
        yaml_emitter_set_unicode(&emitter, 1);
        if (!emit_all(&emitter, values) || !buf_ok(&buf))
                return ctx_nomem(ctx);
        return ctx_strdup(ctx, buf_str(&buf), ret);
}

#include "core/cloud/audit/audit_format.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/cloud/audit/audit_types.h"

#define SEVERITY_USUAL    "3"
#define SEVERITY_SECURITY "7"

const char *const audit_format_choices[] = { "json", "csv", "cef", NULL };

bool audit_format_parse(const char *text, enum audit_format *ret)
{
        for (unsigned i = 0; audit_format_choices[i]; i++) {
                if (strcmp(text ? text : "json", audit_format_choices[i]) == 0) {
                        *ret = (enum audit_format)i;
                        return true;
                }
        }
        return false;
}

const char *audit_format_header(enum audit_format format)
{
        return format == AUDIT_CSV
                       ? "id,timestamp,event_type,actor,actor_id,actor_ip,target_type,target_id,"
                         "action,details,correlation_id,previous_hash,entry_hash\r\n"
                       : "";
}

const char *audit_format_content_type(enum audit_format format)
{
        static const char *const types[AUDIT_FORMAT_COUNT] = {
                [AUDIT_JSON] = "application/x-ndjson",
                [AUDIT_CSV] = "text/csv; charset=utf-8; header=present",
                [AUDIT_CEF] = "text/plain; charset=utf-8",
                [AUDIT_ECS] = "application/json",
        };

        return types[format];
}

/* ---- JSON ---- */

static void free_text(char *text)
{
        free(text);
}
DEFINE_CLEANUP(char *, free_text)

static void json_number_or_null(struct jsonw *json, const char *key, int64_t number)
{
        if (number)
                jsonw_int(json, key, number);
        else
                jsonw_null(json, key);
}

/* As json_text writes it. */
static bool is_as_written(const char *text)
{
        CLEANUP(json_decrefp) json_t *parsed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        CLEANUP(free_textp) char *written = NULL;

        if (parsed)
                written = json_dumps(parsed, JSON_COMPACT | JSON_SORT_KEYS);
        return written && strcmp(written, text) == 0;
}

void audit_format_details(struct jsonw *json, const char *details)
{
        if (!details || is_as_written(details))
                jsonw_raw(json, "details", details);
        else
                jsonw_string(json, "details", details);
}

static void add_json(struct buf *out, const struct audit_row *row)
{
        struct jsonw json = jsonw_to(out);

        jsonw_object(&json, NULL);
        jsonw_int(&json, "id", row->audit_id);
        jsonw_time(&json, "timestamp", row->created_at_us);
        jsonw_int(&json, "created_at_us", row->created_at_us);
        jsonw_string(&json, "event_type", row->event_type);
        jsonw_string(&json, "actor", row->actor);
        json_number_or_null(&json, "actor_id", row->actor_id);
        jsonw_string(&json, "actor_ip", row->actor_ip);
        jsonw_string(&json, "target_type", row->target_type);
        jsonw_string(&json, "target_id", row->target_id);
        jsonw_string(&json, "action", row->action);
        audit_format_details(&json, row->details);
        jsonw_string(&json, "correlation_id", row->correlation_id);
        jsonw_string(&json, "previous_hash", row->previous_hash);
        jsonw_string(&json, "entry_hash", row->entry_hash);
        jsonw_object_end(&json);
}

static void add_ecs_event(struct jsonw *json, const struct audit_row *row)
{
        char category[64];
        size_t len = strcspn(row->event_type, ".");

        len = len < sizeof(category) ? len : sizeof(category) - 1;
        memcpy(category, row->event_type, len);
        category[len] = '\0';
        jsonw_object(json, "event");
        jsonw_string(json, "kind", "event");
        jsonw_array(json, "category");
        jsonw_string(json, NULL, "audit");
        jsonw_array_end(json);
        jsonw_array(json, "type");
        jsonw_string(json, NULL, category);
        jsonw_array_end(json);
        jsonw_string(json, "action", row->action);
        jsonw_object_end(json);
}

static void add_ecs(struct buf *out, const struct audit_row *row)
{
        struct jsonw json = jsonw_to(out);

        jsonw_object(&json, NULL);
        jsonw_time(&json, "@timestamp", row->created_at_us);
        add_ecs_event(&json, row);
        jsonw_object(&json, "simpletuner");
        jsonw_int(&json, "audit_id", row->audit_id);
        jsonw_string(&json, "event_type", row->event_type);
        json_number_or_null(&json, "actor_id", row->actor_id);
        jsonw_string(&json, "actor_username", row->actor);
        jsonw_string(&json, "actor_ip", row->actor_ip);
        jsonw_string(&json, "target_type", row->target_type);
        jsonw_string(&json, "target_id", row->target_id);
        audit_format_details(&json, row->details);
        jsonw_string(&json, "correlation_id", row->correlation_id);
        jsonw_string(&json, "entry_hash", row->entry_hash);
        jsonw_object_end(&json);
        jsonw_object_end(&json);
}

/* ---- CSV ---- */

static void add_cell(struct buf *out, const char *text)
{
        buf_putc(out, '"');
        if (text && *text && strchr("=+-@\t\r\n", *text))
                buf_putc(out, '\'');
        for (; text && *text; text++) {
                if (*text == '"')
                        buf_putc(out, '"');
                buf_putc(out, *text);
        }
        buf_putc(out, '"');
}

static void add_csv(struct buf *out, const struct audit_row *row)
{
        const char *const cells[] = { row->actor_ip,      row->target_type, row->target_id,
                                      row->action,        row->details,     row->correlation_id,
                                      row->previous_hash, row->entry_hash };
        char time[CLOCK_ISO_SIZE];

        clock_format_iso(row->created_at_us, time);
        buf_put_int(out, row->audit_id);
        buf_putc(out, ',');
        add_cell(out, time);
        buf_putc(out, ',');
        add_cell(out, row->event_type);
        buf_putc(out, ',');
        add_cell(out, row->actor);
        buf_putc(out, ',');
        if (row->actor_id)
                buf_put_int(out, row->actor_id);
        for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
                buf_putc(out, ',');
                add_cell(out, cells[i]);
        }
}

/* ---- CEF ---- */

/* Escapes with a backslash what is in special; a line break becomes newline. */
static void add_escaped(struct buf *out, const char *text, const char *special, const char *newline)
{
        for (; text && *text; text++) {
                if (*text == '\n' || *text == '\r') {
                        buf_puts(out, newline);
                        continue;
                }
                if (strchr(special, *text))
                        buf_putc(out, '\\');
                buf_putc(out, *text);
        }
}

static void add_head_field(struct buf *out, const char *text)
{
        add_escaped(out, text, "\\|", " ");
        buf_putc(out, '|');
}

/* Nothing for a value that is not there. */
static void add_extension(struct buf *out, const char *key, const char *text)
{
        if (!text || !*text)
                return;
        buf_putc(out, ' ');
        buf_puts(out, key);
        buf_putc(out, '=');
        add_escaped(out, text, "\\=", "\\n");
}

static void add_cef(struct buf *out, const struct audit_row *row)
{
        buf_puts(out, "CEF:0|SimpleTuner|Cloud|" PACKAGE_VERSION "|");
        add_head_field(out, row->event_type);
        add_head_field(out, row->action);
        add_head_field(out, audit_type_is_security(row->event_type) ? SEVERITY_SECURITY
                                                                    : SEVERITY_USUAL);
        buf_printf(out, "rt=%lld externalId=%lld", (long long)(row->created_at_us / US_PER_MS),
                   (long long)row->audit_id);
        add_extension(out, "suser", row->actor);
        if (row->actor_id)
                buf_printf(out, " suid=%lld", (long long)row->actor_id);
        /* src takes an address alone, and a network is none */
        add_extension(out, row->actor_ip && strchr(row->actor_ip, '/') ? "shost" : "src",
                      row->actor_ip);
        if (row->target_type)
                buf_puts(out, " cs1Label=targetType");
        add_extension(out, "cs1", row->target_type);
        if (row->target_id)
                buf_puts(out, " cs2Label=targetId");
        add_extension(out, "cs2", row->target_id);
        if (row->correlation_id)
                buf_puts(out, " cs3Label=correlationId");
        add_extension(out, "cs3", row->correlation_id);
        add_extension(out, "msg", row->details);
}

void audit_format_row(struct buf *out, enum audit_format format, const struct audit_row *row)
{
        static void (*const writers[AUDIT_FORMAT_COUNT])(struct buf *, const struct audit_row *) = {
                [AUDIT_JSON] = add_json,
                [AUDIT_CSV] = add_csv,
                [AUDIT_CEF] = add_cef,
                [AUDIT_ECS] = add_ecs,
        };

        writers[format](out, row);
}

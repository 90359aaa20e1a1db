#include "fcgi/openapi.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 256
#define JSON_TYPE "application/json"

/* ---- routes and paths ---- */

/* A path as OpenAPI writes it: {key...} is {key}. */
static void template_of(const char *path, char ret[PATH_SIZE])
{
        size_t len = 0;

        for (; *path && len < PATH_SIZE - 1; path++) {
                if (strncmp(path, "...}", 4) == 0)
                        path += 3;
                ret[len++] = *path;
        }
        ret[len] = '\0';
}

static bool is_variant(const struct route *route)
{
        return strchr(route->path, '?') != NULL;
}

/* Was this path described when an earlier route was? */
static bool is_repeated(const struct route *routes, size_t index)
{
        for (size_t i = 0; i < index; i++) {
                if (strcmp(routes[i].path, routes[index].path) == 0)
                        return true;
        }
        return false;
}

/* Ids are unique in a document, operations that have several routes are not. */
static void write_id(struct jsonw *json, const struct route *routes, size_t index)
{
        const char *id = routes[index].operation->id;
        unsigned earlier = 0;
        char text[128];

        for (size_t i = 0; i < index; i++)
                earlier +=
                        routes[i].operation == routes[index].operation && !is_variant(&routes[i]);
        snprintf(text, sizeof(text), earlier ? "%s_%u" : "%s", id, earlier + 1);
        jsonw_string(json, "operationId", text);
}

/* "/api/cloud/jobs/{job_id}" is about "jobs". */
static void write_tag(struct jsonw *json, const char *path)
{
        static const char *const heads[] = { "/api/cloud/", "/api/", "/" };
        char tag[64];

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                if (strncmp(path, heads[i], strlen(heads[i])) == 0) {
                        path += strlen(heads[i]);
                        break;
                }
        }
        snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(path, "/?"), path);
        jsonw_array(json, "tags");
        jsonw_string(json, NULL, tag);
        jsonw_array_end(json);
}

/* ---- schemas ---- */

/* Whole numbers as such: a minimum of 1 is no 1.000000. */
static void write_bound(struct jsonw *json, const char *key, double value)
{
        if (value == (double)(int64_t)value)
                jsonw_int(json, key, (int64_t)value);
        else
                jsonw_number(json, key, value, 6);
}

static void write_range(struct jsonw *json, const struct field *field, const char *min_key,
                        const char *max_key)
{
        if (field->min > 0 || (field->min < 0 && field->max != 0))
                write_bound(json, min_key, field->min);
        if (field->max != 0)
                write_bound(json, max_key, field->max);
}

static void write_choices(struct jsonw *json, const char *const *choices)
{
        jsonw_array(json, "enum");
        for (; *choices; choices++)
                jsonw_string(json, NULL, *choices);
        jsonw_array_end(json);
}

static void write_texts(struct jsonw *json, const struct field *field)
{
        jsonw_string(json, "type", "array");
        jsonw_object(json, "items");
        jsonw_string(json, "type", "string");
        jsonw_object_end(json);
        write_range(json, field, "minItems", "maxItems");
}

static void write_kind(struct jsonw *json, const struct field *field)
{
        switch (field->type) {
        case FIELD_STRING:
                jsonw_string(json, "type", "string");
                write_range(json, field, "minLength", "maxLength");
                break;
        case FIELD_URL:
                jsonw_string(json, "type", "string");
                jsonw_string(json, "format", "uri");
                break;
        case FIELD_CHOICE:
                jsonw_string(json, "type", "string");
                write_choices(json, field->choices);
                break;
        case FIELD_BOOL:
                jsonw_string(json, "type", "boolean");
                break;
        case FIELD_INT:
                jsonw_string(json, "type", "integer");
                write_range(json, field, "minimum", "maximum");
                break;
        case FIELD_NUMBER:
                jsonw_string(json, "type", "number");
                write_range(json, field, "minimum", "maximum");
                break;
        case FIELD_OBJECT:
                jsonw_string(json, "type", "object");
                break;
        case FIELD_ARRAY:
                jsonw_string(json, "type", "array");
                write_range(json, field, "minItems", "maxItems");
                break;
        case FIELD_STRING_LIST:
        case FIELD_CIDR_LIST:
                write_texts(json, field);
                break;
        case FIELD_TYPE_COUNT:
                break;
        }
}

static void write_table(struct jsonw *json, const struct field_table *table)
{
        jsonw_string(json, "type", "object");
        jsonw_bool(json, "additionalProperties", false);
        jsonw_object(json, "properties");
        for (size_t i = 0; i < table->count; i++) {
                jsonw_object(json, table->rows[i].name);
                write_kind(json, &table->rows[i]);
                jsonw_object_end(json);
        }
        jsonw_object_end(json);
        jsonw_array(json, "required");
        for (size_t i = 0; i < table->count; i++) {
                if (table->rows[i].required)
                        jsonw_string(json, NULL, table->rows[i].name);
        }
        jsonw_array_end(json);
}

/* ---- parameters ---- */

static void write_path_parameters(struct jsonw *json, const char *path)
{
        while ((path = strchr(path, '{'))) {
                char name[64];

                snprintf(name, sizeof(name), "%.*s", (int)strcspn(path + 1, ".}"), path + 1);
                jsonw_object(json, NULL);
                jsonw_string(json, "name", name);
                jsonw_string(json, "in", "path");
                jsonw_bool(json, "required", true);
                jsonw_object(json, "schema");
                jsonw_string(json, "type", "string");
                jsonw_object_end(json);
                jsonw_object_end(json);
                path++;
        }
}

static void write_query_kind(struct jsonw *json, const struct query *query)
{
        switch (query->type) {
        case QUERY_TEXT:
                jsonw_string(json, "type", "string");
                break;
        case QUERY_NUMBER:
                jsonw_string(json, "type", "integer");
                jsonw_int(json, "minimum", query->min);
                if (query->max < INT64_MAX)
                        jsonw_int(json, "maximum", query->max);
                break;
        case QUERY_BOOL:
                jsonw_string(json, "type", "boolean");
                break;
        case QUERY_TIME:
                jsonw_string(json, "type", "string");
                jsonw_string(json, "format", "date-time");
                break;
        case QUERY_TYPE_COUNT:
                break;
        }
}

static void write_query_parameter(struct jsonw *json, const struct query *query)
{
        jsonw_object(json, NULL);
        jsonw_string(json, "name", query->name);
        jsonw_string(json, "in", "query");
        jsonw_bool(json, "required", query->required);
        jsonw_object(json, "schema");
        if (query->many) {
                jsonw_string(json, "type", "array");
                jsonw_object(json, "items");
        }
        write_query_kind(json, query);
        if (query->many)
                jsonw_object_end(json);
        jsonw_object_end(json);
        jsonw_object_end(json);
}

static void write_parameters(struct jsonw *json, const struct route *route)
{
        const struct query *query = route->operation->query;

        jsonw_array(json, "parameters");
        write_path_parameters(json, route->path);
        for (; query && query->name; query++)
                write_query_parameter(json, query);
        jsonw_array_end(json);
}

/* ---- bodies and answers ---- */

static void write_body(struct jsonw *json, const struct route *route)
{
        const struct operation *operation = route->operation;
        const char *stream = route->body_max == BODY_STREAM ? "application/octet-stream" : NULL;
        const char *type = operation->takes ? operation->takes : stream ? stream : JSON_TYPE;

        if (route->body_max == BODY_NONE)
                return;
        jsonw_object(json, "requestBody");
        jsonw_object(json, "content");
        jsonw_object(json, type);
        jsonw_object(json, "schema");
        if (operation->body)
                write_table(json, operation->body);
        jsonw_object_end(json);
        jsonw_object_end(json);
        jsonw_object_end(json);
        jsonw_object_end(json);
}

static void write_success(struct jsonw *json, const struct operation *operation)
{
        int status = operation->status ? operation->status : 200;
        char key[8];

        snprintf(key, sizeof(key), "%d", status);
        jsonw_object(json, key);
        jsonw_string(json, "description", operation->summary);
        if (status != 204) {
                jsonw_object(json, "content");
                jsonw_object(json, operation->gives ? operation->gives : JSON_TYPE);
                jsonw_object(json, "schema");
                jsonw_object_end(json);
                jsonw_object_end(json);
                jsonw_object_end(json);
        }
        jsonw_object_end(json);
}

static void write_refusal(struct jsonw *json, const char *status, bool can_be)
{
        if (!can_be)
                return;
        jsonw_object(json, status);
        jsonw_string(json, "$ref", "#/components/responses/Error");
        jsonw_object_end(json);
}

static void write_answers(struct jsonw *json, const struct route *route)
{
        const bool has_body = route->body_max != BODY_NONE;
        const bool is_public = route->permission == PERM_PUBLIC;

        jsonw_object(json, "responses");
        write_success(json, route->operation);
        write_refusal(json, "400", has_body || route->operation->query);
        write_refusal(json, "401", !is_public);
        write_refusal(json, "403", !is_public);
        write_refusal(json, "404", strchr(route->path, '{') != NULL);
        write_refusal(json, "409", route->method != METHOD_GET);
        write_refusal(json, "413", has_body);
        write_refusal(json, "429", route->rate != RATE_EXEMPT);
        write_refusal(json, "503", true);
        jsonw_object_end(json);
}

static void write_security(struct jsonw *json, enum permission permission)
{
        static const char *const schemes[] = { "ApiKey", "Bearer", "Session" };

        jsonw_array(json, "security");
        for (size_t i = 0; permission != PERM_PUBLIC && i < ARRAY_SIZE(schemes); i++) {
                jsonw_object(json, NULL);
                jsonw_array(json, schemes[i]);
                jsonw_array_end(json);
                jsonw_object_end(json);
        }
        jsonw_array_end(json);
}

static const char *method_key(enum method method)
{
        switch (method) {
        case METHOD_GET:
                return "get";
        case METHOD_POST:
                return "post";
        case METHOD_PUT:
                return "put";
        case METHOD_PATCH:
                return "patch";
        case METHOD_DELETE:
                return "delete";
        case METHOD_HEAD:
        case METHOD_OPTIONS:
        case METHOD_OTHER:
        case METHOD_COUNT:
                break;
        }
        return "trace"; /* routes have none of these */
}

static void write_operation(struct jsonw *json, const struct route *routes, size_t index)
{
        const struct route *route = &routes[index];

        jsonw_object(json, method_key(route->method));
        write_id(json, routes, index);
        write_tag(json, route->path);
        jsonw_string(json, "summary", route->operation->summary);
        jsonw_string(json, "x-permission", permission_name(route->permission));
        write_security(json, route->permission);
        write_parameters(json, route);
        write_body(json, route);
        write_answers(json, route);
        jsonw_object_end(json);
}

/* ---- the document ---- */

static void write_scheme(struct jsonw *json, const char *name, const char *text)
{
        jsonw_raw(json, name, text);
}

static void write_components(struct jsonw *json)
{
        jsonw_object(json, "components");
        jsonw_object(json, "securitySchemes");
        write_scheme(json, "ApiKey",
                     "{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}");
        write_scheme(json, "Bearer", "{\"type\":\"http\",\"scheme\":\"bearer\"}");
        write_scheme(json, "Session",
                     "{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"simpletuner_session\"}");
        jsonw_object_end(json);
        jsonw_object(json, "schemas");
        jsonw_raw(
                json, "Error",
                "{\"type\":\"object\",\"required\":[\"detail\",\"error\"],\"properties\":{"
                "\"detail\":{\"type\":\"string\",\"description\":\"What is wrong, for a person\"},"
                "\"error\":{\"type\":\"string\",\"description\":\"The same for a program\"},"
                "\"details\":{\"type\":\"object\"}}}");
        jsonw_object_end(json);
        jsonw_object(json, "responses");
        jsonw_raw(json, "Error",
                  "{\"description\":\"It was refused, and nothing was done\",\"content\":{"
                  "\"" JSON_TYPE "\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}");
        jsonw_object_end(json);
        jsonw_object_end(json);
}

void openapi_write(struct jsonw *json, const struct route *routes, size_t count)
{
        jsonw_string(json, "openapi", "3.1.0");
        jsonw_raw(json, "info",
                  "{\"title\":\"SimpleTuner Cloud\",\"version\":\"" PACKAGE_VERSION "\","
                  "\"summary\":\"Operations of cloud training jobs\","
                  "\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"}}");
        jsonw_raw(json, "servers", "[{\"url\":\"/\"}]");
        jsonw_object(json, "paths");
        for (size_t i = 0; i < count; i++) {
                char path[PATH_SIZE];

                if (is_variant(&routes[i]) || is_repeated(routes, i))
                        continue;
                template_of(routes[i].path, path);
                jsonw_object(json, path);
                for (size_t j = i; j < count; j++) {
                        if (strcmp(routes[j].path, routes[i].path) == 0)
                                write_operation(json, routes, j);
                }
                jsonw_object_end(json);
        }
        jsonw_object_end(json);
        write_components(json);
}

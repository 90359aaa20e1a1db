/* One entry of the audit log as text for others to read.
 *
 * AUDIT_JSON  one object on a line, with the time in microseconds and the hashes: all that
 *             audit_offline.h needs to check it
 * AUDIT_CSV   RFC 4180; a cell that a spreadsheet would take for a formula begins with an
 * apostrophe (https://owasp.org/www-community/attacks/CSV_Injection) AUDIT_CEF   ArcSight Common
 * Event Format, version 0 AUDIT_ECS   the document that is forwarded: Elastic Common Schema,
 * "@timestamp", "event", "simpletuner" */
#ifndef CORE_CLOUD_AUDIT_AUDIT_FORMAT_H
#define CORE_CLOUD_AUDIT_AUDIT_FORMAT_H

#include "core/base/jsonw.h"
#include "core/store/store_audit.h"

enum audit_format { AUDIT_JSON, AUDIT_CSV, AUDIT_CEF, AUDIT_ECS, AUDIT_FORMAT_COUNT };

/* "json", "csv", "cef", then NULL: those that can be chosen. */
extern const char *const audit_format_choices[];

/* NULL is json. False: it is none that can be chosen. */
bool audit_format_parse(const char *text, enum audit_format *ret);

/* Write details as the JSON that it is. Unless somebody has changed it behind our back and it is
 * not as we write it: then it is a string, so that what is around it can be read, and its text too.
 */
void audit_format_details(struct jsonw *json, const char *details);

/* Append the row, without a line break. Check buf_ok. */
void audit_format_row(struct buf *out, enum audit_format format, const struct audit_row *row);

/* The line above all others, with its line break; "" but for AUDIT_CSV. */
const char *audit_format_header(enum audit_format format);

/* "application/x-ndjson" */
const char *audit_format_content_type(enum audit_format format);

#endif

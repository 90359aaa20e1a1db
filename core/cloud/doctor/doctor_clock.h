/* What is judged of clocks and certificates, apart from asking for it. Private to doctor*.c. */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_CLOCK_H
#define CORE_CLOUD_DOCTOR_DOCTOR_CLOCK_H

#include "core/base/crypto.h"
#include "core/cloud/doctor/doctor.h"

struct doctor;

/* What adjtimex(2) returns, and its status. */
enum doctor_level doctor_judge_ntp(int state, int status, const char **ret_found);

/* "Mon, 15 Jan 2024 10:30:00 GMT", RFC 9110 5.6.7. False: it is not that. */
bool doctor_parse_http_date(const char *text, int64_t *ret_us);

/* Of a clock that is ahead of another; webhooks may be tolerance_s old. */
enum doctor_level doctor_judge_offset(int64_t offset_s, int64_t tolerance_s);

/* Say when it ends soon. */
void doctor_judge_certificate(struct ctx *ctx, struct doctor *doctor, const char *url,
                              const struct crypto_certificate *seen);

#endif

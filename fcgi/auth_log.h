/* The line of the log that says that a credential was refused, for whoever watches the log for
 * guesses: fcgi/host/fail2ban. Its words are relied on. */
#ifndef FCGI_AUTH_LOG_H
#define FCGI_AUTH_LOG_H

#include "core/cloud/auth/auth.h"
#include "fcgi/request.h"

/* Log "Authentication failed" with the client's address and the kind of the credential: "password",
 * "api_key", "s3_signature", "authorization". */
void auth_log_refused(struct ctx *ctx, const char *credential);

/* The same for a request whose credentials were refused, as ctx says. Sessions that have ended and
 * the tokens of jobs that have ended are seen every day and are no guesses: they leave no line. */
void auth_log_credentials(struct ctx *ctx, const struct request *request,
                          const struct credentials *shown);

#endif

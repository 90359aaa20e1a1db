/* Syslog messages for a receiver: RFC 5424 over UDP (RFC 5426), over TCP with octet counting
 * (RFC 6587 3.4.1), or to a socket of this machine. */
#ifndef CORE_CLOUD_AUDIT_SYSLOG_CLIENT_H
#define CORE_CLOUD_AUDIT_SYSLOG_CLIENT_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/ctx.h"

/* udp://HOST:PORT, tcp://HOST:PORT (IPv6 in brackets) or unix:///PATH */
bool syslog_url_is_good(const char *url);

struct syslog_head {
        int64_t time_us;
        bool warning;       /* else it is a notice */
        const char *msg_id; /* the kind of message */
};
/* Append the RFC 5424 message with facility "log audit" (13); text is UTF-8. Check buf_ok. */
void syslog_format(struct buf *out, const struct syslog_head *head, const char *text);

struct syslog_link;

/* ERR_PROVIDER: there is nobody; detail says why. ERR_NOMEM. */
NODISCARD enum err syslog_open(struct ctx *ctx, const char *url, struct syslog_link **ret);
void syslog_free(struct syslog_link *link);
DEFINE_CLEANUP(struct syslog_link *, syslog_free)

/* Send one message. OK is not yet delivered. ERR_PROVIDER. */
NODISCARD enum err syslog_send(struct ctx *ctx, struct syslog_link *link, const char *message,
                               size_t len);

/* After the last one: OK when the other machine has taken all that was sent over TCP; UDP can only
 * tell that a machine refuses. ERR_PROVIDER. */
NODISCARD enum err syslog_finish(struct ctx *ctx, struct syslog_link *link);

#endif

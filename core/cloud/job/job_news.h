/* What a provider says about a job, whoever heard it: a webhook, a poll, or the answer to a call.
 * It is taken in one place, so that it means the same from everywhere. */
#ifndef CORE_CLOUD_JOB_JOB_NEWS_H
#define CORE_CLOUD_JOB_JOB_NEWS_H

#include "core/cloud/audit/audit.h"
#include "core/cloud/provider/provider.h"

/* Apply news inside a transaction, and tell the listeners; *ret_moved: the row changed. Late,
 * repeated and reordered news change nothing. */
NODISCARD enum err job_take_news(struct ctx *ctx, const struct job *job,
                                 const struct provider_job *news, bool *ret_moved);

/* The same with an audit row (NULL: none) in its place: job rows and counters first, then audit,
 * then events. All transactions take their locks in this order, else two could wait for each other.
 */
NODISCARD enum err job_take_news_audited(struct ctx *ctx, const struct job *job,
                                         const struct provider_job *news,
                                         const struct audit_entry *entry, bool *ret_moved);

/* job_take_news in a transaction of its own. */
NODISCARD enum err job_record_news(struct ctx *ctx, const struct job *job,
                                   const struct provider_job *news, bool *ret_moved);

/* Do the news say nothing that this row does not? A poll hears that of most jobs and then need not
 * write. When in doubt, false. */
bool job_news_are_known(const struct job *job, const struct provider_job *news);

/* Work on a job that no request asked for follows from the one that made it: from here on log
 * lines, calls and audit entries carry that request's id. */
void job_follow(struct ctx *ctx, const struct job *job);

#endif

/* Jobs for tests of what is done with them: rows as a submission would have left them. */
#ifndef TESTS_FIXTURE_JOB_H
#define TESTS_FIXTURE_JOB_H

#include "core/store/store_jobs.h"
#include "tests/fixture_db.h"

/* The n-th job, pending; its id sorts by n. Not stored. */
struct job fixture_job(struct ctx *ctx, unsigned n);
/* Store a job; store the n-th one; read one back. */
void fixture_job_insert(struct ctx *ctx, const struct job *job);
struct job fixture_job_inserted(struct ctx *ctx, unsigned n);
struct job fixture_job_stored(struct ctx *ctx, const char *job_id);

/* What the provider does with it: names it, moves it on. */
void fixture_job_name(struct ctx *ctx, const struct job *job, const char *external_id);
void fixture_job_apply(struct ctx *ctx, const struct job *job, struct job_news news);

#endif

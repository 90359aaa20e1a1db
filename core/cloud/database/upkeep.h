/* The upkeep of the service's database, for its operators: figures, checks and the vacuum. Each on
 * a connection of its own and with a limit, so that a request never holds its thread for long:
 * ERR_NOT_READY says what to run instead. Checks and vacuums are one at a time in a process;
 * figures are told meanwhile, and to all who ask at once. */
#ifndef CORE_CLOUD_DATABASE_UPKEEP_H
#define CORE_CLOUD_DATABASE_UPKEEP_H

#include "core/base/jsonw.h"
#include "core/store/store_upkeep.h"

#define UPKEEP_DATABASE "jobs" /* the name of the one there is */
#define UPKEEP_REQUEST_MS                                                                          \
        25000 /* of a request: SQLite's writers wait at most 30 s for a vacuum                     \
               */

struct upkeep_stats {
        const char *kind;       /* "sqlite" or "postgresql" */
        const char *path;       /* the SQLite file, else NULL */
        int64_t modified_at_us; /* of that file or its log, the later; 0: not known */
        struct upkeep_size size;
        struct upkeep_table *tables;
};
/* counted: with the rows of each table. limit_ms 0: no limit, as for all of these.
 * ERR_NOT_READY: it did not end in time. Faults. */
NODISCARD enum err upkeep_stats(struct ctx *ctx, unsigned limit_ms, bool counted,
                                struct upkeep_stats *ret);
void upkeep_render_stats(struct jsonw *json, const struct upkeep_stats *stats);

struct upkeep_report {
        const char *kind;
        bool is_valid;
        const char *checked; /* what was looked at, for people */
        struct upkeep_finding *integrity, *references;
};
/* As upkeep_stats. ERR_CONFLICT: a check or a vacuum is under way. */
NODISCARD enum err upkeep_verify(struct ctx *ctx, unsigned limit_ms, struct upkeep_report *ret);
void upkeep_render_report(struct jsonw *json, const struct upkeep_report *report);

struct upkeep_vacuumed {
        int64_t before, after; /* bytes */
};
/* As upkeep_verify. ERR_NO_SPACE: SQLite needs twice its size free, above the floor. */
NODISCARD enum err upkeep_vacuum_database(struct ctx *ctx, unsigned limit_ms,
                                          struct upkeep_vacuumed *ret);
void upkeep_render_vacuumed(struct jsonw *json, const struct upkeep_vacuumed *vacuumed);

#endif

/* What tests of backups do again and again; each call takes the lock for itself. */
#ifndef TESTS_FIXTURE_BACKUP_H
#define TESTS_FIXTURE_BACKUP_H

#include "core/cloud/backup/backup.h"
#include "tests/fixture_db.h"

/* It must succeed. */
struct backup fixture_backup_make(struct ctx *ctx, const char *name);

/* what is as for backup_find. */
NODISCARD enum err fixture_backup_verify(struct ctx *ctx, const char *what);
NODISCARD enum err fixture_backup_restore(struct ctx *ctx, const char *what);
NODISCARD enum err fixture_backup_restore_as(struct ctx *ctx, const char *what,
                                             struct backup_restore_wish wish,
                                             struct restore_report *report);

/* A row to tell one state of the database from another. */
void fixture_set_mark(struct ctx *ctx, const char *value);
bool fixture_is_mark(struct ctx *ctx, const char *value);

#endif

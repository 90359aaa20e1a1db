/* Settings of backups. */
#ifndef CORE_BASE_CONFIG_BACKUP_H
#define CORE_BASE_CONFIG_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

/* Of point-in-time recovery. */
struct wal_config {
        bool on;             /* SIMPLETUNER_BACKUP_WAL */
        uint64_t interval_s; /* SIMPLETUNER_BACKUP_WAL_INTERVAL */
        uint64_t days;       /* SIMPLETUNER_BACKUP_WAL_DAYS */
};

struct backup_config {
        const char *dir;          /* SIMPLETUNER_BACKUP_DIR, "": backups below the home */
        uint64_t interval_hours;  /* SIMPLETUNER_BACKUP_INTERVAL_HOURS, 0: cron makes none */
        uint64_t rehearsal_days;  /* SIMPLETUNER_BACKUP_REHEARSAL_DAYS, 0: never */
        uint64_t retention_days;  /* SIMPLETUNER_BACKUP_RETENTION_DAYS, 0: for ever */
        uint64_t retention_count; /* SIMPLETUNER_BACKUP_RETENTION_COUNT, that always stay */
        uint64_t level;           /* SIMPLETUNER_BACKUP_LEVEL, of gzip */
        struct wal_config wal;
};

#endif

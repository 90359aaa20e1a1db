/* Settings of point-in-time recovery, a part of struct config. */
#ifndef CORE_BASE_CONFIG_WAL_H
#define CORE_BASE_CONFIG_WAL_H

#include <stdbool.h>
#include <stdint.h>

struct wal_config {
        bool on;             /* SIMPLETUNER_BACKUP_WAL */
        uint64_t interval_s; /* SIMPLETUNER_BACKUP_WAL_INTERVAL */
        uint64_t days;       /* SIMPLETUNER_BACKUP_WAL_DAYS */
};

#endif

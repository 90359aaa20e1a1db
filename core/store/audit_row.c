#include "core/store/audit_row.h"

#include <stdio.h>
#include <string.h>

/* SQLite keeps what it is given whatever the type of the column: "5 and more" reads as 5. */
static int64_t read_number(struct db_stmt *stmt, unsigned column, bool *damaged)
{
        const char *text = db_text(stmt, column);
        int64_t value = db_int(stmt, column);
        char written[24];

        if (text) {
                snprintf(written, sizeof(written), "%lld", (long long)value);
                *damaged = *damaged || strcmp(text, written) != 0;
        } else if (value == 0) {
                double real = db_real(stmt, column);

                *damaged = *damaged || real < 0 || real > 0;
        }
        return value;
}

struct audit_row audit_row_borrow(struct db_stmt *stmt)
{
        struct audit_row row = {
                .event_type = db_text(stmt, 3),
                .actor = db_text(stmt, 4),
                .actor_ip = db_text(stmt, 5),
                .target_type = db_text(stmt, 6),
                .target_id = db_text(stmt, 7),
                .action = db_text(stmt, 8),
                .details = db_text(stmt, 9),
                .correlation_id = db_text(stmt, 10),
                .previous_hash = db_text(stmt, 11),
                .entry_hash = db_text(stmt, 12),
        };

        row.audit_id = read_number(stmt, 0, &row.damaged);
        row.created_at_us = read_number(stmt, 1, &row.damaged);
        row.actor_id = read_number(stmt, 2, &row.damaged);
        return row;
}

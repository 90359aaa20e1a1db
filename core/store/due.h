/* When rows with a time to do something are due, for all tables that have such times. */
#ifndef CORE_STORE_DUE_H
#define CORE_STORE_DUE_H

#include <stdint.h>

/* Times past the horizon are those of a clock that was set back, and over. The horizon is well
 * beyond all that is ever written, because no two clocks are alike. */
struct due {
        int64_t now_us, horizon_us;
};

/* SQL: the time in column is over, with now_us as $1 and horizon_us as $2. */
#define DUE_SQL(column) "(" column " <= $1 OR " column " > $2)"

/* SQL: the same of a row that is worked on under a claim: due, and nobody's. */
#define CLAIMABLE_SQL                                                                              \
        "run_at_us IS NOT NULL AND " DUE_SQL("run_at_us") " AND " DUE_SQL("claimed_until_us")

#endif

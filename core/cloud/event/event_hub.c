#include "core/cloud/event/event_hub.h"

#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/db/db.h"
#include "core/store/store_events.h"

#define LOOK_EVERY_MS 1000 /* though nothing was heard */

enum err event_hub_watch(struct ctx *ctx, bool *ret_more)
{
        struct cloud *cloud = ctx->cloud;
        int64_t oldest, newest;
        bool changed;
        enum err rc;

        *ret_more = atomic_load(&cloud->listeners) > 0;
        if (!*ret_more) {
                db_disconnect(ctx); /* a server would keep for us what we do not read */
                return OK;
        }
        rc = db_wait(ctx, LOOK_EVERY_MS, &changed);
        if (rc == OK)
                rc = store_events_bounds(ctx, &oldest, &newest);
        if (rc == OK && atomic_exchange(&cloud->newest_event, newest) != newest)
                bell_ring(cloud->bells, BELL_EVENTS);
        return rc;
}

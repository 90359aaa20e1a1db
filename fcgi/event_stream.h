/* One stream of events to one client, as server-sent events: greeting, news, heartbeats. */
#ifndef FCGI_EVENT_STREAM_H
#define FCGI_EVENT_STREAM_H

#include "fcgi/reply.h"

/* A reply_stream_fn; arg is the client's struct event_feed. It ends when the client is gone, when
 * it may not listen any more, when the process is on its way out, and after a few minutes, so that
 * no front server has to cut it; clients come again by themselves and miss nothing. */
reply_stream_fn event_stream_run;

#endif

/* Threads of the responder that answer no request: each does one kind of work whenever its bell
 * rings, and looks by itself from time to time for what other processes left undone. */
#ifndef FCGI_BACKGROUND_H
#define FCGI_BACKGROUND_H

#include "core/base/ctx.h"

struct background;

/* Start one thread for each row of the table in background.c. model is what their ctx starts as;
 * all it names is borrowed. NULL: out of memory or threads. */
NODISCARD struct background *background_start(const struct ctx *model);

/* Wait, once cloud->draining is set, until every thread has ended its piece of work, at most
 * timeout_s seconds. False: some go on, and nothing they use may be freed. Frees background if
 * true. */
bool background_stop(struct background *background, unsigned timeout_s);

#endif

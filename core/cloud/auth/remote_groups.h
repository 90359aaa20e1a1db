/* Groups as the front server names them, and the levels that they stand for. */
#ifndef CORE_CLOUD_AUTH_REMOTE_GROUPS_H
#define CORE_CLOUD_AUTH_REMOTE_GROUPS_H

#include <stdbool.h>

/* Does the map (SIMPLETUNER_REMOTE_GROUP_LEVELS: "group=level;group=level", split at the last "=")
 * give this level to somebody in these groups? Groups are separated by semicolons; those that are
 * no distinguished names, which have an "=", by commas too. A group is compared in any case of
 * letters and without spaces around it, a level's name exactly. groups NULL: none. */
bool remote_groups_give(const char *map, const char *groups, const char *level);

#endif

/* The table of settings: what each is called, where its value goes, what it may be and what it is
 * for. config.c reads it. */
#ifndef CORE_BASE_SETTINGS_H
#define CORE_BASE_SETTINGS_H

#include "core/base/setting.h"

extern const struct setting settings[]; /* the first is SIMPLETUNER_HOME */
extern const size_t settings_count;
extern const char *const settings_log_levels[]; /* in the order of enum log_level, then NULL */

#endif

/* Points at which a test kills the process, to see what survives: FAULT_POINT("submit.stored").
 * They exist only in builds made with ./configure --enable-fault-points; in others they are
 * nothing. The environment variable SIMPLETUNER_FAULT_POINT names the one that strikes. */
#ifndef CORE_BASE_FAULT_H
#define CORE_BASE_FAULT_H

#ifdef FAULT_POINTS
#define FAULT_POINT(name) fault_point(name)
#else
#define FAULT_POINT(name) ((void)0)
#endif

/* kill -9 of this process when name is the point that was armed. */
void fault_point(const char *name);

/* Arm a point by its name; NULL or "": none. name is borrowed. */
void fault_arm(const char *name);

#endif

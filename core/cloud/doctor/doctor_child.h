/* The process that a check runs in. Private to doctor*.c. */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_CHILD_H
#define CORE_CLOUD_DOCTOR_DOCTOR_CHILD_H

#include <fcntl.h>

#include "core/cloud/doctor/doctor_part.h"

/* What must be there before a check is worth its while; else it is a note that it was left out. */
enum doctor_needs {
        CHECK_NOTHING,
        CHECK_CLOUD,    /* what cloud_open opens */
        CHECK_DATABASE, /* the same, and a database that answers */
};

struct doctor_check {
        const char *name, *group;
        doctor_check_fn *run;
        enum doctor_needs needs;
        unsigned patience_s; /* then it is killed */
};

/* Be it: run the check, write what it says to fd, and exit. ctx is the parent's. */
_Noreturn void doctor_child(const struct ctx *ctx, const struct doctor_options *options,
                            const struct doctor_check *check, int fd);

#endif

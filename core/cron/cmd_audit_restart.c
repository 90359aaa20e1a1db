/* simpletuner-cloud audit restart: begin a new chain where the old one cannot go on. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cloud/audit/audit_chain.h"
#include "core/cloud/audit/audit_note.h"
#include "core/cron/command.h"

enum err cmd_audit_restart(struct ctx *ctx, const struct command_options *options)
{
        int64_t first_id = 0;
        enum err rc = audit_chain_restart(ctx, &first_id);

        if (rc == OK)
                rc = audit_note_forget(ctx);
        if (rc != OK)
                return rc;
        if (options->json) {
                CLEANUP(command_json_end) struct command_json out = command_json_begin();

                jsonw_int(&out.json, "first_id", first_id);
        } else {
                printf("The audit log begins a new chain with entry %" PRId64 ".\n", first_id);
        }
        return OK;
}

#include "core/cron/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RESULT_MAX (8 * MiB)

struct command_json command_json_begin(void)
{
        struct command_json out = { .text = malloc(sizeof(*out.text)) };

        if (!out.text)
                abort();
        buf_init(out.text, RESULT_MAX);
        out.json = jsonw_to(out.text);
        jsonw_object(&out.json, NULL);
        return out;
}

void command_json_end(struct command_json *out)
{
        jsonw_object_end(&out->json);
        puts(buf_str(out->text));
        fflush(stdout);
        buf_done(out->text);
        free(out->text);
}

bool command_is_watched(void)
{
        return isatty(STDOUT_FILENO) == 1;
}

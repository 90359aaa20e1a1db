/* Files that the front server is to send by itself. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_http.h"
#include "core/cloud/doctor/doctor_part.h"

/* As objects are made: the front server's group reads them where the umask lets it. */
static bool put_file(const char *path, const char *text)
{
        CLEANUP(close_fdp)
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);

        return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

void doctor_front_sendfile(struct ctx *ctx, struct doctor *doctor, const struct doctor_place *place)
{
        const char *path = doctor_token_file(ctx, place->token->text);
        const struct doctor_ask ask = { .method = "GET",
                                        .target = DOCTOR_STORAGE_PATH "/file",
                                        .headers = DOCTOR_NONCE_HEADER
                                        ": file\r\n" DOCTOR_WANT_HEADER ": file\r\n" };
        struct doctor_answer answer = { 0 };
        const char *text = place->token->path; /* any text will do */
        enum err rc;

        if (!path || !put_file(path, text)) /* objects are elsewhere, or nowhere yet */
                return;
        rc = doctor_ask(ctx, place, &ask, &answer);
        unlink(path);
        if (rc != OK || answer.status != 200 || answer.body_len != strlen(text) ||
            memcmp(answer.body, text, answer.body_len) != 0)
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           DOCTOR_COMMAND(ctx,
                                          "namei -l '%s/outputs'; grep -rniE "
                                          "'x-?sendfile' /etc/apache2 /etc/httpd "
                                          "/etc/lighttpd 2>/dev/null",
                                          ctx->config->home),
                           "The front server does not send files below %s/outputs (status %d, %zu "
                           "of %zu bytes): it may not read them, or X-Sendfile is not set up",
                           ctx->config->home, answer.status, answer.body_len, strlen(text));
        if (rc == OK && doctor_answer_header(ctx, &answer, "X-Sendfile"))
                doctor_say(ctx, doctor, DOCTOR_ERROR,
                           "grep -rniE 'x-?sendfile' /etc/apache2 /etc/lighttpd",
                           "The front server passes X-Sendfile on to clients instead of sending "
                           "the file");
}

/* How the responder knows that it is the doctor of its own home who asks: a one-time token in a
 * file that only the service's user can read. While no doctor runs there is no such file, and
 * nobody gets an answer. The answer proves in turn that it comes from a process with this home: it
 * signs what the doctor has made up, with a key that never travels. */
#ifndef CORE_CLOUD_DOCTOR_DOCTOR_TOKEN_H
#define CORE_CLOUD_DOCTOR_DOCTOR_TOKEN_H

#include "core/base/crypto.h"

#define DOCTOR_TOKEN_HEADER "X-SimpleTuner-Doctor"
#define DOCTOR_NONCE_HEADER "X-SimpleTuner-Doctor-Nonce"
#define DOCTOR_WANT_HEADER  "X-SimpleTuner-Doctor-Want" /* "head", "stream", "file" or "pad" */
#define DOCTOR_ECHO_PATH    "/api/cloud/doctor/echo"
#define DOCTOR_STREAM_PATH  "/api/events/doctor"
#define DOCTOR_STORAGE_PATH "/api/cloud/storage/.doctor" /* no bucket has such a name */

#define DOCTOR_TOKEN_S       120 /* it is good for so long */
#define DOCTOR_TOKEN_SIZE    (ULID_SIZE + 2 * SHA256_SIZE + 1)
#define DOCTOR_STREAM_GAP_MS 800  /* between the two pieces of the stream */
#define DOCTOR_PAD           5000 /* bytes of the header of an answer to "pad" */

struct doctor_token {
        char text[DOCTOR_TOKEN_SIZE]; /* "ID.SECRET" */
        unsigned char key[SHA256_SIZE];
        const char *path; /* of its file; in the arena */
};

/* Make one, and its file; what doctors left that were killed goes. ERR_UNAVAILABLE: the home cannot
 * be written. */
NODISCARD enum err doctor_token_make(struct ctx *ctx, struct doctor_token *ret);
void doctor_token_remove(const struct doctor_token *token);

/* In the responder: is this the token of a doctor that runs? ret_proof: nonce, signed.
 * ERR_NOT_FOUND, whatever it is instead. */
NODISCARD enum err doctor_token_check(struct ctx *ctx, const char *text, const char *nonce,
                                      char ret_proof[SHA256_HEX_SIZE]);

/* What it should be. False: OpenSSL fails. */
NODISCARD bool doctor_token_proof(const unsigned char key[SHA256_SIZE], const char *nonce,
                                  char ret_proof[SHA256_HEX_SIZE]);

/* The file that the responder sends when it is asked for one: below the outputs, where front
 * servers may look. In the arena. */
const char *doctor_token_file(struct ctx *ctx, const char *text);

#endif

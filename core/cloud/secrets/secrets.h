/* Named secrets. Sources are asked in this order, and the first that has a name wins: the process
 * environment and env file, systemd's credentials, the file of secrets, AWS Secrets Manager, Vault.
 * A source that cannot be asked is no source without the name: the lookup fails, rather than take
 * what a later source says. Those over the network are asked for all they have at once, which is
 * kept for a while (secret_cache.h). Thread safe. */
#ifndef CORE_CLOUD_SECRETS_SECRETS_H
#define CORE_CLOUD_SECRETS_SECRETS_H

#include "core/base/crypto.h"
#include "core/base/json.h"

#define SECRET_SOURCES_MAX 5

struct secrets;

/* ERR_NOMEM. A missing file is no error. */
NODISCARD enum err secrets_new(struct ctx *ctx, struct secrets **ret);
void secrets_free(struct secrets *secrets);
DEFINE_CLEANUP(struct secrets *, secrets_free)

/* The value, in the arena. ERR_NOT_FOUND | ERR_UNAVAILABLE: a source cannot be asked; of the file,
 * it is unsafe or damaged. */
NODISCARD enum err secrets_get(struct ctx *ctx, const char *name, struct secret *ret);

/* Write or remove one name in the file: locked against other processes, replaced atomically, mode
 * 0600. Removing an absent name succeeds. ERR_UNAVAILABLE: the file cannot be written. */
NODISCARD enum err secrets_put(struct ctx *ctx, const char *name, const char *value);
NODISCARD enum err secrets_delete(struct ctx *ctx, const char *name);

/* Where secrets_put writes. Borrowed. */
const char *secrets_path(const struct secrets *secrets);
struct secret_store *secrets_store(const struct secrets *secrets);

/* What is kept of the network's sources is to be asked for anew; it still serves while a source is
 * away, as long as it would have otherwise. */
void secrets_flush(struct secrets *secrets);

/* Ask again what is soon too old, and renew leases, so that requests need not wait for it. For a
 * background thread, every few seconds. ERR_NOMEM. */
NODISCARD enum err secrets_keep(struct ctx *ctx);

/* How a source is. Times are of the wall clock; 0: never. Near sources are looked at now; of the
 * others it is what this process knows: ask is true to find out. */
struct secret_status {
        const char *source; /* "environment", "systemd", "file", "aws", "vault" */
        bool is_configured, is_up;
        int64_t succeeded_us, failed_us; /* when it last did */
        int64_t took_us;                 /* the last answer; -1: none yet */
        const char *error; /* of the last failure, without secrets; NULL: it is well */
};
NODISCARD enum err secret_sources_status(struct ctx *ctx, bool ask,
                                         struct secret_status ret[SECRET_SOURCES_MAX],
                                         size_t *ret_count);

/* What each source says of a name, in their order. */
enum secret_state {
        SECRET_USED,
        SECRET_SHADOWED, /* it is there, but a source before has it too */
        SECRET_ABSENT,
        SECRET_FAILED, /* the source cannot be asked */
        SECRET_UNUSED, /* the source is not configured */
        SECRET_STATE_COUNT
};
const char *secret_state_name(enum secret_state state);
struct secret_finding {
        const char *source;
        enum secret_state state;
        const char *detail; /* why it failed, or is not asked; NULL: nothing to say */
};
NODISCARD enum err secrets_explain(struct ctx *ctx, const char *name,
                                   struct secret_finding ret[SECRET_SOURCES_MAX],
                                   size_t *ret_count);

/* The names that this program asks for, and those that sources can list; a JSON object in the
 * arena. A source that cannot be asked is left out. ERR_NOMEM. */
NODISCARD enum err secrets_names(struct ctx *ctx, json_t **ret);

#endif

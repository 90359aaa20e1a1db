/* Settings of where secrets come from. */
#ifndef CORE_BASE_CONFIG_SECRETS_H
#define CORE_BASE_CONFIG_SECRETS_H

#include <stdint.h>

/* Texts are "" where nothing is set. */
struct secrets_config {
        const char *credentials;     /* CREDENTIALS_DIRECTORY, which systemd sets */
        const char *file;            /* SIMPLETUNER_SECRETS_FILE */
        uint64_t ttl_s;              /* SIMPLETUNER_SECRETS_TTL */
        uint64_t max_stale_s;        /* SIMPLETUNER_SECRETS_MAX_STALE */
        const char *aws_name;        /* SIMPLETUNER_AWS_SECRET_NAME */
        const char *aws_region;      /* AWS_REGION or AWS_DEFAULT_REGION */
        const char *aws_endpoint;    /* AWS_ENDPOINT_URL_SECRETS_MANAGER or AWS_ENDPOINT_URL */
        const char *vault_addr;      /* VAULT_ADDR */
        const char *vault_namespace; /* VAULT_NAMESPACE */
        const char *vault_ca;        /* VAULT_CACERT */
        const char *vault_mount;     /* SIMPLETUNER_VAULT_MOUNT */
        const char *vault_path;      /* SIMPLETUNER_VAULT_PATH */
        const char *vault_approle;   /* SIMPLETUNER_VAULT_APPROLE_MOUNT */
        const char *vault_kv;        /* SIMPLETUNER_VAULT_KV_VERSION */
};

#endif

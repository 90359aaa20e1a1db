/* simpletuner-cloud.fcgi: start-up, signals, shutdown. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"
#include "core/cloud/http/http_client.h"
#include "core/cloud/settings_test.h"
#include "core/cloud/storage/object_store.h"
#include "core/db/db.h"
#include "fcgi/background.h"
#include "fcgi/listener.h"
#include "fcgi/pool.h"
#include "fcgi/routes.h"
#include "fcgi/service_manager.h"
#include "fcgi/transport.h"
#include "fcgi/watch.h"

static const char logger[] = "simpletuner.cloud";

struct options {
        const char *listen, *listen_bulk, *socket_group;
        mode_t socket_mode;
        unsigned threads, bulk_threads; /* 0: as configured */
        bool test_config;
};

static const char usage[] =
        "Usage: simpletuner-cloud.fcgi [OPTION]...\n"
        "The FastCGI responder of SimpleTuner Cloud. Without --listen it serves the sockets that\n"
        "systemd holds for it, else the one that spawn-fcgi or mod_fcgid hands it as descriptor "
        "0.\n"
        "\n"
        "      --listen PATH|HOST:PORT       socket of the API\n"
        "      --listen-bulk PATH|HOST:PORT  second socket, for uploads and event streams\n"
        "      --socket-mode MODE            access to the socket files, octal (0660)\n"
        "      --socket-group NAME           group of the socket files\n"
        "      --routes                      every route and what it takes to use it, as lines of "
        "JSON\n"
        "      --threads N                   threads of the API\n"
        "      --bulk-threads N              threads of the second socket\n"
        "  -t, --test-config                 say whether the settings are well, and do nothing\n"
        "      --help                        this text and the settings\n"
        "      --version                     the version\n"
        "\n"
        "Settings come from the environment, then from the file $SIMPLETUNER_CONFIG, else\n"
        "/etc/simpletuner-cloud/cloud.env, else $SIMPLETUNER_HOME/cloud.env:\n";

static int complain(const char *message, int code)
{
        fprintf(stderr, "simpletuner-cloud.fcgi: %s\n", message);
        return code;
}

static bool parse_number(const char *text, int base, unsigned max, unsigned *ret)
{
        char *end;
        unsigned long value = strtoul(text, &end, base);

        if (end == text || *end || value == 0 || value > max)
                return false;
        *ret = (unsigned)value;
        return true;
}

/* -1: go on; else the exit code. */
static int parse_options(int argc, char **argv, struct options *ret)
{
        static const struct option known[] = {
                { "listen", required_argument, NULL, 'l' },
                { "listen-bulk", required_argument, NULL, 'b' },
                { "socket-mode", required_argument, NULL, 'm' },
                { "socket-group", required_argument, NULL, 'g' },
                { "threads", required_argument, NULL, 'n' },
                { "bulk-threads", required_argument, NULL, 'T' },
                { "routes", no_argument, NULL, 'r' },
                { "test-config", no_argument, NULL, 't' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { 0 },
        };
        unsigned mode = 0660;
        bool ok = true;

        for (int option; (option = getopt_long(argc, argv, "t", known, NULL)) != -1;) {
                switch (option) {
                case 'l':
                        ret->listen = optarg;
                        break;
                case 'b':
                        ret->listen_bulk = optarg;
                        break;
                case 'm':
                        ok = ok && parse_number(optarg, 8, 0777, &mode);
                        break;
                case 'g':
                        ret->socket_group = optarg;
                        break;
                case 'n':
                        ok = ok && parse_number(optarg, 10, 1024, &ret->threads);
                        break;
                case 'T':
                        ok = ok && parse_number(optarg, 10, 1024, &ret->bulk_threads);
                        break;
                case 't':
                        ret->test_config = true;
                        break;
                case 'r':
                        routes_print(stdout);
                        return EX_OK;
                case 'h':
                        fputs(usage, stdout);
                        config_print_help(stdout);
                        return EX_OK;
                case 'v':
                        puts("simpletuner-cloud.fcgi " PACKAGE_VERSION);
                        return EX_OK;
                default:
                        return EX_USAGE;
                }
        }
        ret->socket_mode = (mode_t)mode;
        if (!ok || optind < argc)
                return complain("a bad option value; try --help", EX_USAGE);
        return -1;
}

/* What the options say goes before what the service manager hands over. */
static bool find_listeners(const struct options *options, struct service_sockets *ret,
                           char *message, size_t message_size)
{
        if (!service_manager_sockets(ret, message, message_size))
                return false;
        if (options->listen)
                ret->api = listener_open(options->listen, options->socket_mode,
                                         options->socket_group, message, message_size);
        else if (ret->api < 0)
                ret->api = listener_is_socket(STDIN_FILENO) ? STDIN_FILENO : -1;
        if (ret->api < 0 || !options->listen_bulk)
                return ret->api >= 0;
        ret->bulk = listener_open(options->listen_bulk, options->socket_mode, options->socket_group,
                                  message, message_size);
        return ret->bulk >= 0;
}

static bool open_listeners(const struct options *options, struct service_sockets *ret)
{
        char message[512] = "descriptor 0 is no listening socket; give --listen";

        if (find_listeners(options, ret, message, sizeof(message)))
                return true;
        complain(message, EX_OSERR);
        return false;
}

/* The signals this process lives by are taken by the main thread alone. */
static sigset_t block_signals(void)
{
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGUSR1); /* what Apache and libfcgi call a graceful stop */
        sigaddset(&signals, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        return signals;
}

/* Serve until a signal ends it, then finish what has begun. */
static int serve(struct ctx *ctx, const struct options *options, const sigset_t *signals)
{
        int wake_fd = eventfd(0, EFD_CLOEXEC);
        struct service_sockets sockets;
        const struct config *config = ctx->config;
        unsigned threads = options->threads ? options->threads : (unsigned)config->api_threads;
        unsigned bulk_threads =
                options->bulk_threads ? options->bulk_threads : (unsigned)config->bulk_threads;
        unsigned timeout_s = (unsigned)config->shutdown_timeout_s;
        struct pool *api, *bulk = NULL;
        struct background *background;
        bool finished, answered;

        if (!open_listeners(options, &sockets))
                return EX_OSERR;
        api = pool_start(ctx, &(struct pool_place){ sockets.api, wake_fd, true }, threads);
        if (sockets.bulk >= 0)
                bulk = pool_start(ctx, &(struct pool_place){ sockets.bulk, wake_fd, false },
                                  bulk_threads);
        background = background_start(ctx);
        if (wake_fd < 0 || !api || !background || (sockets.bulk >= 0 && !bulk))
                return complain("threads cannot be started", EX_OSERR);
        log_event(NULL, LOG_INFO, logger, "Serving", "version", PACKAGE_VERSION, "database",
                  database_kind(ctx->cloud->database));

        watch_until_end(ctx, &(struct watched){ .api = api,
                                                .bulk = bulk,
                                                .signals = signals,
                                                .trouble = *ctx->detail ? ctx->detail : NULL });
        atomic_store(&ctx->cloud->draining, true);
        bells_ring_all(ctx->cloud->bells); /* event streams end now */
        eventfd_write(wake_fd, 1);
        finished = (!bulk || pool_join(bulk, timeout_s)) && pool_join(api, timeout_s);
        finished = background_stop(background, finished ? timeout_s : 0) && finished;
        answered = pool_is_idle(api) && (!bulk || pool_is_idle(bulk));
        log_event(NULL, answered ? LOG_INFO : LOG_WARNING, logger,
                  answered ? "Stopped" : "Stopped with requests unfinished");
        if (!finished)
                _exit(answered ? EX_OK : EX_SOFTWARE); /* threads still use everything */
        pool_free(api);
        pool_free(bulk);
        return EX_OK;
}

/* Look at the database once: one that is newer than this program ends the start; one that is away
 * or behind does not, for it may come. What dead processes left behind is swept. */
static int start_up(struct ctx *ctx, struct cloud *cloud)
{
        unsigned swept;
        enum err rc;

        if (cloud_attach(ctx, cloud) != OK)
                return complain(ctx->detail, EX_OSERR);
        rc = cloud_check_schema(ctx);
        if (rc == OK)
                rc = object_store_sweep(ctx, &swept);
        if (rc != OK)
                log_event(ctx, LOG_ERROR, logger, "Not ready", "reason", ctx->detail);
        else
                ctx->detail[0] = '\0';
        db_free(TAKE(ctx->db));
        http_client_free(TAKE(ctx->http));
        return rc == ERR_CONFLICT ? complain(ctx->detail, EX_CONFIG) : EX_OK;
}

static int test_settings(struct ctx *ctx)
{
        enum err rc = settings_test(ctx);

        if (rc != OK)
                return complain(ctx->detail, EX_CONFIG);
        puts("simpletuner-cloud.fcgi: settings are well");
        return EX_OK;
}

int main(int argc, char **argv)
{
        struct options options = { 0 };
        CLEANUP(config_freep) struct config *config = NULL;
        CLEANUP(cloud_closep) struct cloud *cloud = NULL;
        CLEANUP(arena_freep) struct arena *arena = NULL;
        struct ctx ctx = { .clock = &clock_system };
        char message[512];
        sigset_t signals;
        int code;

        code = parse_options(argc, argv, &options);
        if (code >= 0)
                return code;
        if (routes_check())
                return complain(routes_check(), EX_SOFTWARE);
        if (!config_load(&config, message, sizeof(message)))
                return complain(message, EX_CONFIG);
        umask(027);
        fault_arm(config_secret(config, "SIMPLETUNER_FAULT_POINT"));
        mallopt(M_ARENA_MAX, 16); /* little memory, and a lock for few threads each */
        if (!log_configure(config->log_level, config->log_format,
                           *config->log_file ? config->log_file : NULL))
                return complain("SIMPLETUNER_LOG_FILE cannot be opened", EX_CONFIG);
        signals = block_signals();
        arena = arena_new();
        ctx.config = config;
        ctx.arena = arena;
        if (!arena || !http_client_start() || !transport_start())
                return complain("out of memory", EX_OSERR);
        if (options.test_config)
                return test_settings(&ctx);
        if (cloud_open(&ctx, &cloud) != OK)
                return complain(ctx.detail, EX_CONFIG);
        code = start_up(&ctx, cloud);
        if (code == EX_OK)
                code = serve(&ctx, &options, &signals);
        http_client_stop();
        return code;
}

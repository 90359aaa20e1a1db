#include "fcgi/service_manager.h"

#ifdef WITH_SYSTEMD
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "fcgi/listener.h"

#define SOCKETS_MAX 2

static void free_names(char **names)
{
        for (size_t i = 0; names[i]; i++)
                free(names[i]);
        free(names);
}
DEFINE_CLEANUP(char **, free_names)

/* Where the index-th socket belongs; its name decides if it is one of ours. */
static int *place_of(struct service_sockets *sockets, const char *name, int index)
{
        if (strcmp(name, "api") == 0)
                return &sockets->api;
        if (strcmp(name, "bulk") == 0)
                return &sockets->bulk;
        return index == 0 ? &sockets->api : &sockets->bulk;
}

static bool refuse(const char *name, const char *why, char *message, size_t message_size)
{
        snprintf(message, message_size, "the socket \"%s\" from the service manager %s", name, why);
        return false;
}

bool service_manager_sockets(struct service_sockets *ret, char *message, size_t message_size)
{
        CLEANUP(free_namesp) char **names = NULL;
        struct service_sockets sockets = { -1, -1 };
        const int count = sd_listen_fds_with_names(0, &names);

        for (int i = 0; i < count; i++) {
                const int fd = SD_LISTEN_FDS_START + i;
                int *place = place_of(&sockets, names[i], i);

                if (count > SOCKETS_MAX)
                        return refuse(names[i], "is one of more than two", message, message_size);
                if (*place >= 0)
                        return refuse(names[i], "comes twice", message, message_size);
                if (!listener_is_socket(fd) || fcntl(fd, F_SETFL, 0) != 0) /* accept is to wait */
                        return refuse(names[i], "is no listening socket", message, message_size);
                *place = fd;
        }
        if (sockets.bulk >= 0 && sockets.api < 0)
                return refuse("bulk", "comes without one for the API", message, message_size);
        *ret = sockets;
        return true;
}

void service_manager_tell(const char *assignments)
{
        sd_notify(0, assignments);
}

uint64_t service_manager_watchdog_us(void)
{
        uint64_t every_us = 0;

        return sd_watchdog_enabled(0, &every_us) > 0 ? every_us : 0;
}

#else

bool service_manager_sockets(struct service_sockets *ret, char *message, size_t message_size)
{
        (void)message;
        (void)message_size;
        *ret = (struct service_sockets){ -1, -1 };
        return true;
}

void service_manager_tell(const char *assignments)
{
        (void)assignments;
}

uint64_t service_manager_watchdog_us(void)
{
        return 0;
}

#endif

/* Sliding windows in memory that threads, and processes, share: for each key the times of its calls
 * within a window that ends now. Exact: whoever asks, in whatever number, no more calls are
 * admitted than there may be. Where there is no room for a key, the one that nobody asked for the
 * longest is forgotten. Keys are hashed under a random key, so that nobody can aim at one place. */
#ifndef CORE_BASE_WINDOW_TABLE_H
#define CORE_BASE_WINDOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_KEY_SIZE      128      /* bytes with the NUL; more are cut off */
#define WINDOW_CALLS_MAX     10000    /* of one key */
#define WINDOW_MS_MAX        86400000 /* a day */
#define WINDOW_KEYS_MAX      (64 * 512)
#define WINDOW_TABLE_KIND    "limits" /* for a shared_layout */
#define WINDOW_TABLE_VERSION 1

struct window_table;

/* How much memory a table takes, and making it ready, as for a shared_layout. */
size_t window_table_size(void);
void window_table_init(void *memory, size_t size);

struct window {
        const char *key;
        unsigned calls;     /* 1 to WINDOW_CALLS_MAX */
        unsigned window_ms; /* 1 to WINDOW_MS_MAX */
};

struct window_count {
        bool admitted;       /* take: the call counts; look: the next one would */
        unsigned count;      /* calls in the window, an admitted one included */
        int64_t reset_in_us; /* until the oldest of them leaves the window; 0: there is none */
};

/* Count a call at now_us, a monotonic time of the host, unless the window is full. A now_us that is
 * a little older than the key's newest call counts as that. Times are kept to the millisecond, and
 * never leave early. */
void window_table_take(struct window_table *table, const struct window *window, int64_t now_us,
                       struct window_count *ret);
/* The same without counting. */
void window_table_look(struct window_table *table, const struct window *window, int64_t now_us,
                       struct window_count *ret);
void window_table_forget(struct window_table *table, const char *key);

/* Call each for the keys that have calls in the window they were last counted in. It is called
 * under a lock: it must be quick, and not come back here. False from it ends this. */
typedef bool window_each_fn(void *arg, const char *key, unsigned count);
void window_table_each(struct window_table *table, int64_t now_us, window_each_fn *each, void *arg);

#endif

/* Scope guards and the attributes every header uses. Header only, includes nothing. */
#ifndef CORE_BASE_SCOPE_H
#define CORE_BASE_SCOPE_H

/* CLEANUP(x_freep) struct x *v = NULL;  runs x_free(v) when v leaves its scope. */
#define CLEANUP(fn) __attribute__((__cleanup__(fn)))

/* Define the guard function of a pointer type: DEFINE_CLEANUP(struct x *, x_free). */
#define DEFINE_CLEANUP(type, fn)                                                                   \
        static inline void fn##p(type *p)                                                          \
        {                                                                                          \
                if (*p)                                                                            \
                        fn(*p);                                                                    \
        }

/* Move ownership out of a guarded variable: the guard then has nothing to free. */
#define TAKE(p)                                                                                    \
        ({                                                                                         \
                __typeof__(p) taken_ = (p);                                                        \
                (p) = NULL;                                                                        \
                taken_;                                                                            \
        })

/* The same for a file descriptor guarded by close_fdp. */
#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int taken_ = (fd);                                                                 \
                (fd) = -1;                                                                         \
                taken_;                                                                            \
        })

#define NODISCARD    __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KiB           ((size_t)1024)
#define MiB           (KiB * KiB)

/* A file descriptor guard: CLEANUP(close_fdp) int fd = -1; */
void close_fdp(int *fd);

#endif

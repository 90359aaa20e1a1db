#include "core/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ONE_MALLOC_EACH 1
#else
#define ONE_MALLOC_EACH 0
#endif

#define BLOCK_SIZE (32 * KiB)

struct block {
        struct block *next;
        size_t used, cap;
        alignas(max_align_t) unsigned char data[];
};

struct owned {
        struct owned *next;
        void *p;
        void (*done)(void *p);
};

struct arena {
        struct owned *owned;  /* newest first */
        struct block *blocks; /* newest first; the oldest one survives a reset */
        unsigned fail_after;
};

static struct block *block_new(size_t cap, struct block *next)
{
        struct block *block = malloc(sizeof(*block) + cap);

        if (!block)
                return NULL;
        block->next = next;
        block->used = 0;
        block->cap = cap;
        return block;
}

struct arena *arena_new(void)
{
        return calloc(1, sizeof(struct arena));
}

static void free_blocks(struct block *block, const struct block *until)
{
        while (block != until) {
                struct block *next = block->next;

                free(block);
                block = next;
        }
}

static void run_owned(struct arena *arena)
{
        for (struct owned *owned = arena->owned; owned; owned = owned->next)
                owned->done(owned->p);
        arena->owned = NULL;
}

bool arena_own(struct arena *arena, void *p, void (*done)(void *p))
{
        struct owned *owned = arena_alloc(arena, sizeof(*owned));

        if (!owned) {
                done(p);
                return false;
        }
        *owned = (struct owned){ .next = arena->owned, .p = p, .done = done };
        arena->owned = owned;
        return true;
}

void arena_free(struct arena *arena)
{
        if (!arena)
                return;
        run_owned(arena);
        free_blocks(arena->blocks, NULL);
        free(arena);
}

void arena_reset(struct arena *arena)
{
        struct block *keep = NULL;

        run_owned(arena);
        if (!ONE_MALLOC_EACH) {
                for (keep = arena->blocks; keep && keep->next; keep = keep->next)
                        ;
                if (keep && keep->cap != BLOCK_SIZE)
                        keep = NULL;
        }
        free_blocks(arena->blocks, keep);
        arena->blocks = keep;
        if (keep)
                keep->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
        const size_t align = alignof(max_align_t);
        struct block *block = arena->blocks;
        void *p;

        if (arena->fail_after && --arena->fail_after == 0)
                return NULL;
        if (size > SIZE_MAX / 2)
                return NULL;
        size = (size + align - 1) & ~(align - 1);
        if (size == 0)
                size = align;
        if (!block || block->cap - block->used < size) {
                size_t cap = size > BLOCK_SIZE || ONE_MALLOC_EACH ? size : BLOCK_SIZE;

                block = block_new(cap, arena->blocks);
                if (!block)
                        return NULL;
                arena->blocks = block;
        }
        p = block->data + block->used;
        block->used += size;
        return memset(p, 0, size);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
        char *copy = arena_alloc(arena, len + 1);

        if (copy && len)
                memcpy(copy, s, len);
        return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
        return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
        va_list ap;
        char *text;
        int len;

        va_start(ap, fmt);
        len = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (len < 0)
                return NULL;

        text = arena_alloc(arena, (size_t)len + 1);
        if (!text)
                return NULL;
        va_start(ap, fmt);
        vsnprintf(text, (size_t)len + 1, fmt, ap);
        va_end(ap);
        return text;
}

void arena_fail_after(struct arena *arena, unsigned n)
{
        arena->fail_after = n;
}

/* Ranges of keys in SQL, which has no "to the last one". */
#ifndef CORE_STORE_KEY_RANGE_H
#define CORE_STORE_KEY_RANGE_H

/* No key begins with this, the last code point, which is no character. */
#define AFTER_ALL_KEYS "\xf4\x8f\xbf\xbf"

/* The bounds of first <= key < end; NULL or "" is no bound. Borrowed. */
static inline const char *key_range_first(const char *first)
{
        return first ? first : "";
}
static inline const char *key_range_end(const char *end)
{
        return end && *end ? end : AFTER_ALL_KEYS;
}

#endif

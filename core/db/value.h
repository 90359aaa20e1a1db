/* A value as databases have it, of which this project uses these kinds. */
#ifndef CORE_DB_VALUE_H
#define CORE_DB_VALUE_H

#include <stdint.h>

/* DB_BLOB: bytes that are no text. We write none, and read one as a text. */
enum db_type { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB };

struct db_value {
        enum db_type type;
        int64_t integer;
        double real;
        const char
                *text; /* borrowed: when bound, until the first step; when read, until the next */
};

#endif

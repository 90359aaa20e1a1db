/* Pages, cells and records of a SQLite file as bytes: https://sqlite.org/fileformat2.html 1.5, 1.6
 * and 2.1. Whatever is in them, nothing outside of a page is read. */
#ifndef CORE_DB_SQLITE_PAGE_H
#define CORE_DB_SQLITE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/scope.h"

#define SQLITE_FILE_HEADER 100 /* bytes of page 1 before its own header */
#define SQLITE_FIELDS_MAX  2000

enum sqlite_page_kind {
        SQLITE_PAGE_INDEX_INTERIOR = 2,
        SQLITE_PAGE_TABLE_INTERIOR = 5,
        SQLITE_PAGE_INDEX_LEAF = 10,
        SQLITE_PAGE_TABLE_LEAF = 13,
};

struct sqlite_page {
        const unsigned char *bytes; /* borrowed */
        uint32_t number, usable;
        enum sqlite_page_kind kind;
        uint32_t header_at, cells;
        uint32_t right; /* of interior pages: the last child */
};

struct sqlite_cell {
        uint32_t child; /* of interior pages */
        int64_t rowid;  /* of tables */
        uint64_t payload;
        const unsigned char *local; /* what of the payload is in the page */
        uint32_t local_len;
        uint32_t overflow; /* page of the rest; 0: there is none */
};

/* False: this is no page of a tree, or a damaged one. */
NODISCARD bool sqlite_page_parse(const unsigned char *bytes, uint32_t number, uint32_t usable,
                                 struct sqlite_page *ret);
/* The n-th cell, from 0. False: it is damaged. */
NODISCARD bool sqlite_page_cell(const struct sqlite_page *page, uint32_t n,
                                struct sqlite_cell *ret);

enum sqlite_field_type {
        SQLITE_FIELD_NULL,
        SQLITE_FIELD_INT,
        SQLITE_FIELD_REAL,
        SQLITE_FIELD_TEXT,
        SQLITE_FIELD_BLOB
};
struct sqlite_field {
        enum sqlite_field_type type;
        int64_t integer;
        double real;
        const unsigned char *bytes; /* in the record */
        size_t len;
};

/* The fields of a record, at most SQLITE_FIELDS_MAX. *ret_count: how many. False: damaged. */
NODISCARD bool sqlite_record_parse(const unsigned char *bytes, size_t len,
                                   struct sqlite_field *ret_fields, uint32_t *ret_count);

/* The same for the beginning of one: its first fields, as far as they are all in it. */
NODISCARD bool sqlite_record_begin(const unsigned char *bytes, size_t len,
                                   struct sqlite_field *ret_fields, uint32_t *ret_count);

uint32_t sqlite_get16(const unsigned char *at);
uint32_t sqlite_get32(const unsigned char *at);

#endif

#include "core/db/sqlite_page.h"

#include <string.h>

uint32_t sqlite_get16(const unsigned char *at)
{
        return (uint32_t)at[0] << 8 | at[1];
}

uint32_t sqlite_get32(const unsigned char *at)
{
        return sqlite_get16(at) << 16 | sqlite_get16(at + 2);
}

/* A number of one to nine bytes. Returns how many, 0: it does not end before len. */
static size_t get_varint(const unsigned char *at, size_t len, uint64_t *ret)
{
        uint64_t value = 0;

        for (size_t i = 0; i < len && i < 9; i++) {
                if (i == 8) {
                        *ret = value << 8 | at[i];
                        return 9;
                }
                value = value << 7 | (at[i] & 0x7f);
                if (at[i] < 0x80) {
                        *ret = value;
                        return i + 1;
                }
        }
        return 0;
}

static bool is_interior(enum sqlite_page_kind kind)
{
        return kind == SQLITE_PAGE_TABLE_INTERIOR || kind == SQLITE_PAGE_INDEX_INTERIOR;
}

static bool is_kind(unsigned byte)
{
        return byte == SQLITE_PAGE_INDEX_INTERIOR || byte == SQLITE_PAGE_TABLE_INTERIOR ||
               byte == SQLITE_PAGE_INDEX_LEAF || byte == SQLITE_PAGE_TABLE_LEAF;
}

static uint32_t pointers_at(const struct sqlite_page *page)
{
        return page->header_at + (is_interior(page->kind) ? 12 : 8);
}

bool sqlite_page_parse(const unsigned char *bytes, uint32_t number, uint32_t usable,
                       struct sqlite_page *ret)
{
        struct sqlite_page page = { .bytes = bytes, .number = number, .usable = usable };
        uint32_t first;

        page.header_at = number == 1 ? SQLITE_FILE_HEADER : 0;
        if (!is_kind(bytes[page.header_at]))
                return false;
        page.kind = bytes[page.header_at];
        page.cells = sqlite_get16(bytes + page.header_at + 3);
        if (is_interior(page.kind))
                page.right = sqlite_get32(bytes + page.header_at + 8);
        first = pointers_at(&page) + 2 * page.cells;
        if (first > usable || (page.cells == 0 && page.kind != SQLITE_PAGE_TABLE_LEAF &&
                               page.kind != SQLITE_PAGE_INDEX_LEAF))
                return false;
        for (uint32_t n = 0; n < page.cells; n++) {
                uint32_t at = sqlite_get16(bytes + pointers_at(&page) + 2 * n);

                if (at < first || at > usable - 4)
                        return false;
        }
        *ret = page;
        return true;
}

/* How much of a payload is in the page: 1.6, "the amount of payload that spills". */
static uint32_t local_part(const struct sqlite_page *page, uint64_t payload)
{
        const uint32_t usable = page->usable;
        const bool is_table = page->kind == SQLITE_PAGE_TABLE_LEAF;
        const uint32_t most = is_table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
        const uint32_t least = (usable - 12) * 32 / 255 - 23;
        uint32_t part;

        if (payload <= most)
                return (uint32_t)payload;
        part = least + (uint32_t)((payload - least) % (usable - 4));
        return part <= most ? part : least;
}

bool sqlite_page_cell(const struct sqlite_page *page, uint32_t n, struct sqlite_cell *ret)
{
        uint32_t at = sqlite_get16(page->bytes + pointers_at(page) + 2 * n);
        struct sqlite_cell cell = { 0 };
        uint64_t rowid = 0;
        size_t used;

        if (is_interior(page->kind)) {
                cell.child = sqlite_get32(page->bytes + at);
                at += 4;
        }
        if (page->kind != SQLITE_PAGE_TABLE_INTERIOR) {
                used = get_varint(page->bytes + at, page->usable - at, &cell.payload);
                at += (uint32_t)used;
                if (used == 0)
                        return false;
        }
        if (page->kind == SQLITE_PAGE_TABLE_LEAF || page->kind == SQLITE_PAGE_TABLE_INTERIOR) {
                used = get_varint(page->bytes + at, page->usable - at, &rowid);
                at += (uint32_t)used;
                if (used == 0)
                        return false;
        }
        cell.rowid = (int64_t)rowid;
        if (page->kind != SQLITE_PAGE_TABLE_INTERIOR) {
                cell.local = page->bytes + at;
                cell.local_len = local_part(page, cell.payload);
                if (cell.local_len > page->usable - at)
                        return false;
                at += cell.local_len;
                if (cell.local_len < cell.payload && page->usable - at < 4)
                        return false;
                if (cell.local_len < cell.payload)
                        cell.overflow = sqlite_get32(page->bytes + at);
        }
        *ret = cell;
        return true;
}

/* ---- records ---- */

/* Bytes of a field; -1: there is no such type. */
static int64_t field_len(uint64_t type)
{
        static const int sizes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };

        if (type < 10)
                return sizes[type];
        if (type < 12 || type > INT64_MAX)
                return -1;
        return (int64_t)(type - 12) / 2;
}

static int64_t get_signed(const unsigned char *at, size_t len)
{
        uint64_t value = len && at[0] & 0x80 ? UINT64_MAX : 0;

        for (size_t i = 0; i < len; i++)
                value = value << 8 | at[i];
        return (int64_t)value;
}

static struct sqlite_field read_field(uint64_t type, const unsigned char *at, size_t len)
{
        struct sqlite_field field = { .bytes = at, .len = len };
        uint64_t bits;

        if (type == 0)
                return field;
        field.type = SQLITE_FIELD_INT;
        if (type == 8 || type == 9) {
                field.integer = type == 9;
        } else if (type == 7) {
                bits = (uint64_t)get_signed(at, 8);
                field.type = SQLITE_FIELD_REAL;
                memcpy(&field.real, &bits, sizeof(field.real));
        } else if (type >= 12) {
                field.type = type % 2 ? SQLITE_FIELD_TEXT : SQLITE_FIELD_BLOB;
        } else {
                field.integer = get_signed(at, len);
        }
        return field;
}

/* is_whole: len is all of it; else the fields that are not all there are left out. */
static bool parse(const unsigned char *bytes, size_t len, bool is_whole,
                  struct sqlite_field *ret_fields, uint32_t *ret_count)
{
        uint64_t header, type;
        size_t at = get_varint(bytes, len, &header), body;
        uint32_t count = 0;

        if (at == 0 || header > len || header < at)
                return false;
        body = header;
        while (at < header) {
                size_t used = get_varint(bytes + at, header - at, &type);
                int64_t size = used ? field_len(type) : -1;

                if (size < 0 || count == SQLITE_FIELDS_MAX)
                        return false;
                if ((uint64_t)size > len - body) {
                        *ret_count = count;
                        return !is_whole;
                }
                ret_fields[count++] = read_field(type, bytes + body, (size_t)size);
                body += (size_t)size;
                at += used;
        }
        *ret_count = count;
        return body == len || !is_whole;
}

bool sqlite_record_parse(const unsigned char *bytes, size_t len, struct sqlite_field *ret_fields,
                         uint32_t *ret_count)
{
        return parse(bytes, len, true, ret_fields, ret_count);
}

bool sqlite_record_begin(const unsigned char *bytes, size_t len, struct sqlite_field *ret_fields,
                         uint32_t *ret_count)
{
        return parse(bytes, len, false, ret_fields, ret_count);
}

/* The companion's commands about the storage. */
#include "core/cron/command.h"

/* clang-format off */
static const struct command_option gc_options[] = {
        { "--dry-run", "", OPTION_FLAG, INTO(dry_run), 0, NULL,
          "remove nothing, only say what would be" },
        { 0 },
};

static const struct command_option fsck_options[] = {
        { "--hashes", "", OPTION_FLAG, INTO(hashes), 0, NULL,
          "read every object and compare its hashes" },
        { "--repair", "", OPTION_FLAG, INTO(repair), 0, NULL,
          "set totals right, and forget objects whose file is gone" },
        { 0 },
};

const struct command commands_storage[] = {
        { "storage usage", NULL, NULL, cmd_storage_usage, true, "what lies in the storage",
          "A line for each bucket: files, bytes, and the bytes of parts of unfinished uploads; then all\n"
          "of them together, the quotas, and the free space of each directory that holds buckets." },
        { "storage gc", NULL, gc_options, cmd_storage_gc, true, "remove what is no object",
          "Removes files that dead processes have left, uploads in parts that nobody goes on with, and\n"
          "files in buckets that no row knows; these must be an hour old. A line for each, and a sum.\n"
          "Directories that are no bucket's and symbolic links are named and left alone. Safe to run\n"
          "while the service works." },
        { "storage fsck", NULL, fsck_options, cmd_storage_fsck, true,
          "compare the database with the disk",
          "Finds objects whose file is gone (no_file) or has another size (size) or was replaced\n"
          "(changed), files that are no objects (no_row), missing parts (part), wrong totals of buckets\n"
          "(totals), and with --hashes bytes that are not those that were uploaded (content). A line for\n"
          "each. Nothing is changed without --repair. Exits with 0 when all is well, with 65 when\n"
          "something was found that is not repaired. Safe to run while the service works." },
        { 0 },
};
/* clang-format on */

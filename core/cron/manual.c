/* Writes what is known of the companion's commands and of the settings as manual pages, mdoc(7),
 * and as data for bash's completion, so that these say what the programs do. Run by make. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "core/base/scope.h"
#include "core/base/setting.h"
#include "core/base/settings.h"
#include "core/cron/command.h"
#include "core/cron/tasks.h"

/* ---- text as mdoc has it ---- */

#define WIDTH 78

static bool is_space(char c)
{
        return isspace((unsigned char)c);
}

static void put_word(const char *word, size_t len, bool at_start)
{
        if (at_start && strchr(".'", *word))
                fputs("\\&", stdout);
        for (size_t i = 0; i < len; i++) {
                if (strchr("\\-", word[i]))
                        putchar('\\');
                putchar(word[i] == '\\' ? 'e' : word[i]);
        }
}

/* Roff gives a meaning to backslashes, to hyphens where they are not minus signs, and to a dot or a
 * quote at the beginning of a line. Each sentence begins a line, and no line is long. */
static void put_text(const char *text)
{
        size_t column = 0;

        for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
                const size_t len = strcspn(text, " \n");

                if (column > 0 && column + len > WIDTH) {
                        putchar('\n');
                        column = 0;
                }
                if (column > 0)
                        putchar(' ');
                put_word(text, len, column == 0);
                column += len + 1;
                if (strchr(".!?", text[len - 1]) && is_space(text[len])) {
                        putchar('\n');
                        column = 0;
                }
                text += len;
        }
        if (column > 0)
                putchar('\n');
}

/* As a sentence of its own, with this letter first. */
static void put_sentence_of(const char *text, int first)
{
        char line[1024];
        const size_t len = strlen(text);

        snprintf(line, sizeof(line), "%c%s%s", first, text + 1,
                 len && strchr(".)", text[len - 1]) ? "" : ".");
        put_text(line);
}

static void put_sentence(const char *text)
{
        put_sentence_of(text, toupper((unsigned char)*text));
}

static void put_title(const char *name, const char *section, const char *about)
{
        printf(".\\\" Made from the tables of the programs; see core/cron/manual.c.\n"
               ".Dd %s\n.Dt ",
               RELEASE_DATE);
        for (const char *at = name; *at; at++)
                putchar(toupper((unsigned char)*at));
        printf(" %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", section, name, about);
}

/* ---- simpletuner-cloud(1) ---- */

static void put_option(const struct command_option *option)
{
        printf(".It Fl \\-%s", option->name + 2);
        if (*option->value)
                printf(" Ar %s", option->value);
        putchar('\n');
        put_sentence(option->help);
}

static void put_command(const struct command *command)
{
        const struct command_option *option;

        printf(".Ss %s\n.Nm\n.Cm %s\n", command->name, command->name);
        if (command->operand)
                printf(".Ar %s\n", command->operand);
        for (option = command->options; option && option->name; option++)
                printf(".Op Fl \\-%s%s%s\n", option->name + 2, *option->value ? " Ar " : "",
                       option->value);
        puts(".Op Fl \\-json\n.Pp");
        put_sentence(command->summary);
        put_text(command->help);
        if (!command->options)
                return;
        puts(".Bl -tag -width Ds");
        for (option = command->options; option->name; option++)
                put_option(option);
        puts(".El");
}

static void put_exit_status(void)
{
        static const struct {
                int code;
                const char *meaning;
        } codes[] = {
                { EX_OK, "It is done." },
                { EX_USAGE, "The command line is wrong." },
                { EX_DATAERR, "What is there does not allow it, or is damaged." },
                { EX_NOINPUT, "What was named does not exist." },
                { EX_UNAVAILABLE, "A provider refused or could not be reached." },
                { EX_SOFTWARE, "A defect of the program." },
                { EX_OSERR, "Out of memory, or the system refused." },
                { EX_CANTCREAT, "The disk is full." },
                { EX_TEMPFAIL, "Try again later: something is locked, away or not ready." },
                { EX_NOPERM, "It is not allowed." },
                { EX_CONFIG, "A setting is wrong." },
        };

        puts(".Sh EXIT STATUS\nAs of\n.Xr sysexits 3 :\n.Bl -tag -width Ds");
        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                printf(".It %d\n%s\n", codes[i].code, codes[i].meaning);
        puts(".El");
}

static void put_command_page(void)
{
        put_title("simpletuner-cloud", "1", "the companion of the SimpleTuner Cloud service");
        puts(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Nm\n.Op Ar command\n"
             ".Fl \\-help\n.Nm\n.Fl \\-version\n"
             ".Sh DESCRIPTION\nFor cron and for operators.\n"
             "It reads the settings that the responder reads, see\n.Xr cloud.env 5 ,\n"
             "and must run as the user whom the files of the service belong to:\n"
             ".Dl runuser -u simpletuner-cloud simpletuner-cloud info\n"
             ".Pp\nEvery command takes these options:\n.Bl -tag -width Ds\n"
             ".It Fl \\-json\nWrite the result as JSON.\n"
             ".It Fl \\-help\nSay what the command does.\n.El\n.Sh COMMANDS");
        for (size_t n = 0; command_at(n); n++)
                put_command(command_at(n));
        puts(".Sh FILES\n.Bl -tag -width Ds\n"
             ".It Pa /etc/simpletuner-cloud/cloud.env\nThe settings.\n.El");
        put_exit_status();
        puts(".Sh SEE ALSO\n.Xr cloud.env 5 ,\n.Xr simpletuner-cloud.fcgi 8");
}

/* ---- cloud.env(5) ---- */

/* Names of values keep their letters. */
static void put_meaning(const struct setting *setting)
{
        if (setting->kind == KIND_CHOICE || setting->kind == KIND_DATABASE)
                put_sentence_of(setting->help, *setting->help);
        else
                put_sentence(setting->help);
}

static void put_setting(const struct setting *setting)
{
        char allowed[SETTING_ALLOWED_SIZE], line[SETTING_ALLOWED_SIZE + 32];

        setting_describe(setting, allowed);
        printf(".It Ev %s\n", setting->name);
        put_meaning(setting);
        snprintf(line, sizeof(line), "It must be %s.", allowed);
        if (strcmp(allowed, setting->help) != 0)
                put_text(line);
        if (setting->alias)
                printf("Also read as\n.Ev %s .\n", setting->alias);
        if (*setting->fallback) {
                fputs("The default is\n.Dq ", stdout);
                put_word(setting->fallback, strlen(setting->fallback), false);
                puts(" .");
        }
}

static void put_settings_page(void)
{
        put_title("cloud.env", "5", "settings of SimpleTuner Cloud");
        puts(".Sh DESCRIPTION\n"
             "Lines of the form\n.Ar NAME Ns = Ns Ar VALUE ,\n"
             "as systemd and shells read them; what follows a\n.Ql #\nis a comment.\n"
             "The responder\n.Xr simpletuner-cloud.fcgi 8\nand the companion\n"
             ".Xr simpletuner-cloud 1\nread the file that\n.Ev SIMPLETUNER_CONFIG\nnames, else\n"
             ".Pa /etc/simpletuner-cloud/cloud.env ,\nelse\n.Pa cloud.env\nin\n"
             ".Ev SIMPLETUNER_HOME .\n"
             "A variable of the process environment goes before the file,\n"
             "also when it is empty.\n"
             "A bad value, and an unknown name that begins with\n.Ql SIMPLETUNER_ ,\n"
             "stops the start with file, line and what is allowed.\n"
             ".Pp\nSecrets, such as\n.Ev REPLICATE_API_TOKEN ,\nmay be in the file as well.\n"
             "It is then to be readable by the service alone.\n"
             ".Sh SETTINGS\n.Bl -tag -width Ds");
        for (size_t i = 0; i < settings_count; i++)
                put_setting(&settings[i]);
        puts(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/simpletuner-cloud/cloud.env\n"
             "The file of a service of this host.\n.El\n"
             ".Sh SEE ALSO\n.Xr simpletuner-cloud 1 ,\n.Xr simpletuner-cloud.fcgi 8");
}

/* ---- bash ---- */

/* Of each command its options, those that want a value with "=" behind them; operand or not. */
static void put_completion(void)
{
        puts("declare -gA _simpletuner_cloud_options=(");
        for (size_t n = 0; command_at(n); n++) {
                const struct command_option *option = command_at(n)->options;

                printf("\t['%s']='", command_at(n)->name);
                for (; option && option->name; option++)
                        printf("%s%s ", option->name, *option->value ? "=" : "");
                puts("--json --help'");
        }
        puts(")\ndeclare -gA _simpletuner_cloud_operands=(");
        for (size_t n = 0; command_at(n); n++) {
                if (command_at(n)->operand)
                        printf("\t['%s']='%s'\n", command_at(n)->name, command_at(n)->operand);
        }
        fputs(")\n_simpletuner_cloud_tasks='", stdout);
        for (size_t n = 0; task_at(n); n++)
                printf("%s%s", n ? " " : "", task_at(n)->name);
        puts("'");
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*put)(void);
        } pages[] = {
                { "simpletuner-cloud.1", put_command_page },
                { "cloud.env.5", put_settings_page },
                { "completion", put_completion },
        };

        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
                if (argc == 2 && strcmp(argv[1], pages[i].name) == 0) {
                        pages[i].put();
                        return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_IOERR;
                }
        }
        fputs("Usage: manual simpletuner-cloud.1|cloud.env.5|completion\n", stderr);
        return EX_USAGE;
}

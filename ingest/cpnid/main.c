/* cpnid - the daemon's command line: cpnid(8). */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/cpnid/files.h"
#include "ingest/cpnid/parent.h"

enum { EXIT_USAGE = 2 };

struct command_line {
    const char *file, *state_dir;
    bool check, print, help, version;
};

#ifdef __SANITIZE_ADDRESS__ /* gcc */
#define WITH_ASAN
#elif defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif
#ifdef WITH_ASAN
/* The leak checker attaches to the process with ptrace(2), which no role may. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static const char USAGE[] =
    "usage: cpnid -c FILE [--check] [--state-dir DIR]\n"
    "       cpnid --print-config | --version | --help\n"
    "  -c, --config FILE   settings, YAML\n"
    "  --check             read FILE, say what is wrong with it, and end\n"
    "  --state-dir DIR     instead of the setting state_dir; also $CPNID_STATE_DIR\n"
    "  --print-config      every setting with its default, bounds and meaning\n"
    "$CPNID_PORT_OFFSET is added to every port.\n";

static bool parse_arguments(int argc, char **argv, struct command_line *out)
{
    static const struct option OPTIONS[] = {{"config", required_argument, NULL, 'c'},
                                            {"check", no_argument, NULL, 'k'},
                                            {"state-dir", required_argument, NULL, 's'},
                                            {"print-config", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {0}};
    *out = (struct command_line){.state_dir = getenv("CPNID_STATE_DIR")};
    for (int o; (o = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;) {
        switch (o) {
        case 'c':
            out->file = optarg;
            break;
        case 's':
            out->state_dir = optarg;
            break;
        case 'k':
            out->check = true;
            break;
        case 'p':
            out->print = true;
            break;
        case 'h':
            out->help = true;
            break;
        case 'v':
            out->version = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc && (out->file || out->print || out->help || out->version);
}

static void tell(const char *file, const struct config_problems *p)
{
    for (size_t i = 0; i < p->count && i < CONFIG_PROBLEMS_MAX; i++)
        fprintf(stderr, "%s:%d: %s\n", file, p->item[i].line, p->item[i].text);
    if (p->count > CONFIG_PROBLEMS_MAX)
        fprintf(stderr, "%s: %zu more\n", file, p->count - CONFIG_PROBLEMS_MAX);
}

/* What the environment and the command line say on top of the file. */
static void override(const struct command_line *line, struct config *c, struct config_problems *p)
{
    const char *text = getenv("CPNID_PORT_OFFSET");
    uint64_t offset = 0;
    if (text && text[0] && span_u64(span_str(text), UINT16_MAX, &offset) != OK)
        config_problem(p, 0, "CPNID_PORT_OFFSET: wants a number from 0 to %d", UINT16_MAX);
    else if (config_shift_ports(c, (uint16_t)offset) != OK)
        config_problem(p, 0, "CPNID_PORT_OFFSET: a port would pass %d", UINT16_MAX);
    if (!line->state_dir || !line->state_dir[0])
        return;
    if (strlen(line->state_dir) < sizeof c->state_dir)
        snprintf(c->state_dir, sizeof c->state_dir, "%s", line->state_dir);
    else
        config_problem(p, 0, "state_dir: longer than %zu bytes", sizeof c->state_dir - 1);
}

static int read_config(const struct command_line *line, struct config *c)
{
    struct span text;
    struct config_problems *problems = calloc(1, sizeof *problems);
    if (!problems)
        return EXIT_FAILURE;
    enum err e = file_read(line->file, CONFIG_FILE_BYTES_MAX, &text);
    if (e != OK) {
        fprintf(stderr, "%s: %s\n", line->file, err_text(e));
    } else {
        e = config_parse(text, c, problems);
        file_free(text);
    }
    if (e == OK) {
        override(line, c, problems);
        files_resolve(c, problems);
        files_check(c, problems);
    }
    tell(line->file, problems);
    int code = e == OK && problems->count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    free(problems);
    return code;
}

/* A socket must never be number 2, or the log would go to a stranger. */
static void open_standard_fds(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd >= 0)
        close(fd);
}

static int run(const struct command_line *line)
{
    struct config *c = malloc(sizeof *c);
    int code = c ? read_config(line, c) : EXIT_FAILURE;
    struct diag d = {0};
    if (code == EXIT_SUCCESS && !line->check && files_make_folders(c, &d) != OK) {
        fprintf(stderr, "%s: %s\n", line->file, d.what);
        code = EXIT_FAILURE;
    }
    if (code == EXIT_SUCCESS && !line->check)
        code = parent_run(line->file, c, DAEMON_ROLES);
    free(c);
    return code;
}

int main(int argc, char **argv)
{
    struct command_line line;
    open_standard_fds();
    if (!parse_arguments(argc, argv, &line)) {
        fputs(USAGE, stderr);
        return EXIT_USAGE;
    }
    if (line.help)
        fputs(USAGE, stdout);
    else if (line.version)
        puts("cpnid " CPNI_VERSION);
    else if (line.print)
        config_print(stdout);
    else
        return run(&line);
    return EXIT_SUCCESS;
}

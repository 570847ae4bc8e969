/* `usage pull` over real ZeroMQ, printed as billing reads it; `usage consumer add` with a key
 * file that works and is closed to others. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/control_fake.h"
#include "tests/lib/forward_rig.h"
#include "vault/ctl/table.h"
#include "vault/ctl/usage.h"

Test(usage, a_row_in_json_has_every_name_of_the_contract)
{
    const struct pull_row ROW = {.position = 7,
                                 .revision = 2,
                                 .account = span_str("acct-9"),
                                 .period_start_s = 1700006400,
                                 .period_s = 86400,
                                 .service = span_str("voice"),
                                 .direction = span_str("originating"),
                                 .call_type = span_str("national"),
                                 .juris = span_str("interstate"),
                                 .rate_band = span_str("flat"),
                                 .attempts = 10,
                                 .answered = 9,
                                 .duration_ms = 61500,
                                 .incomplete = 1,
                                 .forwarded = 2,
                                 .billed_count = 2,
                                 .billed = {{span_str("1/1"), 62}, {span_str("6/6"), 66}},
                                 .failed_count = 1,
                                 .failed = {{span_str("busy"), 1}}};
    uint8_t room[4096];
    struct buf b = buf_of(room, sizeof room);
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    struct table *t;
    cr_assert_eq(table_new(f, FORMAT_JSON, &t), OK);
    cr_assert_eq(usage_put_columns(&b), OK);
    cr_assert_eq(table_columns(t, buf_span(&b), NULL), OK);
    buf_reset(&b);
    cr_assert_eq(usage_put_row(&ROW, &b), OK);
    cr_assert_eq(table_row(t, buf_span(&b), NULL), OK);
    table_free(t);
    fclose(f);
    cr_expect_str_eq(text,
                     "{\"account\":\"acct-9\",\"period_start\":\"2023-11-15T00:00:00.000000Z\","
                     "\"period\":86400,\"service\":\"voice\",\"direction\":\"originating\","
                     "\"call_type\":\"national\",\"juris\":\"interstate\",\"rate_band\":\"flat\","
                     "\"attempts\":10,\"answered\":9,\"duration_ms\":61500,"
                     "\"billed\":{\"1/1\":62,\"6/6\":66},\"failed\":{\"busy\":1},"
                     "\"incomplete\":1,\"forwarded\":2,\"revision\":2,\"position\":7}\n");
    free(text);
}

/* --- pull --- */

static struct forward_rig rig;
static char dir[] = "/tmp/cpni-usage-XXXXXX", path[64];

static void with_rig(void)
{
    forward_rig_start(&rig);
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/billing.key", dir);
    struct key_file k = forward_rig_key(&rig);
    cr_assert_eq(key_file_write(path, &k, NULL), OK);
    usage_vault_add(&rig.vault, &k);
}

static void without_rig(void)
{
    unlink(path);
    rmdir(dir);
    forward_rig_stop(&rig);
}

#define PULL(...)                                                                                  \
    ctl_result_of(NULL, (const char *const[]){"usage", "pull", "--consumer", "billing", "--key",   \
                                              path, "--format", "csv", __VA_ARGS__, NULL})

static size_t rows_of(const struct ctl_result *r)
{
    size_t lines = 0;
    for (const char *p = r->out; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    return lines ? lines - 1 : 0; /* without the head */
}

Test(usage, pulls_all_from_a_cursor_and_no_more_than_max, .init = with_rig, .fini = without_rig,
     .timeout = 60)
{
    usage_vault_rows(&rig.vault, 700);
    const struct {
        const char *a, *b;
        size_t rows;
    } ROW[] = {{NULL, NULL, 700},
               {"--from=600", NULL, 100},
               {"--from=700", NULL, 0},
               {"--max=5", NULL, 5},
               {"--from=698", "--max=5", 2}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_result r = PULL(ROW[i].a, ROW[i].b);
        cr_expect_eq(r.status, CONTROL_DONE, "row %zu: %s", i, r.err);
        cr_expect_eq(rows_of(&r), ROW[i].rows, "row %zu: %zu", i, rows_of(&r));
        ctl_result_free(&r);
    }
    cr_expect_eq(usage_vault_get(&rig.vault, &rig.vault.confirmed), 0);
    struct ctl_result r = PULL("--max=3", "--confirm");
    cr_expect_eq(usage_vault_get(&rig.vault, &rig.vault.confirmed), 3);
    ctl_result_free(&r);
}

static void *rows_in_a_while(void *arg)
{
    (void)arg;
    usleep(200000);
    usage_vault_rows(&rig.vault, 4);
    usleep(200000);
    usage_vault_rows(&rig.vault, 6);
    return NULL;
}

Test(usage, follow_goes_on_until_max, .init = with_rig, .fini = without_rig, .timeout = 60)
{
    pthread_t t;
    usage_vault_rows(&rig.vault, 2);
    pthread_create(&t, NULL, rows_in_a_while, NULL);
    struct ctl_result r = PULL("--follow", "--max=6");
    pthread_join(t, NULL);
    cr_expect_eq(r.status, CONTROL_DONE);
    cr_expect_eq(rows_of(&r), 6);
    ctl_result_free(&r);
}

Test(usage, what_is_refused_has_its_exit_code, .init = with_rig, .fini = without_rig, .timeout = 60)
{
    const struct {
        const char *option;
        int status;
    } ROW[] = {{"--stream=calls", CONTROL_NOTFOUND},
               {"--max=0", CONTROL_USAGE},
               {"--endpoint=nonsense", CONTROL_FAILED}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_result r = PULL(ROW[i].option);
        cr_expect_eq(r.status, ROW[i].status, "%s: %d", ROW[i].option, r.status);
        ctl_result_free(&r);
    }
    rig.vault.oldest = 5;
    struct ctl_result r = PULL("--from=2");
    cr_expect_eq(r.status, CONTROL_FAILED);
    ctl_result_free(&r);
    usage_vault_remove_all(&rig.vault);
    r = PULL(NULL);
    cr_expect_eq(r.status, CONTROL_DENIED);
    ctl_result_free(&r);
}

Test(usage, a_key_file_of_somebody_else_or_open_to_others_is_refused, .init = with_rig,
     .fini = without_rig, .timeout = 60)
{
    const char *const other[] = {"usage", "pull", "--consumer", "fraud", "--key", path, NULL};
    struct ctl_result r = ctl_result_of(NULL, other);
    cr_expect_eq(r.status, CONTROL_USAGE);
    ctl_result_free(&r);
    cr_assert_eq(chmod(path, 0644), 0);
    r = PULL(NULL);
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_not_null(strstr(r.err, "chmod 600"));
    ctl_result_free(&r);
}

/* --- consumer add --- */

static struct control_fake fake;

static void with_daemon(enum control_status status)
{
    static uint8_t server_key[CONSUMER_KEY_BYTES] = {1, 2, 3};
    static struct control_answer answer;
    answer = (struct control_answer){.verb = "usage consumer add",
                                     .column = {{COLUMN_TEXT, "server_key"}},
                                     .row = {{span_of(server_key, sizeof server_key)}},
                                     .status = status,
                                     .text = status ? "no" : ""};
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/billing.key", dir);
    control_fake_start(&fake, &answer, 1);
}

#define ADD(...)                                                                                   \
    ctl_result_of(fake.path, (const char *const[]){"usage", "consumer", "add", "billing",          \
                                                   "--family", "usage", __VA_ARGS__, NULL})

Test(usage, a_generated_key_is_whole_and_closed_to_others)
{
    with_daemon(CONTROL_DONE);
    setenv("CPNID_PORT_OFFSET", "100", 1);
    struct ctl_result r = ADD("--generate", path, "--account-id", "--hint=tcp://192.0.2.1:1");
    control_fake_stop(&fake);
    struct key_file k;
    struct stat st;
    cr_expect_eq(r.status, CONTROL_DONE, "%s", r.err);
    cr_assert_eq(key_file_read(path, &k, NULL), OK);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    cr_expect_str_eq(k.name, "billing");
    cr_expect_str_eq(k.endpoint, "tcp://127.0.0.1:7860");
    cr_expect_str_eq(k.hint, "tcp://192.0.2.1:1");
    cr_expect_eq(strlen(k.server_key), 40);
    cr_expect_not_null(strstr(r.out, k.public_key));
    cr_expect_not_null(strstr(r.out, k.server_key));
    cr_expect_null(strstr(r.out, k.secret_key));
    cr_expect_not_null(strstr((const char *)fake.asked_bytes, "name=billing public-key="));
    cr_expect_not_null(strstr((const char *)fake.asked_bytes, " family=usage account-id=1\n"));
    cr_expect_null(strstr((const char *)fake.asked_bytes, k.secret_key));
    unlink(path);
    rmdir(dir);
    ctl_result_free(&r);
}

Test(usage, a_refused_consumer_leaves_no_file)
{
    with_daemon(CONTROL_DENIED);
    struct ctl_result r = ADD("--generate", path);
    control_fake_stop(&fake);
    cr_expect_eq(r.status, CONTROL_DENIED);
    cr_expect_neq(access(path, F_OK), 0);
    rmdir(dir);
    ctl_result_free(&r);
}

Test(usage, a_file_that_is_there_is_not_overwritten_and_nobody_is_asked)
{
    with_daemon(CONTROL_DONE);
    FILE *f = fopen(path, "w");
    fclose(f);
    struct ctl_result r = ADD("--generate", path);
    control_fake_stop(&fake);
    cr_expect_eq(r.status, CONTROL_FAILED);
    cr_expect_str_eq(r.err, "cpnictl: key file is there already\n");
    cr_expect_str_empty((const char *)fake.asked_bytes);
    unlink(path);
    rmdir(dir);
    ctl_result_free(&r);
}

Test(usage, a_public_key_is_checked_before_anybody_is_asked)
{
    with_daemon(CONTROL_DONE);
    const char *const ROW[][3] = {
        {NULL},
        {"--public-key=short"},
        {"--public-key=~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"},
        {"--public-key=rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "--generate=x"}};
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++) {
        struct ctl_result r = ADD(ROW[i][0], ROW[i][1]);
        cr_expect_eq(r.status, CONTROL_USAGE, "row %zu", i);
        ctl_result_free(&r);
    }
    struct ctl_result r = ADD("--public-key=rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    control_fake_stop(&fake);
    cr_expect_eq(r.status, CONTROL_DONE, "%s", r.err);
    cr_expect_not_null(strstr((const char *)fake.asked_bytes, "usage consumer add name=billing"));
    rmdir(dir);
    ctl_result_free(&r);
}

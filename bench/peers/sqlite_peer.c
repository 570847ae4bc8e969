/* sqlite_peer - what a careful engineer writes in a day instead of cpni-vault: Asterisk's CSV into
 * SQLite, each line sealed by libsodium under its customer's key, a unique index against repeats,
 * totals per account. A peer of the benchmark, no part of the product.
 *
 *     sqlite_peer load FILE.csv DATABASE
 *     sqlite_peer check "" DATABASE     prints how many rows open and are the call they say
 *     sqlite_peer version
 *
 * A sealed line: [24] nonce, random | [n] ciphertext | [16] tag; the call's id is authenticated. A
 * customer's key is a keyed hash of the account under a master key that is kept in the database:
 * enough for a measurement, not for a vault. */
#include <inttypes.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES = 4096,
    COLUMNS = 18,
    ROWS_A_TRANSACTION = 512,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SEAL_BYTES = NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES
};

/* Columns of Master.csv. */
enum { ACCOUNT = 0, START = 9, DURATION = 12, BILLSEC = 13, DISPOSITION = 14, UNIQUE_ID = 16 };

static const char SCHEMA[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                             "CREATE TABLE IF NOT EXISTS master (key BLOB);"
                             "CREATE TABLE IF NOT EXISTS cdr (id TEXT NOT NULL UNIQUE, account "
                             "TEXT NOT NULL, started TEXT NOT "
                             "NULL, sealed BLOB NOT NULL);"
                             "CREATE INDEX IF NOT EXISTS cdr_account ON cdr (account, started);"
                             "CREATE TABLE IF NOT EXISTS total (account TEXT PRIMARY KEY, attempts "
                             "INTEGER, answered INTEGER, "
                             "duration INTEGER, billsec INTEGER) WITHOUT ROWID;";

struct peer {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *record, *total;
    uint8_t master[KEY_BYTES];
};

struct field {
    const char *p;
    int n;
};

static void die(const char *what)
{
    fprintf(stderr, "sqlite_peer: %s\n", what);
    _Exit(EXIT_FAILURE);
}

static void must(const struct peer *p, int status)
{
    if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW)
        die(sqlite3_errmsg(p->db));
}

static sqlite3_stmt *statement(const struct peer *p, const char *sql)
{
    sqlite3_stmt *s = NULL;
    must(p, sqlite3_prepare_v3(p->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL));
    return s;
}

static void step(const struct peer *p, sqlite3_stmt *s)
{
    must(p, sqlite3_step(s));
    must(p, sqlite3_reset(s));
}

static void master_key(struct peer *p)
{
    sqlite3_stmt *s = statement(p, "SELECT key FROM master");
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_bytes(s, 0) == KEY_BYTES) {
        memcpy(p->master, sqlite3_column_blob(s, 0), KEY_BYTES);
        sqlite3_finalize(s);
        return;
    }
    sqlite3_finalize(s);
    randombytes_buf(p->master, KEY_BYTES);
    s = statement(p, "INSERT INTO master VALUES (?)");
    must(p, sqlite3_bind_blob(s, 1, p->master, KEY_BYTES, SQLITE_STATIC));
    step(p, s);
    sqlite3_finalize(s);
}

static void peer_open(struct peer *p, const char *path)
{
    if (sodium_init() < 0)
        die("libsodium");
    if (sqlite3_open(path, &p->db) != SQLITE_OK)
        die("the database cannot be opened");
    must(p, sqlite3_exec(p->db, SCHEMA, NULL, NULL, NULL));
    master_key(p);
    p->begin = statement(p, "BEGIN");
    p->commit = statement(p, "COMMIT");
    p->record = statement(p, "INSERT INTO cdr VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING");
    p->total =
        statement(p, "INSERT INTO total VALUES (?1, 1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET "
                     "attempts = attempts + 1, answered = answered + ?2, "
                     "duration = duration + ?3, billsec = billsec + ?4");
}

static void peer_close(struct peer *p)
{
    sqlite3_stmt *all[] = {p->begin, p->commit, p->record, p->total};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        sqlite3_finalize(all[i]);
    must(p, sqlite3_close(p->db));
    sodium_memzero(p->master, sizeof p->master);
}

static unsigned long long bytes(struct field f)
{
    return (unsigned long long)f.n;
}

static void customer_key(const struct peer *p, struct field account, uint8_t key[KEY_BYTES])
{
    crypto_generichash(key, KEY_BYTES, (const uint8_t *)account.p, bytes(account), p->master,
                       KEY_BYTES);
}

/* RFC 4180, doubled quotes left as they are: the columns that are used here have none. */
static bool split(const char *line, struct field out[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        bool quoted = *line == '"';
        const char *from = line + quoted, *to = from;
        if (quoted)
            while (*to && (*to != '"' || to[1] == '"'))
                to += *to == '"' ? 2 : 1;
        else
            to += strcspn(to, ",\n");
        out[i] = (struct field){from, (int)(to - from)};
        line = to + (quoted && *to);
        if (i < COLUMNS - 1 && *line++ != ',')
            return false;
    }
    return true;
}

static int seal(const struct peer *p, const struct field f[COLUMNS], const char *line, size_t n,
                uint8_t *out)
{
    uint8_t key[KEY_BYTES];
    unsigned long long sealed = 0;
    customer_key(p, f[ACCOUNT], key);
    randombytes_buf(out, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, &sealed, (const uint8_t *)line, n,
                                               (const uint8_t *)f[UNIQUE_ID].p, bytes(f[UNIQUE_ID]),
                                               NULL, out, key);
    return NONCE_BYTES + (int)sealed;
}

static void bind_text(const struct peer *p, sqlite3_stmt *s, int at, struct field f)
{
    must(p, sqlite3_bind_text(s, at, f.p, f.n, SQLITE_STATIC));
}

static void add_total(const struct peer *p, const struct field f[COLUMNS])
{
    bool answered = strncmp(f[DISPOSITION].p, "ANSWERED", (size_t)f[DISPOSITION].n) == 0;
    bind_text(p, p->total, 1, f[ACCOUNT]);
    must(p, sqlite3_bind_int(p->total, 2, answered));
    must(p, sqlite3_bind_int64(p->total, 3, strtoll(f[DURATION].p, NULL, 10)));
    must(p, sqlite3_bind_int64(p->total, 4, strtoll(f[BILLSEC].p, NULL, 10)));
    step(p, p->total);
}

static void take(const struct peer *p, const char *line, size_t n)
{
    struct field f[COLUMNS];
    uint8_t sealed[LINE_BYTES + SEAL_BYTES];
    if (!split(line, f))
        die("a line of another form");
    bind_text(p, p->record, 1, f[UNIQUE_ID]);
    bind_text(p, p->record, 2, f[ACCOUNT]);
    bind_text(p, p->record, 3, f[START]);
    must(p, sqlite3_bind_blob(p->record, 4, sealed, seal(p, f, line, n, sealed), SQLITE_STATIC));
    step(p, p->record);
    if (sqlite3_changes(p->db))
        add_total(p, f);
}

static int load(struct peer *p, const char *path)
{
    char line[LINE_BYTES];
    FILE *in = fopen(path, "r");
    if (!in)
        die("the file cannot be read");
    for (uint64_t i = 1; fgets(line, sizeof line, in); i++) {
        if (i % ROWS_A_TRANSACTION == 1)
            step(p, p->begin);
        take(p, line, strcspn(line, "\n"));
        if (i % ROWS_A_TRANSACTION == 0)
            step(p, p->commit);
    }
    if (!sqlite3_get_autocommit(p->db))
        step(p, p->commit);
    fclose(in);
    return EXIT_SUCCESS;
}

static struct field column(sqlite3_stmt *s, int at)
{
    const char *p = sqlite3_column_blob(s, at);
    return (struct field){p, sqlite3_column_bytes(s, at)};
}

static bool opens(const struct peer *p, struct field id, struct field account, struct field sealed)
{
    uint8_t key[KEY_BYTES], plain[LINE_BYTES];
    struct field f[COLUMNS];
    unsigned long long n = 0;
    const uint8_t *box = (const uint8_t *)sealed.p;
    customer_key(p, account, key);
    if (sealed.n < SEAL_BYTES || sealed.n - SEAL_BYTES >= LINE_BYTES ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &n, NULL, box + NONCE_BYTES,
                                                   bytes(sealed) - NONCE_BYTES,
                                                   (const uint8_t *)id.p, bytes(id), box, key) != 0)
        return false;
    plain[n] = '\0';
    return split((const char *)plain, f) && f[UNIQUE_ID].n == id.n &&
           memcmp(f[UNIQUE_ID].p, id.p, (size_t)id.n) == 0;
}

static int64_t attempts(const struct peer *p)
{
    sqlite3_stmt *s = statement(p, "SELECT sum(attempts) FROM total");
    must(p, sqlite3_step(s));
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

/* The totals must have counted as many. */
static int check(struct peer *p, const char *path)
{
    int64_t found = 0;
    sqlite3_stmt *s = statement(p, "SELECT id, account, sealed FROM cdr");
    (void)path;
    while (sqlite3_step(s) == SQLITE_ROW)
        found += opens(p, column(s, 0), column(s, 1), column(s, 2));
    sqlite3_finalize(s);
    if (attempts(p) != found)
        die("the totals are not those of the records");
    printf("%" PRId64 "\n", found);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct peer p = {.db = NULL};
    if (argc == 2 && strcmp(argv[1], "version") == 0)
        return printf("SQLite %s, libsodium %s\n", sqlite3_libversion(), sodium_version_string()) <
               0;
    if (argc != 4 || (strcmp(argv[1], "load") != 0 && strcmp(argv[1], "check") != 0))
        die("usage: sqlite_peer load FILE.csv DATABASE | check \"\" DATABASE | version");
    peer_open(&p, argv[3]);
    int status = strcmp(argv[1], "load") == 0 ? load(&p, argv[2]) : check(&p, argv[2]);
    peer_close(&p);
    return status;
}

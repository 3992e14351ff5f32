/* kv_sqlite.c - the same store as a table of SQLite's, in its write-ahead log. Options: the file, `normal` or `off` (synchronous), milliseconds of a transaction.
 *
 * With 0 ms each operation is a transaction of its own. Otherwise operations are in one transaction until that time has passed by the clock: what a kill
 * loses is then as much as with a checkpoint that often. One connection alone has the file (locking_mode=EXCLUSIVE: no shared memory, no locks), the cache
 * holds all of it, statements are prepared once. Tried and slower, or no faster: a table with row ids, REPLACE, ON CONFLICT DO UPDATE; pages of 4 KB and the
 * log's usual length (1000 pages) write four times as much.
 */
#include "driver.h"
#include <sqlite3.h>

static sqlite3 *database;
static sqlite3_stmt *select_value, *update, *insert, *begin, *commit;
static double batch_seconds, batch_began;

static void need(bool condition)
{
    if (!condition) {
        fprintf(stderr, "kv_sqlite: %s\n", sqlite3_errmsg(database));
        exit(1);
    }
}

static void execute(const char *text) { need(sqlite3_exec(database, text, NULL, NULL, NULL) == SQLITE_OK); }

static sqlite3_stmt *prepare(const char *text)
{
    sqlite3_stmt *statement;
    need(sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK);
    return statement;
}

static void step(sqlite3_stmt *statement)
{
    need(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_reset(statement);
}

static void next_transaction(void)
{
    if (batch_seconds == 0) {
        return;
    }
    double now = seconds_of(CLOCK_MONOTONIC);
    if (now - batch_began < batch_seconds) {
        return;
    }
    if (!sqlite3_get_autocommit(database)) {
        step(commit);
    }
    step(begin);
    batch_began = now;
}

static const char *store_get(const char *key)
{
    next_transaction();
    sqlite3_reset(select_value);
    sqlite3_bind_text(select_value, 1, key, -1, SQLITE_STATIC);
    need(sqlite3_step(select_value) == SQLITE_ROW);
    static char value[VALUE_BYTES];
    memcpy(value, sqlite3_column_blob(select_value, 0), VALUE_BYTES);
    sqlite3_reset(select_value); /* ends the transaction of a single operation */
    return value;
}

static void write_value(sqlite3_stmt *statement, const char *key, const char *value)
{
    sqlite3_bind_blob(statement, 1, value, VALUE_BYTES, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    step(statement);
}

static void store_set(const char *key, const char *value)
{
    next_transaction();
    write_value(update, key, value);
    if (sqlite3_changes(database) == 0) {
        write_value(insert, key, value);
    }
}

static void store_open(uint64_t records, char **options)
{
    (void)records;
    need(sqlite3_open(options[0], &database) == SQLITE_OK);
    execute("PRAGMA page_size=1024; PRAGMA wal_autocheckpoint=8000; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA cache_size=-262144; PRAGMA temp_store=MEMORY");
    execute(strcmp(options[1], "off") == 0 ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=NORMAL");
    execute("CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID");
    select_value = prepare("SELECT value FROM kv WHERE key = ?");
    update = prepare("UPDATE kv SET value = ? WHERE key = ?");
    insert = prepare("INSERT INTO kv (value, key) VALUES (?, ?)");
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
    batch_seconds = 1e-3 * atof(options[2]);
}

static void store_close(void)
{
    if (!sqlite3_get_autocommit(database)) {
        step(commit);
    }
    sqlite3_stmt *statements[] = {select_value, update, insert, begin, commit};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; ++i) {
        sqlite3_finalize(statements[i]);
    }
    need(sqlite3_close(database) == SQLITE_OK);
}

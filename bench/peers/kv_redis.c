/* kv_redis.c - the same store in a Redis server behind a socket. Options: the path of the socket, the server's process id.
 *
 * Spoken to directly, 64 operations at once: what is read is asked for in one write and its answers are awaited, then what is written likewise. So an
 * operation that modifies sees what the ones before it wrote, also in the same batch. Bytes are those of the server.
 */
#define STORE_BATCH 64
#include "driver.h"
#include <sys/socket.h>
#include <sys/un.h>

static int server = -1;
static char request[STORE_BATCH * 256], answers[STORE_BATCH * 256];
static size_t request_length, answers_length, answers_at;
static char server_io[64];

static void need(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "kv_redis: %s\n", what);
        exit(1);
    }
}

static void ask(const char *key, const char *value)
{
    char *at = request + request_length;
    int length = sprintf(at, "*%d\r\n$3\r\n%s\r\n$%zu\r\n%s\r\n", value ? 3 : 2, value ? "SET" : "GET", strlen(key), key);
    if (value) {
        length += sprintf(at + length, "$%d\r\n", VALUE_BYTES);
        memcpy(at + length, value, VALUE_BYTES);
        memcpy(at + length + VALUE_BYTES, "\r\n", 2);
        length += VALUE_BYTES + 2;
    }
    request_length += (size_t)length;
}

static void send_requests(void)
{
    for (size_t sent = 0; sent < request_length;) {
        ssize_t count = send(server, request + sent, request_length - sent, MSG_NOSIGNAL);
        need(count > 0, "the server is gone");
        sent += (size_t)count;
    }
    request_length = answers_length = answers_at = 0;
}

static void await(size_t bytes)
{
    while (answers_length - answers_at < bytes) {
        ssize_t count = recv(server, answers + answers_length, sizeof answers - answers_length, 0);
        need(count > 0, "the server is gone");
        answers_length += (size_t)count;
    }
}

static void expect(const char *text)
{
    size_t length = strlen(text);
    await(length);
    need(memcmp(answers + answers_at, text, length) == 0, "an answer that was not expected");
    answers_at += length;
}

/* The write of an earlier operation of this batch to the same record, or NULL. */
static const struct operation *written_before(const struct operation *operations, size_t at)
{
    for (size_t i = at; i-- > 0;) {
        if (operations[i].record == operations[at].record && operations[i].kind != READ) {
            return &operations[i];
        }
    }
    return NULL;
}

static void store_batch(struct operation *operations, size_t count)
{
    char key[KEY_BYTES];
    size_t written = 0;
    for (size_t i = 0; i < count; ++i) {
        if (operations[i].kind != UPDATE && written_before(operations, i) == NULL) {
            make_key(key, operations[i].record);
            ask(key, NULL);
        }
    }
    send_requests();
    for (size_t i = 0; i < count; ++i) {
        if (operations[i].kind != UPDATE) {
            const struct operation *before = written_before(operations, i);
            if (before != NULL) {
                memcpy(operations[i].value, before->value, VALUE_BYTES);
            } else {
                expect("$100\r\n");
                await(VALUE_BYTES);
                memcpy(operations[i].value, answers + answers_at, VALUE_BYTES);
                answers_at += VALUE_BYTES;
                expect("\r\n");
            }
        }
        if (operations[i].kind == MODIFY) {
            modify_value(operations[i].value);
        }
    }
    for (size_t i = 0; i < count; ++i) {
        if (operations[i].kind != READ) {
            make_key(key, operations[i].record);
            ask(key, operations[i].value);
            ++written;
        }
    }
    send_requests();
    while (written-- > 0) {
        expect("+OK\r\n");
    }
}

static void store_open(uint64_t records, char **options)
{
    (void)records;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", options[0]);
    server = socket(AF_UNIX, SOCK_STREAM, 0);
    need(server >= 0 && connect(server, (struct sockaddr *)&address, sizeof address) == 0, "no server");
    snprintf(server_io, sizeof server_io, "/proc/%s/io", options[1]);
    io_path = server_io;
}

static void store_close(void) { close(server); }

#include "ingest/cpnid/metricsd.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
    const struct metricsd_options *options;
    uint8_t *text; /* METRIC_TEXT_BYTES_MAX; the server has one thread */
};

struct answer {
    unsigned status;
    const char *type;
    struct span body;
};
static const char TEXT_PLAIN[] = "text/plain; charset=utf-8";

static struct answer plain(unsigned status, const char *body)
{
    return (struct answer){status, TEXT_PLAIN, span_str(body)};
}

static struct answer get_metrics(struct server *s)
{
    struct buf b = buf_of(s->text, METRIC_TEXT_BYTES_MAX);
    metrics_render(s->options->metrics, &b);
    return (struct answer){MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", buf_span(&b)};
}

static struct answer get_health(struct server *s)
{
    (void)s;
    return plain(MHD_HTTP_OK, "ok\n");
}

static struct answer get_ready(struct server *s)
{
    const struct metricsd_options *o = s->options;
    for (unsigned i = 0; i < o->roles_count; i++)
        if (!metric_get_at(o->metrics, METRIC_ROLE_READY, i, (enum reason)0))
            return plain(MHD_HTTP_SERVICE_UNAVAILABLE, "a role is not up\n");
    if (metric_get(o->metrics, METRIC_VAULT_REFUSING))
        return plain(MHD_HTTP_SERVICE_UNAVAILABLE, "the vault takes no records\n");
    return plain(MHD_HTTP_OK, "ready\n");
}

static struct answer answer(struct server *s, const char *url, const char *method)
{
    static const struct {
        const char *url;
        struct answer (*get)(struct server *s);
    } PAGES[] = {{"/metrics", get_metrics}, {"/healthz", get_health}, {"/readyz", get_ready}};
    for (size_t i = 0; i < sizeof PAGES / sizeof PAGES[0]; i++) {
        if (strcmp(url, PAGES[i].url) != 0)
            continue;
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
            return plain(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
        return PAGES[i].get(s);
    }
    return plain(MHD_HTTP_NOT_FOUND, "no such page\n");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_bytes, void **state)
{
    (void)version;
    (void)body;
    if (!*state || *body_bytes) { /* headers; then whatever body there is: not wanted */
        *state = arg;
        *body_bytes = 0;
        return MHD_YES;
    }
    struct answer a = answer(arg, url, method);
    struct MHD_Response *r = MHD_create_response_from_buffer(a.body.n, (void *)(uintptr_t)a.body.p,
                                                             MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a.type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result queued = MHD_queue_response(connection, a.status, r);
    MHD_destroy_response(r);
    return queued;
}

static struct MHD_Daemon *start(struct server *s)
{
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, s,
                            MHD_OPTION_LISTEN_SOCKET, s->options->listen_fd,
                            MHD_OPTION_CONNECTION_LIMIT, METRICSD_CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, METRICSD_IDLE_S, MHD_OPTION_END);
}

static void tell_ready(int fd)
{
    if (fd >= 0)
        (void)!write(fd, "", 1); /* the parent is gone if nobody reads: it takes us along */
}

int metricsd_run(const struct metricsd_options *o)
{
    struct server s = {o, malloc(METRIC_TEXT_BYTES_MAX)};
    struct MHD_Daemon *http = NULL;
    sigset_t set;
    int signo;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before the server's thread: it inherits the mask */
    if (s.text && o->listen_fd >= 0)
        http = start(&s);
    bool ok = s.text && (http || o->listen_fd < 0);
    if (ok) {
        tell_ready(o->ready_fd);
        sigwait(&set, &signo);
    }
    if (http)
        MHD_stop_daemon(http);
    free(s.text);
    return ok ? 0 : 1;
}

/* The configuration file: YAML mappings and sequences walked by the tables of knob.h. All
 * that is wrong is told at once, with its line. */
#include "ingest/cpnid/config.h"

#include <stdarg.h>
#include <yaml.h>

#include "ingest/cpnid/knob.h"
#include "vault/policy/policy.h"

struct walk {
    yaml_document_t *doc;
    struct config *c;
    struct config_problems *problems;
};

void config_problem(struct config_problems *p, int line, const char *format, ...)
{
    if (p->count < CONFIG_PROBLEMS_MAX) {
        va_list args;
        va_start(args, format);
        p->item[p->count].line = line;
        vsnprintf(p->item[p->count].text, sizeof p->item[0].text, format, args);
        va_end(args);
    }
    p->count++;
}

static int line_of(const yaml_node_t *n)
{
    return (int)n->start_mark.line + 1;
}

static struct span scalar(const yaml_node_t *n)
{
    return n->type == YAML_SCALAR_NODE ? span_of(n->data.scalar.value, n->data.scalar.length)
                                       : SPAN_EMPTY;
}

/* A name of the file in a message: cut, and without bytes that a terminal would obey. */
struct shown {
    char text[40];
};
static struct shown show(struct span s)
{
    struct shown out = {{0}};
    s = span_sub(s, 0, sizeof out.text - 1);
    memcpy(out.text, s.n ? (const void *)s.p : "", s.n);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            out.text[i] = '?';
    return out;
}

/* --- scalars by table --- */
static void set_knob(struct walk *w, struct knob_table t, size_t row, const yaml_node_t *value,
                     void *object)
{
    char text[112] = "";
    struct buf wants = buf_of(text, sizeof text - 1);
    const struct knob *k = &t.row[row];
    if (value->type == YAML_SCALAR_NODE && knob_set(k, scalar(value), object) == OK)
        return;
    knob_wants(k, &wants);
    config_problem(w->problems, line_of(value), "%s: wants %s", k->name, text);
}

/* A key that is no row of the table: true if the caller knows it. */
typedef bool other_key_fn(struct walk *w, struct span key, const yaml_node_t *value, void *object);

static void walk_mapping(struct walk *w, const yaml_node_t *n, struct knob_table t,
                         other_key_fn *other, void *object)
{
    uint64_t seen = 0;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(w->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(w->doc, p->value);
        size_t row = knob_find(t, scalar(key));
        if (row == t.count && !other(w, scalar(key), value, object))
            config_problem(w->problems, line_of(key), "%s: no such setting",
                           show(scalar(key)).text);
        if (row == t.count)
            continue;
        if (seen & (uint64_t)1 << row)
            config_problem(w->problems, line_of(key), "%s: given twice", t.row[row].name);
        seen |= (uint64_t)1 << row;
        set_knob(w, t, row, value, object);
    }
}

/* --- lists --- */
typedef void item_fn(struct walk *w, const yaml_node_t *item, void *object);

static void walk_list(struct walk *w, const yaml_node_t *n, const char *name, item_fn *fn,
                      void *object)
{
    if (n->type != YAML_SEQUENCE_NODE) {
        config_problem(w->problems, line_of(n), "%s: wants a list", name);
        return;
    }
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++)
        fn(w, yaml_document_get_node(w->doc, *i), object);
}

/* Members of a small mapping: value of `name`, or NULL. */
static const yaml_node_t *member(struct walk *w, const yaml_node_t *n, const char *name)
{
    if (n->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++)
        if (span_is(scalar(yaml_document_get_node(w->doc, p->key)), name))
            return yaml_document_get_node(w->doc, p->value);
    return NULL;
}

static bool has_members(const yaml_node_t *n, size_t count)
{
    return n->type == YAML_MAPPING_NODE &&
           (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start) == count;
}

static void add_agent(struct walk *w, const yaml_node_t *item, void *object)
{
    struct config_feed *feed = object;
    const yaml_node_t *id = member(w, item, "id"), *file = member(w, item, "key_file");
    struct span path = file ? scalar(file) : SPAN_EMPTY;
    uint64_t number;
    if (!has_members(item, 2) || !id || path.n == 0 || path.n >= CONFIG_PATH_BYTES ||
        memchr(path.p, '\0', path.n) || span_u64(scalar(id), UINT32_MAX, &number) != OK) {
        config_problem(w->problems, line_of(item), "agents: wants {id: NUMBER, key_file: PATH}");
        return;
    }
    for (size_t i = 0; i < feed->agents_count; i++)
        if (w->c->agent[feed->agents_first + i].id == number)
            config_problem(w->problems, line_of(item), "agents: id given twice");
    if (w->c->agents_count == CONFIG_AGENTS_MAX) {
        config_problem(w->problems, line_of(item), "agents: more than %d", CONFIG_AGENTS_MAX);
        return;
    }
    struct config_agent *a = &w->c->agent[w->c->agents_count++];
    *a = (struct config_agent){.id = (uint32_t)number};
    memcpy(a->key_file, path.p, path.n);
    feed->agents_count++;
}

static bool feed_key(struct walk *w, struct span key, const yaml_node_t *value, void *object)
{
    struct config_feed *feed = object;
    if (!span_is(key, "agents"))
        return false;
    if (feed->agents_count)
        config_problem(w->problems, line_of(value), "agents: given twice");
    feed->agents_first = w->c->agents_count;
    walk_list(w, value, "agents", add_agent, feed);
    return true;
}

/* What one value alone cannot show. */
static bool name_ok(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
            return false;
    return name[0] != '\0';
}

/* Rows: what must not be so, and what is told then. */
static void check_feed(const struct config_feed *f, struct config_problems *p)
{
    const bool hep = f->kind == FEED_HEP, csv = f->kind == FEED_ASTERISK_CSV;
    const bool mapped = f->kind == FEED_MAPPED;
    const bool sockets = f->listen_udp.host[0] || f->listen_tcp.host[0];
    const struct {
        bool wrong;
        const char *text;
    } RULES[] = {
        {!name_ok(f->name), "wants a name of letters, digits, '.', '_', '-'"},
        {f->kind == FEED_UNKNOWN, "wants a kind"},
        {hep && !sockets, "a hep feed wants listen_udp or listen_tcp"},
        {!hep && sockets, "listen_udp and listen_tcp are of hep feeds"},
        {!hep && f->agents_count, "agents are of hep feeds"},
        {hep && f->path[0], "path is of all feeds but hep"},
        {csv && !f->path[0], "an asterisk_csv feed wants a path"},
        {f->path[0] && f->path[strlen(f->path) - 1] == '/', "path wants the name of a file"},
        /* Master.csv holds local times without a zone (feeds.md 3.1): never guessed. */
        {csv && !f->timezone[0], "an asterisk_csv feed wants a timezone"},
        {!csv && !mapped && f->timezone[0], "timezone is of asterisk_csv and mapped feeds"},
        {mapped && !f->map[0], "a mapped feed wants a map"},
        {!mapped && f->map[0], "map is of mapped feeds"},
        {f->default_country[0] && strcmp(f->number_plan, "e164") != 0,
         "default_country is of number_plan e164"},
    };
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (RULES[i].wrong)
            config_problem(p, f->line, "feeds: %s", RULES[i].text);
}

static void add_feed(struct walk *w, const yaml_node_t *item, void *object)
{
    (void)object;
    if (item->type != YAML_MAPPING_NODE) {
        config_problem(w->problems, line_of(item), "feeds: wants a mapping for each feed");
        return;
    }
    if (w->c->feeds_count == FEEDS_MAX) {
        config_problem(w->problems, line_of(item), "feeds: more than %d", FEEDS_MAX);
        return;
    }
    struct config_feed *feed = &w->c->feed[w->c->feeds_count++];
    knobs_default(FEED_KNOBS, feed);
    feed->line = line_of(item);
    size_t before = w->problems->count;
    walk_mapping(w, item, FEED_KNOBS, feed_key, feed);
    if (w->problems->count == before) /* else one mistake would be told twice */
        check_feed(feed, w->problems);
}

static void add_role(struct walk *w, const yaml_node_t *item, void *object)
{
    struct config_grant *g = object;
    enum role role;
    if (role_by_name(scalar(item), &role) == OK)
        g->roles |= (uint32_t)1 << role;
    else if (span_is(scalar(item), "all"))
        g->roles |= ((uint32_t)1 << ROLE_COUNT) - 1;
    else
        config_problem(w->problems, line_of(item), "roles: %s: no such role",
                       show(scalar(item)).text);
}

static void add_grant(struct walk *w, const yaml_node_t *item, void *object)
{
    const yaml_node_t *who = member(w, item, "who"), *roles = member(w, item, "roles");
    struct span name = who ? scalar(who) : SPAN_EMPTY;
    (void)object;
    if (!has_members(item, 2) || !roles || name.n == 0 || name.n >= CONFIG_TEXT_BYTES ||
        memchr(name.p, '\0', name.n)) {
        config_problem(w->problems, line_of(item),
                       "roles: wants {who: USER or @GROUP or self, roles: [ROLE...]}");
        return;
    }
    if (w->c->grants_count == CONFIG_GRANTS_MAX) {
        config_problem(w->problems, line_of(item), "roles: more than %d rows", CONFIG_GRANTS_MAX);
        return;
    }
    struct config_grant *g = &w->c->grant[w->c->grants_count++];
    *g = (struct config_grant){.line = line_of(item)};
    memcpy(g->who, name.p, name.n);
    walk_list(w, roles, "roles", add_role, g);
}

static bool top_key(struct walk *w, struct span key, const yaml_node_t *value, void *object)
{
    static const struct {
        const char *name;
        size_t count;
        item_fn *fn;
    } LISTS[] = {{"feeds", offsetof(struct config, feeds_count), add_feed},
                 {"roles", offsetof(struct config, grants_count), add_grant}};
    for (size_t i = 0; i < sizeof LISTS / sizeof LISTS[0]; i++) {
        size_t count;
        if (!span_is(key, LISTS[i].name))
            continue;
        memcpy(&count, (const uint8_t *)object + LISTS[i].count, sizeof count);
        if (count)
            config_problem(w->problems, line_of(value), "%s: given twice", LISTS[i].name);
        walk_list(w, value, LISTS[i].name, LISTS[i].fn, NULL);
        return true;
    }
    return false;
}

/* --- what one feed alone cannot show --- */
static bool same_address(const struct config_address *a, const struct config_address *b)
{
    return a->host[0] && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static void check_feed_pair(const struct config_feed *a, const struct config_feed *b,
                            struct config_problems *p)
{
    if (strcmp(a->name, b->name) == 0)
        config_problem(p, b->line, "feeds: name given twice");
    if (same_address(&a->listen_udp, &b->listen_udp) ||
        same_address(&a->listen_tcp, &b->listen_tcp))
        config_problem(p, b->line, "feeds: the address is another feed's already");
    if (a->path[0] && strcmp(a->path, b->path) == 0)
        config_problem(p, b->line, "feeds: the path is another feed's already");
}

static void check(struct walk *w)
{
    const struct config *c = w->c;
    for (size_t i = 0; i < c->feeds_count; i++) {
        for (size_t j = 0; j < i; j++)
            check_feed_pair(&c->feed[j], &c->feed[i], w->problems);
    }
}

static void sort(struct config_problems *p)
{
    size_t n = p->count < CONFIG_PROBLEMS_MAX ? p->count : CONFIG_PROBLEMS_MAX;
    for (size_t i = 1; i < n; i++) /* insertion: stable, and the list is short */
        for (size_t j = i; j > 0 && p->item[j - 1].line > p->item[j].line; j--) {
            __typeof__(p->item[0]) swap = p->item[j];
            p->item[j] = p->item[j - 1];
            p->item[j - 1] = swap;
        }
}

/* --- the document --- */
void config_default(struct config *c)
{
    memset(c, 0, sizeof *c);
    knobs_default(CONFIG_KNOBS, c);
}

static void walk_document(struct walk *w)
{
    const yaml_node_t *root = yaml_document_get_root_node(w->doc);
    if (!root)
        return; /* an empty file: all defaults */
    if (root->type != YAML_MAPPING_NODE) {
        config_problem(w->problems, line_of(root), "wants `setting: value` lines");
        return;
    }
    walk_mapping(w, root, CONFIG_KNOBS, top_key, w->c);
    check(w);
}

/* The first document only would be read in silence. */
static void refuse_second(yaml_parser_t *parser, struct config_problems *problems)
{
    yaml_document_t doc;
    if (!yaml_parser_load(parser, &doc))
        return;
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    if (root)
        config_problem(problems, line_of(root), "a second document");
    yaml_document_delete(&doc);
}

static void walk_text(struct span yaml, struct config *c, struct config_problems *problems)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    if (!yaml_parser_initialize(&parser)) {
        config_problem(problems, 1, "out of memory");
        return;
    }
    yaml_parser_set_input_string(&parser, yaml.p, yaml.n);
    if (yaml_parser_load(&parser, &doc)) {
        walk_document(&(struct walk){&doc, c, problems});
        yaml_document_delete(&doc);
        refuse_second(&parser, problems);
    } else {
        config_problem(problems, (int)parser.problem_mark.line + 1, "not YAML: %s",
                       parser.problem ? parser.problem : "out of memory");
    }
    yaml_parser_delete(&parser);
}

enum err config_parse(struct span yaml, struct config *c, struct config_problems *problems)
{
    config_default(c);
    problems->count = 0;
    if (yaml.n > CONFIG_FILE_BYTES_MAX)
        config_problem(problems, 1, "longer than %d bytes", CONFIG_FILE_BYTES_MAX);
    else
        walk_text(yaml, c, problems);
    sort(problems);
    return problems->count ? ERR_SYNTAX : OK;
}

/* --- ports --- */
enum err config_shift_ports(struct config *c, uint16_t offset)
{
    struct config shifted = *c;
    struct config_address *port[4 + 2 * FEEDS_MAX] = {&shifted.listen_http, &shifted.listen_metrics,
                                                      &shifted.listen_usage_pull,
                                                      &shifted.listen_usage_hint};
    size_t n = 4;
    for (size_t i = 0; i < shifted.feeds_count; i++) {
        port[n++] = &shifted.feed[i].listen_udp;
        port[n++] = &shifted.feed[i].listen_tcp;
    }
    for (size_t i = 0; i < n; i++) {
        if (port[i]->host[0] && port[i]->port > UINT16_MAX - offset)
            return ERR_LIMIT;
        port[i]->port = (uint16_t)(port[i]->port + offset);
    }
    *c = shifted;
    return OK;
}

/* --- print-config --- */
static void print_knob(FILE *out, const struct knob *k, const char *indent)
{
    char text[112] = "";
    struct buf wants = buf_of(text, sizeof text - 1);
    knob_wants(k, &wants);
    fprintf(out, "%s# %s\n%s# (%s)\n%s%s: \"%s\"\n", indent, k->help, indent, text, indent, k->name,
            k->preset);
}

void config_print(FILE *out)
{
    static const char LISTS[] =
        "# Who may act in which role: a Unix user, \"@group\", or self (who started the daemon).\n"
        "# - {who: self, roles: [all]}\n"
        "roles: []\n\n"
        "# What is listened to or followed. Each feed has these settings, and a hep feed may have\n"
        "# agents: [{id: NUMBER, key_file: PATH}] - then only these HEP agents, with their keys.\n"
        "feeds: []\n";
    for (size_t i = 0; i < CONFIG_KNOBS.count; i++) {
        print_knob(out, &CONFIG_KNOBS.row[i], "");
        fputc('\n', out);
    }
    fputs(LISTS, out);
    for (size_t i = 0; i < FEED_KNOBS.count; i++)
        print_knob(out, &FEED_KNOBS.row[i], "#     ");
}

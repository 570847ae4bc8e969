#include <stdlib.h>

#include "proto/core/check.h"
#include "vault/directory/state.h"

/* A customer or account that a row names. */
struct staged_name {
    uint8_t tag[TAG_BYTES];
    uint64_t ordinal;         /* 0 = new: given at the commit, others may be made until then */
    uint32_t id_at, id_bytes; /* of a new one, in names.text */
};

struct staged_names {
    enum family family;
    struct tag_set set;
    uint8_t *text; /* owned: ids of the new ones */
    size_t text_bytes, text_cap;
};

/* An entry that will be added, or led to another owner. */
struct staged_entry {
    uint8_t tag[TAG_BYTES];
    uint32_t customer, account; /* indices of staged names */
    struct owner old;           /* customer 0: there was none */
    uint8_t kind, prefix_bytes;
};

struct import {
    struct directory *dir;
    uint64_t generation; /* of the directory when the import began */
    bool move, done;
    import_problem_fn *problem;
    void *arg;
    struct import_counts counts;
    struct staged_names customers, accounts;
    struct tag_set entries;
};

enum err directory_import_new(struct directory *dir, bool move, import_problem_fn *problem,
                              void *arg, struct import **out)
{
    struct import *im = calloc(1, sizeof *im);
    if (!im)
        return ERR_NOMEM;
    im->dir = dir;
    im->move = move;
    im->problem = problem;
    im->arg = arg;
    im->customers =
        (struct staged_names){FAMILY_CUSTOMERS, tag_set_of(sizeof(struct staged_name)), NULL, 0, 0};
    im->accounts = im->customers;
    im->accounts.family = FAMILY_ACCOUNTS;
    im->entries = tag_set_of(sizeof(struct staged_entry));
    im->generation = dir->generation;
    *out = im;
    return OK;
}

static void names_done(struct staged_names *n)
{
    if (n->text)
        explicit_bzero(n->text, n->text_cap);
    free(n->text);
    tag_set_done(&n->set);
}

struct import *directory_import_free(struct import *im)
{
    if (!im)
        return NULL;
    names_done(&im->customers);
    names_done(&im->accounts);
    tag_set_done(&im->entries);
    free(im);
    return NULL;
}

struct import_counts directory_import_counts(const struct import *im)
{
    return im->counts;
}

/* --- staging --- */

static enum err keep_text(struct staged_names *n, struct span id, uint32_t *out_at)
{
    if (id.n > n->text_cap - n->text_bytes) {
        size_t cap = n->text_cap ? 2 * n->text_cap : 4096;
        uint8_t *text = malloc(cap); /* not realloc: it could leave ids behind in freed memory */
        if (!text)
            return ERR_NOMEM;
        if (n->text_bytes)
            memcpy(text, n->text, n->text_bytes);
        if (n->text)
            explicit_bzero(n->text, n->text_cap);
        free(n->text);
        n->text = text;
        n->text_cap = cap;
    }
    memcpy(n->text + n->text_bytes, id.p, id.n);
    *out_at = (uint32_t)n->text_bytes;
    n->text_bytes += id.n;
    return OK;
}

static enum err stage_name(const struct rows *r, struct staged_names *n, struct span id,
                           uint32_t *out_index)
{
    uint8_t tag[TAG_BYTES];
    name_tag(r, n->family, id, tag);
    struct staged_name *name = tag_set_find(&n->set, tag);
    if (!name) {
        uint64_t ordinal = 0;
        uint32_t at = 0;
        enum err e = name_find(r, n->family, tag, &ordinal);
        if (e == ERR_NOTFOUND)
            e = keep_text(n, id, &at);
        if (e != OK)
            return e;
        name = tag_set_add(&n->set, tag);
        if (!name)
            return ERR_NOMEM;
        *name = (struct staged_name){.ordinal = ordinal, .id_at = at, .id_bytes = (uint32_t)id.n};
        memcpy(name->tag, tag, TAG_BYTES);
    }
    *out_index = (uint32_t)tag_set_index(&n->set, name);
    return OK;
}

enum outcome { UNCHANGED, ADDED, CHANGED, CONFLICTING }; /* of a row: its gravest prefix */

struct staging {
    struct import *im;
    enum entry_kind kind;
    uint32_t customer, account;
    enum outcome outcome;
    const char *what; /* is wrong with the row */
};

static bool leads_to(const struct staged_names *n, uint32_t index, uint64_t ordinal)
{
    const struct staged_name *name = tag_set_at(&n->set, index);
    return name->ordinal != 0 && name->ordinal == ordinal;
}

/* Against an earlier row of this import. */
static enum outcome meet_staged(const struct staging *s, struct staged_entry *e)
{
    if (e->customer == s->customer && e->account == s->account)
        return UNCHANGED;
    if (!s->im->move)
        return CONFLICTING;
    e->customer = s->customer;
    e->account = s->account;
    return CHANGED;
}

/* Against what the directory has. */
static enum outcome meet_stored(const struct staging *s, struct owner old)
{
    if (old.customer == 0)
        return ADDED;
    if (leads_to(&s->im->customers, s->customer, old.customer) &&
        leads_to(&s->im->accounts, s->account, old.account))
        return UNCHANGED;
    return s->im->move ? CHANGED : CONFLICTING;
}

static enum err stage_entry(struct staging *s, const uint8_t tag[static TAG_BYTES],
                            uint8_t prefix_bytes, enum outcome *out)
{
    struct staged_entry *e = tag_set_find(&s->im->entries, tag);
    if (e) {
        *out = meet_staged(s, e);
        return OK;
    }
    struct owner old = owner_table_find(&s->im->dir->table, tag);
    *out = meet_stored(s, old);
    if (*out == UNCHANGED || *out == CONFLICTING)
        return OK;
    if (s->im->entries.count == IMPORT_ENTRIES_MAX) {
        s->what = "too many entries for one import: split the file";
        return ERR_SYNTAX;
    }
    e = tag_set_add(&s->im->entries, tag);
    if (!e)
        return ERR_NOMEM;
    e->customer = s->customer;
    e->account = s->account;
    e->old = old;
    e->kind = (uint8_t)s->kind;
    e->prefix_bytes = prefix_bytes;
    return OK;
}

static enum err stage_value(void *arg, struct span value)
{
    struct staging *s = arg;
    uint8_t room[ENTRY_KEY_BYTES_MAX], tag[TAG_BYTES];
    struct buf key = buf_of(room, sizeof room);
    enum outcome outcome;
    s->what = entry_key(s->kind, value, &key);
    if (s->what)
        return ERR_SYNTAX;
    entry_tag(&s->im->dir->rows, buf_span(&key), tag);
    enum err e = stage_entry(s, tag, s->kind == ENTRY_RANGE ? (uint8_t)value.n : 0, &outcome);
    if (e == OK && outcome > s->outcome)
        s->outcome = outcome;
    return e;
}

static enum err stage(struct staging *s, struct span customer_id, struct span account_id,
                      struct span value)
{
    const struct rows *r = &s->im->dir->rows;
    enum err e = stage_name(r, &s->im->customers, customer_id, &s->customer);
    if (e == OK)
        e = stage_name(r, &s->im->accounts, account_id, &s->account);
    if (e != OK)
        return e;
    if (s->kind != ENTRY_RANGE)
        return stage_value(s, value);
    e = range_prefixes(value, stage_value, s);
    if (e == ERR_SYNTAX && !s->what)
        s->what = "range is not a prefix, nor A-B with equally many digits and A <= B";
    return e;
}

static bool has_controls(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

/* What is wrong with the row's names; NULL: nothing. */
static const char *names_refusal(struct span customer_id, struct span account_id)
{
    static const struct span RESERVED = SPAN_LIT(UNASSIGNED_NAME ":");
    if (customer_id.n == 0 || account_id.n == 0)
        return "customer_id or account_id is empty";
    if (customer_id.n > CUSTOMER_ID_BYTES_MAX || account_id.n > CUSTOMER_ID_BYTES_MAX)
        return "customer_id or account_id is too long";
    if (has_controls(customer_id) || has_controls(account_id))
        return "customer_id or account_id has control characters";
    if (span_starts(customer_id, RESERVED) || span_is(account_id, UNASSIGNED_NAME))
        return "customer_id or account_id is reserved for calls of nobody";
    return NULL;
}

static enum err tell(struct import *im, uint64_t line, uint64_t *count, enum err e,
                     const char *what)
{
    struct import_problem p = {line, what};
    ++*count;
    im->problem(im->arg, &p);
    return e;
}

enum err directory_import_row(struct import *im, uint64_t line, struct span customer_id,
                              struct span account_id, enum entry_kind kind, struct span value)
{
    struct staging s = {.im = im, .kind = kind};
    CHECK(!im->done && kind < ENTRY_KIND_COUNT);
    im->counts.rows++;
    const char *what = names_refusal(customer_id, account_id);
    if (what)
        return tell(im, line, &im->counts.invalid, ERR_SYNTAX, what);
    enum err e = stage(&s, customer_id, account_id, value);
    if (e == ERR_SYNTAX)
        return tell(im, line, &im->counts.invalid, ERR_SYNTAX, s.what);
    if (e != OK)
        return e;
    if (s.outcome == CONFLICTING)
        return tell(im, line, &im->counts.conflicting, ERR_CONFLICT,
                    "leads to another customer or account already");
    im->counts.added += s.outcome == ADDED;
    im->counts.changed += s.outcome == CHANGED;
    im->counts.unchanged += s.outcome == UNCHANGED;
    return OK;
}

/* --- commit --- */

struct change { /* of the count of a customer's entries */
    uint64_t customer;
    uint8_t kind;
    bool gone;
};

struct touched {
    uint64_t customer;
    uint32_t entries[ENTRY_KIND_COUNT];
};

/* What a commit needs beyond the staging. All of it is there before the first put, so that an
 * error leaves the batch as it was. */
struct plan {
    struct change *change;
    struct touched *touched;
    size_t changes_count, touched_count;
    uint64_t next_customer, next_account;
};

static void plan_done(struct plan *p)
{
    free(p->change);
    free(p->touched);
}

static struct owner owner_of(const struct import *im, const struct staged_entry *e)
{
    const struct staged_name *c = tag_set_at(&im->customers.set, e->customer);
    const struct staged_name *a = tag_set_at(&im->accounts.set, e->account);
    return (struct owner){c->ordinal, (uint32_t)a->ordinal};
}

/* New names get their ordinals in the order in which the file names them. */
static enum err give_ordinals(struct staged_names *n, uint64_t *next)
{
    for (size_t i = 0; i < n->set.count; i++) {
        struct staged_name *name = tag_set_at(&n->set, i);
        if (name->ordinal)
            continue;
        if (*next > OWNER_ORDINAL_MAX)
            return ERR_LIMIT;
        name->ordinal = (*next)++;
    }
    return OK;
}

static int change_order(const void *pa, const void *pb)
{
    const struct change *a = pa, *b = pb;
    return (a->customer > b->customer) - (a->customer < b->customer);
}

static void list_changes(const struct import *im, struct plan *p)
{
    for (size_t i = 0; i < im->entries.count; i++) {
        const struct staged_entry *e = tag_set_at(&im->entries, i);
        p->change[p->changes_count++] = (struct change){owner_of(im, e).customer, e->kind, false};
        if (e->old.customer)
            p->change[p->changes_count++] = (struct change){e->old.customer, e->kind, true};
    }
    if (p->changes_count)
        qsort(p->change, p->changes_count, sizeof *p->change, change_order);
}

static enum err count_entries(const struct import *im, struct plan *p)
{
    for (size_t i = 0; i < p->changes_count; i++) {
        const struct change *c = &p->change[i];
        if (i == 0 || c->customer != c[-1].customer) {
            struct touched *new = &p->touched[p->touched_count++];
            new->customer = c->customer;
            enum err e = counts_get(&im->dir->rows, c->customer, new->entries);
            if (e != OK)
                return e;
        }
        uint32_t *entries = &p->touched[p->touched_count - 1].entries[c->kind];
        *entries = c->gone ? *entries - 1 : *entries + 1;
    }
    return OK;
}

static enum err plan_make(struct import *im, struct plan *p)
{
    size_t most = 2 * im->entries.count;
    *p = (struct plan){.change = calloc(most + 1, sizeof *p->change),
                       .touched = calloc(most + 1, sizeof *p->touched),
                       .next_customer = im->dir->next_customer,
                       .next_account = im->dir->next_account};
    if (!p->change || !p->touched)
        return ERR_NOMEM;
    enum err e = give_ordinals(&im->customers, &p->next_customer);
    if (e == OK)
        e = give_ordinals(&im->accounts, &p->next_account);
    if (e == OK)
        e = owner_table_reserve(&im->dir->table, im->entries.count);
    if (e != OK)
        return e;
    list_changes(im, p);
    return count_entries(im, p);
}

static enum err put_names(const struct import *im, struct txn *t, const struct staged_names *n,
                          uint64_t first_new, int64_t now_us)
{
    const struct rows *r = &im->dir->rows;
    uint8_t wrapped[WRAPPED_KEY_BYTES];
    enum err e = OK;
    for (size_t i = 0; i < n->set.count && e == OK; i++) {
        const struct staged_name *name = tag_set_at(&n->set, i);
        struct name_row row = {0, now_us, span_of(n->text + name->id_at, name->id_bytes)};
        if (name->ordinal < first_new)
            continue;
        e = n->family == FAMILY_CUSTOMERS
                ? customer_put(r, t, name->ordinal, name->tag, &row, wrapped)
                : name_put(r, t, n->family, name->ordinal, name->tag, &row);
    }
    return e;
}

static enum err put_entries(const struct import *im, struct txn *t)
{
    enum err e = OK;
    for (size_t i = 0; i < im->entries.count && e == OK; i++) {
        const struct staged_entry *s = tag_set_at(&im->entries, i);
        struct entry_row row = {(enum entry_kind)s->kind, s->prefix_bytes, owner_of(im, s)};
        e = entry_row_put(&im->dir->rows, t, s->tag, &row);
    }
    return e;
}

static enum err put_all(const struct import *im, struct txn *t, const struct plan *p,
                        int64_t now_us)
{
    const struct directory *dir = im->dir;
    enum err e = put_names(im, t, &im->customers, dir->next_customer, now_us);
    if (e == OK)
        e = put_names(im, t, &im->accounts, dir->next_account, now_us);
    if (e == OK && p->next_customer != dir->next_customer)
        e = name_next_put(&dir->rows, t, FAMILY_CUSTOMERS, p->next_customer);
    if (e == OK && p->next_account != dir->next_account)
        e = name_next_put(&dir->rows, t, FAMILY_ACCOUNTS, p->next_account);
    if (e == OK)
        e = put_entries(im, t);
    for (size_t i = 0; i < p->touched_count && e == OK; i++)
        e = counts_put(&dir->rows, t, p->touched[i].customer, p->touched[i].entries);
    return e;
}

static void apply(const struct import *im, const struct plan *p)
{
    struct directory *dir = im->dir;
    for (size_t i = 0; i < im->entries.count; i++) {
        const struct staged_entry *e = tag_set_at(&im->entries, i);
        owner_table_put(&dir->table, e->tag, owner_of(im, e));
        if (e->old.customer == 0)
            directory_count(dir, (enum entry_kind)e->kind, e->prefix_bytes);
    }
    dir->next_customer = p->next_customer;
    dir->next_account = p->next_account;
    dir->generation++;
    owner_cache_reset(&dir->cache);
}

enum err directory_import_commit(struct import *im, struct txn *t, int64_t now_us)
{
    struct plan plan;
    CHECK(!im->done);
    if (im->generation != im->dir->generation)
        return tell(im, 0, &im->counts.conflicting, ERR_CONFLICT,
                    "another import was committed meanwhile: begin again");
    if (im->counts.invalid || im->counts.conflicting)
        return ERR_CONFLICT;
    enum err e = plan_make(im, &plan);
    if (e == OK)
        e = put_all(im, t, &plan, now_us);
    if (e == OK)
        apply(im, &plan);
    im->done = true;
    plan_done(&plan);
    return e;
}

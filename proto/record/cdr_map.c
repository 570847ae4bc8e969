#include "proto/record/cdr_map.h"

#include "proto/record/time_format.h"

#define M(type) (1u << CALL_##type)
static const struct {
    const char *name;
    unsigned types; /* bits of enum call_type_of_field */
} TRANSFORMS[] = {
#define CDR_TRANSFORM_ROW(code, name, types) {name, types},
    CDR_TRANSFORMS(CDR_TRANSFORM_ROW)};

static const char *const FORMATS[CDR_FORMAT_COUNT] = {"csv", "json", "kv"};

struct parse {
    struct span text;
    struct cdr_map *m;
    struct diag *d;
    const uint8_t *failed; /* where */
    bool field_seen[CDR_MAP_TAGS];
    struct span where[CDR_MAP_RULES_MAX]; /* each rule in the text */
    bool has_transform[CDR_MAP_RULES_MAX];
};

static enum err refuse(struct parse *p, enum err e, struct span where, const char *what)
{
    p->failed = where.p;
    return diag_set(p->d, e, what, (size_t)(where.p - p->text.p));
}

/* ---- texts and lists ---- */

/* "in quotes", or as it stands. Escapes are not needed: no text of a switch has a quote in it
 * that a map would have to name. */
static struct span unquoted(struct span s)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    return quoted ? span_sub(s, 1, s.n - 2) : s;
}

/* The next element of a list; a comma in quotes is none. False: the list is at its end. */
static bool next_of(struct span *rest, uint8_t comma, struct span *out)
{
    size_t n = 0;
    bool quoted = false;
    if (rest->n == 0)
        return false;
    while (n < rest->n && (quoted || rest->p[n] != comma))
        quoted ^= rest->p[n++] == '"';
    *out = span_trim(span_sub(*rest, 0, n));
    *rest = span_from(*rest, n + 1);
    return true;
}

static enum err set_values(struct parse *p, struct span list, struct cdr_values *out)
{
    struct span text;
    while (next_of(&list, ',', &text)) {
        if (unquoted(text).n == 0)
            return refuse(p, ERR_SYNTAX, text, "empty element of a list");
        if (out->count == CDR_MAP_VALUES_MAX)
            return refuse(p, ERR_LIMIT, text, "more values than fit a list");
        out->text[out->count++] = unquoted(text);
    }
    return OK;
}

/* ---- sources ---- */

static bool same_source(const struct cdr_source *a, const struct cdr_source *b)
{
    return a->literal == b->literal && a->column == b->column && span_eq(a->name, b->name);
}

static enum err read_source(struct parse *p, struct span text, struct cdr_source *out)
{
    uint64_t column;
    *out = (struct cdr_source){.name = unquoted(text), .literal = unquoted(text).p != text.p};
    if (text.n == 0)
        return refuse(p, ERR_SYNTAX, text, "wants the name of a column or member");
    if (out->literal || text.p[0] != '#')
        return OK;
    if (span_u64(span_from(text, 1), CSV_COLUMNS_MAX, &column) != OK || column == 0)
        return refuse(p, ERR_SYNTAX, text, "wants the number of a column, from #1");
    *out = (struct cdr_source){.column = (uint16_t)column};
    return OK;
}

static enum err add_source(struct parse *p, struct span text, uint8_t *out)
{
    struct cdr_map *m = p->m;
    struct cdr_source s;
    size_t i = 0;
    enum err e = read_source(p, text, &s);
    if (e != OK)
        return e;
    while (i < m->sources_count && !same_source(&m->source[i], &s))
        i++;
    if (i == CDR_MAP_SOURCES_MAX)
        return refuse(p, ERR_LIMIT, text, "more sources than fit a map");
    m->source[i] = s;
    m->sources_count += i == m->sources_count;
    *out = (uint8_t)i;
    return OK;
}

static enum err set_sources(struct parse *p, struct span list, struct cdr_sources *out)
{
    struct span text;
    while (next_of(&list, ',', &text)) {
        if (out->count == CDR_MAP_VALUES_MAX)
            return refuse(p, ERR_LIMIT, text, "more values than fit a list");
        enum err e = add_source(p, text, &out->at[out->count]);
        if (e != OK)
            return e;
        out->count++;
    }
    return OK;
}

/* ---- settings ---- */

static enum err set_format(struct parse *p, struct span value)
{
    for (size_t i = 0; i < CDR_FORMAT_COUNT; i++)
        if (span_is(value, FORMATS[i])) {
            p->m->format = (enum cdr_format)i;
            return OK;
        }
    return refuse(p, ERR_SYNTAX, value, "format: wants csv, json or kv");
}

static enum err set_delimiter(struct parse *p, struct span value)
{
    p->m->delimiter = span_is(value, "tab") ? span_str("\t") : unquoted(value);
    p->m->dialect.delimiter = p->m->delimiter.n ? p->m->delimiter.p[0] : 0;
    return p->m->delimiter.n ? OK : refuse(p, ERR_SYNTAX, value, "delimiter: wants a text");
}

static enum err set_quote(struct parse *p, struct span value)
{
    bool none = span_is(value, "none");
    p->m->dialect.quote = none ? 0 : value.p[0];
    return none || value.n == 1 ? OK : refuse(p, ERR_SYNTAX, value, "quote: wants a byte or none");
}

static enum err set_begin(struct parse *p, struct span value)
{
    p->m->begin = unquoted(value);
    return p->m->begin.n ? OK : refuse(p, ERR_SYNTAX, value, "begin: wants a text");
}

static enum err set_not_behind(struct parse *p, struct span value)
{
    return set_values(p, value, &p->m->not_behind);
}

static enum err set_columns(struct parse *p, struct span value)
{
    struct span name;
    while (next_of(&value, ',', &name)) {
        if (p->m->columns_count == CSV_COLUMNS_MAX)
            return refuse(p, ERR_LIMIT, name, "columns: more than a line may have");
        if (name.n == 0)
            return refuse(p, ERR_SYNTAX, name, "columns: a column without a name");
        p->m->column[p->m->columns_count++] = unquoted(name);
    }
    return OK;
}

static enum err set_header(struct parse *p, struct span value)
{
    p->m->has_title = span_is(value, "names");
    return p->m->has_title || span_is(value, "none")
               ? OK
               : refuse(p, ERR_SYNTAX, value, "header: wants names or none");
}

static enum err set_which(struct parse *p, struct span value, struct cdr_values *out)
{
    struct span values = value;
    struct span source = span_trim(span_cut(&values, ':'));
    if (values.n == 0)
        return refuse(p, ERR_SYNTAX, value, "wants SOURCE: value, value");
    enum err e = add_source(p, source, &out->source);
    return e == OK ? set_values(p, values, out) : e;
}

static enum err set_select(struct parse *p, struct span value)
{
    return set_which(p, value, &p->m->select);
}

static enum err set_ignore(struct parse *p, struct span value)
{
    return set_which(p, value, &p->m->ignore);
}

static enum err set_key(struct parse *p, struct span value)
{
    return set_sources(p, value, &p->m->key);
}

static enum err set_drop(struct parse *p, struct span value)
{
    return set_sources(p, value, &p->m->drop);
}

static const struct call_field *field_named(struct span name)
{
    for (size_t i = 0; i < CALL_FIELDS_COUNT; i++)
        if (span_is(name, CALL_FIELDS[i].name))
            return &CALL_FIELDS[i];
    return NULL;
}

static enum err set_required(struct parse *p, struct span value)
{
    struct span name;
    while (next_of(&value, ',', &name)) {
        const struct call_field *f = field_named(name);
        if (!f)
            return refuse(p, ERR_SYNTAX, name, "required: no such field");
        p->m->required[f->tag] = true;
    }
    return OK;
}

static enum err set_answered_by(struct parse *p, struct span value)
{
    static const char *const FIELDS[] = {"t_answer", "dur_bill_ms", "disposition"};
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        if (span_is(value, FIELDS[i]))
            p->m->answered_by = field_named(value);
    return p->m->answered_by ? OK
                             : refuse(p, ERR_SYNTAX, value,
                                      "answered-by: wants t_answer, dur_bill_ms or disposition");
}

enum { ANY = 7, CSV = 1 << CDR_CSV, KV = 1 << CDR_KV };
static const struct setting {
    const char *name;
    unsigned formats; /* of which it is a setting, bits */
    enum err (*set)(struct parse *p, struct span value);
} SETTINGS[] = {
    {"format", ANY, set_format},
    {"delimiter", CSV | KV, set_delimiter},
    {"quote", CSV, set_quote},
    {"begin", KV, set_begin},
    {"not-behind", KV, set_not_behind},
    {"columns", CSV, set_columns},
    {"header", CSV, set_header},
    {"select", ANY, set_select},
    {"ignore", ANY, set_ignore},
    {"key", ANY, set_key},
    {"drop", ANY, set_drop},
    {"required", ANY, set_required},
    {"answered-by", ANY, set_answered_by},
};
enum { SETTINGS_COUNT = sizeof SETTINGS / sizeof SETTINGS[0] };

/* ---- fields ---- */

/* What the pipe, the classification and the vault say of a record no feed may say. */
static bool is_ours(const struct call_field *f)
{
    static const char *const OURS[] = {"feed_id",      "feed_kind",  "rec_type",  "t_receive",
                                       "time_quality", "flags",      "customer",  "account",
                                       "direction",    "answered",   "call_type", "juris",
                                       "juris_basis",  "dest_class", "rate_band", "forwarded"};
    for (size_t i = 0; i < sizeof OURS / sizeof OURS[0]; i++)
        if (strcmp(f->name, OURS[i]) == 0)
            return true;
    return false;
}

static enum err set_transform(struct parse *p, struct span text, struct cdr_rule *r)
{
    struct span name = text;
    struct span argument = SPAN_EMPTY;
    size_t blank = span_find(text, ' ');
    if (blank < text.n) {
        name = span_sub(text, 0, blank);
        argument = span_trim(span_from(text, blank));
    }
    size_t i = 0;
    while (i < CDR_TRANSFORM_COUNT && !span_is(name, TRANSFORMS[i].name))
        i++;
    if (i == CDR_TRANSFORM_COUNT)
        return refuse(p, ERR_SYNTAX, text, "no such transform");
    if (!(TRANSFORMS[i].types & 1u << r->field->type))
        return refuse(p, ERR_CONFLICT, text, "the transform makes no value of this field");
    if (i == CDR_TIME ? !time_format_valid(argument) : argument.n > 0)
        return refuse(p, ERR_SYNTAX, text, "wants a format of %Y %m %b %d %H %M %S %f %a %z");
    r->transform = (uint8_t)i;
    r->format = argument;
    p->m->needs_zone |= i == CDR_TIME && !time_format_has_zone(argument);
    return OK;
}

static enum err add_rule(struct parse *p, const struct call_field *f, struct span text)
{
    struct cdr_map *m = p->m;
    struct cdr_rule r = {.field = f};
    size_t colon = text.n && text.p[0] == '"' ? 1 + span_find(span_from(text, 1), '"') : 0;
    colon += span_find(span_from(text, colon), ':');
    if (m->rules_count == CDR_MAP_RULES_MAX)
        return refuse(p, ERR_LIMIT, text, "more sources of fields than fit a map");
    enum err e = add_source(p, span_trim(span_sub(text, 0, colon)), &r.source);
    if (e == OK && colon < text.n) {
        p->has_transform[m->rules_count] = true;
        e = set_transform(p, span_trim(span_from(text, colon + 1)), &r);
    }
    if (e != OK)
        return e;
    p->where[m->rules_count] = text;
    m->rule[m->rules_count++] = r;
    return OK;
}

static enum err set_field(struct parse *p, const struct call_field *f, struct span value)
{
    struct span alternative;
    enum err e = OK;
    if (p->field_seen[f->tag])
        return refuse(p, ERR_CONFLICT, value, "field given twice");
    p->field_seen[f->tag] = true;
    while (e == OK && next_of(&value, '|', &alternative))
        e = add_rule(p, f, alternative);
    return e;
}

/* The value that VALUE names, 0 for none. */
static unsigned value_named(const struct call_field *f, struct span name)
{
    uint64_t number;
    if (f->type == CALL_U8)
        return span_u64(name, UINT8_MAX, &number) == OK ? (unsigned)number : 0;
    for (unsigned v = 1; f->type == CALL_ENUM && v <= UINT8_MAX; v++)
        if (span_is(name, call_enum_name(f, v)))
            return v;
    return 0;
}

static enum err add_entries(struct parse *p, const struct call_field *f, struct span name,
                            struct span list)
{
    struct cdr_map *m = p->m;
    struct span text;
    unsigned value = value_named(f, name);
    if (value == 0 || span_is(name, "unknown"))
        return refuse(p, ERR_SYNTAX, name, "no such value of the field");
    while (next_of(&list, ',', &text)) {
        if (m->entries_count == CDR_MAP_ENTRIES_MAX)
            return refuse(p, ERR_LIMIT, text, "more texts of values than fit a map");
        m->entry[m->entries_count++] = (struct cdr_entry){f->tag, (uint8_t)value, unquoted(text)};
    }
    return OK;
}

static enum err set_by_field(struct parse *p, struct span name, struct span value)
{
    struct span of_value = name;
    struct span field = span_cut(&of_value, '.');
    const struct call_field *f = field_named(field);
    if (!f)
        return refuse(p, ERR_SYNTAX, name, "neither a setting nor a field of call.def");
    if (is_ours(f))
        return refuse(p, ERR_SYNTAX, name, "this field is not for a map to say");
    return field.n < name.n ? add_entries(p, f, of_value, value) : set_field(p, f, value);
}

/* ---- lines ---- */

/* A line with those that go on with it, without the last line end. */
static struct span next_line(struct span *rest)
{
    size_t n = csv_line_bytes(*rest);
    while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'))
        n += csv_line_bytes(span_from(*rest, n));
    struct span line = span_sub(*rest, 0, n);
    *rest = span_from(*rest, n);
    return line;
}

static enum err set_line(struct parse *p, struct span line, unsigned *seen)
{
    struct span value = line;
    struct span name = span_trim(span_cut(&value, '='));
    value = span_trim(value);
    if (name.n == 0 || value.n == 0)
        return refuse(p, ERR_SYNTAX, line, "wants NAME = VALUE");
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (!span_is(name, SETTINGS[i].name))
            continue;
        if (*seen & 1u << i)
            return refuse(p, ERR_CONFLICT, line, "setting given twice");
        *seen |= 1u << i;
        return SETTINGS[i].set(p, value);
    }
    return set_by_field(p, name, value);
}

static enum err parse_lines(struct parse *p, unsigned *seen)
{
    enum err e = OK;
    for (struct span rest = p->text; e == OK && rest.n;) {
        struct span line = next_line(&rest);
        if (line.p[0] == '#' || span_trim(line).n == 0)
            continue;
        e = set_line(p, line, seen);
    }
    return e;
}

/* ---- what one line alone cannot show ---- */

static bool has_entries(const struct cdr_map *m, const struct call_field *f)
{
    for (size_t i = 0; i < m->entries_count; i++)
        if (m->entry[i].tag == f->tag)
            return true;
    return false;
}

/* Of fields whose unit is no question. */
static enum err default_transform(struct parse *p, size_t rule)
{
    static const uint8_t BY_TYPE[] = {
        [CALL_U8] = CDR_NUMBER, [CALL_U16] = CDR_NUMBER, [CALL_U32] = CDR_NUMBER,
        [CALL_IP] = CDR_IP,     [CALL_STR] = CDR_TEXT,   [CALL_ENUM] = CDR_TABLE};
    struct cdr_rule *r = &p->m->rule[rule];
    bool table = has_entries(p->m, r->field);
    if (!p->has_transform[rule] && (r->field->type == CALL_TS || r->field->type == CALL_MS))
        return refuse(p, ERR_SYNTAX, p->where[rule], "a time or duration wants a transform");
    if (!p->has_transform[rule])
        r->transform = table ? CDR_TABLE : BY_TYPE[r->field->type];
    if ((r->transform == CDR_TABLE) != table)
        return refuse(p, ERR_CONFLICT, p->where[rule],
                      "FIELD.VALUE lines and the transform `table` want each other");
    return OK;
}

static enum err check_sources(struct parse *p)
{
    for (size_t i = 0; i < p->m->sources_count; i++)
        if (p->m->source[i].column && p->m->format != CDR_CSV)
            return refuse(p, ERR_CONFLICT, p->text, "only a csv map has columns with numbers");
    return OK;
}

static bool is_among(const struct cdr_sources *list, unsigned source)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i] == source)
            return true;
    return false;
}

/* What is dropped is in no field and in no key. */
static enum err check_drop(struct parse *p)
{
    const struct cdr_map *m = p->m;
    for (size_t i = 0; i < m->rules_count; i++)
        if (is_among(&m->drop, m->rule[i].source))
            return refuse(p, ERR_CONFLICT, p->where[i], "this source is dropped");
    for (size_t i = 0; i < m->key.count; i++)
        if (is_among(&m->drop, m->key.at[i]))
            return refuse(p, ERR_CONFLICT, p->text, "key: a source that is dropped");
    return OK;
}

static enum err check_settings(struct parse *p, unsigned seen)
{
    const struct cdr_map *m = p->m;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (seen & 1u << i && !(SETTINGS[i].formats & 1u << m->format))
            return refuse(p, ERR_CONFLICT, p->text, "a setting of another format");
    const struct {
        bool wrong;
        const char *what;
    } RULES[] = {
        {!(seen & 1), "no format"},
        {m->rules_count == 0, "no field"},
        {!m->answered_by, "no answered-by"},
        {m->answered_by && !p->field_seen[m->answered_by->tag],
         "answered-by: field without a source"},
        {m->format == CDR_CSV && m->delimiter.n > 1, "delimiter: a csv map wants one byte"},
        {m->has_title && m->columns_count == 0, "header = names wants columns"},
        {m->key.count == 0, "no key"},
    };
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++)
        if (RULES[i].wrong)
            return refuse(p, ERR_CONFLICT, p->text, RULES[i].what);
    for (size_t tag = 0; tag < CDR_MAP_TAGS; tag++)
        if (m->required[tag] && !p->field_seen[tag])
            return refuse(p, ERR_CONFLICT, p->text, "required: field without a source");
    for (size_t i = 0; i < m->entries_count; i++)
        if (!p->field_seen[m->entry[i].tag])
            return refuse(p, ERR_CONFLICT, m->entry[i].text, "a value of a field without a source");
    return OK;
}

static size_t line_of(const struct parse *p)
{
    size_t line = 1;
    for (const uint8_t *c = p->text.p; c < p->failed; c++)
        line += *c == '\n';
    return line;
}

enum err cdr_map_parse(struct span text, struct cdr_map *out, size_t *out_line, struct diag *d)
{
    struct parse p = {.text = text, .m = out, .d = d, .failed = text.p};
    unsigned seen = 0;
    *out = (struct cdr_map){.dialect = CSV_COMMA, .delimiter = SPAN_LIT(";")};
    enum err e = text.n <= CDR_MAP_BYTES_MAX
                     ? parse_lines(&p, &seen)
                     : diag_set(d, ERR_LIMIT, "larger than a map may be", CDR_MAP_BYTES_MAX);
    for (size_t i = 0; e == OK && i < out->rules_count; i++)
        e = default_transform(&p, i);
    if (e == OK)
        e = check_sources(&p);
    if (e == OK)
        e = check_drop(&p);
    if (e == OK)
        e = check_settings(&p, seen);
    *out_line = e == OK ? 0 : line_of(&p);
    return e;
}

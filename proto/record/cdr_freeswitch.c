#include "proto/record/cdr_record.h"

#include "name_index_cdr.h"
#include "proto/core/name_hash.h"
#include "proto/frame/form.h"
#include "proto/frame/json.h"

enum group {
#define GROUP(group, meaning) GROUP_##group,
#include "proto/record/cdr_maps.def"
    GROUP_COUNT
};

/* ---- setters: a text -> member of struct call, if that is still empty ---- */

static void set_text(struct span v, void *member)
{
    struct span *s = member;
    if (s->n == 0)
        *s = v;
}

/* The user of the first URI; a text without URI is one itself. */
static void set_uri_user(struct span v, void *member)
{
    static const char *const SCHEME[] = {"sip:", "sips:", "tel:"};
    for (size_t i = 0; i < sizeof SCHEME / sizeof SCHEME[0]; i++) {
        size_t at = span_find_span(v, span_str(SCHEME[i]));
        if (at == v.n)
            continue;
        v = span_from(v, at + strlen(SCHEME[i]));
        break;
    }
    size_t n = 0;
    while (n < v.n && v.p[n] != '@' && v.p[n] != ';' && v.p[n] != '>')
        n++;
    set_text(span_sub(v, 0, n), member);
}

/* 0 for what is no number up to max: a switch's own slip is no reason to lose the record. */
static uint64_t number_or_0(struct span v, uint64_t max)
{
    uint64_t u = 0;
    return span_u64(v, max, &u) == OK ? u : 0;
}

static void set_epoch_us(struct span v, void *member)
{
    int64_t *t = member;
    if (*t == 0)
        *t = (int64_t)number_or_0(v, INT64_MAX / 2);
}

static void set_u8(struct span v, void *member)
{
    *(uint8_t *)member = (uint8_t)number_or_0(v, UINT8_MAX);
}

static void set_u16(struct span v, void *member)
{
    *(uint16_t *)member = (uint16_t)number_or_0(v, UINT16_MAX);
}

static void set_u32(struct span v, void *member)
{
    *(uint32_t *)member = (uint32_t)number_or_0(v, UINT32_MAX);
}

static void set_status(struct span v, void *member)
{
    uint16_t *status = member;
    struct span sip = span_str("sip:");
    if (*status == 0)
        *status = (uint16_t)number_or_0(span_from(v, span_starts(v, sip) ? sip.n : 0), 699);
}

static void set_ip(struct span v, void *member)
{
    struct ip a;
    if (ip_parse(v, &a) == OK)
        *(struct ip *)member = a;
}

/* "4.50" -> 450 */
static void set_mos(struct span v, void *member)
{
    uint16_t *mos = member;
    struct span fraction = v;
    struct span whole = span_cut(&fraction, '.');
    uint64_t x100 = number_or_0(whole, 5) * 100;
    for (size_t i = 0, scale = 10; i < 2 && i < fraction.n; i++, scale /= 10)
        x100 += number_or_0(span_sub(fraction, i, 1), 9) * scale;
    if (*mos == 0)
        *mos = (uint16_t)x100;
}

static void set_transport(struct span v, void *member)
{
#define NAME_OF_TRANSPORT(code, text) text,
    static const char *const NAMES[] = {"", TRANSPORTS(NAME_OF_TRANSPORT)};
    for (size_t i = 1; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (span_ieq(v, span_str(NAMES[i])))
            *(uint8_t *)member = (uint8_t)i;
}

/* 3GPP TS 24.229 7.2A.20 verstat */
static const char PASSED[] = "TN-Validation-Passed";

static void set_verstat(struct span v, void *member)
{
    enum stir_verstat verdict = VERSTAT_UNKNOWN;
    if (span_starts(v, span_str(PASSED)))
        verdict = VERSTAT_PASSED;
    else if (span_starts(v, span_str("TN-Validation-Failed")))
        verdict = VERSTAT_FAILED;
    else if (span_starts(v, span_str("No-TN-Validation")))
        verdict = VERSTAT_NONE;
    *(uint8_t *)member = (uint8_t)verdict;
}

/* TN-Validation-Passed-A: the letter is the attestation, RFC 8588. */
static void set_attest(struct span v, void *member)
{
    if (!span_starts(v, span_str(PASSED)) || v.n != sizeof PASSED - 1 + 2)
        return;
    uint8_t letter = v.p[v.n - 1];
    if (letter >= 'A' && letter <= 'C')
        *(uint8_t *)member = (uint8_t)(ATTEST_A + (letter - 'A'));
}

/* ---- the names of cdr_maps.def ---- */

/* Members come first, in their order of preference; then what is kept for later; then what is
 * known and left out. A name's place is where its text is put. */
static const struct {
    void (*set)(struct span v, void *member);
    size_t member;
} MEMBERS[] = {
#define MEMBER(group, name, setter, member) {set_##setter, offsetof(struct call, member)},
#include "proto/record/cdr_maps.def"
};

enum kept {
#define KEEP(group, name, symbol) KEPT_##symbol,
#include "proto/record/cdr_maps.def"
    KEPT_COUNT
};
enum {
    MEMBERS_COUNT = sizeof MEMBERS / sizeof MEMBERS[0],
    PLACES_COUNT = MEMBERS_COUNT + KEPT_COUNT
};

static const struct known {
    struct span name;
    uint8_t group;
} KNOWN[] = {
#define MEMBER(group, name, setter, member) {SPAN_LIT(name), GROUP_##group},
#include "proto/record/cdr_maps.def"
#define KEEP(group, name, symbol) {SPAN_LIT(name), GROUP_##group},
#include "proto/record/cdr_maps.def"
#define REPEATED(name) {SPAN_LIT(name), GROUP_VARIABLE},
#include "proto/record/cdr_maps.def"
};
enum { KNOWN_COUNT = sizeof KNOWN / sizeof KNOWN[0] };

/* Place in KNOWN; KNOWN_COUNT: unknown. */
static size_t known_find(enum group group, struct span name)
{
    unsigned i = name_candidate(&CDR_INDEX, name, group);
    return i < KNOWN_COUNT && KNOWN[i].group == group && span_eq(KNOWN[i].name, name) ? i
                                                                                      : KNOWN_COUNT;
}

/* ---- one pass over the document ---- */

struct job {
    struct json json;
    struct buf *room;
    struct record *r;
    struct span place[PLACES_COUNT];
    struct span app_name, app_data; /* of the application that is being read */
    struct buf log;                 /* applications so far, in `room` */
    size_t flows_count;
};

static const struct {
    uint8_t group, inside;
    const char *name; /* NULL: every element */
} NESTED[] = {
    {GROUP_TOP, GROUP_VARIABLE, "variables"},      {GROUP_TOP, GROUP_CHANNEL, "channel_data"},
    {GROUP_TOP, GROUP_MEDIA, "callStats"},         {GROUP_MEDIA, GROUP_AUDIO, "audio"},
    {GROUP_AUDIO, GROUP_STATS, "inbound"},         {GROUP_TOP, GROUP_CALLFLOW, "callflow"},
    {GROUP_FLOW, GROUP_PROFILE, "caller_profile"}, {GROUP_TOP, GROUP_APP_LOG, "app_log"},
    {GROUP_APP_LOG, GROUP_APPS, "applications"},   {GROUP_APPS, GROUP_APP, NULL},
};

/* What is not in variables is either said there again (statistics, times of the call flow) or,
 * in these groups, kept as it stands. */
static bool keeps_unknown(enum group g)
{
    return g == GROUP_TOP || g == GROUP_CHANNEL || g == GROUP_VARIABLE || g == GROUP_PROFILE ||
           g == GROUP_FLOW;
}

/* The group to walk in this container; GROUP_COUNT: none. */
static enum group inside_of(struct job *j, enum group group, struct span name)
{
    if (group == GROUP_CALLFLOW)
        return j->flows_count++ == 0 ? GROUP_FLOW : GROUP_OLD_FLOW;
    for (size_t i = 0; i < sizeof NESTED / sizeof NESTED[0]; i++)
        if (NESTED[i].group == group && (!NESTED[i].name || span_is(name, NESTED[i].name)))
            return (enum group)NESTED[i].inside;
    return GROUP_COUNT;
}

/* Which applications dial or read digits; their arguments are secrets (I5). */
static bool app_is_secret(struct span name, struct span data)
{
    static const char *const IN_NAME[] = {"dtmf", "digit"};
    static const char *const IN_DATA[] = {"password", "passwd", "secret", "pin=", "digits", "dtmf"};
    bool secret = false;
    for (size_t i = 0; i < sizeof IN_NAME / sizeof IN_NAME[0]; i++)
        secret |= span_find_span(name, span_str(IN_NAME[i])) < name.n;
    for (size_t i = 0; i < sizeof IN_DATA / sizeof IN_DATA[0]; i++)
        secret |= span_find_span(data, span_str(IN_DATA[i])) < data.n;
    return secret;
}

/* A line an application; one that does not fit any more is left out, and said. */
static void log_app(struct job *j)
{
    bool secret = app_is_secret(j->app_name, j->app_data);
    size_t before = j->log.n;
    buf_put(&j->log, j->app_name);
    buf_u8(&j->log, ' ');
    buf_put(&j->log, secret ? SPAN_EMPTY : j->app_data);
    buf_u8(&j->log, '\n');
    if (!buf_ok(&j->log)) {
        j->log.n = before;
        j->r->call.flags |= CALL_TRUNCATED;
    }
    j->app_name = j->app_data = SPAN_EMPTY;
}

static void application(struct job *j, struct span name, struct span text)
{
    if (span_is(name, "app_name"))
        j->app_name = text;
    if (span_is(name, "app_data"))
        j->app_data = text;
}

static void scalar(struct job *j, enum group group, struct span name, struct span text)
{
    if (group == GROUP_APP)
        application(j, name, text);
    size_t at = known_find(group, name);
    if (at < PLACES_COUNT)
        j->place[at] = text; /* a name given twice: the last one holds */
    else if (at == KNOWN_COUNT && text.n && keeps_unknown(group))
        record_extra(j->r, 0, name, text);
}

static enum err walk(struct job *j, enum group group, struct diag *d);

static enum err container(struct job *j, enum group group, struct span name, struct diag *d)
{
    enum group inside = inside_of(j, group, name);
    struct span raw;
    if (inside != GROUP_COUNT) {
        json_enter(&j->json);
        enum err e = walk(j, inside, d);
        if (inside == GROUP_APP && e == OK)
            log_app(j);
        return e;
    }
    bool old_profile = group == GROUP_OLD_FLOW && span_is(name, "caller_profile");
    bool own_data = group == GROUP_TOP || group == GROUP_VARIABLE || group == GROUP_PROFILE;
    if (!own_data && !old_profile)
        return OK;
    enum err e = json_take(&j->json, &raw, d);
    if (e == OK)
        record_extra(j->r, 0, name, raw);
    return e;
}

static bool is_coded(enum group group, const struct json_item *item)
{
    return item->name_escaped || item->text_escaped ||
           (item->text_percent && group == GROUP_VARIABLE);
}

/* In place, and only where there is something to decode: nine members of ten go by. */
static enum err decode(struct job *j, enum group group, struct json_item *item)
{
    struct span name, text;
    if (json_unescape(item->name, item->name_escaped, j->room, &name) != OK ||
        json_unescape(item->text, item->text_escaped, j->room, &text) != OK)
        return ERR_LIMIT;
    if (group == GROUP_VARIABLE && item->text_percent && form_percent(text, j->room, &text) != OK)
        return ERR_LIMIT;
    item->name = name;
    item->text = text;
    return OK;
}

static enum err member(struct job *j, enum group group, struct json_item *item, struct diag *d)
{
    if (is_coded(group, item) && decode(j, group, item) != OK)
        return diag_set(d, ERR_LIMIT, "room for decoded values", j->json.at);
    if (item->kind == JSON_OBJECT || item->kind == JSON_ARRAY)
        return container(j, group, item->name, d);
    if (item->kind != JSON_NULL)
        scalar(j, group, item->name, item->text);
    return OK;
}

/* The recursion follows NESTED: a handful of levels, whatever the document does. */
static enum err walk(struct job *j, enum group group, struct diag *d)
{
    struct json_item item;
    enum err e;
    while ((e = json_next(&j->json, &item, d)) == OK && item.kind != JSON_END) {
        e = member(j, group, &item, d);
        if (e != OK)
            return e;
    }
    return e;
}

/* ---- what takes more than one member ---- */

static struct span kept(const struct job *j, enum kept k)
{
    return j->place[MEMBERS_COUNT + k];
}

/* Switch causes are names of Q.850 causes and some of the switch's own. */
static const struct {
    const char *cause;
    enum disposition disposition;
} CAUSES[] = {
    {"USER_BUSY", DISPOSITION_BUSY},
    {"NO_ANSWER", DISPOSITION_NO_ANSWER},
    {"NO_USER_RESPONSE", DISPOSITION_NO_ANSWER},
    {"ORIGINATOR_CANCEL", DISPOSITION_CANCELLED},
    {"LOSE_RACE", DISPOSITION_CANCELLED}, /* another branch of the fork answered */
    {"PICKED_OFF", DISPOSITION_CANCELLED},
    {"CALL_REJECTED", DISPOSITION_REJECTED},
    {"NORMAL_CIRCUIT_CONGESTION", DISPOSITION_CONGESTION},
    {"SWITCH_CONGESTION", DISPOSITION_CONGESTION},
    {"NETWORK_OUT_OF_ORDER", DISPOSITION_CONGESTION},
    {"NORMAL_TEMPORARY_FAILURE", DISPOSITION_CONGESTION},
    {"RECOVERY_ON_TIMER_EXPIRE", DISPOSITION_TIMEOUT},
    {"ALLOTTED_TIMEOUT", DISPOSITION_TIMEOUT},
    {"PROGRESS_TIMEOUT", DISPOSITION_TIMEOUT},
    {"MEDIA_TIMEOUT", DISPOSITION_TIMEOUT},
};

static enum disposition outcome(const struct call *c)
{
    if (c->answered)
        return DISPOSITION_ANSWERED;
    for (size_t i = 0; i < sizeof CAUSES / sizeof CAUSES[0]; i++)
        if (span_is(c->cause_raw, CAUSES[i].cause))
            return CAUSES[i].disposition;
    return DISPOSITION_FAILED;
}

/* Who ended it: on the inbound leg the far end is the caller, on the outbound one the callee;
 * what the switch itself sent came from the other side of the bridge. */
static enum release_side release(struct span disposition, unsigned leg_role)
{
    static const struct {
        const char *text;
        enum release_side on_a, on_b;
    } ROW[] = {
        {"recv_bye", RELEASE_CALLER, RELEASE_CALLEE},
        {"send_bye", RELEASE_CALLEE, RELEASE_CALLER},
        {"recv_cancel", RELEASE_CALLER, RELEASE_CALLER},
        {"send_cancel", RELEASE_CALLER, RELEASE_CALLER},
        {"recv_refuse", RELEASE_CALLEE, RELEASE_CALLEE},
        {"send_refuse", RELEASE_NETWORK, RELEASE_NETWORK},
    };
    for (size_t i = 0; i < sizeof ROW / sizeof ROW[0]; i++)
        if (leg_role && span_is(disposition, ROW[i].text))
            return leg_role == 1 ? ROW[i].on_a : ROW[i].on_b;
    return RELEASE_UNKNOWN;
}

static void set_leg(const struct job *j, struct call *c)
{
    struct span direction = kept(j, KEPT_DIRECTION);
    if (direction.n == 0)
        direction = kept(j, KEPT_CHANNEL_DIRECTION);
    if (span_is(direction, "inbound"))
        c->leg_role = 1;
    else if (span_is(direction, "outbound"))
        c->leg_role = 2;
    struct span *trunk = c->leg_role == 2 ? &c->trunk_out : &c->trunk_in;
    set_text(kept(j, KEPT_GATEWAY), trunk);
    set_text(kept(j, KEPT_SOFIA_PROFILE), trunk);
    c->release_side = (uint8_t)release(kept(j, KEPT_RELEASE), c->leg_role);
    if (c->codec_in.n || c->codec_out.n)
        c->media_kind = MEDIA_AUDIO;
    if (kept(j, KEPT_VIDEO_CODEC).n)
        c->media_kind = MEDIA_VIDEO;
    if (c->call_key.n == 0)
        c->call_key = c->sip_call_id;
}

static void set_outcome(struct call *c)
{
    uint32_t total_ms = c->dur_total_ms, bill_ms = c->dur_bill_ms;
    call_durations(c);
    if (total_ms)
        c->dur_total_ms = total_ms;
    if (bill_ms && c->answered)
        c->dur_bill_ms = bill_ms; /* rounded by the switch, as everybody else sees it */
    c->disposition = (uint8_t)outcome(c);
    c->rec_type = c->answered ? REC_FINAL : REC_ATTEMPT;
    if (c->flags & CALL_INCOMPLETE)
        c->rec_type = REC_INCOMPLETE;
}

/* The newest profile holds where the call went last: the called number when nothing else says
 * it, the connected one when it differs and somebody answered. */
static void set_parties(struct call *c)
{
    if (c->called_raw.n == 0)
        c->called_raw = c->connected_tn;
    if (!c->answered || span_eq(c->connected_tn, c->called_raw))
        c->connected_tn = SPAN_EMPTY;
    if (span_eq(c->redirecting_tn, c->called_raw))
        c->redirecting_tn = SPAN_EMPTY; /* the switch's own transfer, nobody forwarded */
    if (c->calling_raw.n == 0)
        c->calling_raw = c->presented_tn;
    if (span_eq(c->presented_tn, c->calling_raw))
        c->presented_tn = SPAN_EMPTY;
}

/* core-uuid and uuid: the process and the channel in it (feeds.md 2.1). */
static enum err set_dedup(struct job *j)
{
    size_t at = j->room->n;
    buf_put(j->room, j->r->call.switch_id);
    buf_u8(j->room, 0);
    buf_put(j->room, j->r->call.leg_id);
    j->r->dedup = span_from(buf_span(j->room), at);
    return buf_ok(j->room) ? OK : ERR_LIMIT;
}

/* A text that is no address (a host name, a list) is kept as it came, under its own name (I1). */
static void set_member(struct job *j, size_t i)
{
    void *member = (uint8_t *)&j->r->call + MEMBERS[i].member;
    MEMBERS[i].set(j->place[i], member);
    if (MEMBERS[i].set == set_ip && ip_absent(*(const struct ip *)member))
        record_extra(j->r, 0, KNOWN[i].name, j->place[i]);
}

static enum err assemble(struct job *j, struct diag *d)
{
    struct call *c = &j->r->call;
    c->feed_kind = FEED_FREESWITCH_JSON;
    for (size_t i = 0; i < MEMBERS_COUNT; i++)
        if (j->place[i].n)
            set_member(j, i);
    if (c->leg_id.n == 0 || c->leg_id.n > CALL_TEXT_BYTES_MAX)
        return diag_set(d, ERR_SYNTAX, "variables.uuid", 0);
    if (c->switch_id.n > CALL_TEXT_BYTES_MAX)
        return diag_set(d, ERR_SYNTAX, "core-uuid", 0);
    if (c->t_start == 0)
        return diag_set(d, ERR_SYNTAX, "variables.start_uepoch", 0);
    set_leg(j, c);
    set_outcome(c);
    set_parties(c);
    if (j->log.n)
        record_extra(j->r, 0, span_str("app_log"), buf_span(&j->log));
    return set_dedup(j) == OK ? OK : diag_set(d, ERR_LIMIT, "room for the key of the record", 0);
}

enum err cdr_freeswitch(struct span json, struct buf *room, struct record *out, struct diag *d)
{
    enum { LOG_BYTES_MAX = 1024 };
    struct job j = {.room = room, .r = out};
    uint8_t *log = buf_room(room, LOG_BYTES_MAX);
    if (!log)
        return diag_set(d, ERR_LIMIT, "room for decoded values", 0);
    j.log = buf_of(log, LOG_BYTES_MAX);
    record_reset(out);
    enum err e = json_open(&j.json, json, JSON_OBJECT, d);
    if (e == OK)
        e = walk(&j, GROUP_TOP, d);
    if (e == OK)
        e = json_close(&j.json, d);
    return e == OK ? assemble(&j, d) : e;
}

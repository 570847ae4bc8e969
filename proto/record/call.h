/* call.h - the canonical call record: what every feed is turned into (call.def has the
 * fields, with classes and meanings). Spans point into the frame or arena that the maker
 * of the record names; a record is valid as long as that is. */
#ifndef CPNI_RECORD_CALL_H
#define CPNI_RECORD_CALL_H

#include "proto/core/diag.h"
#include "proto/core/limits.h"
#include "proto/core/span.h"

enum call_type_of_field {
    CALL_U8,
    CALL_U16,
    CALL_U32,
    CALL_U64,
    CALL_TS,
    CALL_MS,
    CALL_STR,
    CALL_IP,
    CALL_ENUM
};

struct ip {
    uint8_t b[16]; /* all zero = absent */
};

/* Members, one a row of call.def. */
#define CALL_MEMBER_U8(name)   uint8_t name;
#define CALL_MEMBER_U16(name)  uint16_t name;
#define CALL_MEMBER_U32(name)  uint32_t name;
#define CALL_MEMBER_U64(name)  uint64_t name;
#define CALL_MEMBER_TS(name)   int64_t name;
#define CALL_MEMBER_MS(name)   uint32_t name;
#define CALL_MEMBER_STR(name)  struct span name;
#define CALL_MEMBER_IP(name)   struct ip name;
#define CALL_MEMBER_ENUM(name) uint8_t name;

struct call {
#define CALL_FIELD(tag, name, type, letter, meaning) CALL_MEMBER_##type(name)
#include "proto/record/call.def"
#undef CALL_FIELD
};

/* Enums with their names in listings: NAME(code, text). 0 is always unknown/absent. */
/* clang-format off */
#define FEED_KINDS(X)                     \
    X(HEP, "hep")                         \
    X(ASTERISK_CSV, "asterisk_csv")       \
    X(FREESWITCH_JSON, "freeswitch_json") \
    X(MAPPED, "mapped")
#define REC_TYPES(X) X(FINAL, "final") X(ATTEMPT, "attempt") X(INCOMPLETE, "incomplete")
#define DIRECTIONS(X)                   \
    X(ORIGINATING, "originating")       \
    X(TERMINATING, "terminating")       \
    X(INTERNAL, "internal")             \
    X(TRANSIT, "transit")
#define DISPOSITIONS(X)                 \
    X(ANSWERED, "answered")             \
    X(NO_ANSWER, "no-answer")           \
    X(BUSY, "busy")                     \
    X(CANCELLED, "cancelled")           \
    X(FAILED, "failed")                 \
    X(REJECTED, "rejected")             \
    X(CONGESTION, "congestion")         \
    X(TIMEOUT, "unknown-timeout")
#define RELEASE_SIDES(X) X(CALLER, "caller") X(CALLEE, "callee") X(NETWORK, "network")
#define TRANSPORTS(X)                   \
    X(UDP, "udp")                       \
    X(TCP, "tcp")                       \
    X(TLS, "tls")                       \
    X(WS, "ws")                         \
    X(WSS, "wss")                       \
    X(SCTP, "sctp")
#define MEDIA_KINDS(X)                  \
    X(AUDIO, "audio")                   \
    X(VIDEO, "video")                   \
    X(IMAGE, "image")                   \
    X(TEXT, "text")                     \
    X(APPLICATION, "application")
#define ATTESTS(X)  X(A, "A") X(B, "B") X(C, "C")
#define VERSTATS(X) X(PASSED, "passed") X(FAILED, "failed") X(NONE, "no-validation")
#define CALL_TYPES(X)                   \
    X(EMERGENCY, "emergency")           \
    X(CRISIS, "crisis")                 \
    X(N11, "n11")                       \
    X(OPERATOR, "operator")             \
    X(DIRECTORY, "directory")           \
    X(TOLLFREE, "tollfree")             \
    X(PREMIUM, "premium")               \
    X(PERSONAL, "personal")             \
    X(NATIONAL, "national")             \
    X(INTERNATIONAL, "international")   \
    X(INTERNAL, "internal")             \
    X(SHORTCODE, "shortcode")           \
    X(FEATURE, "feature")
#define JURISDICTIONS(X)                \
    X(INTRASTATE, "intrastate")         \
    X(INTERSTATE, "interstate")         \
    X(INTERNATIONAL, "international")
#define JURIS_BASES(X)                  \
    X(GEO, "geo")                       \
    X(LRN, "lrn")                       \
    X(NPANXX, "npanxx")                 \
    X(NPA, "npa")                       \
    X(FACTOR, "factor")
#define DEST_CLASSES(X)                 \
    X(NANP_US, "nanp-us")               \
    X(NANP_CA, "nanp-ca")               \
    X(NANP_OTHER, "nanp-other")         \
    X(WORLD, "world")                   \
    X(SATELLITE, "satellite")           \
    X(NETWORK, "network")               \
    X(TOLLFREE, "tollfree")
#define RATE_BANDS(X) X(FLAT, "flat") X(PEAK, "peak") X(OFFPEAK, "offpeak")
#define SERVICES(X)   X(VOICE, "voice") X(VIDEO, "video") X(FAX, "fax") X(MESSAGE, "message")

#define CALL_ENUM_LIST(LIST)                     \
    LIST(feed_kind, FEED, FEED_KINDS)            \
    LIST(rec_type, REC, REC_TYPES)               \
    LIST(direction, DIRECTION, DIRECTIONS)       \
    LIST(disposition, DISPOSITION, DISPOSITIONS) \
    LIST(release_side, RELEASE, RELEASE_SIDES)   \
    LIST(transport, TRANSPORT, TRANSPORTS)       \
    LIST(media_kind, MEDIA, MEDIA_KINDS)         \
    LIST(stir_attest, ATTEST, ATTESTS)           \
    LIST(stir_verstat, VERSTAT, VERSTATS)        \
    LIST(call_type, CALL_TYPE, CALL_TYPES)       \
    LIST(juris, JURIS, JURISDICTIONS)            \
    LIST(juris_basis, JURIS_BASIS, JURIS_BASES)  \
    LIST(dest_class, DEST, DEST_CLASSES)         \
    LIST(rate_band, RATE, RATE_BANDS)            \
    LIST(svc_type, SERVICE, SERVICES)
/* clang-format on */

#define FEED_CODE(c, t) FEED_##c,
enum feed_kind { FEED_UNKNOWN, FEED_KINDS(FEED_CODE) FEED_KIND_COUNT };
#define REC_CODE(c, t) REC_##c,
enum rec_type { REC_UNKNOWN, REC_TYPES(REC_CODE) REC_TYPE_COUNT };
#define DIRECTION_CODE(c, t) DIRECTION_##c,
enum direction { DIRECTION_UNKNOWN, DIRECTIONS(DIRECTION_CODE) DIRECTION_COUNT };
#define DISPOSITION_CODE(c, t) DISPOSITION_##c,
enum disposition { DISPOSITION_UNKNOWN, DISPOSITIONS(DISPOSITION_CODE) DISPOSITION_COUNT };
#define RELEASE_CODE(c, t) RELEASE_##c,
enum release_side { RELEASE_UNKNOWN, RELEASE_SIDES(RELEASE_CODE) RELEASE_COUNT };
#define TRANSPORT_CODE(c, t) TRANSPORT_##c,
enum transport { TRANSPORT_UNKNOWN, TRANSPORTS(TRANSPORT_CODE) TRANSPORT_COUNT };
#define MEDIA_CODE(c, t) MEDIA_##c,
enum media_kind { MEDIA_UNKNOWN, MEDIA_KINDS(MEDIA_CODE) MEDIA_COUNT };
#define ATTEST_CODE(c, t) ATTEST_##c,
enum stir_attest { ATTEST_UNKNOWN, ATTESTS(ATTEST_CODE) ATTEST_COUNT };
#define VERSTAT_CODE(c, t) VERSTAT_##c,
enum stir_verstat { VERSTAT_UNKNOWN, VERSTATS(VERSTAT_CODE) VERSTAT_COUNT };
#define CALL_TYPE_CODE(c, t) CALL_TYPE_##c,
enum call_type { CALL_TYPE_UNKNOWN, CALL_TYPES(CALL_TYPE_CODE) CALL_TYPE_COUNT };
#define JURIS_CODE(c, t) JURIS_##c,
enum juris { JURIS_UNKNOWN, JURISDICTIONS(JURIS_CODE) JURIS_COUNT };
#define JURIS_BASIS_CODE(c, t) JURIS_BASIS_##c,
enum juris_basis { JURIS_BASIS_UNKNOWN, JURIS_BASES(JURIS_BASIS_CODE) JURIS_BASIS_COUNT };
#define DEST_CODE(c, t) DEST_##c,
enum dest_class { DEST_UNKNOWN, DEST_CLASSES(DEST_CODE) DEST_COUNT };
#define RATE_CODE(c, t) RATE_##c,
enum rate_band { RATE_UNKNOWN, RATE_BANDS(RATE_CODE) RATE_COUNT };
#define SERVICE_CODE(c, t) SERVICE_##c,
enum svc_type { SERVICE_UNKNOWN, SERVICES(SERVICE_CODE) SERVICE_COUNT };

enum time_quality { /* bits of time_quality */
                    TIME_ZONE_ASSUMED = 1,
                    TIME_DST_AMBIGUOUS = 2,
                    TIME_UNSYNCHRONISED = 4,
                    TIME_DERIVED = 8,
                    TIME_SECONDS_ONLY = 16,
                    TIME_OF_RECEIPT = 32
};
enum call_flags {                          /* bits of flags */
                  CALL_INCOMPLETE = 1,     /* an instant is missing: never billed by guess */
                  CALL_FORK = 2,           /* one of several 2xx of one INVITE */
                  CALL_CLOCK_SUSPECT = 4,  /* instants out of order */
                  CALL_TRUNCATED = 8,      /* a field was cut at FIELD_BYTES_MAX */
                  CALL_EXTRAS_LOST = 16,   /* more extras than fit */
                  CALL_CAUSE_DERIVED = 32, /* q850 mapped from the SIP status, RFC 3398 */
                  CALL_RESTORED = 64, /* its dialog lived through a restart of the ingest role */
                  CALL_HINT_UNTRUSTED = 128
};
enum privacy {
    PRIVACY_ID = 1,
    PRIVACY_HEADER = 2,
    PRIVACY_USER = 4,
    PRIVACY_SESSION = 8,
    PRIVACY_CRITICAL = 16,
    PRIVACY_NONE = 32,
    PRIVACY_FULL = 64
};

/* One row of call.def, for loops: encode, decode, print, classify. */
struct call_field {
    uint8_t tag;
    uint8_t type;    /* enum call_type_of_field */
    char letter;     /* K S T L U X */
    uint16_t offset; /* in struct call */
    const char *name, *meaning;
};
extern const struct call_field CALL_FIELDS[];
extern const size_t CALL_FIELDS_COUNT;
const struct call_field *call_field_by_tag(unsigned tag); /* NULL: unknown */

/* Name of an ENUM field's value; "unknown" for 0 or a value out of range. */
const char *call_enum_name(const struct call_field *f, unsigned value);

/* A field of the input beyond the canonical ones: sealed, never output in usage. */
struct extra {
    uint16_t field;   /* row of classify/fields.def; FIELD_UNKNOWN = rule zero */
    struct span name; /* as the sender wrote it; empty when the row says it */
    struct span value;
};

struct record {
    struct call call;
    struct span dedup; /* the feed's own key of this record (feeds.md, "dedup key") */
    struct span saved; /* a dialog's: key of the checkpoint that ends with it; else empty */
    size_t extras_count;
    struct extra extra[EXTRAS_MAX];
};

/* Sets *r to an empty record without touching the unused extras. */
void record_reset(struct record *r);
/* Adds one; cuts at FIELD_BYTES_MAX (CALL_TRUNCATED), drops when full (CALL_EXTRAS_LOST). */
void record_extra(struct record *r, uint16_t field, struct span name, struct span value);

/* Makes the record fit RECORD_BYTES_MAX when encoded: cuts texts at CALL_TEXT_BYTES_MAX
 * (CALL_TRUNCATED) and leaves out the last extras over EXTRAS_BYTES_MAX (CALL_EXTRAS_LOST),
 * so that no sender can make a record too large to keep. */
void record_bound(struct record *r);

/* Computes dur_*, pdd, answered from the instants; sets CALL_CLOCK_SUSPECT and leaves the
 * duration 0 when they are out of order, CALL_INCOMPLETE when answered without an end. */
void call_durations(struct call *c);

struct ip ip_v4(const uint8_t b[4]);
struct ip ip_v6(const uint8_t b[16]);
static inline bool ip_absent(struct ip a)
{
    uint64_t half[2];
    _Static_assert(sizeof half == sizeof a.b, "all of it");
    memcpy(half, a.b, sizeof half);
    return (half[0] | half[1]) == 0;
}
/* "192.0.2.1" or "2001:db8::1", with NUL. */
enum { IP_TEXT_BYTES = 46 };
void ip_format(struct ip a, char out[static IP_TEXT_BYTES]);
/* Dotted or colon form, without port or brackets. ERR_SYNTAX. */
MUST_CHECK enum err ip_parse(struct span text, struct ip *out);

#endif

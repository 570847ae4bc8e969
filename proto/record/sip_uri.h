/* sip_uri.h - URIs, name-addr values and parameters as they stand in SIP headers.
 *
 * A zero-copy reading: every span points into the text that was given. Nothing is
 * unescaped here; libosip2 judges the same text in sip_grammar.h, and what the two read
 * differently is refused there. RFC 3261 19.1, 20.10, 25.1; RFC 3966 (tel). */
#ifndef CPNI_RECORD_SIP_URI_H
#define CPNI_RECORD_SIP_URI_H

#include "proto/core/span.h"

struct sip_uri {
    struct span text;   /* all of it, headers included */
    struct span scheme; /* "sip", "sips", "tel", "urn"..., as sent */
    struct span user;   /* or the number of a tel URI; without password and parameters */
    struct span
        user_params;     /* RFC 3261 19.1.6, RFC 4694: "npdi;rn=+1303..." inside the user part */
    struct span host;    /* with the brackets of an IPv6 literal */
    struct span params;  /* behind the first ';' of the URI proper */
    struct span headers; /* behind '?' */
    uint16_t port;       /* 0 = none */
};

/* "Display" <uri>;params, or uri;params where the parameters belong to the header
 * (RFC 3261 20.10: without angle brackets). */
struct sip_addr {
    struct span display; /* without its quotes, escapes as sent */
    struct sip_uri uri;
    struct span params; /* of the header, behind its first ';' */
};

/* ERR_SYNTAX. A scheme is required; sip and sips want a host, tel a number. */
MUST_CHECK enum err sip_uri_parse(struct span text, struct sip_uri *out);
MUST_CHECK enum err sip_addr_parse(struct span text, struct sip_addr *out);

/* The value of `name` in "a=1;b;c=x": true when the parameter is there, the value empty
 * when it has none. Quotes are taken off. Names are case-insensitive. */
bool sip_param(struct span params, const char *name, struct span *value);

/* As sip_param, in the user part, then in the URI: RFC 4694 puts rn and npdi in the user
 * part of a SIP URI, but senders put them behind the host as well. */
bool sip_uri_param(const struct sip_uri *u, const char *name, struct span *value);

/* The next element of a comma-separated header: commas inside quotes or angle brackets do
 * not separate. False at the end. Empty elements are skipped. */
bool sip_list_next(struct span *rest, struct span *element);

#endif

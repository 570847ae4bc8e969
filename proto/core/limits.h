/* limits.h - every limit of the program, with its unit and its reason. */
#ifndef CPNI_CORE_LIMITS_H
#define CPNI_CORE_LIMITS_H

enum {
    /* feeds.md 1.1: the HEP3 length field is 16 bits. */
    HEP_FRAME_BYTES_MAX = 65535,
    /* A gzip bomb is one datagram: what a frame may inflate to (feeds.md 1.4). */
    INFLATED_BYTES_MAX = 128 * 1024,
    /* The largest SIP message that HEP can carry; also the TCP framing window. */
    SIP_MESSAGE_BYTES_MAX = 65535,
    /* RFC 3261 sets none; 4 times what the largest seen message carries (about 60). */
    SIP_HEADERS_MAX = 256,
    /* A CDR line or JSON document over HTTP (feeds.md 8). */
    HTTP_BODY_BYTES_MAX = 4 * 1024 * 1024,
    /* Asterisk discards lines over 1023 bytes itself; NDJSON lines may be 1 MiB. */
    LINE_BYTES_MAX = 1024 * 1024,
    CSV_COLUMNS_MAX = 256,
    /* One field as sealed; a longer one is cut and flagged. */
    FIELD_BYTES_MAX = 4096,
    /* A canonical text of a record; what is longer is no number, name or id. */
    CALL_TEXT_BYTES_MAX = 512,
    /* Fields beyond the canonical ones that a record keeps (headers, variables): a FreeSWITCH
     * document of the shipped dialplan has about 130 that map to nothing. */
    EXTRAS_MAX = 192,
    EXTRAS_BYTES_MAX = 20 * 1024,
    /* One record as it crosses to the vault, all fields. */
    RECORD_BYTES_MAX = 48 * 1024,
    /* One frame between processes, its head included: a datagram of a Unix seqpacket socket,
     * several of which fit the default socket buffer; the largest record fits one. */
    WIRE_FRAME_BYTES_MAX = 64 * 1024,
    /* A frame holds about 200; eight batches of this are what one write of the store takes. */
    BATCH_RECORDS_MAX = 4096,
    /* Batches a client may have unanswered: what is re-sent after the vault restarts. */
    BATCHES_IN_FLIGHT_MAX = 32,
    /* A SIP dialog in memory, its spans included; a larger call loses extras, counted. */
    DIALOG_BYTES_MAX = 8 * 1024,
    DIALOGS_MAX_DEFAULT = 1000000,
    CUSTOMER_ID_BYTES_MAX = 64,
    FEED_NAME_BYTES_MAX = 32,
    FEEDS_MAX = 64,
    CURSOR_BYTES_MAX = 128,
    CASE_TEXT_BYTES_MAX = 256,
};

#endif

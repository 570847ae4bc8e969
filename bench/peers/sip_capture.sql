-- The columns that Kamailio's sipcapture writes, indexed by what people search a capture for.
CREATE TABLE sip_capture (
    id bigserial PRIMARY KEY,
    date timestamp NOT NULL,
    micro_ts bigint NOT NULL,
    method text, reply_reason text,
    ruri text, ruri_user text, ruri_domain text,
    from_user text, from_domain text, from_tag text,
    to_user text, to_domain text, to_tag text,
    pid_user text, contact_user text, auth_user text,
    callid text, callid_aleg text,
    via_1 text, via_1_branch text,
    cseq text, diversion text, reason text, content_type text, auth text, user_agent text,
    source_ip text, source_port integer,
    destination_ip text, destination_port integer,
    contact_ip text, contact_port integer,
    originator_ip text, originator_port integer,
    correlation_id text, custom_field1 text, custom_field2 text, custom_field3 text,
    proto integer, family integer, rtp_stat text, type integer, node text,
    msg bytea
);
CREATE INDEX ON sip_capture (date);
CREATE INDEX ON sip_capture (callid);
CREATE INDEX ON sip_capture (from_user);
CREATE INDEX ON sip_capture (to_user);

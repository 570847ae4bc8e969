#include "bench/generate.h"

#include <stdio.h>

#include "bench/put.h"
#include "proto/core/instant.h"

/* Variables that a shipped dialplan sets on every call and that no field comes from: they are
 * classified one by one, as real ones would be. */
static const char VARIABLES[] =
    "\"channel_name\":\"sofia/internal/bench%40pbx.example\",\"sip_local_sdp_str\":\"v%3D0\","
    "\"video_media_flow\":\"disabled\",\"audio_media_flow\":\"sendrecv\","
    "\"text_media_flow\":\"disabled\",\"rtp_use_codec_string\":\"PCMU%2CPCMA\","
    "\"remote_video_media_flow\":\"inactive\",\"remote_text_media_flow\":\"inactive\","
    "\"remote_audio_media_flow\":\"sendrecv\",\"rtp_audio_recv_pt\":\"0\","
    "\"rtp_use_codec_name\":\"PCMU\",\"rtp_use_codec_rate\":\"8000\","
    "\"rtp_use_codec_ptime\":\"20\",\"rtp_use_codec_channels\":\"1\","
    "\"rtp_last_audio_codec_string\":\"PCMU%408000h%4020i%401c\","
    "\"sip_2833_send_payload\":\"101\",\"sip_2833_recv_payload\":\"101\","
    "\"remote_media_port\":\"12044\",\"local_media_port\":\"21550\","
    "\"rtp_use_timer_name\":\"soft\",\"rtp_use_pt\":\"0\",\"rtp_use_ssrc\":\"1831097322\","
    "\"rtp_2833_send_payload\":\"101\",\"rtp_2833_recv_payload\":\"101\","
    "\"endpoint_disposition\":\"ANSWER\",\"current_application\":\"bridge\","
    "\"max_forwards\":\"70\",\"call_timeout\":\"60\",\"hangup_after_bridge\":\"true\","
    "\"continue_on_fail\":\"true\",\"ignore_early_media\":\"true\",\"export_vars\":\"domain_name\","
    "\"domain_name\":\"pbx.example\",\"user_context\":\"default\",\"toll_allow\":\"domestic\","
    "\"sip_authorized\":\"true\",\"sip_acl_authed_by\":\"domains\",\"sip_via_rport\":\"5060\","
    "\"sip_recover_via\":\"SIP/2.0/UDP%20192.0.2.10\",\"sip_looped_call\":\"true\","
    "\"rtp_audio_in_raw_bytes\":\"572604\",\"rtp_audio_in_media_bytes\":\"572604\","
    "\"rtp_audio_in_packet_count\":\"3329\",\"rtp_audio_in_media_packet_count\":\"3329\","
    "\"rtp_audio_in_skip_packet_count\":\"14\",\"rtp_audio_in_jitter_packet_count\":\"0\","
    "\"rtp_audio_in_dtmf_packet_count\":\"0\",\"rtp_audio_in_cng_packet_count\":\"0\","
    "\"rtp_audio_in_flush_packet_count\":\"0\",\"rtp_audio_in_largest_jb_size\":\"0\","
    "\"rtp_audio_in_jitter_min_variance\":\"0.00\",\"rtp_audio_in_jitter_max_variance\":\"3.57\","
    "\"rtp_audio_in_jitter_loss_rate\":\"0.00\",\"rtp_audio_in_jitter_burst_rate\":\"0.00\","
    "\"rtp_audio_in_mean_interval\":\"20.00\",\"rtp_audio_in_flaw_total\":\"0\","
    "\"rtp_audio_in_quality_percentage\":\"100.00\",\"rtp_audio_in_mos\":\"4.50\","
    "\"rtp_audio_out_raw_bytes\":\"573120\",\"rtp_audio_out_media_bytes\":\"573120\","
    "\"rtp_audio_out_packet_count\":\"3332\",\"rtp_audio_out_media_packet_count\":\"3332\","
    "\"rtp_audio_out_skip_packet_count\":\"0\",\"rtp_audio_out_dtmf_packet_count\":\"0\","
    "\"rtp_audio_out_cng_packet_count\":\"0\",\"rtp_audio_rtcp_packet_count\":\"12\","
    "\"rtp_audio_rtcp_octet_count\":\"86400\",\"session_id\":\"1\",\"hold_accum_seconds\":\"0\","
    "\"hold_accum_usec\":\"0\",\"hold_accum_ms\":\"0\",\"progresssec\":\"2\",\"answersec\":\"4\","
    "\"waitsec\":\"4\",\"progress_mediasec\":\"0\",\"flow_billsec\":\"94\","
    "\"progressmsec\":\"1877\",\"answermsec\":\"4127\",\"waitmsec\":\"4127\","
    "\"progress_mediamsec\":\"0\",\"flow_billmsec\":\"94626\",\"bridge_channel\":"
    "\"sofia/external/bench\",\"signal_bond\":\"5e000000-0000-4000-8000-ffffffffffff\","
    "\"last_sent_callee_id_name\":\"Outbound%20Call\",\"originated_legs\":\"ARRAY%3A%3Abench\","
    "\"switch_m_sdp\":\"v%3D0%0D%0Ao%3D-%201%201%20IN%20IP4%20192.0.2.25%0D%0As%3D-%0D%0A\","
    "\"rtp_remote_sdp_str\":\"v%3D0%0D%0Ao%3D-%201%201%20IN%20IP4%20192.0.2.15%0D%0As%3D-\","
    "\"last_app\":\"bridge\",\"last_arg\":\"sofia/gateway/"
    "carrier\",\"write_rate\":\"8000\",\"read_rate\":\"8000\"";

static const struct {
    const char *cause;
    unsigned q850, status;
    const char *release;
} END[OUTCOME_COUNT] = {
    [OUTCOME_ANSWERED] = {"NORMAL_CLEARING", 16, 200, "recv_bye"},
    [OUTCOME_CANCELLED] = {"ORIGINATOR_CANCEL", 0, 487, "recv_cancel"},
    [OUTCOME_NO_ANSWER] = {"NO_ANSWER", 19, 480, "send_refuse"},
    [OUTCOME_BUSY] = {"USER_BUSY", 17, 486, "send_refuse"},
    [OUTCOME_FAILED] = {"NORMAL_TEMPORARY_FAILURE", 41, 503, "send_refuse"},
};

/* mod_json_cdr encodes a blank, '+', '@' and ':' in the values of variables; '/' it leaves. */
static void put_encoded_stamp(struct buf *b, const char *name, int64_t us)
{
    struct civil c = instant_civil(us);
    put_format(b, ",\"%s_stamp\":\"%04d-%02d-%02d%%20%02d%%3A%02d%%3A%02d\"", name, c.year, c.month,
               c.day, c.hour, c.minute, c.second);
}

static void put_instant(struct buf *b, const char *name, int64_t us)
{
    if (us)
        put_encoded_stamp(b, name, us);
    put_format(b, ",\"%s_epoch\":\"%lld\",\"%s_uepoch\":\"%lld\"", name, (long long)(us / US_PER_S),
               name, (long long)us);
}

static void put_times(const struct bench_call *c, struct buf *b)
{
    long long total_us = c->end_us - c->start_us;
    long long bill_us = c->answer_us ? c->end_us - c->answer_us : 0;
    put_instant(b, "start", c->start_us);
    put_instant(b, "progress", c->ring_us);
    put_instant(b, "answer", c->answer_us);
    put_instant(b, "end", c->end_us);
    put_format(b,
               ",\"duration\":\"%lld\",\"billsec\":\"%lld\",\"mduration\":\"%lld\","
               "\"billmsec\":\"%lld\",\"uduration\":\"%lld\",\"billusec\":\"%lld\"",
               total_us / US_PER_S, bill_us / US_PER_S, total_us / US_PER_MS, bill_us / US_PER_MS,
               total_us, bill_us);
}

static void put_who(const struct bench_call *c, const char *uuid, struct buf *b)
{
    char code[POPULATION_ID_BYTES], domain[POPULATION_ID_BYTES];
    population_code(c->caller, code);
    population_domain(c->caller, domain);
    put_format(b,
               "\"direction\":\"inbound\",\"uuid\":\"%s\",\"call_uuid\":\"%s\","
               "\"accountcode\":\"%s\",\"sip_call_id\":\"%llx%%40%s\",\"sip_from_user\":\"%%2B%s\","
               "\"sip_from_host\":\"%s\",\"sip_from_tag\":\"a%llx\",\"sip_to_tag\":\"b%llx\",",
               uuid, uuid, code, (unsigned long long)c->index, domain, c->from + 1, domain,
               (unsigned long long)c->index, (unsigned long long)c->index);
    put_format(b,
               "\"sip_req_user\":\"%%2B%s\",\"sip_req_host\":\"carrier.example\","
               "\"sip_to_user\":\"%%2B%s\",\"sip_to_host\":\"carrier.example\","
               "\"sip_network_ip\":\"192.0.2.10\",\"sip_network_port\":\"5060\","
               "\"sip_user_agent\":\"bench-pbx%%201.0\",\"caller_id_number\":\"%%2B%s\","
               "\"caller_id_name\":\"Extension%%20%u\",\"read_codec\":\"PCMU\","
               "\"write_codec\":\"PCMU\",",
               c->to + 1, c->to + 1, c->from + 1, (unsigned)(c->caller % 1000));
}

static void put_flow(const struct bench_call *c, const char *uuid, struct buf *b)
{
    put_format(
        b,
        "\"app_log\":{\"applications\":[{\"app_name\":\"set\",\"app_data\":\"call_timeout=60\","
        "\"app_stamp\":\"%lld\"},{\"app_name\":\"bridge\",\"app_data\":"
        "\"sofia/gateway/carrier/%s\",\"app_stamp\":\"%lld\"}]},",
        (long long)c->start_us, c->to, (long long)c->start_us);
    put_format(b,
               "\"callflow\":[{\"dialplan\":\"XML\",\"profile_index\":\"1\",\"caller_profile\":{"
               "\"username\":\"%s\",\"dialplan\":\"XML\",\"caller_id_name\":\"Extension %u\","
               "\"ani\":\"%s\",\"aniii\":\"\",\"caller_id_number\":\"%s\","
               "\"network_addr\":\"192.0.2.10\",\"rdnis\":\"\",\"destination_number\":\"%s\","
               "\"uuid\":\"%s\",\"source\":\"mod_sofia\",\"context\":\"default\","
               "\"chan_name\":\"sofia/internal/%s@pbx.example\"},",
               c->from, (unsigned)(c->caller % 1000), c->from, c->from, c->to, uuid, c->from);
    put_format(
        b,
        "\"times\":{\"created_time\":\"%lld\",\"profile_created_time\":\"%lld\","
        "\"progress_time\":\"%lld\",\"progress_media_time\":\"0\",\"answered_time\":\"%lld\","
        "\"bridged_time\":\"%lld\",\"last_hold_time\":\"0\",\"hold_accum_time\":\"0\","
        "\"hangup_time\":\"%lld\",\"resurrect_time\":\"0\",\"transfer_time\":\"0\"}}]}",
        (long long)c->start_us, (long long)c->start_us, (long long)c->ring_us,
        (long long)c->answer_us, (long long)c->answer_us, (long long)c->end_us);
}

void generate_json(const struct bench_call *c, struct buf *b)
{
    char uuid[40];
    snprintf(uuid, sizeof uuid, "5e000000-0000-4000-8000-%012llx",
             (unsigned long long)c->index & 0xffffffffffff);
    put_format(b, "{\"core-uuid\":\"0c1c2f30-5555-4000-8000-000000000001\",\"switchname\":"
                  "\"fs-bench\",\"channel_data\":{\"state\":\"CS_REPORTING\",\"direction\":"
                  "\"inbound\",\"state_number\":\"11\",\"flags\":\"0=1;1=1;3=1;20=1\",\"caps\":"
                  "\"1=1;2=1;3=1\"},\"callStats\":{\"audio\":{\"inbound\":{\"raw_bytes\":572604,"
                  "\"packet_count\":3329,\"mos\":4.5}}},\"variables\":{");
    put_who(c, uuid, b);
    buf_str(b, VARIABLES);
    put_times(c, b);
    put_format(b,
               ",\"hangup_cause\":\"%s\",\"hangup_cause_q850\":\"%u\",\"sip_term_status\":\"%u\","
               "\"sip_hangup_disposition\":\"%s\"},",
               END[c->outcome].cause, END[c->outcome].q850, END[c->outcome].status,
               END[c->outcome].release);
    put_flow(c, uuid, b);
}

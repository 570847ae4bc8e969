/* dialog_stories.h - one story a transition of feeds.md 12.1 and a race of 12.3, and the records
 * it must give: dialog_test.c tells them, dialog_save_test.c interrupts them everywhere. */
#ifndef CPNI_TEST_DIALOG_STORIES_H
#define CPNI_TEST_DIALOG_STORIES_H

#include "dialog_story.h"

static const struct {
    const char *name, *story, *records;
} STORIES[] = {
    {"answered, ended by the caller",
     "0 INVITE\n10 100\n20 180 to=b\n500 200 to=b\n510 ACK to=b br=a2\n"
     "9000 BYE to=b cs=2 br=a3\n9010 200 of=BYE to=b cs=2 br=a3",
     "final answered 200 16d caller 0/20/500/9000 bill=8500\n"},
    {"ended by the callee",
     "0 INVITE\n20 180 to=b\n500 200 to=b\n510 ACK to=b\n"
     "7000 BYE by=callee to=b cs=9 br=b1\n7010 200 of=BYE by=callee to=b cs=9 br=b1",
     "final answered 200 16d callee 0/20/500/7000 bill=6500\n"},
    {"the ACK is not needed for the answer",
     "0 INVITE\n500 200 to=b\n9000 BYE to=b cs=2\n9010 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/500/9000 bill=8500\n"},
    {"100 alone is no progress", "0 INVITE\n10 100\n600 486 to=b",
     "attempt busy 486 17d callee 0/-/-/600 bill=0\n"},
    {"Reason names the cause",
     "0 INVITE\n500 200 to=b\n"
     "900 BYE to=b cs=2 h=Reason:SIP;cause=200,Q.850;cause=31;text=\"x,y\"\n901 200 of=BYE to=b "
     "cs=2",
     "final answered 200 31 caller 0/-/500/900 bill=400\n"},
    {"a network's Reason names the side, RFC 8606",
     "0 INVITE\n500 200 to=b\n"
     "900 BYE to=b cs=2 h=Reason:Q.850;cause=38;location=LN\n901 200 of=BYE to=b cs=2",
     "final answered 200 38 network 0/-/500/900 bill=400\n"},
    {"401, then credentials: one call",
     "0 INVITE\n5 401 to=p\n6 ACK to=p\n20 INVITE cs=2 br=a2\n50 180 cs=2 br=a2 to=b\n"
     "90 200 cs=2 br=a2 to=b\n500 BYE to=b cs=3\n501 200 of=BYE to=b cs=3",
     "final answered 200 16d caller 0/50/90/500 bill=410 auth=1\n"},
    {"the 407 was lost", "0 INVITE\n20 INVITE cs=2 br=a2\n90 486 cs=2 br=a2 to=b",
     "attempt busy 486 17d callee 0/-/-/90 bill=0\n"},
    {"401, and no second try", "0 INVITE\n5 401 to=p\n6 401 to=p\n20000 tick\n200000 tick",
     "attempt rejected 401 21d network 0/-/-/5 bill=0 auth=1\n"},
    {"422 with a longer session, RFC 4028",
     "0 INVITE\n5 422 to=p\n9 INVITE cs=2 br=a2\n50 200 cs=2 br=a2 to=b\n"
     "60 BYE to=b cs=3\n61 200 of=BYE to=b cs=3",
     "final answered 200 16d caller 0/-/50/60 bill=10\n"},
    {"302, then the new target: redirected once",
     "0 INVITE\n5 302 to=p\n9 INVITE cs=2 br=a2\n50 200 cs=2 br=a2 to=b\n"
     "60 BYE to=b cs=3\n61 200 of=BYE to=b cs=3",
     "final answered 200 16d caller 0/-/50/60 bill=10 redirect=1\n"},
    {"302, and nobody follows it", "0 INVITE\n5 302 to=p\n200000 tick",
     "attempt failed 302 0 network 0/-/-/5 bill=0\n"},
    {"cancelled: the end is the CANCEL",
     "0 INVITE\n20 180 to=b\n700 CANCEL\n701 200 of=CANCEL to=b\n705 487 to=b\n706 ACK to=b",
     "attempt cancelled 487 16d caller 0/20/-/700 bill=0\n"},
    {"487 without the CANCEL", "0 INVITE\n20 180 to=b\n705 487 to=b",
     "attempt cancelled 487 16d caller 0/20/-/705 bill=0\n"},
    {"CANCEL, and the 487 was lost", "0 INVITE\n20 180 to=b\n700 CANCEL\n30000 tick\n34000 tick",
     "attempt cancelled 0 16d caller 0/20/-/700 bill=0\n"},
    {"CANCEL crossed by busy: it was cancelled first",
     "0 INVITE\n20 180 to=b\n700 CANCEL\n701 486 to=b",
     "attempt cancelled 486 16d caller 0/20/-/700 bill=0\n"},
    {"CANCEL crossed by 200: the answer wins",
     "0 INVITE\n20 180 to=b\n700 CANCEL\n701 200 to=b\n702 ACK to=b\n"
     "710 BYE to=b cs=2\n711 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/20/701/710 bill=9\n"},
    {"no response at all: Timer B", "0 INVITE\n500 INVITE\n1500 INVITE\n33000 tick\n36000 tick",
     "attempt unknown-timeout 0 0 network 0/-/-/- bill=0\n"},
    {"rings on and on: Timer C counts from the last 18x",
     "0 INVITE\n20 180 to=b\n100000 180 to=b\n200000 tick\n284000 tick\n286000 tick",
     "attempt unknown-timeout 0 0 network 0/20/-/- bill=0\n"},
    {"answered just before Timer B",
     "0 INVITE\n33000 tick\n33500 200 to=b\n34000 BYE to=b cs=2\n34001 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/33500/34000 bill=500\n"},
    {"answered just before Timer C, which counts from the last 18x",
     "0 INVITE\n20 180 to=b\n100000 180 to=b\n200000 tick\n284000 tick\n284500 200 to=b\n"
     "285000 BYE to=b cs=2\n285001 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/20/284500/285000 bill=500\n"},
    {"somebody types a password for three minutes",
     "0 INVITE\n5 407 to=p\n100000 tick\n170000 tick\n170001 INVITE cs=2 br=a2\n"
     "170050 486 cs=2 br=a2 to=b",
     "attempt busy 486 17d callee 0/-/-/170050 bill=0 auth=1\n"},
    {"silent for less than its session",
     "0 INVITE\n500 200 to=b h=Session-Expires:40000\n43300000 tick\n59000000 tick\n"
     "59000500 BYE to=b cs=2\n59000501 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/500/59000500 bill=59000000\n"},
    {"failures, and retransmissions of them",
     "0 INVITE\n5 404 to=b\n6 404 to=b\n7 ACK to=b\n500 404 to=b",
     "attempt failed 404 1d network 0/-/-/5 bill=0\n"},
    {"2xx behind a 408 that was given out is late, not a call",
     "0 INVITE\n20 180 to=b\n31000 408 to=p\n31500 200 to=b br=p1",
     "attempt no-answer 408 102d network 0/20/-/31000 bill=0\n"},
    {"retransmitted 200: the first is the answer",
     "0 INVITE\n500 200 to=b\n1000 200 to=b\n2000 200 to=b\n9000 BYE to=b cs=2\n"
     "9500 BYE to=b cs=2\n9510 200 of=BYE to=b cs=2\n9511 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/500/9000 bill=8500\n"},
    {"BYE without response: Timer F",
     "0 INVITE\n500 200 to=b\n9000 BYE to=b cs=2\n40000 tick\n42000 tick",
     "final answered 200 16d caller 0/-/500/9000 bill=8500\n"},
    {"a challenged BYE: the first try is the end",
     "0 INVITE\n500 200 to=b\n9000 BYE to=b cs=2\n9001 401 of=BYE to=b cs=2\n"
     "9100 BYE to=b cs=3\n9101 200 of=BYE to=b cs=3",
     "final answered 200 16d caller 0/-/500/9000 bill=8500\n"},
    {"the BYE was lost: incomplete, no duration",
     "0 INVITE\n500 200 to=b\n510 ACK to=b\n43100000 tick\n43300000 tick",
     "incomplete answered 200 0 network 0/-/500/- bill=0 I\n"},
    {"a re-INVITE shows that the call lives",
     "0 INVITE\n500 200 to=b\n40000000 INVITE to=b cs=2 br=a2\n40000010 200 to=b cs=2 br=a2\n"
     "43300000 tick\n83000000 BYE to=b cs=3\n83000001 200 of=BYE to=b cs=3",
     "final answered 200 16d caller 0/-/500/83000000 bill=82999500\n"},
    {"a session longer than our patience, RFC 4028: 1.5 times",
     "0 INVITE\n500 200 to=b h=Session-Expires:40000;refresher=uas\n43300000 tick\n59000000 tick\n"
     "61000000 tick",
     "incomplete answered 200 0 network 0/-/500/- bill=0 I\n"},
    {"the 200 was lost and the BYE seen",
     "0 INVITE\n20 180 to=b\n9000 BYE to=b cs=2\n9010 200 of=BYE to=b cs=2",
     "incomplete answered 0 16d caller 0/20/-/9000 bill=0 I\n"},
    {"BYE in the early dialog is answered by 487, RFC 3261 15.1.2",
     "0 INVITE\n20 180 to=b\n900 BYE to=b cs=2 br=a2\n905 487 to=b\n910 200 of=BYE to=b cs=2 br=a2",
     "attempt cancelled 487 16d caller 0/20/-/900 bill=0\n"},
    {"the proxy ends both sides at once",
     "0 INVITE\n500 200 to=b\n9000 BYE to=b cs=2 br=p8\n9003 BYE by=callee to=b cs=2 br=p9\n"
     "9010 200 of=BYE to=b cs=2 br=p8\n9011 200 of=BYE by=callee to=b cs=2 br=p9",
     "final answered 200 16d network 0/-/500/9000 bill=8500\n"},
    {"both hang up, not at once",
     "0 INVITE\n500 200 to=b\n9000 BYE to=b cs=2\n9500 BYE by=callee to=b cs=2\n"
     "9510 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/500/9000 bill=8500\n"},
    {"two targets answer: two records",
     "0 INVITE\n20 180 to=b\n30 180 to=c\n500 200 to=b\n520 200 to=c\n"
     "600 BYE to=c cs=2 br=a2\n601 200 of=BYE to=c cs=2 br=a2\n"
     "9000 BYE to=b cs=3 br=a3\n9001 200 of=BYE to=b cs=3 br=a3",
     "final answered 200 16d caller 0/20/520/600 bill=80 F\n"
     "final answered 200 16d caller 0/20/500/9000 bill=8500 F\n"},
    {"the legs of a fork hang up in the other order",
     "0 INVITE\n500 200 to=b\n520 200 to=c\n521 200 to=b\n522 200 to=c\n"
     "600 BYE by=callee to=b cs=2 br=a2\n601 200 of=BYE by=callee to=b cs=2 br=a2\n"
     "9000 BYE by=callee to=c cs=3 br=a3\n9001 200 of=BYE by=callee to=c cs=3 br=a3",
     "final answered 200 16d callee 0/-/500/600 bill=100 F\n"
     "final answered 200 16d callee 0/-/520/9000 bill=8480 F\n"},
    {"several early dialogs, one answer: one record",
     "0 INVITE\n20 180 to=b\n30 180 to=c\n500 200 to=c\n"
     "9000 BYE to=c cs=3\n9001 200 of=BYE to=c cs=3",
     "final answered 200 16d caller 0/20/500/9000 bill=8500\n"},
    {"in and out of a proxy: one call",
     "0 INVITE\n1 INVITE br=p1\n2 100\n20 180 to=b br=p1\n21 180 to=b\n500 200 to=b br=p1\n"
     "501 200 to=b\n510 ACK to=b\n511 ACK to=b br=p2\n9000 BYE to=b cs=2\n9001 BYE to=b cs=2 "
     "br=p3\n"
     "9010 200 of=BYE to=b cs=2 br=p3\n9011 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/20/500/9000 bill=8500\n"},
    {"the proxy tries a second target after a busy one",
     "0 INVITE\n1 INVITE br=p1\n2 100\n20 486 to=b br=p1\n21 ACK to=b br=p1\n22 INVITE br=p2\n"
     "30 180 to=c br=p2\n31 180 to=c\n500 200 to=c br=p2\n501 200 to=c\n"
     "9000 BYE to=c cs=2\n9001 200 of=BYE to=c cs=2",
     "final answered 200 16d caller 0/30/500/9000 bill=8500\n"},
    {"the proxy gives up on a target: its CANCEL is not the caller's",
     "0 INVITE\n1 INVITE br=p1\n20 180 to=b br=p1\n21 180 to=b\n30000 CANCEL br=p1\n"
     "30001 487 to=b br=p1\n30002 408 to=p\n30003 ACK to=p",
     "attempt no-answer 408 102d network 0/20/-/30002 bill=0\n"},
    {"the answer of the proxy was lost: what the target said counts",
     "0 INVITE\n1 INVITE br=p1\n20 180 to=b br=p1\n900 603 to=b br=p1\n190000 tick",
     "attempt rejected 603 21d unknown 0/20/-/- bill=0\n"},
    {"two hooks see each message: instants of the agent that saw the INVITE",
     "0 INVITE\n2 INVITE agent=2\n20 180 to=b\n23 180 to=b agent=2\n498 200 to=b agent=2\n"
     "500 200 to=b\n8999 BYE to=b cs=2 agent=2\n9000 BYE to=b cs=2\n9010 200 of=BYE to=b cs=2\n"
     "9011 200 of=BYE to=b cs=2 agent=2",
     "final answered 200 16d caller 0/20/500/9000 bill=8500\n"},
    {"an instant that only another agent saw is suspect",
     "0 INVITE\n498 200 to=b agent=2\n9000 BYE to=b cs=2\n9010 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/498/9000 bill=8502 C\n"},
    {"the BYE was captured before the 200",
     "0 INVITE\n20 180 to=b\n501 BYE to=b cs=2\n500 200 to=b\n502 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/20/500/501 bill=1\n"},
    {"clocks run backwards: no duration, and it says so",
     "0 INVITE\n900 200 to=b\n500 BYE to=b cs=2\n502 200 of=BYE to=b cs=2",
     "final answered 200 16d caller 0/-/900/500 bill=0 C\n"},
    {"on hold by re-INVITE and back",
     "0 INVITE\n500 200 to=b\n1000 INVITE to=b cs=2 sdp=sendonly br=a2\n1010 200 to=b cs=2 br=a2\n"
     "3000 INVITE to=b cs=3 sdp=sendrecv br=a3\n3010 200 to=b cs=3 br=a3\n"
     "9000 BYE to=b cs=4\n9001 200 of=BYE to=b cs=4",
     "final answered 200 16d caller 0/-/500/9000 bill=8500 hold=2000\n"},
    {"both sides hold, by UPDATE as well; the call ends on hold",
     "0 INVITE\n500 200 to=b\n1000 UPDATE to=b cs=2 sdp=inactive br=a2\n"
     "1000 200 of=UPDATE to=b cs=2 br=a2\n1500 INVITE by=callee to=b cs=7 sdp=sendonly br=b2\n"
     "1500 200 by=callee to=b cs=7 br=b2\n2000 INVITE to=b cs=3 sdp=sendrecv br=a3\n"
     "2000 200 to=b cs=3 br=a3\n9000 BYE to=b cs=4\n9001 200 of=BYE to=b cs=4",
     "final answered 200 16d caller 0/-/500/9000 bill=8500 hold=8000\n"},
    {"a refused re-INVITE changes nothing",
     "0 INVITE\n500 200 to=b\n1000 INVITE to=b cs=2 sdp=sendonly br=a2\n1010 491 to=b cs=2 br=a2\n"
     "9000 BYE to=b cs=4\n9001 200 of=BYE to=b cs=4",
     "final answered 200 16d caller 0/-/500/9000 bill=8500\n"},
    {"the same Call-ID again after the end: another call",
     "0 INVITE\n5 486 to=b\n1000 INVITE cs=2 br=a2\n1005 603 to=b cs=2 br=a2",
     "attempt busy 486 17d callee 0/-/-/5 bill=0\nattempt rejected 603 21d callee 1000/-/-/1005 "
     "bill=0\n"},
    {"nothing left behind: a late INVITE and BYE of a call that is over",
     "0 INVITE\n500 200 to=b\n900 BYE to=b cs=2\n901 200 of=BYE to=b cs=2\n902 INVITE\n"
     "903 BYE to=b cs=2\n904 200 to=b\n90000 tick",
     "final answered 200 16d caller 0/-/500/900 bill=400\n"},
    {"one Call-ID, two callers: two calls",
     "0 INVITE from=x\n1 INVITE from=y br=y1\n5 486 from=x to=b\n6 603 from=y to=b br=y1",
     "attempt busy 486 17d callee 0/-/-/5 bill=0\nattempt rejected 603 21d callee 1/-/-/6 "
     "bill=0\n"},
    {"the capture ends",
     "0 INVITE id=a\n1 INVITE id=b\n2 INVITE id=c\n3 200 id=b to=b\n4 401 id=c to=p\n9 finish",
     "incomplete unknown 0 0 unknown 0/-/-/- bill=0 I\n"
     "attempt rejected 401 21d network 2/-/-/4 bill=0 auth=1\n"
     "incomplete answered 200 0 unknown 1/-/3/- bill=0 I\n"},
    {"not about calls, or about calls never seen",
     "0 REGISTER\n1 200 of=REGISTER to=b\n2 BYE to=b cs=2\n3 200 to=b\n4 INVITE to=b cs=5\n5 ACK\n"
     "6 OPTIONS\n90000000 tick",
     ""},
};

#endif

// SPDX-License-Identifier: GPL-2.0
/* The arrival of a segment in SYN_SENT: RFC 9293 section 3.10.7.3. */
#include <errno.h>
#include "kselftest_harness.h"
#include "peer.h"

FIXTURE(syn_sent) {
	struct peer peer;
};

FIXTURE_VARIANT(syn_sent) {
	u64 seq;
};

FIXTURE_VARIANT_ADD(syn_sent, wrap_32) {
	.seq = UNIT_BEFORE_32,
};

FIXTURE_VARIANT_ADD(syn_sent, wrap_64) {
	.seq = UNIT_BEFORE_64,
};

FIXTURE_SETUP(syn_sent)
{
	peer_init(&self->peer, variant->seq, variant->seq - 7);
}

FIXTURE_TEARDOWN(syn_sent)
{
	peer_destroy(&self->peer);
	UNIT_NO_LEAK();
}

TEST_PEER(syn_sent, ack__of_a_stranger)
{
	static const int wrong[] = { -1, 0, 2, 1000 };
	unsigned int i;

	peer_connect(p);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		peer_send(p, FLAGS_SA, 0, 0, wrong[i]);
		EXPECT_EQ(TETHER_DROP_ACK, p->seg.drop);
		EXPECT_STATE(SYN_SENT);
		EXPECT_FRAME(TETHER_RST, wrong[i], 0, 0);
		EXPECT_SILENCE();
	}
}

TEST_PEER(syn_sent, rst__of_a_stranger)
{
	peer_connect(p);
	peer_send(p, FLAGS_RA, 0, 0, 2);
	EXPECT_EQ(TETHER_DROP_ACK, p->seg.drop);
	peer_send(p, TETHER_RST, 1, 0, 0);
	EXPECT_EQ(TETHER_DROP_RST, p->seg.drop);
	EXPECT_STATE(SYN_SENT);
	EXPECT_SILENCE();
}

TEST_PEER(syn_sent, text__alone)
{
	peer_connect(p);
	peer_send(p, FLAGS_A, 1, 100, 1);
	EXPECT_EQ(TETHER_DROP_STATE, p->seg.drop);
	EXPECT_STATE(SYN_SENT);
	EXPECT_SILENCE();
}

/* The reason in the RST decides the errno. */
TEST_PEER(syn_sent, refused__reasons)
{
	static const struct {
		enum tether_reason reason;
		int err;
	} table[] = {
		{ TETHER_REASON_NO_LISTENER, ECONNREFUSED },
		{ TETHER_REASON_LISTENER_CLOSED, ECONNREFUSED },
		{ TETHER_REASON_VERSION, EPROTONOSUPPORT },
		{ TETHER_REASON_OPTION, EPROTO },
	};
	struct tether_segment rst;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		peer_init(p, p->iss, p->irs);
		peer_connect(p);
		ASSERT_TRUE(tether_wire_reset(&rst, &p->frame.seg,
					      table[i].reason));
		rst = (struct tether_segment){
			.version = TETHER_VERSION,
			.flags = FLAGS_RA,
			.reason = table[i].reason,
			.ack = p->iss + 1,
		};
		p->did = tether_conn_segment(&p->conn, &p->conn.path, &rst,
					     NULL, p->now);
		EXPECT_DID(TETHER_DID_RESET | TETHER_DID_ERROR |
			   TETHER_DID_CLOSE);
		EXPECT_EQ(table[i].err, p->conn.err);
		EXPECT_EQ(table[i].reason, p->conn.reason);
		EXPECT_STATE(CLOSED);
		EXPECT_SILENCE();
		EXPECT_EQ(0, tether_conn_deadline(&p->conn));
	}
}

/* Section 2.5 of protocol.rst: words 0 to 2 are all that is known of it. */
TEST_PEER(syn_sent, refused__by_another_version)
{
	struct tether_segment seg = {
		.version = TETHER_VERSION + 1,
		.type = TETHER_TYPE_STREAM,
		.flags = TETHER_RST,
		.reason = TETHER_REASON_ABORTED,
	};

	peer_connect(p);
	tether_conn_segment(&p->conn, &p->conn.path, &seg, NULL, p->now);
	EXPECT_EQ(TETHER_DROP_VERSION, seg.drop);
	EXPECT_STATE(SYN_SENT);
	seg.drop = TETHER_DROP_NONE;
	seg.reason = TETHER_REASON_VERSION;
	p->did = tether_conn_segment(&p->conn, &p->conn.path, &seg, NULL,
				     p->now);
	EXPECT_DID(TETHER_DID_RESET | TETHER_DID_CLOSE);
	EXPECT_EQ(TETHER_DROP_NONE, seg.drop);
	EXPECT_EQ(EPROTONOSUPPORT, p->conn.err);
}

TEST_HARNESS_MAIN

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection under test and its scripted peer.
 *
 * Sequence numbers in scripts count from the initial one: 0 is the SYN, 1 the
 * first byte. Bytes are those of unit_byte() at these numbers. Time is a
 * field that the script moves.
 */
#ifndef _PEER_H
#define _PEER_H

#include "conn.h"
#include "half.h"
#include "unit.h"

#define PEER_MSS	1000
#define PEER_WINDOW	64000
#define PEER_RTT	100
#define PEER_RTO	10000ULL /* cfg.rto_min: the RTT is far below it */
#define PEER_LIMIT	1048576
#define PEER_MSEC	1000ULL
#define PEER_SEC	1000000ULL

struct peer {
	struct tether_conn	conn;
	struct tether_config	cfg;
	struct tether_segment	seg;	/* the last segment delivered */
	struct tether_frame	frame;	/* the last frame pulled */
	u64			now;
	u64			iss;	/* of the connection */
	u64			irs;	/* of the peer */
	u64			written;
	u32			did;	/* of the last call */
	u32			ts;	/* timestamp of the last frame pulled */
	u32			window;	/* what the peer advertises */
	u16			mss;	/* what its SYN says */
};

void peer_init(struct peer *peer, u64 iss, u64 irs);
void peer_destroy(struct peer *peer);
void peer_connect(struct peer *peer);
void peer_establish(struct peer *peer);
void peer_accept(struct peer *peer);
u32 peer_send(struct peer *peer, u8 flags, u64 seq, u32 len, u64 ack);
bool peer_pull(struct peer *peer);
unsigned int peer_pull_all(struct peer *peer);
u32 peer_write(struct peer *peer, u32 len);
u32 peer_read(struct peer *peer, u32 len);
u32 peer_timer(struct peer *peer);
u32 peer_after(struct peer *peer, u64 delay);
bool peer_payload_is(const struct peer *peer);

#define FLAGS_S		TETHER_SYN
#define FLAGS_A		TETHER_ACK
#define FLAGS_SA	(TETHER_SYN | TETHER_ACK)
#define FLAGS_FA	(TETHER_FIN | TETHER_ACK)
#define FLAGS_RA	(TETHER_RST | TETHER_ACK)
#define FLAGS_PA	(TETHER_PSH | TETHER_ACK)
#define FLAGS_FPA	(TETHER_FIN | FLAGS_PA)

/* A test of a fixture that has a struct peer called peer: it is p. */
#define TEST_PEER(fixture, test)					\
	static void peer_##fixture##_##test(struct __test_metadata *_metadata,	\
				     struct peer *p);			\
	TEST_F(fixture, test)						\
	{								\
		peer_##fixture##_##test(_metadata, &self->peer);		\
	}								\
	static void peer_##fixture##_##test(struct __test_metadata *_metadata,	\
				     struct peer *p)

/* The next frame has these flags, whatever PSH and MORE say, and numbers. */
#define EXPECT_FRAME(want, at, bytes, acks) do {			\
	u8 _want = (want);						\
									\
	ASSERT_TRUE(peer_pull(p)) TH_LOG("nothing to send");		\
	EXPECT_EQ(_want, p->frame.seg.flags &				\
		  ~(TETHER_PSH | TETHER_MORE));				\
	EXPECT_EQ((u64)(at), p->frame.seg.seq - p->iss);		\
	EXPECT_EQ((bytes), p->frame.seg.len);				\
	if (_want & TETHER_ACK)						\
		EXPECT_EQ((u64)(acks), p->frame.seg.ack - p->irs);	\
	EXPECT_TRUE(peer_payload_is(p));				\
} while (0)

#define EXPECT_SILENCE() do {						\
	bool _sends = peer_pull(p);					\
									\
	EXPECT_FALSE(_sends)						\
		TH_LOG("flags %x seq +%llu len %u", p->frame.seg.flags,	\
		       p->frame.seg.seq - p->iss, p->frame.seg.len);	\
} while (0)

#define EXPECT_STATE(want)						\
	EXPECT_STREQ(#want, tether_state_name(p->conn.state))

#define EXPECT_DID(bits) do {						\
	u32 _bits = (bits);						\
									\
	EXPECT_EQ(_bits, p->did & _bits);				\
} while (0)

#define EXPECT_DID_NOT(bits)	EXPECT_EQ(0, p->did & (bits))

#endif /* _PEER_H */

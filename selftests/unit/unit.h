/* SPDX-License-Identifier: GPL-2.0 */
/* What all unit tests share: byte patterns and the leak check. */
#ifndef _UNIT_H
#define _UNIT_H

#include <linux/skbuff.h>
#include <linux/types.h>

/* Initial numbers that wrap around 32 and 64 bits within a few bytes. */
#define UNIT_BEFORE_32	(0x100000000ULL - 5)
#define UNIT_BEFORE_64	(U64_MAX - 4)

#define UNIT_NO_LEAK()	EXPECT_EQ(0, shim_skb_live)

/* Byte number @at of a stream. */
static inline u8 unit_byte(u64 at)
{
	return at * 7 + (at >> 8);
}

/* A buffer with bytes @at to @at + @len of a stream, and @room behind. */
static inline struct sk_buff *unit_skb(u64 at, u32 len, u32 room)
{
	struct sk_buff *skb = alloc_skb(len + room, GFP_KERNEL);
	u8 *p = skb_put(skb, len);
	u32 i;

	for (i = 0; i < len; i++)
		p[i] = unit_byte(at + i);
	return skb;
}

/* Does @data hold the bytes from @at on? */
static inline bool unit_is(const u8 *data, u64 at, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (data[i] != unit_byte(at + i))
			return false;
	return true;
}

#endif /* _UNIT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that one source serves. What exists is
 * asked of the headers: by the type of a function, or by a TETHER_HAVE_* that
 * the Kbuild file finds in the text of a header. A version number would lie:
 * distributions backport.
 */
#ifndef _TETHER_COMPAT_H
#define _TETHER_COMPAT_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#ifdef TETHER_HAVE_SKBUFF_REF_H
#include <linux/skbuff_ref.h>
#endif
#ifdef TETHER_HAVE_GSO_H
#include <net/gso.h>
#endif

/* proc_handler's first argument became const. */
#define TETHER_CTL_CONST						\
	(!__builtin_types_compatible_p(typeof(proc_dointvec),		\
				       int (struct ctl_table *, int,	\
					    void *, size_t *, loff_t *)))
#define tether_ctl_table						\
	typeof(*__builtin_choose_expr(TETHER_CTL_CONST,			\
				      (const struct ctl_table *)NULL,	\
				      (struct ctl_table *)NULL))

/* The number of entries became an argument, an empty last one an error. */
static inline struct ctl_table_header *
tether_register_sysctl(struct net *net, const char *path,
		       struct ctl_table *table, size_t count)
{
#ifdef register_net_sysctl
	return register_net_sysctl_sz(net, path, table, count);
#else
	return register_net_sysctl(net, path, table);
#endif
}

/* Frames that are not IPv6 got a limit of their own, by IPv4's name. */
static inline unsigned int tether_gso_max_size(const struct net_device *dev)
{
#ifdef TETHER_HAVE_GSO_IPV4_MAX_SIZE
	return READ_ONCE(dev->gso_ipv4_max_size);
#else
	return READ_ONCE(dev->gso_max_size);
#endif
}

/*
 * proto_ops.accept: the flags moved into a struct. TETHER_ACCEPT_OP(fn) makes
 * fn##_op() of int fn(struct socket *, struct socket *, int flags).
 */
#ifdef TETHER_HAVE_PROTO_ACCEPT_ARG
#define TETHER_ACCEPT_OP(fn)						\
	static int fn##_op(struct socket *sock, struct socket *newsock,	\
			   struct proto_accept_arg *arg)		\
	{								\
		return fn(sock, newsock, arg->flags);			\
	}
#else
#define TETHER_ACCEPT_OP(fn)						\
	static int fn##_op(struct socket *sock, struct socket *newsock,	\
			   int flags, bool kern)			\
	{								\
		return fn(sock, newsock, flags);			\
	}
#endif

/*
 * Flags of sendmsg() that the kernel itself sets: "more follows" of a splice,
 * and what may be ignored: pages that may be taken over, and batches.
 */
#ifdef MSG_SENDPAGE_NOTLAST
#define TETHER_MSG_MORE		MSG_SENDPAGE_NOTLAST
#else
#define TETHER_MSG_MORE		0
#endif
#ifdef MSG_SPLICE_PAGES
#define TETHER_MSG_INTERNAL	(MSG_BATCH | MSG_SPLICE_PAGES)
#else
#define TETHER_MSG_INTERNAL	MSG_BATCH
#endif

#endif /* _TETHER_COMPAT_H */

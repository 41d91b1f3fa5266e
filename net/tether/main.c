// SPDX-License-Identifier: GPL-2.0
/*
 * Load and unload: the address family takes the number it was given.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/if_ether.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/tether.h>

static unsigned int family = 18;
module_param(family, uint, 0444);
MODULE_PARM_DESC(family, "number of the address family (default 18)");

static unsigned int ethertype = 0x88b5;
module_param(ethertype, uint, 0444);
MODULE_PARM_DESC(ethertype, "Ethernet type of the frames (default 0x88b5)");

static int tether_create(struct net *net, struct socket *sock, int protocol,
			 int kern)
{
	return -ESOCKTNOSUPPORT;
}

static struct net_proto_family tether_family = {
	.create = tether_create,
	.owner = THIS_MODULE,
};

static int __init tether_init(void)
{
	int err;

	if (family == AF_UNSPEC || family >= AF_MAX) {
		pr_err("family=%u is out of range, choose 1 to %d\n", family,
		       AF_MAX - 1);
		return -EINVAL;
	}
	if (ethertype < ETH_P_802_3_MIN || ethertype > U16_MAX) {
		pr_err("ethertype=%#x is out of range, choose %#x to %#x\n",
		       ethertype, ETH_P_802_3_MIN, U16_MAX);
		return -EINVAL;
	}

	tether_family.family = family;
	err = sock_register(&tether_family);
	if (err) {
		pr_err("family=%u is taken by another protocol, choose another\n",
		       family);
		return err;
	}
	pr_info("family %u, ethertype %#x\n", family, ethertype);
	return 0;
}

static void __exit tether_exit(void)
{
	sock_unregister(family);
}

module_init(tether_init);
module_exit(tether_exit);
MODULE_DESCRIPTION("Sockets over Ethernet");
MODULE_LICENSE("GPL");

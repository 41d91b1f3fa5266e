// SPDX-License-Identifier: GPL-2.0
/*
 * Load and unload.
 *
 * What others need comes first, and last what lets frames and programs in:
 * the packet handler and the address family. Unloading is the mirror. Open
 * sockets, orphans among them, hold the module; TIME_WAIT does not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include "tether.h"

unsigned int tether_family __read_mostly = AF_TETHER;
module_param_named(family, tether_family, uint, 0444);
MODULE_PARM_DESC(family, "number of the address family (default 18)");

unsigned int tether_ethertype __read_mostly = ETH_P_TETHER;
module_param_named(ethertype, tether_ethertype, uint, 0444);
MODULE_PARM_DESC(ethertype, "Ethernet type of the frames (default 0x88b5)");

unsigned int tether_net_id __read_mostly;

/* Pages that all stream sockets may queue: low, pressure, high. */
long tether_mem[3] __read_mostly;
atomic_long_t tether_memory_allocated;
unsigned long tether_memory_pressure;
struct percpu_counter tether_sockets_allocated;
DEFINE_PER_CPU(int, tether_memory_per_cpu_fw_alloc);

/* What the ABI and the wire promise. */
static void __init check_layout(void)
{
	BUILD_BUG_ON(sizeof(struct sockaddr_tether) != 16);
	BUILD_BUG_ON(offsetof(struct sockaddr_tether, sth_port) != 2);
	BUILD_BUG_ON(offsetof(struct sockaddr_tether, sth_ifindex) != 4);
	BUILD_BUG_ON(offsetof(struct sockaddr_tether, sth_addr) != 8);
	BUILD_BUG_ON(TETHER_ADDR_LEN != ETH_ALEN);
	BUILD_BUG_ON(sizeof(struct tether_wire) != TETHER_LONG_LEN);
	BUILD_BUG_ON(offsetof(struct tether_wire, check) !=
		     TETHER_CSUM_START + TETHER_CSUM_OFFSET);
	BUILD_BUG_ON(offsetof(struct tether_wire, window) != TETHER_SHORT_LEN);
	BUILD_BUG_ON(TETHER_REASON_MAX > U8_MAX);
	/* Programs and the kernel read the states as TCP's. */
	BUILD_BUG_ON((int)TETHER_ESTABLISHED != TCP_ESTABLISHED);
	BUILD_BUG_ON((int)TETHER_SYN_SENT != TCP_SYN_SENT);
	BUILD_BUG_ON((int)TETHER_SYN_RECEIVED != TCP_SYN_RECV);
	BUILD_BUG_ON((int)TETHER_FIN_WAIT1 != TCP_FIN_WAIT1);
	BUILD_BUG_ON((int)TETHER_FIN_WAIT2 != TCP_FIN_WAIT2);
	BUILD_BUG_ON((int)TETHER_TIME_WAIT != TCP_TIME_WAIT);
	BUILD_BUG_ON((int)TETHER_CLOSED != TCP_CLOSE);
	BUILD_BUG_ON((int)TETHER_CLOSE_WAIT != TCP_CLOSE_WAIT);
	BUILD_BUG_ON((int)TETHER_LAST_ACK != TCP_LAST_ACK);
	BUILD_BUG_ON((int)TETHER_LISTEN != TCP_LISTEN);
	BUILD_BUG_ON((int)TETHER_CLOSING != TCP_CLOSING);
}

static int __init check_parameters(void)
{
	if (tether_family == AF_UNSPEC || tether_family >= AF_MAX) {
		pr_err("family=%u is out of range, choose 1 to %d\n",
		       tether_family, AF_MAX - 1);
		return -EINVAL;
	}
	if (tether_ethertype < ETH_P_802_3_MIN || tether_ethertype > U16_MAX) {
		pr_err("ethertype=%#x is out of range, choose %#x to %#x\n",
		       tether_ethertype, ETH_P_802_3_MIN, U16_MAX);
		return -EINVAL;
	}
	return 0;
}

static int __net_init net_start(struct net *net)
{
	struct tether_net *tn = tether_net(net);
	int err = -ENOMEM;

	tn->net = net;
	tn->stats = alloc_percpu(struct tether_stats);
	if (!tn->stats)
		return err;
	tether_reply_net_init(net);
	err = tether_sysctl_init(net);
	if (err)
		goto free_stats;
	err = tether_proc_init(net);
	if (err)
		goto exit_sysctl;
	return 0;

exit_sysctl:
	tether_sysctl_exit(net);
free_stats:
	free_percpu(tn->stats);
	return err;
}

/* Sockets hold their namespace, so that there are none; devices have gone. */
static void __net_exit net_stop(struct net *net)
{
	tether_timewait_purge(net, 0);
	tether_proc_exit(net);
	tether_sysctl_exit(net);
	tether_reply_net_exit(net);
	free_percpu(tether_net(net)->stats);
}

static struct pernet_operations net_ops = {
	.init	= net_start,
	.exit	= net_stop,
	.id	= &tether_net_id,
	.size	= sizeof(struct tether_net),
};

/* As net.ipv4.tcp_mem: 5, 6 and 9 per cent of the memory. */
static void __init set_memory_limits(void)
{
	unsigned long limit = max(nr_free_buffer_pages() / 16, 128UL);

	tether_mem[0] = limit / 4 * 3;
	tether_mem[1] = limit;
	tether_mem[2] = tether_mem[0] * 2;
}

static int __init start_tables(void)
{
	int err;

	err = percpu_counter_init(&tether_sockets_allocated, 0, GFP_KERNEL);
	if (err)
		return err;
	err = tether_table_init();
	if (err)
		goto destroy_counter;
	err = tether_timewait_init();
	if (err)
		goto exit_table;
	err = tether_listen_init();
	if (err)
		goto exit_timewait;
	tether_pull_init();
	return 0;

exit_timewait:
	tether_timewait_exit();
exit_table:
	tether_table_exit();
destroy_counter:
	percpu_counter_destroy(&tether_sockets_allocated);
	return err;
}

static void stop_tables(void)
{
	tether_pull_exit();
	tether_listen_exit();
	tether_timewait_exit();
	tether_table_exit();
	percpu_counter_destroy(&tether_sockets_allocated);
}

static int __init start_protos(void)
{
	int err;

	err = proto_register(&tether_stream_prot, 1);
	if (err)
		return err;
	err = proto_register(&tether_dgram_prot, 1);
	if (err)
		proto_unregister(&tether_stream_prot);
	return err;
}

static void stop_protos(void)
{
	proto_unregister(&tether_dgram_prot);
	proto_unregister(&tether_stream_prot);
}

static int __init start_family(void)
{
	int err;

	tether_family_ops.family = tether_family;
	err = sock_register(&tether_family_ops);
	if (err)
		pr_err("family=%u is taken by another protocol, choose another\n",
		       tether_family);
	return err;
}

static int __init tether_init(void)
{
	int err;

	check_layout();
	err = check_parameters();
	if (err)
		return err;
	set_memory_limits();
	err = start_tables();
	if (err)
		return err;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto stop_tables;
	err = start_protos();
	if (err)
		goto unregister_net;
	tether_reply_init();
	tether_offload_init();
	err = tether_device_init();
	if (err)
		goto exit_offload;
	err = start_family();
	if (err)
		goto exit_device;
	pr_info("family %u, ethertype %#x\n", tether_family, tether_ethertype);
	return 0;

exit_device:
	tether_device_exit();
exit_offload:
	tether_offload_exit();
	tether_reply_exit();
	stop_protos();
unregister_net:
	unregister_pernet_subsys(&net_ops);
stop_tables:
	rcu_barrier();
	stop_tables();
	return err;
}

static void __exit tether_exit(void)
{
	sock_unregister(tether_family);
	tether_device_exit();
	tether_offload_exit();
	tether_reply_exit();
	unregister_pernet_subsys(&net_ops);
	/* Callbacks of call_rcu() and kfree_rcu() may still be to come. */
	rcu_barrier();
	stop_protos();
	stop_tables();
}

module_init(tether_init);
module_exit(tether_exit);
MODULE_DESCRIPTION("Tether: sockets over Ethernet");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* The sysctls net.tether.*, per namespace. */
#include <linux/sizes.h>
#include <linux/slab.h>
#include "tether.h"

static int min_buffer = 2048;
static int max_buffer = INT_MAX / 4;
static int max_port = U16_MAX;
static int max_entries = 1 << 20;
static unsigned int max_byte = U8_MAX;

/* Limits of times, in the unit of the sysctl. */
static unsigned int min_rto_us = 1000;
static unsigned int max_rto_us = 120 * USEC_PER_SEC;
static unsigned int max_ack_delay_us = 500000;
static unsigned int min_ms = 1;
static unsigned int max_ms = 3600 * MSEC_PER_SEC;
static unsigned int max_keep_ms = 32767 * MSEC_PER_SEC;

/* A time that is in microseconds inside and in milliseconds outside. */
static int do_msec(tether_ctl_table *table, int write, void *buffer,
		   size_t *lenp, loff_t *ppos)
{
	bool wide = table->maxlen == sizeof(u64);
	u64 usec = wide ? READ_ONCE(*(u64 *)table->data) :
			  READ_ONCE(*(u32 *)table->data);
	unsigned int msec = div_u64(usec, USEC_PER_MSEC);
	struct ctl_table copy = {
		.data = &msec,
		.maxlen = sizeof(msec),
		.mode = table->mode,
		.extra1 = table->extra1,
		.extra2 = table->extra2,
	};
	int err;

	err = proc_douintvec_minmax(&copy, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	if (wide)
		WRITE_ONCE(*(u64 *)table->data, (u64)msec * USEC_PER_MSEC);
	else
		WRITE_ONCE(*(u32 *)table->data, msec * USEC_PER_MSEC);
	return 0;
}

/* A pair of ascending numbers: the second is not below the first. */
static int do_range(tether_ctl_table *table, int write, void *buffer,
		    size_t *lenp, loff_t *ppos)
{
	int *range = table->data;
	int pair[2] = { READ_ONCE(range[0]), READ_ONCE(range[1]) };
	struct ctl_table copy = {
		.data = pair,
		.maxlen = sizeof(pair),
		.mode = table->mode,
		.extra1 = table->extra1,
		.extra2 = table->extra2,
	};
	int err;

	err = proc_dointvec_minmax(&copy, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	if (pair[0] > pair[1])
		return -EINVAL;
	WRITE_ONCE(range[0], pair[0]);
	WRITE_ONCE(range[1], pair[1]);
	return 0;
}

/* Groups are those of the user namespace that owns the network namespace. */
static int do_groups(tether_ctl_table *table, int write, void *buffer,
		     size_t *lenp, loff_t *ppos)
{
	struct tether_net *tn = container_of(table->data, struct tether_net,
					     group_range[0]);
	struct user_namespace *user_ns = tn->net->user_ns;
	unsigned long ids[2] = {
		from_kgid_munged(user_ns, tn->group_range[0]),
		from_kgid_munged(user_ns, tn->group_range[1]),
	};
	struct ctl_table copy = {
		.data = ids,
		.maxlen = sizeof(ids),
		.mode = table->mode,
	};
	kgid_t first, last;
	int err;

	err = proc_doulongvec_minmax(&copy, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	if (ids[0] > U32_MAX || ids[1] > U32_MAX)
		return -EINVAL;
	first = make_kgid(user_ns, ids[0]);
	last = make_kgid(user_ns, ids[1]);
	if (!gid_valid(first) || !gid_valid(last))
		return -EINVAL;
	if (gid_lt(last, first)) {
		/* An empty range: nobody. */
		first = make_kgid(&init_user_ns, 1);
		last = GLOBAL_ROOT_GID;
	}
	WRITE_ONCE(tn->group_range[0], first);
	WRITE_ONCE(tn->group_range[1], last);
	return 0;
}

static int set_devices(struct tether_net *tn, const char *names)
{
	struct tether_devices *devices = NULL, *old;

	if (strcmp(names, "*")) {
		devices = kzalloc(sizeof(*devices), GFP_KERNEL);
		if (!devices)
			return -ENOMEM;
		strscpy(devices->names, names, sizeof(devices->names));
	}
	old = unrcu_pointer(xchg(&tn->devices, RCU_INITIALIZER(devices)));
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/* Names between commas or white space; "*" for all, nothing for none. */
static int do_devices(tether_ctl_table *table, int write, void *buffer,
		      size_t *lenp, loff_t *ppos)
{
	const struct tether_devices *devices;
	struct tether_net *tn = container_of(table->data, struct tether_net,
					     devices);
	char names[TETHER_DEVICES_LEN] = "*";
	struct ctl_table copy = {
		.data = names,
		.maxlen = sizeof(names),
		.mode = table->mode,
	};
	int err;

	rcu_read_lock();
	devices = rcu_dereference(tn->devices);
	if (devices)
		strscpy(names, devices->names, sizeof(names));
	rcu_read_unlock();
	err = proc_dostring(&copy, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	return set_devices(tn, names);
}

/* Offsets into struct tether_net stand in for addresses until init. */
#define FIELD(name) ((void *)offsetof(struct tether_net, name))

#define ENTRY(sysctl, field, size, handler, least, most) {		\
	.procname	= sysctl,					\
	.data		= FIELD(field),					\
	.maxlen		= size,						\
	.mode		= 0644,						\
	.proc_handler	= handler,					\
	.extra1		= least,					\
	.extra2		= most,						\
}

#define MSEC(name, least, most) \
	ENTRY(#name "_ms", cfg.name, sizeof(u32), do_msec, least, most)

#define WIDE_MSEC(name, least, most) \
	ENTRY(#name "_ms", cfg.name, sizeof(u64), do_msec, least, most)

#define USEC(name, least, most) \
	ENTRY(#name "_us", cfg.name, sizeof(u32), proc_douintvec_minmax, \
	      least, most)

#define BYTE(name) \
	ENTRY(#name, cfg.name, sizeof(u8), proc_dou8vec_minmax, SYSCTL_ONE, \
	      &max_byte)

#define COUNT(name) \
	ENTRY(#name, name, sizeof(int), proc_dointvec_minmax, SYSCTL_ZERO, \
	      &max_entries)

static const struct ctl_table template[] = {
	ENTRY("group_range", group_range, 2 * sizeof(kgid_t), do_groups, NULL, NULL),
	ENTRY("devices", devices, TETHER_DEVICES_LEN, do_devices, NULL, NULL),
	ENTRY("echo_broadcast", echo_broadcast, sizeof(int),
	      proc_dointvec_minmax, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY("rmem_default", rmem_default, sizeof(int), proc_dointvec_minmax,
	      &min_buffer, &max_buffer),
	ENTRY("wmem_default", wmem_default, sizeof(int), proc_dointvec_minmax,
	      &min_buffer, &max_buffer),
	ENTRY("port_range", port_range, 2 * sizeof(int), do_range, SYSCTL_ONE,
	      &max_port),
	COUNT(max_half),
	COUNT(max_time_wait),
	COUNT(max_orphans),
	USEC(rto_init, &min_rto_us, &max_rto_us),
	USEC(rto_min, &min_rto_us, &max_rto_us),
	USEC(rto_max, &min_rto_us, &max_rto_us),
	USEC(ack_delay, NULL, &max_ack_delay_us),
	MSEC(time_wait, &min_ms, &max_ms),
	MSEC(orphan_timeout, &min_ms, &max_ms),
	WIDE_MSEC(keep_idle, &min_ms, &max_keep_ms),
	WIDE_MSEC(keep_interval, &min_ms, &max_keep_ms),
	BYTE(keep_probes),
	BYTE(syn_retries),
	BYTE(synack_retries),
	BYTE(retries),
};

/* Global like the memory it limits: namespaces but the first only read it. */
static const struct ctl_table mem_entry = {
	.procname	= "mem",
	.data		= tether_mem,
	.maxlen		= sizeof(tether_mem),
	.mode		= 0444,
	.proc_handler	= proc_doulongvec_minmax,
};

static void set_defaults(struct tether_net *tn)
{
	tn->cfg = (struct tether_config){
		.rto_init	= USEC_PER_SEC,
		.rto_min	= 20 * USEC_PER_MSEC,
		.rto_max	= 60 * USEC_PER_SEC,
		.ack_delay	= 5 * USEC_PER_MSEC,
		.tick		= USEC_PER_MSEC,
		.time_wait	= 2 * USEC_PER_SEC,
		.orphan_timeout	= 60 * USEC_PER_SEC,
		.keep_idle	= 7200ULL * USEC_PER_SEC,
		.keep_interval	= 75 * USEC_PER_SEC,
		.keep_probes	= 9,
		.syn_retries	= 6,
		.synack_retries	= 5,
		.retries	= 15,
	};
	tn->rmem_default = SZ_1M;
	tn->wmem_default = SZ_512K;
	tn->max_half = 4096;
	tn->max_time_wait = 65536;
	tn->max_orphans = 8192;
	tn->port_range[0] = 32768;
	tn->port_range[1] = 60999;
	tn->group_range[0] = GLOBAL_ROOT_GID;
	tn->group_range[1] = make_kgid(&init_user_ns, (gid_t)-2);
}

/**
 * tether_sysctl_init() - defaults and sysctls of a namespace
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int tether_sysctl_init(struct net *net)
{
	struct tether_net *tn = tether_net(net);
	size_t i, count = ARRAY_SIZE(template);
	struct ctl_table *table;

	set_defaults(tn);
	/* With room for the empty last entry that older kernels look for. */
	table = kcalloc(count + 2, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	memcpy(table, template, sizeof(template));
	for (i = 0; i < count; i++)
		table[i].data = (void *)tn + (unsigned long)table[i].data;
	table[count] = mem_entry;
	if (net_eq(net, &init_net))
		table[count].mode = 0644;

	tn->sysctl = tether_register_sysctl(net, "net/tether", table,
					    count + 1);
	if (!tn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	tn->sysctl_table = table;
	return 0;
}

/**
 * tether_sysctl_exit() - the reverse
 * @net: the namespace
 */
void tether_sysctl_exit(struct net *net)
{
	struct tether_net *tn = tether_net(net);

	unregister_net_sysctl_table(tn->sysctl);
	kfree(tn->sysctl_table);
	kfree(rcu_dereference_protected(tn->devices, true));
}

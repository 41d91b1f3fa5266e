// SPDX-License-Identifier: GPL-2.0
/*
 * A module with the faults that the virtual machine's verdict must not miss:
 * a word written to the parameter "plant" plants the fault of that name.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <net/net_namespace.h>

/* Longer than the limits that the canary suite sets for its machines. */
#define CANARY_STALL_MS		12000
#define CANARY_HANG_SECONDS	20

#define CANARY_BYTES		8

static int *canary_nowhere;
static struct sk_buff *canary_lost;
static int canary_bytes = CANARY_BYTES;
static DEFINE_MUTEX(canary_first);
static DEFINE_MUTEX(canary_second);

static void canary_oops(void)
{
	WRITE_ONCE(*READ_ONCE(canary_nowhere), 1);
}

static void canary_bug(void)
{
	BUG();
}

static void canary_warn(void)
{
	WARN(1, "planted\n");
}

/*
 * Keep the processor and never pass a quiescent state. Only a grace period
 * that somebody waits for can stall.
 */
static void canary_stall(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), CANARY_STALL_MS);

	start_poll_synchronize_rcu();
	preempt_disable();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	preempt_enable();
}

static void canary_hang(void)
{
	schedule_timeout_uninterruptible(CANARY_HANG_SECONDS * HZ);
}

/* What the checkers of the debug kernels must see, and the kernel survives. */

static void canary_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static void canary_lockdep(void)
{
	mutex_lock(&canary_first);
	mutex_lock(&canary_second);
	mutex_unlock(&canary_second);
	mutex_unlock(&canary_first);

	mutex_lock(&canary_second);
	mutex_lock(&canary_first);
	mutex_unlock(&canary_first);
	mutex_unlock(&canary_second);
}

static void canary_overrun(void)
{
	char *bytes = kmalloc(CANARY_BYTES, GFP_KERNEL);

	if (bytes)
		WRITE_ONCE(bytes[READ_ONCE(canary_bytes)], 1);
	kfree(bytes);
}

static void canary_freed(void)
{
	char *bytes = kmalloc(CANARY_BYTES, GFP_KERNEL);

	kfree(bytes);
	if (bytes)
		WRITE_ONCE(bytes[0], 1);
}

static void canary_shift(void)
{
	WRITE_ONCE(canary_bytes, 1 << READ_ONCE(canary_bytes) * 8);
	WRITE_ONCE(canary_bytes, CANARY_BYTES);
}

static void canary_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void canary_expired(struct timer_list *timer)
{
}

static void canary_object(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, canary_expired, 0);
	mod_timer(timer, jiffies + HZ * CANARY_HANG_SECONDS);
	kfree(timer);
}

/* Several, since a stale word on a stack may still point to the last one. */
static void canary_leak(void)
{
	int i;

	for (i = 0; i < 8; i++)
		WRITE_ONCE(canary_nowhere, kmalloc(CANARY_BYTES, GFP_KERNEL));
	WRITE_ONCE(canary_nowhere, NULL);
}

static void canary_skb(void)
{
	int i;

	for (i = 0; i < 8; i++)
		WRITE_ONCE(canary_lost, alloc_skb(CANARY_BYTES, GFP_KERNEL));
	WRITE_ONCE(canary_lost, NULL);
}

static void canary_device(void)
{
	dev_get_by_name(&init_net, "canary0");
}

static void canary_namespace(void)
{
	get_net(current->nsproxy->net_ns);
}

static const struct {
	const char *name;
	void (*plant)(void);
} canary_faults[] = {
	{ "oops", canary_oops },
	{ "bug", canary_bug },
	{ "warn", canary_warn },
	{ "stall", canary_stall },
	{ "hang", canary_hang },
	{ "sleep", canary_sleep },
	{ "lockdep", canary_lockdep },
	{ "overrun", canary_overrun },
	{ "freed", canary_freed },
	{ "shift", canary_shift },
	{ "refcount", canary_refcount },
	{ "object", canary_object },
	{ "leak", canary_leak },
	{ "skb", canary_skb },
	{ "device", canary_device },
	{ "namespace", canary_namespace },
};

static int canary_set(const char *value, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(canary_faults); i++) {
		if (sysfs_streq(value, canary_faults[i].name)) {
			canary_faults[i].plant();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops canary_ops = {
	.set = canary_set,
};

module_param_cb(plant, &canary_ops, NULL, 0200);
MODULE_PARM_DESC(plant, "fault to plant, by its name");

static int __init canary_init(void)
{
	return 0;
}

static void __exit canary_exit(void)
{
}

module_init(canary_init);
module_exit(canary_exit);
MODULE_DESCRIPTION("Faults that a test machine must report");
MODULE_LICENSE("GPL");

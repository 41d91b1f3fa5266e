// SPDX-License-Identifier: GPL-2.0
/*
 * A module with the faults that the virtual machine's verdict must not miss:
 * a word written to the parameter "plant" plants the fault of that name.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

/* Longer than the limits that the canary suite sets for its machines. */
#define CANARY_STALL_MS		12000
#define CANARY_HANG_SECONDS	20

static int *canary_nowhere;

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

static const struct {
	const char *name;
	void (*plant)(void);
} canary_faults[] = {
	{ "oops", canary_oops },
	{ "bug", canary_bug },
	{ "warn", canary_warn },
	{ "stall", canary_stall },
	{ "hang", canary_hang },
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
MODULE_PARM_DESC(plant, "fault to plant: oops, bug, warn, stall or hang");

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

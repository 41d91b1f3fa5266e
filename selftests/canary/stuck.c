// SPDX-License-Identifier: GPL-2.0
/*
 * A module with the name of the real one that cannot be unloaded: it has no
 * exit. Its family is one that no socket of the guest has.
 */
#include <linux/module.h>

static int family = 44;
module_param(family, int, 0444);
MODULE_PARM_DESC(family, "what the tests take for the module's family");

static int __init stuck_init(void)
{
	return 0;
}

module_init(stuck_init);
MODULE_DESCRIPTION("What a test machine must report as stuck");
MODULE_LICENSE("GPL");

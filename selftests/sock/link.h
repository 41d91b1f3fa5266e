/* SPDX-License-Identifier: GPL-2.0 */
/* Devices are moved and deleted: rtnetlink. */
#ifndef _SOCK_LINK_H
#define _SOCK_LINK_H

#include <stdbool.h>

int link_delete(unsigned int ifindex);
bool link_move(unsigned int ifindex, int net);
bool link_up(const char *name);

#endif /* _SOCK_LINK_H */

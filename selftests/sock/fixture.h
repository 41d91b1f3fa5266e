/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture named SOCK_NAME and its variants; included once for each, hence
 * no guard. SOCK_NO_INET leaves out TCP, for what it has no counterpart of,
 * SOCK_NO_LO Tether over lo and SOCK_NO_VETH over the veth pair.
 */
#define SOCK_EXPAND(macro, ...) macro(__VA_ARGS__)

SOCK_EXPAND(FIXTURE, SOCK_NAME) {
	int unused;
};

SOCK_EXPAND(FIXTURE_VARIANT, SOCK_NAME) {
	enum sock_link link;
};

SOCK_EXPAND(FIXTURE_SETUP, SOCK_NAME) {
	const char *why = sock_setup(variant->link);

	if (why)
		SKIP(return, "%s", why);
}

SOCK_EXPAND(FIXTURE_TEARDOWN, SOCK_NAME) {
}

#ifndef SOCK_NO_INET
SOCK_EXPAND(FIXTURE_VARIANT_ADD, SOCK_NAME, inet) {
	.link = SOCK_INET,
};
#endif

#ifndef SOCK_NO_LO
SOCK_EXPAND(FIXTURE_VARIANT_ADD, SOCK_NAME, tether) {
	.link = SOCK_TETHER,
};
#endif

#ifndef SOCK_NO_VETH
SOCK_EXPAND(FIXTURE_VARIANT_ADD, SOCK_NAME, veth) {
	.link = SOCK_VETH,
};
#endif

#undef SOCK_EXPAND
#undef SOCK_NAME
#undef SOCK_NO_INET
#undef SOCK_NO_LO
#undef SOCK_NO_VETH

# SPDX-License-Identifier: GPL-2.0
#
# Tether: sockets over Ethernet. "make help" says what can be made.

top := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
build := $(top)/build
fetch := $(top)/selftests/vm/fetch.sh
need := $(top)/selftests/vm/packages.sh
cache := $(or $(TETHER_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tether)

PREFIX ?= /usr/local
DESTDIR ?=
INSTALL ?= install

# The kernel to build for: KDIR, or KERNEL=6.1|6.12|uml|debug (from the cache),
# or the running kernel if its headers are here, or else 6.1.
running := /lib/modules/$(shell uname -r)/build
ifeq ($(KDIR),)
ifneq ($(filter 6.1 6.12,$(KERNEL)),)
find_kdir = $(fetch) headers $(KERNEL)
else ifneq ($(filter uml debug,$(KERNEL)),)
find_kdir = $(top)/selftests/vm/kernel.sh kdir $(KERNEL)
else ifneq ($(KERNEL),)
$(error KERNEL=$(KERNEL): the choice is 6.1, 6.12, uml or debug)
else ifneq ($(wildcard $(running)/Makefile),)
find_kdir = echo $(running)
else
find_kdir = $(fetch) headers 6.1
endif
else
find_kdir = echo $(KDIR)
endif

.PHONY: all module tools install uninstall check demo vm style unit
.PHONY: clean clean-cache help

all: module tools

# Each kernel has its own folder, build/<release>, into which the sources are
# copied, so that modules for several kernels stand side by side.
module:
	@$(need) build
	@kdir=$$($(find_kdir)) && \
	$(top)/selftests/vm/build-module.sh "$$kdir" $(top) \
		$(if $(W),W=$(W)) $(if $(C),C=$(C)) $(if $(CF),CF='$(CF)') \
		$(if $(V),V=$(V)) $(if $(ARCH),ARCH=$(ARCH)) \
		$(if $(O),KOUT='$(O)')

tool_dirs := $(patsubst $(top)/tools/%/Makefile,%, \
	$(wildcard $(top)/tools/*/Makefile))

tools:
	@$(need) build
	@set -e; for dir in $(tool_dirs); do \
		$(MAKE) --no-print-directory -C $(top)/tools/$$dir \
			O=$(build)/tools/$$dir; \
	done

# Below a DESTDIR there is nothing but our files: whoever takes them from there
# to a system runs depmod in it.
install: module tools
	@kdir=$$($(find_kdir)) && \
	dir=$$($(top)/selftests/vm/build-module.sh --where "$$kdir" $(top)) && \
	$(MAKE) --no-print-directory -C "$$kdir" M="$$dir" \
		INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates \
		CONFIG_MODULE_SIG_ALL= \
		modules_install && \
	$(if $(DESTDIR),:,/sbin/depmod "$${dir##*/}")
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/include/linux
	$(INSTALL) -m 644 $(wildcard $(top)/include/uapi/linux/*.h) \
		$(DESTDIR)$(PREFIX)/include/linux
	@set -e; for dir in $(tool_dirs); do \
		$(MAKE) --no-print-directory -C $(top)/tools/$$dir \
			O=$(build)/tools/$$dir PREFIX=$(PREFIX) \
			DESTDIR=$(DESTDIR) install; \
	done

uninstall:
	@kdir=$$($(find_kdir)) && \
	dir=$$($(top)/selftests/vm/build-module.sh --where "$$kdir" $(top)) && \
	release=$${dir##*/} && \
	rm -f $(DESTDIR)/lib/modules/$$release/updates/tether.ko* && \
	$(if $(DESTDIR),:,/sbin/depmod $$release)
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/include/linux/, \
		$(notdir $(wildcard $(top)/include/uapi/linux/*.h)))
	@set -e; for dir in $(tool_dirs); do \
		$(MAKE) --no-print-directory -C $(top)/tools/$$dir \
			O=$(build)/tools/$$dir PREFIX=$(PREFIX) \
			DESTDIR=$(DESTDIR) uninstall; \
	done

check:
	@$(top)/selftests/check $(if $(SUITE),SUITE=$(SUITE)) \
		$(if $(KERNEL),KERNEL=$(KERNEL)) $(if $(CLOCK),CLOCK=$(CLOCK)) \
		$(if $(TEST),TEST=$(TEST))

style unit:
	@$(top)/selftests/check SUITE=$@

demo:
	@$(top)/selftests/vm/demo $(if $(KERNEL),--kernel $(KERNEL))

vm:
	@$(top)/selftests/vm/shell $(if $(KERNEL),--kernel $(KERNEL)) \
		$(if $(CLOCK),--clock $(CLOCK))

clean:
	rm -rf $(build)

clean-cache:
	rm -rf $(cache)

help:
	@sed -n 's/^#= //p' $(lastword $(MAKEFILE_LIST))

#= make                 the module and the tools
#= make module          tether.ko, in build/<kernel release>/
#=     KDIR=dir         for the kernel with these headers
#=     KERNEL=6.1|6.12  for a stock kernel of Debian, whose headers are fetched
#=     KERNEL=uml|debug for a kernel of the tests, which is built
#=     W=1 C=2 CF=...   with the kernel's extra warnings and checkers
#= make tools           the programs of tools/, in build/tools/
#= make install         module, header and programs (PREFIX, DESTDIR)
#= make uninstall       the reverse
#= make demo            a file over a lossy link, in a virtual machine
#= make vm              a shell in a virtual machine with Tether loaded;
#=                      KERNEL=6.1|6.12|uml|debug
#= make check           every test; for a part SUITE=unit|sim|style|sock|net|
#=                      commands|canary, KERNEL=6.1|6.12|uml|debug,
#=                      CLOCK=virtual|smp; SUITE=coverage|board, which are not
#=                      part of "every"
#= make style           the style gates alone
#= make unit            the unit tests alone
#= make clean           remove build/
#= make clean-cache     remove downloaded and built kernels

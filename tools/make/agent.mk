# SPDX-License-Identifier: Apache-2.0
## install-agent  brochd, keeper, Keep images, manual page, systemd unit (DESTDIR=, PREFIX=)
## check-agent  the host agent against a fake keeper: every call, wrong input, deaths, quotas (CYCLES=n create/delete cycles)

AGENT_TOOLS := $(B)/test/agent/fake-keeper $(B)/test/agent/session $(B)/test/agent/cycle
$(B)/test/agent/fake-keeper: $(B)/host/test/agent/fake_keeper.o $(B)/host/sys.a $(B)/host/lib.a
$(B)/test/agent/session: $(B)/host/test/agent/session.o
$(B)/test/agent/cycle: $(B)/host/test/agent/cycle.o
$(AGENT_TOOLS):
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $^ -lssl -lcrypto

.PHONY: check-agent
check-agent: $(B)/bin/brochd $(AGENT_TOOLS)
	@B=$(abspath $(B)) test/agent/run.sh
CHECKS += check-agent
FUZZ_USES_agent := agent host

## check-agent-san  the same with brochd under ASan + UBSan (leaks count as failures)
$(B)/san/brochd: $(B)/san/host/agent/main.o $(B)/san/agent.a $(B)/san/host.a $(B)/san/sys.a $(B)/san/lib.a
	@echo "  LD san  $@"
	$(Q)$(CLANG) -fsanitize=address,undefined -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
.PHONY: check-agent-san
check-agent-san: $(B)/san/brochd $(B)/bin/brochd $(AGENT_TOOLS)
	@B=$(abspath $(B)) BROCHD=$(abspath $(B))/san/brochd RSS_SLACK=200000 test/agent/run.sh

# The host's half of an installation; the unit goes where dh_installsystemd looks for it.
PREFIX ?= /usr/local
UNITDIR ?= /lib/systemd/system
.PHONY: install-agent
install-agent: programs
	install -Dm755 $(B)/bin/brochd $(DESTDIR)$(PREFIX)/sbin/brochd
	install -Dm755 $(B)/bin/brochd-keep $(DESTDIR)$(PREFIX)/lib/broch/brochd-keep
	install -m644 -t $(DESTDIR)$(PREFIX)/lib/broch $(IMAGES)
	install -Dm644 doc/man/brochd.8 $(DESTDIR)$(PREFIX)/share/man/man8/brochd.8
	sed 's|/usr/sbin/|$(PREFIX)/sbin/|' packaging/systemd/brochd.service | install -Dm644 /dev/stdin $(DESTDIR)$(UNITDIR)/brochd.service
	install -Dm644 packaging/systemd/brochd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/brochd.conf

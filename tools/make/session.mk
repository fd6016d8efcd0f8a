# SPDX-License-Identifier: Apache-2.0
# The Keep against hosts and wires that lie. The Keep runs inside the test program, see test/hostile/fakehost.h.

## check-hostile    a whole Keep, its sockets and their TLS, under ASan + UBSan, on a host that changes its answers (VARIANTS=10000)
VARIANTS ?= 10000
CHECKS += check-hostile
.PHONY: check-hostile
HOSTILE := $(B)/san/test/hostile
check-hostile: $(HOSTILE)/hostile $(HOSTILE)/hostile-sockets
	@$(HOSTILE)/hostile $(VARIANTS)
	@$(HOSTILE)/hostile-sockets $(VARIANTS)
$(HOSTILE)/hostile: $(HOSTILE)/hostile.o $(HOSTILE)/variants.o $(HOSTILE)/lies.o
$(HOSTILE)/hostile-sockets: $(HOSTILE)/sockets.o $(HOSTILE)/peers.o $(HOSTILE)/variants.o $(HOSTILE)/lies.o
$(HOSTILE)/hostile $(HOSTILE)/hostile-sockets: $(B)/san/keep.a $(B)/san/sys.a $(B)/san/lib.a
	@echo "  LD san  $@"
	$(Q)$(CLANG) -fsanitize=address,undefined -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lbearssl -lpthread

# Every trick of a man in the middle on every record.
TESTS += test/mitm/mitm_test.c

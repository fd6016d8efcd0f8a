# SPDX-License-Identifier: Apache-2.0
## check-e2e    whole-path tests: hostile relays, deaths at each step, limits, full disks, many Keeps
## check-scale  KEEPS=200 at once, then CYCLES=2000 times start and stop; says what each takes

E2E := $(patsubst test/e2e/%.sh,check-e2e-%,$(filter-out %/lib.sh,$(wildcard test/e2e/*.sh)))
.PHONY: check-e2e $(E2E)
check-e2e: $(E2E)
CHECKS += check-e2e
$(E2E): check-e2e-%: programs examples $(GUESTS) $(B)/test/relay $(B)/test/middle
	@B=$(abspath $(B)) sh test/e2e/$*.sh

## check-chromium   headless Chromium and an HTTPS server in a Keep; installs Debian's chromium when it may
.PHONY: check-chromium
check-chromium: programs examples
	@B=$(abspath $(B)) sh test/chromium/run.sh

.PHONY: check-scale
check-scale: programs examples $(GUESTS)
	@B=$(abspath $(B)) KEEPS=$(or $(KEEPS),200) CYCLES=$(or $(CYCLES),2000) sh test/e2e/scale.sh

$(B)/test/relay: $(B)/host/test/e2e/relay.o
$(B)/test/middle: $(B)/host/test/e2e/middle.o $(B)/host/lib.a $(B)/host/sys.a
$(B)/test/relay $(B)/test/middle:
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lbearssl

# Small workloads of the tests, compiled like a user's program.
$(B)/test/guests/%.wasm: test/guests/%.c
	@mkdir -p $(@D)
	@echo "  WASM    $<"
	$(Q)$(CLANG) --target=wasm32-wasi -Os $(WASMFLAGS) -o $@ $<
$(B)/test/guests/linked/words.wasm: private WASMFLAGS := -mexec-model=reactor

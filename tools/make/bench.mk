# SPDX-License-Identifier: Apache-2.0
# A bench is bench/NAME/run.sh, called with the build folder; what it needs built is BENCH_NEEDS_NAME.
# Figures are printed and kept in build/bench/NAME.txt with the command and the machine; bench/results has those of the
# machine named in README.
## bench BENCH=name   the figures every change is held to: one bench, or all of them
##                    (BENCH=engine: ONLY="name..." or groups, instead of all)
## bench-results      makes those of the last run the ones in bench/results
BENCH ?= $(patsubst bench/%/run.sh,%,$(wildcard bench/*/run.sh))
BENCH_NEEDS_engine := $(B)/bench/engine-run
BENCH_NEEDS_instances := $(B)/bench/instances-run $(B)/bench/instances/guest.wasm
BENCH_NEEDS_vm := $(B)/bench/vm-run all
BENCH_NEEDS_run := all $(B)/examples/hello.wasm
BENCH_NEEDS_keeps := all
BENCH_NEEDS_start := all
BENCH_NEEDS_stream := all $(B)/bench/stream/sink.wasm $(B)/bench/stream/source.wasm
BENCH_NEEDS_tls := $(B)/bench/tls-run
BENCH_NEEDS_services := all examples $(B)/test/load $(B)/bench/services-native
BENCH_NEEDS_verify := $(B)/bench/verify-run $(B)/bin/broch

$(B)/host/bench/verify/verify.o: HOSTED += -Iinclude
$(B)/bench/verify-run: $(B)/host/bench/verify/verify.o $(B)/lib/libbroch-attest.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ -ljansson -lcrypto -pthread

$(B)/bench/services-native: $(B)/host/bench/services/native.o
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ -lssl -lcrypto

$(B)/bench/tls-run: $(B)/host/bench/tls/tls.o $(B)/host/lib.a $(B)/host/sys.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench/engine-run: $(B)/host/bench/engine/engine.o $(B)/host/lib.a $(B)/host/sys.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench/instances-run: $(B)/host/bench/instances/instances.o $(B)/host/lib.a $(B)/host/sys.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bench/instances/guest.wasm: bench/instances/guest.c
	@mkdir -p $(@D)
	@echo "  WASM    $@"
	$(Q)$(WASMCC) --target=wasm32-wasi -std=c17 -O2 -s -Wall -Wextra -Werror -mexec-model=reactor -Wl,--initial-memory=1048576 -o $@ $<

$(B)/bench/stream/%.wasm: bench/stream/%.c
	@mkdir -p $(@D)
	@echo "  WASM    $@"
	$(Q)$(WASMCC) --target=wasm32-wasi -std=c17 -O2 -s -Wall -Wextra -Werror -o $@ $<

.PHONY: bench bench-results $(BENCH:%=bench-%)
bench: $(foreach b,$(BENCH),$(BENCH_NEEDS_$(b)))
	@for b in $(BENCH); do $(MAKE) --no-print-directory -s bench-$$b || exit 1; done

$(BENCH:%=bench-%): bench-%:
	@mkdir -p $(B)/bench
	@bench/machine.sh "make bench BENCH=$*" >$(B)/bench/$*.txt
	@CLANG=$(CLANG) bench/$*/run.sh $(B) $(ONLY) >>$(B)/bench/$*.txt || { cat $(B)/bench/$*.txt; exit 1; }
	@echo; cat $(B)/bench/$*.txt

bench-results:
	@mkdir -p bench/results
	cp $(BENCH:%=$(B)/bench/%.txt) bench/results/

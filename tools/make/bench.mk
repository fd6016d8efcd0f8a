# SPDX-License-Identifier: Apache-2.0
# A bench is bench/NAME/run.sh, called with the build folder; what it needs built is BENCH_NEEDS_NAME.
## bench BENCH=name   one bench, or all of them
BENCH ?= $(patsubst bench/%/run.sh,%,$(wildcard bench/*/run.sh))
BENCH_NEEDS_engine := $(B)/bench/engine-run
BENCH_NEEDS_vm := $(B)/bench/vm-run

$(B)/bench/engine-run: $(B)/host/bench/engine/engine.o $(B)/host/lib.a $(B)/host/sys.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench
bench: $(foreach b,$(BENCH),$(BENCH_NEEDS_$(b)))
	@$(foreach b,$(BENCH),echo "== $(b)" && CLANG=$(CLANG) bench/$(b)/run.sh $(B) &&) true

# SPDX-License-Identifier: Apache-2.0
## check-wasi   the public wasi-testsuite; WHERE=host (default) or keep, WASI_SUITE=its folder
## wasi-host    build/test/wasi-host: the Keep's engine and WASI in a plain process

WHERE ?= host
SUITES ?= ../shared/suites
WASI_SUITE ?= $(SUITES)/wasi-testsuite
WASI_OBJS := $(patsubst %.c,$(B)/host/%.o,$(filter-out %_test.c,$(wildcard keep/wasi/*.c)))
WASI_HOST := $(B)/test/wasi-host

$(WASI_HOST): $(patsubst %,$(B)/host/test/wasi/%.o,host_main hosted port_posix) $(B)/host/sys/check.o $(WASI_OBJS) $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $^
$(B)/test/wasi-suite: $(B)/host/test/wasi/suite.o
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $^ -ljansson

.PHONY: wasi-host check-wasi check-wasi-keep
wasi-host: $(WASI_HOST)
check-wasi: $(WASI_HOST) $(B)/test/wasi-suite $(if $(filter keep,$(WHERE)),programs)
	@test/wasi/check.sh $(WASI_SUITE) $(B) $(WHERE)
check-wasi-keep:
	@$(MAKE) --no-print-directory check-wasi WHERE=keep
CHECKS += check-wasi check-wasi-keep

FUZZ_USES_wasi := keep

## check-programs  real programs (Lua, SQLite, esbuild, Rust, AssemblyScript, ...) against node:wasi; WHERE=host or keep
WASM_SAMPLES ?= ../shared/facts/wasm-samples
.PHONY: check-programs check-programs-keep
check-programs: $(WASI_HOST) examples $(if $(filter keep,$(WHERE)),programs)
	@test/programs/check.sh $(B) $(WHERE) $(WASM_SAMPLES)
check-programs-keep:
	@$(MAKE) --no-print-directory check-programs WHERE=keep
CHECKS += check-programs-keep

# SPDX-License-Identifier: Apache-2.0
## check-spec TIER=interp WHERE=host|keep  the WebAssembly 2.0 core suite (text-format and SIMD cases are skipped)
TIER ?= interp
WHERE ?= host
SUITES ?= ../shared/suites

$(B)/test/spec-runner: $(B)/host/test/spec/runner.o $(B)/host/test/spec/executor.o $(B)/host/lib.a $(B)/host/sys.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/test/spec-runner-san: $(B)/san/test/spec/runner.o $(B)/san/test/spec/executor.o $(B)/san/lib.a $(B)/san/sys.a
	@mkdir -p $(@D)
	@echo "  LD san  $@"
	$(Q)$(CLANG) -fsanitize=address,undefined -o $@ $^ $(LIBS)

.PHONY: check-spec check-spec-host check-spec-host-san
CHECKS += check-spec-host
check-spec: check-spec-$(WHERE)
check-spec-host: $(B)/test/spec-runner
	@[ "$(TIER)" = interp ] || { echo "check-spec: there is no tier $(TIER) yet, only interp"; exit 1; }
	@if [ -d $(SUITES)/spec-2.0 ]; then $< $(SUITES)/spec-2.0; \
	 else echo "SKIPPED check-spec: no $(SUITES)/spec-2.0 (set SUITES=)"; echo "0 passed, 0 failed, 1 skipped"; fi
check-spec-host-san: $(B)/test/spec-runner-san
	@if [ -d $(SUITES)/spec-2.0 ]; then $< $(SUITES)/spec-2.0; else echo "SKIPPED check-spec-host-san"; fi

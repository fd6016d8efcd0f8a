# SPDX-License-Identifier: Apache-2.0
## check-spec TIER=interp|base|opt WHERE=host|keep  the WebAssembly 2.0 core suite (text-format cases are skipped)
TIER ?= interp
WHERE ?= host
# What the runner is told; a tier that is not here does not exist.
TIER_OPTION = $(if $(filter base,$(TIER)),-b,$(if $(filter opt,$(TIER)),-o,$(if $(filter interp,$(TIER)),none)))
SUITES ?= ../shared/suites

$(B)/test/spec-runner: $(B)/host/test/spec/runner.o $(B)/host/test/spec/executor.o $(B)/host/test/lib/keep_process.o $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)
$(B)/test/spec-runner-san: $(B)/san/test/spec/runner.o $(B)/san/test/spec/executor.o $(B)/san/test/lib/keep_process.o $(B)/san/sys.a $(B)/san/lib.a
	@mkdir -p $(@D)
	@echo "  LD san  $@"
	$(Q)$(CLANG) -fsanitize=address,undefined -o $@ $^ $(LIBS)

.PHONY: check-spec check-spec-host check-spec-host-san
.PHONY: check-spec-base check-spec-opt
check-spec-base:
	@$(MAKE) --no-print-directory check-spec-host TIER=base
check-spec-opt:
	@$(MAKE) --no-print-directory check-spec-host TIER=opt
check-spec: check-spec-$(WHERE)
check-spec-host: $(B)/test/spec-runner
	@[ -n "$(TIER_OPTION)" ] || { echo "check-spec: there is no tier $(TIER) yet, only interp, base and opt"; exit 1; }
	@if [ -d $(SUITES)/spec-2.0 ]; then $< $(filter -b -o,$(TIER_OPTION)) $(SUITES)/spec-2.0; \
	 else echo "SKIPPED check-spec: no $(SUITES)/spec-2.0 (set SUITES=)"; echo "0 passed, 0 failed, 1 skipped"; fi
check-spec-host-san: $(B)/test/spec-runner-san
	@if [ -d $(SUITES)/spec-2.0 ]; then $< $(SUITES)/spec-2.0; else echo "SKIPPED check-spec-host-san"; fi

# The same suite with the executor inside a Keep: BACKEND=kvm|process.
BACKEND ?= kvm
$(call vmimage,$(B)/keeps/spec-kvm.elf,$(B)/keep/test/spec/keep_main.o $(B)/keep/test/spec/executor.o)
$(call processimage,$(B)/keeps/spec-process.elf,$(B)/keep/test/spec/keep_main.o $(B)/keep/test/spec/executor.o)
.PHONY: check-spec-keep
check-spec-keep: $(B)/test/spec-runner $(B)/bin/brochd-keep $(B)/keeps/spec-$(BACKEND).elf
	@[ -n "$(TIER_OPTION)" ] || { echo "check-spec: there is no tier $(TIER) yet, only interp, base and opt"; exit 1; }
	@if [ ! -d $(SUITES)/spec-2.0 ]; then echo "SKIPPED check-spec: no $(SUITES)/spec-2.0 (set SUITES=)"; echo "0 passed, 0 failed, 1 skipped"; \
	 elif [ $(BACKEND) = kvm ] && [ ! -w /dev/kvm ]; then echo "SKIPPED check-spec in a KVM Keep: /dev/kvm is missing or not permitted"; echo "0 passed, 0 failed, 1 skipped"; \
	 else $< $(filter -b -o,$(TIER_OPTION)) -k $(B)/bin/brochd-keep $(B)/keeps/spec-$(BACKEND).elf $(BACKEND) $(SUITES)/spec-2.0; fi

.PHONY: check-spec-kvm check-spec-process
check-spec-kvm:
	@$(MAKE) --no-print-directory check-spec-keep BACKEND=kvm
check-spec-process:
	@$(MAKE) --no-print-directory check-spec-keep BACKEND=process
CHECKS += check-spec-host check-spec-base check-spec-opt check-spec-kvm check-spec-process
CHECKS += check-spec-kvm-base check-spec-kvm-opt check-spec-process-base
.PHONY: check-spec-kvm-base check-spec-kvm-opt check-spec-process-base
check-spec-kvm-base:
	@$(MAKE) --no-print-directory check-spec-keep BACKEND=kvm TIER=base
check-spec-kvm-opt:
	@$(MAKE) --no-print-directory check-spec-keep BACKEND=kvm TIER=opt
check-spec-process-base:
	@$(MAKE) --no-print-directory check-spec-keep BACKEND=process TIER=base

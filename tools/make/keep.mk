# SPDX-License-Identifier: Apache-2.0
# Keep images: freestanding, static, reproducible. The same recipe makes the shipped ones and those of the tests.

KEEPLIBDIRS := lib/base lib/cbor lib/session lib/wasm lib/attest lib/tls
$(eval $(call archive,keep,lib,$(call sources,$(KEEPLIBDIRS))))
$(eval $(call archive,keep,keep,$(KEEPSRC)))

SHIMSRC := $(wildcard keep/shim/*.c)
VMSHIM := $(patsubst %,$(B)/keep/%.o,$(basename $(SHIMSRC) $(wildcard keep/shim/vm/*.c keep/shim/vm/*.S)))
IMAGE_LDFLAGS := -nostdlib -static -no-pie -Wl,--gc-sections,--build-id=none,-S,-z,noexecstack,-z,max-page-size=4096 \
	-Wl,--no-warn-rwx-segments,--orphan-handling=error

define image # 1 file, 2 shim objects, 3 linker script, 4 objects
$(1) $(1:.elf=.map) &: $(2) $(4) $(3) $(B)/keep/keep.a $(B)/keep/lib.a
	@mkdir -p $$(@D)
	@echo "  IMAGE   $(1)"
	$(Q)$(CC) $(IMAGE_LDFLAGS) -Wl,-T,$(3),-Map,$(1:.elf=.map) -o $(1) $(2) $(4) -Wl,--start-group $(B)/keep/keep.a $(B)/keep/lib.a -lbearssl -Wl,--end-group
endef

vmimage = $(eval $(call image,$(1),$(VMSHIM),keep/shim/vm/keep.ld,$(2)))

# The story, once there is an engine to tell it with.
RUNTIME := $(if $(shell grep -ls '^enum err wasm_call' lib/wasm/*.c),$(B)/keep/keep/run/main.o)

ifneq ($(RUNTIME),)
IMAGES += $(B)/bin/broch-keep-vm.elf
$(call vmimage,$(B)/bin/broch-keep-vm.elf,$(RUNTIME))
endif

# Tiny Keeps: each brings its own keep_main.
TESTKEEPS := $(patsubst test/keeps/%.c,$(B)/keeps/%.elf,$(wildcard test/keeps/*.c))
$(foreach k,$(TESTKEEPS),$(call vmimage,$(k),$(k:$(B)/keeps/%.elf=$(B)/keep/test/keeps/%.o)))
$(B)/host/host/vmm/kvm_test $(B)/san/host/vmm/kvm_test $(B)/host/test/unit/keep_certificate_test $(B)/san/test/unit/keep_certificate_test: | $(TESTKEEPS) $(IMAGES)

## test-keeps      the tiny Keeps of the tests
.PHONY: test-keeps
test-keeps: $(TESTKEEPS)

# The Keep tests on KVMs that behave as the manuals say, whatever this machine's does. The program is linked apart: it
# has to run on a machine with little but a kernel.
$(B)/vm/kvm_test: $(B)/host/host/vmm/kvm_test.o $(filter $(B)/host/host/vmm/kvm%,$(HOST:%.c=$(B)/host/%.o)) $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--as-needed -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TESTLIBS) -lbearssl

## check-svm    the Keep tests under kvm_amd in an emulated machine (QEMU), seconds
## check-vmx    the same under kvm_intel (Bochs), minutes; not in check
.PHONY: check-svm check-vmx
check-svm: $(B)/vm/kvm_test $(TESTKEEPS) $(IMAGES)
	@test/svm/run.sh $(B)/vm $< $(B)/keeps
CHECKS += check-svm
check-vmx: $(B)/vm/kvm_test $(TESTKEEPS) $(IMAGES)
	@tools/install-deps.sh build test vmx
	@test/vmx/run.sh $(B)/vm $< $(B)/keeps

$(B)/bench/vm-run: $(B)/host/bench/vm/vm.o $(filter $(B)/host/host/vmm/kvm%,$(HOST:%.c=$(B)/host/%.o)) $(B)/host/sys.a $(B)/host/lib.a | $(TESTKEEPS)
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--as-needed -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lbearssl

## check-repro  the Keep image built in another folder has the same bytes
.PHONY: check-repro
check-repro: programs
	@rm -rf $(B)/repro && mkdir -p $(B)/repro/another/folder
	@cp -r Makefile abi lib keep tools $(B)/repro/another/folder/
	@$(MAKE) -s -C $(B)/repro/another/folder B=out $(IMAGES:$(B)/%=out/%) >$(B)/repro/log 2>&1 || { tail -n 20 $(B)/repro/log; exit 1; }
	@pass=0 fail=0; for i in $(IMAGES:$(B)/%=%); do \
		if cmp "$(B)/$$i" "$(B)/repro/another/folder/out/$$i"; then pass=$$((pass + 1)); else fail=$$((fail + 1)); fi; done; \
		rm -rf $(B)/repro; echo "repro: $$pass passed, $$fail failed"; [ "$$fail" -eq 0 ]
CHECKS += check-repro

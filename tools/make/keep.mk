# SPDX-License-Identifier: Apache-2.0
# Keep images: freestanding, static, reproducible. The same recipe makes the shipped ones and those of the tests.

KEEPLIBDIRS := lib/base lib/cbor lib/session lib/wasm lib/attest
$(eval $(call archive,keep,lib,$(call sources,$(KEEPLIBDIRS))))
$(eval $(call archive,keep,keep,$(KEEPSRC)))

SHIMSRC := $(wildcard keep/shim/*.c)
VMSHIM := $(patsubst %,$(B)/keep/%.o,$(basename $(SHIMSRC) $(wildcard keep/shim/vm/*.c keep/shim/vm/*.S)))
IMAGE_LDFLAGS := -nostdlib -static -no-pie -Wl,--gc-sections,--build-id=none,-S,-z,noexecstack,-z,max-page-size=4096 \
	-Wl,--no-warn-rwx-segments,--orphan-handling=error

define image # 1 file, 2 shim objects, 3 linker script, 4 objects
$(1): $(2) $(4) $(3) $(B)/keep/keep.a $(B)/keep/lib.a
	@mkdir -p $$(@D)
	@echo "  IMAGE   $$@"
	$(Q)$(CC) $(IMAGE_LDFLAGS) -Wl,-T,$(3) -o $$@ $(2) $(4) -Wl,--start-group $(B)/keep/keep.a $(B)/keep/lib.a -lbearssl -Wl,--end-group
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
$(B)/host/host/vmm/kvm_test $(B)/san/host/vmm/kvm_test: | $(TESTKEEPS)

## test-keeps      the tiny Keeps of the tests
.PHONY: test-keeps
test-keeps: $(TESTKEEPS)

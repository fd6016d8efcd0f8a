# SPDX-License-Identifier: Apache-2.0
# Keep images of the process kind: the recipe of keep.mk with another shim.

PROCESSSHIM := $(patsubst %,$(B)/keep/%.o,$(basename $(SHIMSRC) $(wildcard keep/shim/process/*.c keep/shim/process/*.S)))
processimage = $(eval $(call image,$(1),$(PROCESSSHIM),keep/shim/vm/keep.ld,$(2)))

ifneq ($(RUNTIME),)
IMAGES += $(B)/bin/broch-keep-process.elf
$(call processimage,$(B)/bin/broch-keep-process.elf,$(RUNTIME))
endif

# The tiny Keeps again, as processes.
PROCESSKEEPS := $(patsubst test/keeps/%.c,$(B)/keeps-process/%.elf,$(wildcard test/keeps/*.c))
$(foreach k,$(PROCESSKEEPS),$(call processimage,$(k),$(k:$(B)/keeps-process/%.elf=$(B)/keep/test/keeps/%.o)))
PROBE := $(B)/keeps-process/probe.elf
$(call processimage,$(PROBE),$(B)/keep/test/keeps-process/probe.o)
PROCESSKEEPS += $(PROBE)
$(B)/host/host/vmm/process_test $(B)/san/host/vmm/process_test: | $(PROCESSKEEPS)
test-keeps: $(PROCESSKEEPS)

# Runs the program itself.
$(B)/host/host/keeper/brochd_keep_test $(B)/san/host/keeper/brochd_keep_test: | $(B)/bin/brochd-keep $(TESTKEEPS) $(PROCESSKEEPS)
FUZZ_USES_keeper := keeper host keep

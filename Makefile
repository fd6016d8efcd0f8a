# SPDX-License-Identifier: Apache-2.0
# Broch: everything is built from here, no configure step. `make help` lists the targets.
#
# Every .c below a folder belongs to that folder's archive, but for main.c files (programs), *_test.c (unit tests, each a
# program) and what EXTRA names. Object files live under $(B)/<flavour>/, so hosted, Keep and sanitizer builds never mix.

B ?= build
CC ?= gcc
CLANG ?= clang-19
VERSION := 0.1.0
V ?=
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Werror
COMMON := -std=c17 -O2 -g $(WARN) -I. -MMD -MP -ffile-prefix-map=$(CURDIR)=. -DBROCH_VERSION='"$(VERSION)"'
HOSTED := $(COMMON) -D_GNU_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE
SANITIZE := $(filter-out -O2,$(COMMON)) -O1 -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
KEEP := $(COMMON) -ffreestanding -fno-pic -mno-red-zone -fno-stack-protector -fcf-protection=none \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -DBROCH_KEEP=1
LIBS := -lbearssl -lssl -lcrypto -lcurl -levent -levent_openssl -ljansson -lseccomp -lcap-ng -lsqlite3
TESTLIBS := -lcmocka

sources = $(filter-out %/main.c %_test.c,$(wildcard $(foreach d,$(1),$(d)/*.c $(d)/*/*.c $(d)/*/*/*.c)))
LIB := $(call sources,lib)
SYS := $(call sources,sys)
KEEPSRC := $(call sources,keep/call keep/wasi keep/run)
HOST := $(call sources,host/vmm host/tee)
AGENT := $(call sources,host/agent)
KEEPER := $(call sources,host/keeper)
CLIENT := $(call sources,client)
TESTS := $(wildcard lib/*/*_test.c lib/*/*/*_test.c sys/*_test.c keep/*/*_test.c host/*/*_test.c host/*/*/*_test.c client/*/*_test.c test/unit/*_test.c)
GUESTS := $(patsubst test/guests/%.c,$(B)/test/guests/%.wasm,$(wildcard test/guests/*.c test/guests/linked/*.c))

.PHONY: all
all: programs

# ---- archives: $(B)/host/lib.a and so on ----
define archive # 1 flavour, 2 name, 3 sources
$(B)/$(1)/$(2).a: $(3:%.c=$(B)/$(1)/%.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar rcsDT $$@ $$^
endef
$(foreach f,host san,$(eval $(call archive,$(f),lib,$(LIB))))
$(foreach f,host san,$(eval $(call archive,$(f),sys,$(SYS))))
$(foreach f,host san,$(eval $(call archive,$(f),keep,$(KEEPSRC))))
$(foreach f,host san,$(eval $(call archive,$(f),host,$(HOST))))
$(foreach f,host san,$(eval $(call archive,$(f),agent,$(AGENT))))
$(foreach f,host san,$(eval $(call archive,$(f),keeper,$(KEEPER))))
$(foreach f,host san,$(eval $(call archive,$(f),client,$(CLIENT))))

$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(HOSTED) $(CFLAGS) -c $< -o $@
$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC san  $<"
	$(Q)$(CLANG) $(SANITIZE) $(CFLAGS) -c $< -o $@
$(B)/keep/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC keep $<"
	$(Q)$(CC) $(KEEP) $(CFLAGS) -c $< -o $@
$(B)/keep/%.o: %.S
	@mkdir -p $(@D)
	@echo "  AS keep $<"
	$(Q)$(CC) $(KEEP) $(CFLAGS) -c $< -o $@

# ---- programs ----
PROGRAMS :=
define program # 1 name, 2 main source, 3 archives
PROGRAMS += $(B)/bin/$(1)
$(B)/bin/$(1): $(B)/host/$(2:.c=.o) $(3:%=$(B)/host/%.a)
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	$(Q)$(CC) -pie -Wl,-z,relro,-z,now,--as-needed $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LIBS)
endef
$(if $(wildcard client/cli/main.c),$(eval $(call program,broch,client/cli/main.c,client sys lib)))
$(if $(wildcard host/agent/main.c),$(eval $(call program,brochd,host/agent/main.c,agent host sys lib)))
$(if $(wildcard host/keeper/main.c),$(eval $(call program,brochd-keep,host/keeper/main.c,keeper host sys lib)))

# Each area may add its own targets here (Keep images, suites, fuzzing, benches, packaging).
-include $(sort $(wildcard tools/make/*.mk))

.PHONY: programs
programs: $(PROGRAMS) $(IMAGES)

# ---- unit tests: every *_test.c is a program that exits 0 when all is well ----
# A test links what its folder may depend on, and nothing else.
archives_lib := sys lib
archives_sys := sys lib
archives_keep := keep lib
archives_host := host sys lib
archives_host/agent := agent host sys lib
archives_host/keeper := keeper host sys lib
archives_client := client sys lib
archives_test := keep host client sys lib
define unit # 1 test without .c, 2 archives
$(B)/host/$(1): $(B)/host/$(1).o $(2:%=$(B)/host/%.a) $(B)/host/sys/check.o
$(B)/san/$(1): $(B)/san/$(1).o $(2:%=$(B)/san/%.a) $(B)/san/sys/check.o
endef
$(foreach t,$(TESTS:.c=),$(eval $(call unit,$(t),$(or $(archives_$(patsubst %/,%,$(dir $(t)))),$(archives_$(firstword $(subst /, ,$(t))))))))
.SECONDARY:
$(TESTS:%.c=$(B)/host/%):
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter-out %/check.o,$(filter %.o,$^)) -Wl,--start-group $(filter %.a,$^) $(if $(filter %/sys.a,$^),,$(filter %/check.o,$^)) -Wl,--end-group $(TESTLIBS) $(LIBS)
$(TESTS:%.c=$(B)/san/%):
	@echo "  LD san  $@"
	$(Q)$(CLANG) -fsanitize=address,undefined -o $@ $(filter-out %/check.o,$(filter %.o,$^)) -Wl,--start-group $(filter %.a,$^) $(if $(filter %/sys.a,$^),,$(filter %/check.o,$^)) -Wl,--end-group $(TESTLIBS) $(LIBS)

.PHONY: check-unit check-unit-san clean help
check-unit: $(TESTS:%.c=$(B)/host/%)
	@tools/run-tests.sh unit $^
check-unit-san: $(TESTS:%.c=$(B)/san/%)
	@tools/run-tests.sh unit-san $^

clean:
	rm -rf $(B)

help:
	@sed -n 's/^## //p' Makefile tools/make/*.mk

# The machine-code decoder is compared with another one.
$(B)/host/lib/wasm/x64check/decode_test $(B)/san/lib/wasm/x64check/decode_test: TESTLIBS += -lZydis

-include $(shell find $(B) -path $(B)/programs -prune -o -type f -name '*.d' -print 2>/dev/null)

# SPDX-License-Identifier: Apache-2.0
## check-tiers  random modules in every tier of the engine: no difference (FIRST=number COUNT=number)
FIRST ?= 1
COUNT ?= 500

$(B)/test/tiers-run: $(B)/host/test/tiers/main.o $(B)/host/test/tiers/generate.o $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: check-tiers
CHECKS += check-tiers
check-tiers: $(B)/test/tiers-run
	@$< $(FIRST) $(COUNT)

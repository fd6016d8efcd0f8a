# SPDX-License-Identifier: Apache-2.0
## check-tiers  modules that once found a mistake, and random modules in every tier of the engine: no difference (FIRST=number COUNT=number)
## check-diff   the same in every tier and in node, another engine: no difference (FIRST=number COUNT=number)
FIRST ?= 1
COUNT ?= 500

$(B)/test/tiers-run: $(patsubst %.c,$(B)/host/%.o,$(wildcard test/tiers/*.c)) $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: check-tiers check-diff
CHECKS += check-tiers check-diff
check-tiers: $(B)/test/tiers-run
	@$< -f test/tiers/found/*.wasm
	@$< $(FIRST) $(COUNT)
check-diff: $(B)/test/tiers-run
	@if command -v node >/dev/null; then test/tiers/diff.sh $< $(FIRST) $(COUNT); \
	 else echo "SKIPPED check-diff: no node here, only our own tiers are compared (make check-tiers)"; echo "0 passed, 0 failed, 1 skipped"; fi

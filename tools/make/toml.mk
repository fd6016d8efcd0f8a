# SPDX-License-Identifier: Apache-2.0
# The public toml-test suite (its folder "tests"); it is not ours to carry, so it is read where it lies.

TOMLSUITE ?= ../shared/suites/toml-test/tests
$(B)/test/toml-suite: $(B)/host/test/toml/suite.o $(B)/host/client.a $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -lm

## check-toml   the public toml-test suite in TOMLSUITE=DIR (its folder "tests") against our parser
.PHONY: check-toml
check-toml: $(B)/test/toml-suite
	@if [ -d "$(TOMLSUITE)" ]; then $< "$(TOMLSUITE)"; \
	elif [ "$(origin TOMLSUITE)" = file ]; then echo "SKIPPED: no toml-test suite in $(TOMLSUITE)"; echo "check-toml: 0 passed, 0 failed, 1 skipped"; \
	else echo "check-toml: $(TOMLSUITE) is no folder" >&2; exit 2; fi
CHECKS += check-toml

# SPDX-License-Identifier: Apache-2.0
# The Keep against hosts and wires that lie. The Keep runs inside the test program, see test/hostile/fakehost.h.

## check-hostile    a whole Keep, under ASan + UBSan, on a host that changes its answers (VARIANTS=10000)
VARIANTS ?= 10000
CHECKS += check-hostile
.PHONY: check-hostile
check-hostile: $(B)/san/test/hostile/hostile
	@$< $(VARIANTS)
$(B)/san/test/hostile/hostile: $(B)/san/test/hostile/hostile.o $(B)/san/keep.a $(B)/san/sys.a $(B)/san/lib.a
	@echo "  LD san  $@"
	$(Q)$(CLANG) -fsanitize=address,undefined -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lbearssl -lpthread

# Every trick of a man in the middle on every record.
TESTS += test/mitm/mitm_test.c

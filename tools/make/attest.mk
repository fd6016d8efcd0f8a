# SPDX-License-Identifier: Apache-2.0
# The verifier: published evidence of real platforms and look-alikes, judged as published.

## check-attest  runs the attestation vectors in VECTORS=DIR; ends with: N passed, N failed, N skipped
.PHONY: check-attest
check-attest: $(B)/test/attest-vectors
	@[ -n "$(VECTORS)" ] || { echo "check-attest: say where the vectors are: make check-attest VECTORS=DIR" >&2; exit 2; }
	@$< "$(VECTORS)"

$(B)/test/attest-vectors: $(B)/host/test/attest/vectors.o $(B)/host/client.a $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

FUZZ_USES_toml := client
FUZZ_USES_verify := client

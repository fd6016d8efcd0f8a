# SPDX-License-Identifier: Apache-2.0
# The verifier: published evidence of real platforms and look-alikes, judged as published.

## check-attest  runs the attestation vectors in VECTORS=DIR; ends with: N passed, N failed, N skipped
.PHONY: check-attest check-attest-verbs check-attest-files check-attest-collateral check-attest-measure check-attest-sign check-attest-sev check-attest-pef check-attest-products check-attest-answers check-attest-made check-attest-mutations
CHECKS += check-attest check-attest-verbs check-attest-files check-attest-collateral check-attest-measure check-attest-sign check-attest-sev check-attest-pef check-attest-products check-attest-answers check-attest-made check-attest-mutations
VECTORS ?= ../shared/vectors
check-attest: $(B)/test/attest-vectors
	@if [ -d "$(VECTORS)" ]; then $< "$(VECTORS)"; \
	elif [ "$(origin VECTORS)" = file ]; then echo "SKIPPED: no vectors in $(VECTORS)"; echo "check-attest: 0 passed, 0 failed, 1 skipped"; \
	else echo "check-attest: $(VECTORS) is no folder" >&2; exit 2; fi

## check-attest-answers  every value that the checker finds in the vectors, and demands on each, met and missed
check-attest-answers: $(B)/test/attest-vectors
	@if [ -d "$(VECTORS)" ] && [ -d "$(VECTORS)/../tools/attest-check" ]; then \
	test/attest/answers.py "$(VECTORS)" "$(VECTORS)/../tools/attest-check" $<; \
	else echo "SKIPPED: no vectors or no checker beside $(VECTORS)"; echo "check-attest-answers: 0 passed, 0 failed, 1 skipped"; fi

## check-attest-made  quotes made at random, judged here and by the checker beside the vectors
check-attest-made: $(B)/test/attest-vectors
	@if [ -d "$(VECTORS)/../tools/attest-check" ]; then test/attest/made_quotes.py "$(VECTORS)/../tools/attest-check" $< 200; \
	else echo "SKIPPED: no checker beside $(VECTORS)"; echo "check-attest-made: 0 passed, 0 failed, 1 skipped"; fi

## check-attest-mutations  the vectors changed in one place at a time, judged here and by the checker beside them
check-attest-mutations: $(B)/test/attest-vectors
	@if [ -d "$(VECTORS)" ] && [ -d "$(VECTORS)/../tools/attest-check" ]; then \
	test/attest/mutations.py "$(VECTORS)" "$(VECTORS)/../tools/attest-check" $< 5; \
	else echo "SKIPPED: no vectors or no checker beside $(VECTORS)"; echo "check-attest-mutations: 0 passed, 0 failed, 1 skipped"; fi

check-attest-verbs: programs $(B)/test/soft_evidence
	@test/attest/verbs.sh $(B)/bin $(B)/test/soft_evidence

## check-attest-products  no product lets signatures pass
check-attest-products: programs libs
	@test/attest/products.sh $(B)

## check-attest-files  broch verify with the vectors' evidence as files, under policies of broch policy init
check-attest-files: $(B)/bin/broch
	@test/attest/files.sh $(B)/bin "$(VECTORS)"

## check-attest-collateral  broch collateral check and fetch, from a service on this machine
check-attest-collateral: $(B)/bin/broch
	@test/attest/collateral.sh $(B)/bin "$(VECTORS)"

## check-attest-measure  broch measure of firmware, trust domains and enclaves; manifests read by other code
check-attest-measure: programs $(B)/test/plan_pages
	@test/attest/measure.sh $(B)/bin "$(VECTORS)" $(B)/test/plan_pages

$(B)/test/plan_pages: $(B)/host/test/attest/plan_pages.o $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

## check-attest-sign  broch key and broch sign; what they write is checked by other code
check-attest-sign: programs
	@test/attest/sign.sh $(B)/bin

## check-attest-sev  broch sev with a stand-in for the firmware of a platform
check-attest-sev: programs
	@test/attest/sev.sh $(B)/bin "$(VECTORS)"

## check-attest-pef  broch pef; its blobs are opened by other code
check-attest-pef: programs
	@test/attest/pef.sh $(B)/bin "$(VECTORS)"

$(B)/test/soft_evidence: $(B)/host/test/attest/soft_evidence.o $(B)/host/host.a $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

VECTORS_OBJ := $(patsubst %,$(B)/host/test/attest/%.o,vectors facts kinds_snp kinds_dcap kinds_sev kinds_measure kinds_misc kinds_nitro kinds_ratls kinds_vtpm kinds_pef kinds_cca kinds_x509)
$(B)/test/attest-vectors: $(VECTORS_OBJ) $(B)/host/client.a $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

FUZZ_USES_x509 := client
FUZZ_USES_collateral := client
FUZZ_USES_layout := client
FUZZ_USES_enarx := client
FUZZ_USES_toml := client
FUZZ_USES_network := client
FUZZ_USES_dcap_collateral := client
FUZZ_USES_verify := client
FUZZ_USES_evidence := client
FUZZ_USES_words := client

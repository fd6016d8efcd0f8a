# SPDX-License-Identifier: Apache-2.0
# A fuzz target is one file fuzz/NAME_fuzz.c with LLVMFuzzerTestOneInput; its seeds lie in fuzz/corpus/NAME/. Everything is
# compiled a third time for it, with coverage counters. New inputs and crashes go to build/fuzz/NAME/, never into the tree.
# A target links lib and sys; what else it needs is named by its area: FUZZ_USES_name := client
## fuzz FUZZ=name SECONDS=n   one fuzz target for n seconds
## fuzz-smoke                 every fuzz target, and one twin, over its corpus and 2000 more inputs
FUZZ ?=
SECONDS ?= 60
FUZZERS := $(patsubst fuzz/%_fuzz.c,%,$(wildcard fuzz/*_fuzz.c))
FUZZFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(foreach a,lib:LIB sys:SYS keep:KEEPSRC host:HOST client:CLIENT agent:AGENT keeper:KEEPER,\
	$(eval $(call archive,fuzz,$(firstword $(subst :, ,$(a))),$($(lastword $(subst :, ,$(a)))))))
.SECONDEXPANSION:

$(B)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC fuzz $<"
	$(Q)$(CLANG) $(filter-out -Werror,$(SANITIZE)) $(FUZZFLAGS) $(CFLAGS) -c $< -o $@

$(B)/fuzz/%_fuzz: $(B)/fuzz/fuzz/%_fuzz.o $$(addsuffix .a,$$(addprefix $(B)/fuzz/,$$(FUZZ_USES_$$*) sys lib))
	@echo "  LD fuzz $@"
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# The whole verdict once more, with signatures that are let pass: see client/attest/let_pass.h.
$(eval $(call archive,fuzzsig,client,$(CLIENT)))
$(B)/fuzzsig/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC any  $<"
	$(Q)$(CLANG) $(filter-out -Werror,$(SANITIZE)) $(FUZZFLAGS) -DBROCH_FUZZ_ANY_SIGNATURE $(CFLAGS) -c $< -o $@
$(B)/fuzz/verdict_fuzz: $(B)/fuzz/fuzz/verdict_fuzz.o $(B)/fuzzsig/client.a $(B)/fuzz/sys.a $(B)/fuzz/lib.a
	@echo "  LD fuzz $@"
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# The targets that OpenSSL makes slow, each once more with a stand-in for its slow half: see fuzz/quick/quick.c. The true
# target stays what it is, and both share a corpus. Other slow ones (QUICKPLAIN) have a twin that is only optimized.
QUICK := collateral dcap_collateral evidence verdict verify words x509
QUICKPLAIN := certificate ovmf toml
QUICKWRAPS := d2i_X509 d2i_X509_CRL OSSL_DECODER_CTX_new_for_pkey OSSL_DECODER_from_data OSSL_DECODER_CTX_free ecdsa_key \
	ecdsa_verify X509_verify X509_CRL_verify X509_REQ_verify EVP_DigestVerify sev_rsa_key \
	json_loadb cert_pem_to_der strcmp strncmp memcmp
QUICKLIBS := -Wl,-Bstatic -lcrypto -Wl,-Bdynamic -Wl,--as-needed $(LIBS)
# What a twin runs most is compiled once more for it: optimized, with the same sanitizers, and without a call at each
# comparison. So it tries several times as many inputs; to look for the one value that a comparison wants is for the true
# target.
QUICKFLAGS := -O2 -fsanitize-coverage=inline-8bit-counters,pc-table
QUICKLIB := $(filter-out lib/wasm/%,$(LIB))
$(eval $(call archive,quick,client,$(CLIENT)))
$(eval $(call archive,quicksig,client,$(CLIENT)))
$(eval $(call archive,quick,lib,$(QUICKLIB)))
quickcc = $(CLANG) $(filter-out -Werror -O1,$(SANITIZE)) $(QUICKFLAGS) $(CFLAGS)
$(B)/quick/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC quick $<"
	$(Q)$(quickcc) -c $< -o $@
$(B)/quicksig/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC quick any $<"
	$(Q)$(quickcc) -DBROCH_FUZZ_ANY_SIGNATURE -c $< -o $@
quickclient = $(B)/$(if $(filter verdict,$(1)),quicksig,quick)/client.a
define quick # 1 name
$(B)/fuzz/$(1)_quick_fuzz: $(B)/quick/fuzz/$(1)_fuzz.o $(B)/quick/fuzz/quick/quick.o $(call quickclient,$(1)) $(B)/quick/lib.a $(B)/fuzz/sys.a $(B)/fuzz/lib.a
	@echo "  LD fuzz $$@"
	$$(Q)$$(CLANG) -fsanitize=fuzzer,address,undefined $$(addprefix -Wl$$(COMMA)--wrap=,$$(QUICKWRAPS)) -o $$@ $$(filter %.o,$$^) \
		-Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(QUICKLIBS)
endef
COMMA := ,
$(foreach f,$(QUICK),$(eval $(call quick,$(f))))
$(QUICKPLAIN:%=$(B)/fuzz/%_quick_fuzz): $(B)/fuzz/%_quick_fuzz: $(B)/quick/fuzz/%_fuzz.o $(B)/quick/client.a $(B)/quick/lib.a $(B)/fuzz/sys.a
	@echo "  LD fuzz $@"
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
TWINS := $(QUICK:%=%_quick) $(QUICKPLAIN:%=%_quick)
# One twin is enough to see that they can be built and work; the others are minutes of compiling for the same seeds.
SMOKE := $(FUZZERS) verdict_quick

# 1 name, 2 options
fuzzcorpus = fuzz/corpus/$(1:%_quick=%)
fuzzrun = mkdir -p $(B)/fuzz/$(1)/new && $(B)/fuzz/$(1)_fuzz -artifact_prefix=$(B)/fuzz/$(1)/ -rss_limit_mb=4096 -timeout=20 \
	-print_funcs=0 $(2) $(B)/fuzz/$(1)/new $(wildcard $(fuzzcorpus))

.PHONY: fuzz fuzz-smoke
CHECKS += fuzz-smoke
fuzz: $(if $(FUZZ),$(B)/fuzz/$(FUZZ)_fuzz)
	@[ -n "$(FUZZ)" ] || { echo "usage: make fuzz FUZZ=name SECONDS=n, where name is one of: $(FUZZERS) $(TWINS)"; exit 1; }
	$(call fuzzrun,$(FUZZ),-max_total_time=$(SECONDS) -max_len=65536)

fuzz-smoke: $(SMOKE:%=$(B)/fuzz/%_fuzz)
	@pass=0; fail=0; $(foreach f,$(SMOKE),\
	rm -rf $(B)/fuzz/$(f)/new; \
	if { $(call fuzzrun,$(f),-runs=$$(( 2000 + $(words $(wildcard fuzz/corpus/$(f:%_quick=%)/*)) )) -seed=1 -verbosity=0); } >$(B)/fuzz/$(f).log 2>&1; \
	then pass=$$((pass + 1)); else fail=$$((fail + 1)); echo "FAILED fuzz $(f)"; tail -40 $(B)/fuzz/$(f).log; fi;) \
	echo "fuzz-smoke: $$pass passed, $$fail failed, 0 skipped"; [ $$fail -eq 0 ]

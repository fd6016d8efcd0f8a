# SPDX-License-Identifier: Apache-2.0
## examples     the example workloads: build/examples/*.wasm (clang-19, else clang-14, with wasi-libc)

WASMCC ?= $(firstword $(foreach c,clang-19 clang-14 clang,$(if $(shell command -v $(c) 2>/dev/null),$(c))))
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%.wasm,$(wildcard examples/*.c))

$(B)/examples/%.wasm: examples/%.c
	@mkdir -p $(@D)
	@echo "  WASM    $@"
	$(Q)$(WASMCC) --target=wasm32-wasi -std=c17 -Os -s -Wall -Wextra -Werror $(WASMFLAGS) -o $@ $<

# A package of two modules: a program, and a library for it, which begins in _initialize instead of _start.
EXAMPLES += $(addprefix $(B)/examples/modules/,main.wasm vault.wasm broch.toml)
$(B)/examples/modules/vault.wasm: private WASMFLAGS := -mexec-model=reactor
$(B)/examples/modules/broch.toml: examples/modules/broch.toml
	@mkdir -p $(@D)
	$(Q)cp $< $@

# Debian's, which has the standard library for WASI; without it there is no such example.
RUSTC := $(and $(wildcard /usr/bin/rustc),$(wildcard /usr/lib/rustlib/wasm32-wasi),/usr/bin/rustc)
EXAMPLES += $(if $(RUSTC),$(B)/examples/https-rust.wasm)
$(B)/examples/https-rust.wasm: examples/https.rs examples/wasi_poll.rs
	@mkdir -p $(@D)
	@echo "  WASM    $@"
	$(Q)$(RUSTC) --edition 2021 --target wasm32-wasi -C opt-level=s -C strip=symbols -C panic=abort -D warnings -o $@ $<

.PHONY: examples
examples: $(EXAMPLES)

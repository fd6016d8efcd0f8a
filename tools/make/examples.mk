# SPDX-License-Identifier: Apache-2.0
## examples     the example workloads: build/examples/*.wasm (clang-19, else clang-14, with wasi-libc)

WASMCC ?= $(firstword $(foreach c,clang-19 clang-14 clang,$(if $(shell command -v $(c) 2>/dev/null),$(c))))
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%.wasm,$(wildcard examples/*.c))

$(B)/examples/%.wasm: examples/%.c
	@mkdir -p $(@D)
	@echo "  WASM    $@"
	$(Q)$(WASMCC) --target=wasm32-wasi -std=c17 -Os -s -Wall -Wextra -Werror -o $@ $<

.PHONY: examples
examples: $(EXAMPLES)

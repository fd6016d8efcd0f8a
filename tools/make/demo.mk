# SPDX-License-Identifier: Apache-2.0
## demo         installs what is missing, builds, deploys a program into an attested Keep, shows the chain of trust

.PHONY: demo
demo:
	@tools/install-deps.sh build
	@$(MAKE) --no-print-directory programs examples
	@tools/demo.sh $(B)

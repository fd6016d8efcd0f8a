# SPDX-License-Identifier: Apache-2.0
## install      everything: programs, Keep images, manual pages, completions, systemd unit (DESTDIR=, PREFIX=/usr/local)
## install-client  the tenant's half; it needs the host's half for `broch run` only
## check-install   installs into an empty folder and works from there

.PHONY: install install-client check-install
install: install-client install-agent

# The images: to know what a host's Keep must measure.
install-client: programs
	install -Dm755 $(B)/bin/broch $(DESTDIR)$(PREFIX)/bin/broch
	install -d $(DESTDIR)$(PREFIX)/lib/broch $(DESTDIR)$(PREFIX)/share/man/man1
	install -m644 -t $(DESTDIR)$(PREFIX)/lib/broch $(IMAGES)
	install -m644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(wildcard doc/man/*.1)
	$(B)/bin/broch completion bash | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/share/bash-completion/completions/broch
	$(B)/bin/broch completion zsh | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_broch
	$(B)/bin/broch completion fish | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/broch.fish

check-install: programs $(B)/examples/hello.wasm
	@B=$(abspath $(B)) sh test/install/run.sh "$(MAKE)"
CHECKS += check-install

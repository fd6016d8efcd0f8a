# SPDX-License-Identifier: Apache-2.0
## check-load   CONNECTIONS=1000 clients of an HTTPS server in a KVM Keep for FOR=60s, twice: no error, no leak
$(B)/test/load: $(B)/host/test/load/load.o
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie $(LDFLAGS) -o $@ $^ -lssl -lcrypto

.PHONY: check-load check-load-short
check-load: programs examples $(B)/test/load
	@B=$(abspath $(B)) LOUD=1 sh test/load/run.sh $(or $(CONNECTIONS),1000) $(or $(FOR),60s)
# The same, counted in requests.
check-load-short: programs examples $(B)/test/load
	@B=$(abspath $(B)) sh test/load/run.sh 200 10
CHECKS += check-load-short

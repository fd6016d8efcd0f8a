# SPDX-License-Identifier: Apache-2.0
# TLS: our ends against other people's, and what vouches for a Keep's certificate.

$(B)/test/tls-peer: $(B)/host/test/tls/peer.o $(B)/host/host.a $(B)/host/sys.a $(B)/host/lib.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -pie -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

## check-tls    our TLS with OpenSSL, GnuTLS and curl; broch verify tls://, broch connect
.PHONY: check-tls
check-tls: programs $(B)/test/tls-peer
	@B=$(abspath $(B)) test/tls/run.sh
CHECKS += check-tls

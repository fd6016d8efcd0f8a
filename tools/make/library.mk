# SPDX-License-Identifier: Apache-2.0
# The verifier as a library: include/broch/attest.h. Compiled once more with everything hidden but that header's functions;
# one object holds all of it that is needed, BearSSL's part as well (SEV's MACs), and no name but broch_* leaves it.
## libs         libbroch-attest: static and shared, into build/lib
## check-library   a program that links nothing else judges evidence in two threads
ABI := 0
PIC := $(filter-out -fPIE,$(HOSTED)) -fPIC -fvisibility=hidden
LIB_SOURCES := $(call sources,client/attest client/config sys lib/attest lib/base lib/cbor)
LIB_STATIC := $(B)/lib/libbroch-attest.a
LIB_SHARED := $(B)/lib/libbroch-attest.so.$(VERSION)

$(B)/pic/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC pic  $<"
	$(Q)$(CC) $(PIC) $(CFLAGS) -c $< -o $@
$(eval $(call archive,pic,all,$(filter-out client/attest/library.c,$(LIB_SOURCES))))

$(B)/lib/broch-attest.o: $(B)/pic/client/attest/library.o $(B)/pic/all.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -r -nostdlib -o $@ $^ -Wl,-Bstatic -lbearssl
	$(Q)objcopy --wildcard --keep-global-symbol='broch_*' $@
$(LIB_STATIC): $(B)/lib/broch-attest.o
	@rm -f $@
	$(Q)ar rcsD $@ $<
$(LIB_SHARED): $(B)/lib/broch-attest.o
	@echo "  LD      $@"
	$(Q)$(CC) -shared -Wl,-soname,libbroch-attest.so.$(ABI),-z,defs,-z,relro,-z,now,--as-needed $(LDFLAGS) -o $@ $< -ljansson -lcrypto
	$(Q)ln -sf libbroch-attest.so.$(VERSION) $(B)/lib/libbroch-attest.so.$(ABI)
	$(Q)ln -sf libbroch-attest.so.$(ABI) $(B)/lib/libbroch-attest.so

.PHONY: libs check-library install-library
libs: $(LIB_STATIC) $(LIB_SHARED)
CHECKS += check-library
check-library: libs
	@CC="$(CC)" test/attest/library.sh "$(MAKE)" $(abspath $(B))

# Paths in the .pc file count from its own place, so that the tree may be moved.
install: install-library
install-library: libs
	install -Dm644 include/broch/attest.h $(DESTDIR)$(PREFIX)/include/broch/attest.h
	install -Dm644 $(LIB_STATIC) $(DESTDIR)$(PREFIX)/lib/libbroch-attest.a
	install -Dm755 $(LIB_SHARED) $(DESTDIR)$(PREFIX)/lib/libbroch-attest.so.$(VERSION)
	ln -sf libbroch-attest.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libbroch-attest.so.$(ABI)
	ln -sf libbroch-attest.so.$(ABI) $(DESTDIR)$(PREFIX)/lib/libbroch-attest.so
	sed 's/@VERSION@/$(VERSION)/' packaging/broch-attest.pc.in | install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/pkgconfig/broch-attest.pc
	install -Dm644 doc/man/broch_attest.3 $(DESTDIR)$(PREFIX)/share/man/man3/broch_attest.3

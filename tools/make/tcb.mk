# SPDX-License-Identifier: Apache-2.0
## tcb          what is trusted: lines and bytes of all that is in the Keep images, with the gates on both
.PHONY: tcb
tcb: $(IMAGES) $(IMAGES:.elf=.map)
	@tools/tcb.sh $(IMAGES)
CHECKS += tcb

/* SPDX-License-Identifier: Apache-2.0 */
/* The privileged tables of a VM Keep (Intel SDM vol. 3, chapters 3, 6, 8, 19), as bytes. Each function fills one page
 * that is zero before. */
#ifndef BROCH_IMAGE_TABLES_H
#define BROCH_IMAGE_TABLES_H

#include <stdint.h>

enum { TABLES_GDT_LIMIT = 0x4f, TABLES_TSS_LIMIT = 0x88, TABLES_IDT_LIMIT = 0xfff };

void tables_gdt(uint8_t *page);
void tables_tss(uint8_t *page);
void tables_idt(uint8_t *page, uint64_t entry); /* entry: of the image, see BOOT_TRAP_STRIDE */
void tables_stubs(uint8_t *page);
void tables_probe(uint8_t *page);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Intel TD will report about its launch, computed from the files: MRTD from a TDVF firmware image, RTMR0..3 from
 * the event log that the guest's software kept.
 */
#ifndef BROCH_MEASURE_TDX_H
#define BROCH_MEASURE_TDX_H

#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { TDX_DIGEST_SIZE = 48, TDX_RTMR_COUNT = 4, TDVF_SECTIONS_MAX = 64 };

/* Sections of an image (TDVF design guide, section 11). */
enum { TDVF_EXTEND = 1, TDVF_AUG = 2 /* pages that appear later, and are measured by nobody */ };
struct tdvf_section {
	uint32_t offset, raw_size; /* in the image */
	uint64_t gpa, size;        /* in the guest; what raw_size leaves over is zero */
	uint32_t type, attributes;
};
struct tdvf {
	struct tdvf_section sections[TDVF_SECTIONS_MAX];
	size_t count;
};
/* ERR_FORMAT, ERR_LIMIT: no such table, or one that does not describe this image; the note says what. */
MUST_USE enum err tdvf_parse(struct slice image, struct tdvf *out, struct note *n);

/*
 * MRTD (TDX module ABI, TDH.MEM.PAGE.ADD and TDH.MR.EXTEND). Linux KVM adds and extends page by page; some VMMs add all
 * pages of a section first and extend them afterwards (two_pass), which gives another digest for the same firmware.
 */
MUST_USE enum err tdx_measure_mrtd(struct slice image, bool two_pass, uint8_t mrtd[static TDX_DIGEST_SIZE], struct note *n);

/*
 * A CCEL log: TCG's crypto-agile form with register indices 1..4 for RTMR0..3. Every event must carry a SHA-384 digest;
 * what an event says is not compared with its digest, which depends on the type. events: how many were extended.
 * ERR_FORMAT, ERR_TRUNCATED, ERR_UNSUPPORTED with the offset in the note.
 */
MUST_USE enum err tdx_replay_ccel(struct slice log, uint8_t rtmr[static TDX_RTMR_COUNT][TDX_DIGEST_SIZE], size_t *events,
				  struct note *n);
/* One step of it: SHA-384(old || digest). */
void tdx_rtmr_extend(uint8_t rtmr[static TDX_DIGEST_SIZE], const uint8_t digest[static TDX_DIGEST_SIZE]);

#endif

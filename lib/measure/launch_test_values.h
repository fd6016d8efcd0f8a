/* SPDX-License-Identifier: Apache-2.0 */
/* For launch_test.c: computed by an independent program from the same image. */
static const struct {
	char mode; /* s: SNP, e: SEV-ES, v: SEV */
	enum launch_vmm vmm;
	bool kernel;
	const char *digest;
} values[] = {
	{'s', LAUNCH_QEMU, false, "9b978248110acc74cae5b92dcf77e886d26741dccf8e60773be89e573b68c031913d451e18bcaf2c45dafd0dc3505786"},
	{'s', LAUNCH_QEMU, true, "1435581a8e07189ed35c3f9ceb3d99f1d6d959536d32026674dd57ce171fdb66b493f2724a2b20f66180d7830e76d952"},
	{'s', LAUNCH_EC2, false, "cc188367e2b5a5654c4f01a2466e843da70527304c19181ed482a3701c9da1ffd49492f1918b075e1629aba1e42395db"},
	{'s', LAUNCH_EC2, true, "01edb403172b32cf1ac4ad3e4ab8872c7a78195c7abdd640a56dcb632af93e46dc489c5d351e4cc08130283258fc9396"},
	{'s', LAUNCH_GCE, false, "cd2ff406dd833dff217b26f76857ddcf8aa04c306686fbee42f866da2e8db9527003afdcbeea101d29e70bd3491dd734"},
	{'s', LAUNCH_GCE, true, "8b602f86287771cbb5736ee972d7b9587493eb28214ae3144220eb5927234e9afa7e39f297d1647c57f1c3221a7b4a3b"},
	{'e', LAUNCH_QEMU, false, "17dec336709d1f0f79cabc0c8cade713cf935d9161d1ab6f06114e10559d86cb"},
	{'e', LAUNCH_QEMU, true, "7ba14667693fd36be881838978c0c4a41125d9bbc350e0489e4c08f058e6b927"},
	{'v', LAUNCH_QEMU, false, "22b2a163fc777ecd742999626fdad29ddbd6fcd969662197bd886197ea01f9ad"},
	{'v', LAUNCH_QEMU, true, "6b2e0e8ec6282200db3e943b635b3852e8b195062fdcf44cbbc4420c9a0d5ff6"},
};

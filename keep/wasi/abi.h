/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of WASI preview 1 (wasi_snapshot_preview1.witx): an ABI between compiled programs and us. */
#ifndef BROCH_KEEP_WASI_ABI_H
#define BROCH_KEEP_WASI_ABI_H

#include "lib/base/attr.h"

/* What a call answers to the program; 0 is success. */
enum wasi_errno {
	WASI_OK = 0,
	WASI_EACCES = 2,
	WASI_EADDRINUSE = 3,
	WASI_EAGAIN = 6,
	WASI_EBADF = 8,
	WASI_EBUSY = 10,
	WASI_ECONNABORTED = 13,
	WASI_ECONNREFUSED = 14,
	WASI_ECONNRESET = 15,
	WASI_EEXIST = 20,
	WASI_EFAULT = 21,
	WASI_EFBIG = 22,
	WASI_EHOSTUNREACH = 23,
	WASI_EILSEQ = 25,
	WASI_EINVAL = 28,
	WASI_EIO = 29,
	WASI_EISDIR = 31,
	WASI_ELOOP = 32,
	WASI_EMFILE = 33,
	WASI_EMLINK = 34,
	WASI_ENAMETOOLONG = 37,
	WASI_ENOENT = 44,
	WASI_ENOSPC = 51,
	WASI_ENOSYS = 52,
	WASI_ENOTCONN = 53,
	WASI_ENOTDIR = 54,
	WASI_ENOTEMPTY = 55,
	WASI_ENOTSOCK = 57,
	WASI_ENOTSUP = 58,
	WASI_EOVERFLOW = 61,
	WASI_EPERM = 63,
	WASI_EPIPE = 64,
	WASI_EPROTO = 65,
	WASI_ESPIPE = 70,
	WASI_ETIMEDOUT = 73,
	WASI_EXDEV = 75,
	WASI_ENOTCAPABLE = 76,
};

/* TRY for what the program is told. Like TRY it is the only one of its kind that leaves a function. */
#define ETRY(call)                                                                                                     \
	do {                                                                                                           \
		enum wasi_errno errno_ = (call);                                                                       \
		if (errno_ != WASI_OK)                                                                                 \
			return errno_;                                                                                 \
	} while (0)

/* Bits of rights. An enum would be too narrow for the sets of a later version. */
#define RIGHT(n) (UINT64_C(1) << (n))
#define RIGHT_FD_DATASYNC RIGHT(0)
#define RIGHT_FD_READ RIGHT(1)
#define RIGHT_FD_SEEK RIGHT(2)
#define RIGHT_FD_FDSTAT_SET_FLAGS RIGHT(3)
#define RIGHT_FD_SYNC RIGHT(4)
#define RIGHT_FD_TELL RIGHT(5)
#define RIGHT_FD_WRITE RIGHT(6)
#define RIGHT_FD_ADVISE RIGHT(7)
#define RIGHT_FD_ALLOCATE RIGHT(8)
#define RIGHT_PATH_CREATE_DIRECTORY RIGHT(9)
#define RIGHT_PATH_CREATE_FILE RIGHT(10)
#define RIGHT_PATH_LINK_SOURCE RIGHT(11)
#define RIGHT_PATH_LINK_TARGET RIGHT(12)
#define RIGHT_PATH_OPEN RIGHT(13)
#define RIGHT_FD_READDIR RIGHT(14)
#define RIGHT_PATH_READLINK RIGHT(15)
#define RIGHT_PATH_RENAME_SOURCE RIGHT(16)
#define RIGHT_PATH_RENAME_TARGET RIGHT(17)
#define RIGHT_PATH_FILESTAT_GET RIGHT(18)
#define RIGHT_PATH_FILESTAT_SET_SIZE RIGHT(19)
#define RIGHT_PATH_FILESTAT_SET_TIMES RIGHT(20)
#define RIGHT_FD_FILESTAT_GET RIGHT(21)
#define RIGHT_FD_FILESTAT_SET_SIZE RIGHT(22)
#define RIGHT_FD_FILESTAT_SET_TIMES RIGHT(23)
#define RIGHT_PATH_SYMLINK RIGHT(24)
#define RIGHT_PATH_REMOVE_DIRECTORY RIGHT(25)
#define RIGHT_PATH_UNLINK_FILE RIGHT(26)
#define RIGHT_POLL_FD_READWRITE RIGHT(27)
#define RIGHT_SOCK_SHUTDOWN RIGHT(28)
#define RIGHT_SOCK_ACCEPT RIGHT(29)
#define RIGHTS_ALL (RIGHT(30) - 1)
/* What makes sense for a regular file, for a directory, for a stream. */
#define RIGHTS_FILE                                                                                                    \
	(RIGHT_FD_DATASYNC | RIGHT_FD_READ | RIGHT_FD_SEEK | RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_SYNC | RIGHT_FD_TELL | \
	 RIGHT_FD_WRITE | RIGHT_FD_ADVISE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_GET | RIGHT_FD_FILESTAT_SET_SIZE |   \
	 RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_POLL_FD_READWRITE)
#define RIGHTS_FILE_CHANGE (RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE)
#define RIGHTS_DIR                                                                                                     \
	(RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC | RIGHT_PATH_CREATE_DIRECTORY |                 \
	 RIGHT_PATH_CREATE_FILE | RIGHT_PATH_LINK_SOURCE | RIGHT_PATH_LINK_TARGET | RIGHT_PATH_OPEN |                  \
	 RIGHT_FD_READDIR | RIGHT_PATH_READLINK | RIGHT_PATH_RENAME_SOURCE | RIGHT_PATH_RENAME_TARGET |                \
	 RIGHT_PATH_FILESTAT_GET | RIGHT_PATH_FILESTAT_SET_SIZE | RIGHT_PATH_FILESTAT_SET_TIMES |                      \
	 RIGHT_FD_FILESTAT_GET | RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_PATH_SYMLINK | RIGHT_PATH_REMOVE_DIRECTORY |      \
	 RIGHT_PATH_UNLINK_FILE | RIGHT_POLL_FD_READWRITE)
#define RIGHTS_STREAM                                                                                                  \
	(RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET | RIGHT_POLL_FD_READWRITE | RIGHT_FD_SYNC | RIGHT_FD_DATASYNC)

#define RIGHTS_SOCKET (RIGHTS_STREAM | RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_SOCK_SHUTDOWN)
#define RIGHTS_LISTENER (RIGHTS_STREAM | RIGHT_FD_READ | RIGHT_SOCK_ACCEPT)

enum wasi_filetype {
	WASI_TYPE_UNKNOWN = 0,
	WASI_TYPE_CHARACTER = 2,
	WASI_TYPE_DIRECTORY = 3,
	WASI_TYPE_FILE = 4,
	WASI_TYPE_SOCKET_STREAM = 6,
	WASI_TYPE_SYMLINK = 7,
};

enum wasi_fdflags { FDFLAG_APPEND = 1, FDFLAG_DSYNC = 2, FDFLAG_NONBLOCK = 4, FDFLAG_RSYNC = 8, FDFLAG_SYNC = 16,
		    FDFLAGS_ALL = 31 };
enum wasi_oflags { OFLAG_CREAT = 1, OFLAG_DIRECTORY = 2, OFLAG_EXCL = 4, OFLAG_TRUNC = 8, OFLAGS_ALL = 15 };
enum wasi_lookupflags { LOOKUP_FOLLOW = 1 };
enum wasi_fstflags { FST_ATIM = 1, FST_ATIM_NOW = 2, FST_MTIM = 4, FST_MTIM_NOW = 8, FST_ALL = 15 };
enum wasi_whence { WHENCE_SET = 0, WHENCE_CUR = 1, WHENCE_END = 2 };
enum wasi_clock { CLOCK_WALL = 0, CLOCK_MONO = 1, CLOCK_PROCESS_CPU = 2, CLOCK_THREAD_CPU = 3 };
enum wasi_event { EVENT_CLOCK = 0, EVENT_FD_READ = 1, EVENT_FD_WRITE = 2 };
enum { SUBCLOCK_ABSOLUTE = 1, ADVICE_MAX = 5, PREOPEN_DIR = 0, PREOPEN_OTHER = 1 };

/* Sizes in the program's memory, in bytes. */
enum {
	IOVEC_SIZE = 8,
	FDSTAT_SIZE = 24,
	FILESTAT_SIZE = 64,
	FILESTAT_UNSTABLE_SIZE = 56,
	PRESTAT_SIZE = 8,
	DIRENT_SIZE = 24,
	SUBSCRIPTION_SIZE = 48,
	SUBSCRIPTION_UNSTABLE_SIZE = 56,
	EVENT_SIZE = 32,
};

#endif

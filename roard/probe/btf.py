"""A header tree for bcc from the running kernel's BTF, so that no kernel headers are needed.

libbpf's btf_dump__dump_type() (libbpf is a hard dependency of Debian's libbpfcc) prints a type, and all that it embeds,
as C. bcc looks for ./include/linux/kconfig.h below $BCC_KERNEL_SOURCE and includes it first.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

from lineage.errors import UnsupportedError

STRUCTS = (
    "task_struct", "files_struct", "fdtable", "file", "inode", "super_block", "dentry", "mount", "pt_regs", "fs_struct",
    "linux_binprm", "mm_struct", "signal_struct",
)
_BTF_KIND_STRUCT = 4
_EMPTY_HEADERS = (
    "linux/types.h", "linux/bpf_common.h", "linux/log2.h", "linux/bpf.h", "linux/if_packet.h", "uapi/linux/if_packet.h",
    "uapi/linux/bpf.h", "linux/ptrace.h", "linux/sched.h", "linux/string.h",
)
_KCONFIG = """#pragma once
#define CONFIG_BPF_SYSCALL 1
#include "kernel_types.h"
typedef short __s16; typedef int __s32; typedef __s32 s32; typedef __s16 s16; typedef signed char __s8;
typedef unsigned long uintptr_t;
typedef __u16 __be16; typedef __u32 __be32; typedef __u32 __wsum; typedef __u16 __sum16;
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#define __bitwise
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
"""


def dump_structs(names: tuple[str, ...] = STRUCTS) -> str:
    """C of the named structs and of everything they embed. Raises UnsupportedError without BTF."""
    try:
        bpf = ctypes.CDLL("libbpf.so.1")
    except OSError as error:
        raise UnsupportedError(f"libbpf is missing: {error}", "apt-get install python3-bpfcc") from error
    libc = ctypes.CDLL(None)
    printf_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    bpf.btf__load_vmlinux_btf.restype = bpf.btf_dump__new.restype = ctypes.c_void_p
    bpf.btf_dump__new.argtypes = [ctypes.c_void_p, printf_type, ctypes.c_void_p, ctypes.c_void_p]
    bpf.btf__find_by_name_kind.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint]
    bpf.btf_dump__dump_type.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    libc.vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
    chunks: list[str] = []
    buffer = ctypes.create_string_buffer(8192)

    def emit(_context: object, template: bytes, arguments: object) -> None:
        libc.vsnprintf(buffer, len(buffer), template, arguments)
        chunks.append(buffer.value.decode())

    callback = printf_type(emit)
    btf = bpf.btf__load_vmlinux_btf()
    if not btf:
        raise UnsupportedError("this kernel has no BTF (/sys/kernel/btf/vmlinux)", "use a kernel with CONFIG_DEBUG_INFO_BTF")
    dumper = bpf.btf_dump__new(btf, callback, None, None)
    for name in names:
        type_id = bpf.btf__find_by_name_kind(btf, name.encode(), _BTF_KIND_STRUCT)
        if type_id <= 0 or bpf.btf_dump__dump_type(dumper, type_id):
            raise UnsupportedError(f"this kernel's BTF has no struct {name}", "roar needs Linux 6.1 or later")
    return "".join(chunks)


def inode_times(structs: str) -> list[str]:
    """Compiler flags that say how this kernel keeps an inode's times: the layout changed in 6.6 and in 6.11."""
    match = re.search(r"^struct inode \{\n(.*?)^\};", structs, re.MULTILINE | re.DOTALL)
    body = match.group(1) if match else ""
    if " i_mtime_sec;" in body:
        return ["-DROAR_FLAT_TIMES"]
    fields = [f"-DROAR_{name.upper()}={field}" for name in ("mtime", "ctime")
              for field in (f"i_{name}", f"__i_{name}") if re.search(rf"struct timespec64 {field};", body)]
    if len(fields) != 2:
        raise UnsupportedError("this kernel's struct inode keeps its times in a way that roar does not know",
                               "please report the kernel's version")
    return fields


def write_headers(root: Path) -> list[str]:
    """Writes the header tree below ``root`` and returns the compiler flags that go with it."""
    include = root / "include"
    for name in _EMPTY_HEADERS:
        path = include / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (include / "asm").mkdir()
    (include / "asm/page.h").write_text("#define PAGE_SIZE 4096\n")
    (include / "linux/version.h").write_text(
        "#define KERNEL_VERSION(a,b,c) (((a)<<16)+((b)<<8)+(c))\n#define LINUX_VERSION_CODE KERNEL_VERSION(6,1,0)\n")
    structs = dump_structs()
    (include / "kernel_types.h").write_text(structs)
    (include / "linux/kconfig.h").write_text(_KCONFIG)
    return inode_times(structs)

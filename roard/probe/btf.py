"""Layouts of kernel structures, from the running kernel's BTF, so that no kernel headers are needed.

Only the members that the probes read are declared, each at the offset that BTF gives (libbpf, a hard dependency of
Debian's libbpfcc, reads it). Declaring whole structures instead (btf_dump) goes wrong where a compiler attribute that
BTF does not carry moved a member, and takes the compiler three times as long.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lineage.errors import UnsupportedError

#: By structure and member (dots lead into members that are structures): the type to declare. A dot becomes an underscore.
MEMBERS: dict[str, dict[str, str]] = {
    "task_struct": {
        "files": "struct files_struct *", "fs": "struct fs_struct *", "mm": "struct mm_struct *",
        "signal": "struct signal_struct *", "group_leader": "struct task_struct *", "tgid": "u32",
        "start_boottime": "u64", "exit_code": "s32", "comm": "u8", "utime": "u64", "stime": "u64",
        "se.sum_exec_runtime": "u64", "thread_info.status": "u32",
    },
    "files_struct": {"fdt": "struct fdtable *"},
    "fdtable": {"max_fds": "u32", "fd": "struct file **"},
    "file": {
        "f_inode": "struct inode *", "f_mode": "u32", "f_flags": "u32", "f_pos": "u64",
        "f_path.dentry": "struct dentry *", "f_path.mnt": "struct vfsmount *", "private_data": "struct socket *",
    },
    "socket": {"sk": "struct sock *", "type": "u16"},
    "sock": {
        "__sk_common.skc_family": "u16", "__sk_common.skc_state": "u8", "__sk_common.skc_daddr": "u32",
        "__sk_common.skc_dport": "u16", "__sk_common.skc_num": "u16", "sk_type": "u16", "sk_protocol": "u16",
    },
    "inode": {
        "i_sb": "struct super_block *", "i_mapping": "struct address_space *", "i_ino": "u64", "i_size": "u64",
        "i_generation": "u32", "i_mode": "u16", "i_rdev": "u32",
    },
    "address_space": {"i_mmap_writable.counter": "s32"},
    "super_block": {"s_dev": "u32", "s_magic": "u64"},
    "dentry": {
        "d_parent": "struct dentry *", "d_name.name": "const unsigned char *", "d_hash.pprev": "void *",
        "d_sb": "struct super_block *",
    },
    "vfsmount": {"mnt_root": "struct dentry *"},
    "mount": {
        "mnt": "u8", "mnt_parent": "struct mount *", "mnt_mountpoint": "struct dentry *", "mnt_ns": "struct mnt_namespace *",
    },
    "mnt_namespace": {"ns.inum": "u32"},
    "fs_struct": {
        "root.dentry": "struct dentry *", "root.mnt": "struct vfsmount *",
        "pwd.dentry": "struct dentry *", "pwd.mnt": "struct vfsmount *",
    },
    "linux_binprm": {"file": "struct file *", "buf": "u64", "filename": "const char *", "interp": "const char *"},
    "mm_struct": {"arg_start": "u64", "arg_end": "u64", "saved_auxv": "u64", "mm_mt.ma_root": "u64", "hiwater_rss": "u64"},
    "vm_area_struct": {"vm_start": "u64", "vm_end": "u64", "vm_flags": "u64", "vm_file": "struct file *"},
    "maple_range_64": {"pivot": "u64", "slot": "u64"},
    "maple_arange_64": {"pivot": "u64", "slot": "u64"},
    "signal_struct": {
        "live.counter": "s32", "flags": "u32", "group_exit_code": "s32", "nr_threads": "u32", "maxrss": "u64",
    },
    "pt_regs": dict.fromkeys(("di", "si", "dx", "r10", "r8", "r9", "bx", "cx", "bp"), "u64"),
}
#: The structures of io_uring, which a kernel may be built without.
URING: dict[str, dict[str, str]] = {
    "io_kiocb": {
        "file": "struct file *", "opcode": "u8", "flags": "u32", "cqe.fd": "s32", "ctx": "struct io_ring_ctx *",
    },
    "io_ring_ctx": {"submit_state.link.head": "void *"},
    "io_open": {"file_slot": "u32", "how.flags": "u64"},
    "io_rename": {
        "old_dfd": "s32", "new_dfd": "s32", "oldpath": "struct filename *", "newpath": "struct filename *", "flags": "s32",
    },
    "io_unlink": {"dfd": "s32", "flags": "s32", "filename": "struct filename *"},
    "io_link": {
        "old_dfd": "s32", "new_dfd": "s32", "oldpath": "struct filename *", "newpath": "struct filename *", "flags": "s32",
    },
    "io_splice": {"file_out": "struct file *", "splice_fd_in": "s32", "flags": "u32"},
    "io_accept": {"file_slot": "u32"},
    "io_madvise": {"advice": "u32"},
    "io_rsrc_node": {},
    "filename": {"name": "const char *"},
}
#: Those of cgroups, likewise.
CGROUPS: dict[str, dict[str, str]] = {
    "css_set": {"dfl_cgrp": "struct cgroup *"},
    "cgroup": {"level": "u32", "kn": "struct kernfs_node *"},
    "kernfs_node": {"id": "u64"},
    "cred": {"uid.val": "u32", "euid.val": "u32", "suid.val": "u32"},
}
#: Those of unix sockets, which may be in a module.
UNIX: dict[str, dict[str, str]] = {
    "unix_sock": {"addr": "struct unix_address *", "peer": "struct unix_sock *"},
    "unix_address": {"len": "s32", "name": "u8"},
}
#: Members that not every kernel has, by the name that the C uses: path and type. Where there, HAS_structure_name is defined.
_CHOICES: dict[str, dict[str, tuple[str, str]]] = {
    "io_ring_ctx": {  # from 6.13 on nodes, before that an array of pointers with flags in them
        "registered_nodes": ("file_table.data.nodes", "u64 *"), "registered_count": ("file_table.data.nr", "u32"),
        "registered_files": ("file_table.files", "u64 *"), "registered_files_count": ("nr_user_files", "u32"),
    },
    "io_rsrc_node": {"file_ptr": ("file_ptr", "u64")},
    "task_struct": {"cgroups": ("cgroups", "struct css_set *"), "real_cred": ("real_cred", "struct cred *"),
                    **{name: (f"ioac.{name}", "u64") for name in (  # CONFIG_TASK_IO_ACCOUNTING
                        "rchar", "wchar", "read_bytes", "write_bytes", "cancelled_write_bytes")}},
    "cgroup": {"ancestors": ("ancestors", "u64")},  # from 6.1 on
    "sock": {"v6_daddr": ("__sk_common.skc_v6_daddr", "u64")},
}
#: Leading parts of structures that are copied in one go, where several members are wanted at once.
HEADS = {
    "file_head": ("file", ("f_mode", "f_flags", "f_inode", "f_path.mnt", "f_path.dentry", "f_pos")),
    "inode_head": ("inode", ("i_mode", "i_sb", "i_ino", "i_size", "mtime_sec", "mtime_nsec")),
}
#: An inode's times, wherever this kernel keeps them: from 6.11 on, from 6.6 on, before.
_TIMES = {
    f"{name}_{unit}": (f"i_{name}_{unit}", f"__i_{name}.tv_{unit}", f"i_{name}.tv_{unit}")
    for name in ("mtime", "ctime") for unit in ("sec", "nsec")
}
_SIZES = {"u8": 1, "u16": 2, "u32": 4, "s32": 4}  # the others, and pointers: 8
_TIME_TYPES = {"sec": "u64", "nsec": "u32"}

_STRUCT, _UNION, _TYPEDEF, _VOLATILE, _CONST, _TYPE_TAG = 4, 5, 8, 9, 10, 18  # include/uapi/linux/btf.h
_EMPTY_HEADERS = (
    "linux/types.h", "linux/bpf_common.h", "linux/log2.h", "linux/bpf.h", "linux/if_packet.h", "uapi/linux/if_packet.h",
    "uapi/linux/bpf.h", "linux/ptrace.h", "linux/sched.h", "linux/string.h",
)
_KCONFIG = """#pragma once
#define CONFIG_BPF_SYSCALL 1
typedef unsigned char __u8, u8; typedef unsigned short __u16, u16, __be16, __sum16; typedef signed char __s8, s8;
typedef unsigned int __u32, u32, __be32, __wsum; typedef unsigned long long __u64, u64, __be64;
typedef short __s16, s16; typedef int __s32, s32; typedef long long __s64, s64;
typedef unsigned long size_t, uintptr_t; typedef _Bool bool; typedef int pid_t;
#define __aligned_u64 __u64 __attribute__((aligned(8)))
#define __bitwise
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#include "kernel_types.h"
"""


class _Type(ctypes.Structure):
    _fields_ = (("name", ctypes.c_uint32), ("info", ctypes.c_uint32), ("type", ctypes.c_uint32))


class _Member(ctypes.Structure):
    _fields_ = (("name", ctypes.c_uint32), ("type", ctypes.c_uint32), ("offset", ctypes.c_uint32))


class Place(NamedTuple):
    """A member: its offset in bytes, and its type's number."""

    offset: int
    type: int


class Btf:
    """The running kernel's type information. Raises UnsupportedError where there is none."""

    def __init__(self) -> None:
        try:
            self._lib = ctypes.CDLL("libbpf.so.1")
        except OSError as error:
            raise UnsupportedError(f"libbpf is missing: {error}", "apt-get install python3-bpfcc") from error
        lib = self._lib
        lib.btf__load_vmlinux_btf.restype = ctypes.c_void_p
        lib.btf__type_by_id.restype = ctypes.c_void_p
        lib.btf__type_by_id.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        lib.btf__name_by_offset.restype = ctypes.c_char_p
        lib.btf__name_by_offset.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        lib.btf__find_by_name_kind.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
        self._btf = lib.btf__load_vmlinux_btf()
        if not self._btf:
            raise UnsupportedError("this kernel has no BTF (/sys/kernel/btf/vmlinux)",
                                   "use a kernel with CONFIG_DEBUG_INFO_BTF")

    def has(self, name: str) -> bool:
        return int(self._lib.btf__find_by_name_kind(self._btf, name.encode(), _STRUCT)) > 0

    def struct(self, name: str) -> int:
        number = int(self._lib.btf__find_by_name_kind(self._btf, name.encode(), _STRUCT))
        if number <= 0:
            raise UnsupportedError(f"this kernel's BTF has no struct {name}", "roar needs Linux 6.1 or later")
        return number

    def size(self, name: str) -> int:
        """Of a structure, in bytes."""
        return int(_Type.from_address(self._lib.btf__type_by_id(self._btf, self.struct(name))).type)

    def find(self, number: int, path: str) -> Place | None:
        """A member of a structure, by its name or dotted path, through members without a name."""
        name, _, rest = path.partition(".")
        for member, place in self._members(number):
            if member == name:
                inner = self.find(place.type, rest) if rest else place
                return Place(place.offset + inner.offset, inner.type) if rest and inner else inner
            if not member:
                inner = self.find(place.type, path)
                if inner:
                    return Place(place.offset + inner.offset, inner.type)
        return None

    def _members(self, number: int) -> Iterator[tuple[str, Place]]:
        address, kind = 0, 0
        while kind not in (_STRUCT, _UNION):
            address = self._lib.btf__type_by_id(self._btf, number)
            if not address:
                return
            info = _Type.from_address(address)
            kind = info.info >> 24 & 31
            if kind not in (_STRUCT, _UNION, _TYPEDEF, _VOLATILE, _CONST, _TYPE_TAG):
                return
            number = info.type
        info = _Type.from_address(address)
        bitfields = info.info >> 31  # then an offset's top eight bits are a bit field's width
        members = (_Member * (info.info & 0xFFFF)).from_address(address + ctypes.sizeof(_Type))
        for member in members:
            bits = member.offset & 0xFFFFFF if bitfields else member.offset
            yield self._lib.btf__name_by_offset(self._btf, member.name).decode(), Place(bits // 8, member.type)


def declarations() -> str:
    """C declarations of the members in the tables. Raises UnsupportedError for a member that this kernel has not."""
    btf = Btf()
    parts = [f"struct {name};" for name in (*MEMBERS, *URING, *CGROUPS, *UNIX)]
    parts += [_declared(btf, name, name, members) for name, members in MEMBERS.items()]
    parts += [_declared(btf, head, struct, dict.fromkeys(paths, "") | {
        path: kind for path, kind in MEMBERS[struct].items() if path in paths}) for head, (struct, paths) in HEADS.items()]
    for name, there, tables in (
            ("URING", btf.has("io_kiocb"), URING), ("UNIX", btf.has("unix_sock"), UNIX),
            ("CGROUPS", btf.has("css_set") and btf.find(btf.struct("cgroup"), "ancestors"), CGROUPS)):
        if there:
            parts += [_declared(btf, struct, struct, members) for struct, members in tables.items()]
            parts.append(f"#define HAS_{name} 1")
    memory = btf.find(btf.struct("mm_struct"), "rss_stat")
    count = btf.find(btf.struct("percpu_counter"), "count") if btf.has("percpu_counter") else None
    if memory and count and not btf.find(btf.struct("mm_struct"), "rss_stat.count"):  # from 6.2 on an array of such counters
        parts.append(f"#define ROAR_RSS_COUNT {memory.offset + count.offset}\n"
                     f"#define ROAR_RSS_STRIDE {btf.size('percpu_counter')}")
    return "\n".join(parts) + "\n"


def _declared(btf: Btf, name: str, struct: str, members: dict[str, str]) -> str:
    """A structure with these members, by path and type; an inode's times are found by what they are."""
    number = btf.struct(struct)
    wanted: list[tuple[str, tuple[str, ...], str]] = [
        (path.replace(".", "_"), (path,), kind) for path, kind in members.items() if path not in _TIMES]
    if struct == "inode":
        times = _TIMES if name == struct else [path for path in members if path in _TIMES]
        wanted += [(each, _TIMES[each], _TIME_TYPES[each.rpartition("_")[2]]) for each in times]
    rows, defines = [], []
    for member, paths, kind in wanted:
        place = next(filter(None, (btf.find(number, path) for path in paths)), None)
        if place is None:
            raise UnsupportedError(f"this kernel's struct {struct} has no {paths[0]}", "please report its version")
        rows.append(_row(member, kind, place))
    for member, (path, kind) in _CHOICES.get(name, {}).items():
        place = btf.find(number, path)
        if place is not None:
            rows.append(_row(member, kind, place))
            defines.append(f"#define HAS_{name}_{member} 1")
    return "\n".join([f"struct {name} {{ union {{", *rows, "}; };", *defines])


def _row(member: str, kind: str, place: Place) -> str:
    pad = f"char pad_{member}[{place.offset}]; " if place.offset else ""
    # packed members are loaded byte by byte, which the verifier refuses: only where nothing else will do
    packed = " __attribute__((packed))" if place.offset % _SIZES.get(kind, 8) else ""
    return f"    struct {{ {pad}{kind} {member}; }}{packed};"


def write_headers(root: Path) -> None:
    """The header tree that bcc takes for the kernel's, below ``root``: it includes linux/kconfig.h first."""
    include = root / "include"
    for name in _EMPTY_HEADERS:
        path = include / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (include / "asm").mkdir()
    (include / "asm/page.h").write_text("#define PAGE_SIZE 4096\n")
    (include / "linux/version.h").write_text(
        "#define KERNEL_VERSION(a,b,c) (((a)<<16)+((b)<<8)+(c))\n#define LINUX_VERSION_CODE KERNEL_VERSION(6,1,0)\n")
    (include / "kernel_types.h").write_text(declarations())
    (include / "linux/kconfig.h").write_text(_KCONFIG)

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The helpers that are called, by the numbers of enum bpf_func_id in include/uapi/linux/bpf.h, and
 * the attributes a loader looks for.
 */
#ifndef SWITCHYARD_HELPERS_H
#define SWITCHYARD_HELPERS_H

#include "types.h"

#define __ksym		__attribute__((section(".ksyms")))
#define __weak		__attribute__((weak))
#define SEC(name)	__attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keeps the compiler from making one branch out of the one before and the one after. */
#define apart() asm volatile("")

/* Map definitions are types: the loader reads numbers from array sizes and types from pointers. */
#define __uint(name, val)  int(*name)[val]
#define __type(name, val)  typeof(val) *name
#define __array(name, val) typeof(val) *name[]

#define BPF_MAP_TYPE_HASH	   1
#define BPF_MAP_TYPE_ARRAY	   2
#define BPF_MAP_TYPE_PERCPU_ARRAY  6
#define BPF_MAP_TYPE_ARRAY_OF_MAPS 12
#define BPF_MAP_TYPE_QUEUE	   22
#define BPF_MAP_TYPE_STACK	   23
#define BPF_MAP_TYPE_RINGBUF	   27

#define BPF_NOEXIST	    1
#define BPF_EXIST	    2
#define BPF_F_MMAPABLE	    (1U << 10)
#define BPF_RB_NO_WAKEUP    (1ULL << 0)
#define BPF_RB_FORCE_WAKEUP (1ULL << 1)

/* clang's builtins for CO-RE; 1 is BPF_FIELD_BYTE_SIZE, 2 BPF_FIELD_EXISTS. */
#define field_size(field)   __builtin_preserve_field_info(field, 1)
#define field_exists(field) __builtin_preserve_field_info(field, 2)

/* The size of a type in the kernel's BTF; 1 is BPF_TYPE_SIZE. */
#define kernel_type_size(type) __builtin_preserve_type_info(*(type *)0, 1)

/* The id of a type in the kernel's BTF; 1 is BPF_TYPE_ID_TARGET. */
#define kernel_type_id(type) __builtin_btf_type_id(*(type *)0, 1)

/* The value of an enumeration's constant in the kernel's BTF; 1 is BPF_ENUMVAL_VALUE. */
#define kernel_enum_value(type, name) __builtin_preserve_enum_value(*(type *)name, 1)

struct task_struct;
struct pt_regs;
struct seq_file;

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static u64 (*const bpf_get_current_task)(void) = (void *)35;
static long (*const bpf_map_push_elem)(void *map, const void *value, u64 flags) = (void *)87;
static long (*const bpf_map_pop_elem)(void *map, void *value) = (void *)88;
static long (*const bpf_probe_read_kernel)(void *dst, u32 size, const void *from) = (void *)113;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static u64 (*const bpf_ktime_get_boot_ns)(void) = (void *)125;
static long (*const bpf_seq_write)(struct seq_file *m, const void *data, u32 len) = (void *)127;
static void *(*const bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static long (*const bpf_task_pt_regs)(struct task_struct *task) = (void *)175;
static long (*const bpf_loop)(u32 n, void *callback, void *ctx, u64 flags) = (void *)181;

/* Gives an address a type, so that it can be read without a call (6.2). */
extern void *bpf_rdonly_cast(const void *address, u32 type) __ksym __weak;

#endif

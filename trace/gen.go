package trace

// The objects are built with this compiler and no other, so that they come out byte for byte the
// same. They hold no architecture's offsets: one object serves all little-endian machines.

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types -output-stem sched -type count -type state -type task -type hist_shape -type hist -type hist_id -type window -type syscall_abi -type syscall_slots -type cpu -type row -type latency -type walk_mode -type walk -type control bpf bpf/sched.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types task bpf/task.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types syscall bpf/syscall.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types fault bpf/fault.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types tlb bpf/tlb.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types walk bpf/walk.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror -DPLAIN" -no-global-types schedPlain bpf/sched.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror -DPLAIN" -no-global-types taskPlain bpf/task.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror -DPLAIN -DBOUNDED" -no-global-types walkPlain bpf/walk.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror -DBOUNDED" -no-global-types walkBounded bpf/walk.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types -output-stem record -type record_kind -type record_flag -type record_page_table -type record_mode -type snapshot_flag -type record_switch -type record_waking -type record_migrate -type record_identity -type record_end -type record_syscall -type record_lost -type record_snapshot -type ring -type recording record bpf/record.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types recordLife bpf/record_life.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types recordSyscall bpf/record_syscall.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types recordWalk bpf/record_walk.bpf.c

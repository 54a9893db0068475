package switchcost

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -cflags "-mcpu=v3 -Wall -Werror" -no-global-types -output-stem switchcost -type cost_kind -type cost_part -type cost_hist -type cost_ring -type cost_cpu -type cost_control -type cost_request -type hist cost ../bpf/cost.bpf.c

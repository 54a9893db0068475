package trace

import (
	"errors"

	"github.com/cilium/ebpf"

	"switchyard/internal/proc"
)

// leastRoom is for how many tasks there is always room, ended ones that the kernel still keeps
// included. Each takes 700 bytes in count depth and 64 in record depth.
const leastRoom = 1 << 14

// room is for how many tasks maps are made: plenty for those there are now (proc_loadavg(5)).
func room() int {
	tasks, _ := proc.Here.Tasks()
	return min(max(leastRoom, 4*tasks), 1<<22)
}

// fillSlots puts every slot among the free ones, the lowest on top.
func (o *objects) fillSlots() error {
	free := o.base.Maps[bpfMapFreeSlots]
	for slot := uint32(o.tasks); slot > 0; slot-- {
		if err := free.Put(nil, slot-1); err != nil {
			return err
		}
	}
	return nil
}

// clearTable takes out of the table what tasks that are traced no more have left there: others with
// the same addresses would pay for it. It stays while the kernel has such a task, which is found by
// it when it goes.
func (o *objects) clearTable() error {
	var address uint64
	if err := o.base.Maps[bpfMapTraced].NextKey(nil, &address); !errors.Is(err,
		ebpf.ErrKeyNotExist) {
		return err
	}
	table, err := o.base.Maps[".bss"].Memory()
	if err != nil {
		return err
	}
	_, err = table.WriteAt(make([]byte, table.Size()), 0)
	return err
}

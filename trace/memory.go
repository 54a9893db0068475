package trace

import "github.com/cilium/ebpf"

// memory is what the maps and programs take in the kernel, bytes, as it says itself
// (proc_pid_fdinfo(5), memlock). Before 6.4 it estimates, from the size of elements, and leaves out
// rings: those are counted here.
func (o *objects) memory(more ...*ebpf.Map) (sum uint64) {
	seen := make(map[ebpf.MapID]bool)
	add := func(m *ebpf.Map) {
		info, err := m.Info()
		if err != nil {
			return
		}
		id, _ := info.ID()
		n, _ := info.Memlock()
		if info.Type == ebpf.RingBuf {
			n = max(n, uint64(info.MaxEntries))
		}
		if !seen[id] {
			sum += n
		}
		seen[id] = true
	}
	for _, coll := range append([]*ebpf.Collection{o.base}, o.rest...) {
		for _, m := range coll.Maps {
			add(m)
		}
		for _, p := range coll.Programs {
			if info, err := p.Info(); err == nil {
				n, _ := info.Memlock()
				sum += n
			}
		}
	}
	for _, m := range more {
		add(m)
	}
	return sum
}

package spool

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"switchyard/trace/event"
)

// The offsets, sizes and values here are those of the C that makes the records: the object that is
// loaded has its types.
func TestRecordLayouts(t *testing.T) {
	spec, err := btf.LoadSpec("../record_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		size   uint32
		fields map[string]uint32
	}{
		"record": {recordSize, map[string]uint32{"time": recordTime, "kind": recordType,
			"flags": recordFlags, "cpu": recordCPU, "task": recordTask}},
		"record_switch": {switchSize, map[string]uint32{"next": switchNext, "state": switchState,
			"prio": switchPrio, "next_prio": switchNextPrio,
			"nvcsw": switchNVCSW, "nivcsw": switchNIVCSW, "exec": switchExec}},
		"record_waking": {wakingSize, map[string]uint32{"by": wakingBy, "from": wakingFrom,
			"prio": wakingPrio}},
		"record_migrate": {migrateSize, map[string]uint32{"by": migrateBy, "to": migrateTo}},
		"record_identity": {identitySize, map[string]uint32{"tgid": identityTGID, "by": identityBy,
			"old": identityOld, "nr": identityNr,
			"start": identityStart, "comm": identityComm}},
		"record_end":     {endSize, map[string]uint32{"start": endStart}},
		"record_syscall": {syscallSize, map[string]uint32{"value": syscallValue}},
		"record_books": {booksSize, map[string]uint32{"nvcsw": booksNVCSW, "nivcsw": booksNIVCSW,
			"exec": booksExec, "run_delay": booksRunDelay}},
		"record_cpu": {cpuSize, map[string]uint32{"of": cpuOf}},
		"record_lost": {lostSize, map[string]uint32{"first": lostFirst, "last": lostLast,
			"count": lostCount}},
		"record_snapshot": {snapshotSize,
			map[string]uint32{"tgid": snapshotTGID, "parent": snapshotParent,
				"state": snapshotState, "prio": snapshotPrio,
				"nr": snapshotNr, "start": snapshotStart, "nvcsw": snapshotNVCSW,
				"nivcsw": snapshotNIVCSW, "exec": snapshotExec,
				"run_delay": snapshotRunDelays, "comm": snapshotComm}},
	} {
		var s *btf.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			t.Errorf("struct %s: %v", name, err)
			continue
		}
		if s.Size != want.size {
			t.Errorf("struct %s has %d bytes, and here %d", name, s.Size, want.size)
		}
		for _, m := range s.Members {
			if m.Name == "r" || m.Name == "pad" {
				continue
			}
			if at, ok := want.fields[m.Name]; !ok || at != m.Offset.Bytes() {
				t.Errorf("struct %s: %s is at %d, and here at %d (%v)", name, m.Name,
					m.Offset.Bytes(), at, ok)
			}
			delete(want.fields, m.Name)
		}
		for field := range want.fields {
			t.Errorf("struct %s has no %s", name, field)
		}
	}
	for name, want := range map[string]map[string]uint64{
		"record_kind": {"SWITCH": uint64(kindSwitch), "WAKING": uint64(kindWaking),
			"WAKE_NEW": uint64(kindWakeNew), "MIGRATE": uint64(kindMigrate),
			"NEW": uint64(kindNew), "EXEC": uint64(kindExec), "RENAME": uint64(kindRename),
			"EXIT": uint64(kindExit), "FREE": uint64(kindFree),
			"SYSCALL_ENTER": uint64(kindSyscallEnter), "SYSCALL_EXIT": uint64(kindSyscallExit),
			"LOST": uint64(kindLost), "NUMBER": uint64(kindNumber), "BOOKS": uint64(kindBooks),
			"OFFLINE": uint64(kindOffline), "ONLINE": uint64(kindOnline)},
		"record_flag": {"PREEMPT": uint64(event.FlagPreempt),
			"VOLUNTARY": uint64(event.FlagVoluntary), "YIELD": uint64(event.FlagYield),
			"PAGE_TABLE": uint64(flagPageTable), "PREV": uint64(event.FlagTaskTraced),
			"NEXT":    uint64(event.FlagOtherTraced),
			"HARDIRQ": uint64(event.FlagHardIRQ), "SOFTIRQ": uint64(event.FlagSoftIRQ),
			"NMI":    uint64(event.FlagNMI),
			"THREAD": uint64(event.FlagThread), "KERNEL": uint64(flagKernel),
			"ADOPTED": uint64(flagAdopted), "COMPAT": uint64(event.FlagCompat),
			"RUN_DELAY": uint64(flagRunDelay)},
		"snapshot_flag": {"ON_CPU": uint64(snapshotOnCPU), "QUEUED": uint64(snapshotQueued),
			"TRACED": uint64(snapshotTraced),
			"KERNEL": uint64(snapshotKernel), "TRACER": uint64(snapshotTracer),
			"RUN_DELAY": uint64(snapshotRunDelay), "EXITING": uint64(snapshotExiting)},
		"record_page_table": {"LAZY": uint64(event.Lazy),
			"ADDRESS_SPACE": uint64(event.AddressSpace), "THREAD": uint64(event.Thread),
			"KEPT": uint64(event.Kept)},
	} {
		var e *btf.Enum
		if err := spec.TypeByName(name, &e); err != nil {
			t.Errorf("enum %s: %v", name, err)
			continue
		}
		for _, v := range e.Values {
			short := v.Name
			for _, prefix := range []string{"RECORD_", "SNAPSHOT_", "PAGE_TABLE_"} {
				short = strings.TrimPrefix(short, prefix)
				if short != v.Name {
					break
				}
			}
			if got, ok := want[short]; !ok || got != v.Value {
				t.Errorf("enum %s: %s is %d, and here %d (%v)", name, v.Name, v.Value, got, ok)
			}
			delete(want, short)
		}
		for value := range want {
			t.Errorf("enum %s has no %s", name, value)
		}
	}
	// An event has the kind of its record.
	for kind, want := range map[recordKind]event.Kind{
		kindSwitch: event.Switch, kindWaking: event.Waking, kindWakeNew: event.WakeNew,
		kindMigrate: event.Migrate, kindNew: event.New,
		kindExec: event.Exec, kindRename: event.Rename, kindExit: event.Exit, kindFree: event.Free,
		kindSyscallEnter: event.SyscallEnter,
		kindSyscallExit:  event.SyscallExit, kindOffline: event.Offline, kindOnline: event.Online,
	} {
		if event.Kind(kind) != want {
			t.Errorf("the record's kind %d is the event's %d", kind, want)
		}
	}
}

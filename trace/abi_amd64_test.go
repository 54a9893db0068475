package trace_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/syscalls"
)

// A call is one that a program makes so many times, in one of the ways x86 has.
type call struct {
	nr, times uint32
	int80     bool // int $0x80, which is the 32-bit ABI also in a 64-bit program
}

// The numbers of what the programs below make their calls by. Of i386's, 20 is getpid and 158 is
// sched_yield; in the 64-bit table those are writev and arch_prctl.
const i386Getpid, i386SchedYield = 20, 158

// elf writes a program that says "ready", waits for a line, makes calls, says "done", waits for the
// end of its input, and ends: 64-bit or 32-bit code, without a library, so that every call is
// known. What is between the lines are nothing but the calls, one write and one or two reads.
func elf(t *testing.T, bits int, calls ...call) string {
	t.Helper()
	const base, text = 0x400000, "ready\ndone\n"
	le := binary.LittleEndian
	header := 64 + 56
	if bits == 32 {
		header = 52 + 32
	}
	var code []byte
	op := func(b ...byte) { code = append(code, b...) }
	imm := func(o byte, v uint32) { code = le.AppendUint32(append(code, o), v) }
	// mov $v, %reg
	const eax, ecx, edx, ebx, ebp, esi, edi = 0xb8, 0xb9, 0xba, 0xbb, 0xbd, 0xbe, 0xbf
	textAt, bufferAt := uint32(base+header), uint32(base+header+len(text)+1)
	do := func(nr64, nr32, a, b, c uint32) {
		if bits == 64 {
			imm(eax, nr64)
			imm(edi, a)
			imm(esi, b)
			imm(edx, c)
			op(0x0f, 0x05)
			return
		}
		imm(eax, nr32)
		imm(ebx, a)
		imm(ecx, b)
		imm(edx, c)
		op(0xcd, 0x80)
	}
	do(unix.SYS_WRITE, 4, 1, textAt, 6)
	do(unix.SYS_READ, 3, 0, bufferAt, 64)
	for _, c := range calls {
		imm(ebp, c.times)
		imm(eax, c.nr)
		if c.int80 {
			op(0xcd, 0x80)
		} else {
			op(0x0f, 0x05) // syscall
		}
		op(0xff, 0xcd, 0x75, 0xf5) // dec %ebp; jnz to the mov
	}
	do(unix.SYS_WRITE, 4, 1, textAt+6, 5)
	do(unix.SYS_READ, 3, 0, bufferAt, 64)
	do(unix.SYS_EXIT_GROUP, 252, 0, 0, 0)

	body := append([]byte(text), make([]byte, 1+64)...)
	entry := uint64(base + header + len(body))
	body = append(body, code...)
	size := uint64(header + len(body))
	ident := []byte{0x7f, 'E', 'L', 'F', byte(bits / 32), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	image := le.AppendUint16(ident, 2) // ET_EXEC
	word := func(v uint64) {
		if bits == 64 {
			image = le.AppendUint64(image, v)
		} else {
			image = le.AppendUint32(image, uint32(v))
		}
	}
	half := func(v ...uint16) {
		for _, v := range v {
			image = le.AppendUint16(image, v)
		}
	}
	machine, ehsize, phsize := uint16(62), uint16(64), uint16(56)
	if bits == 32 {
		machine, ehsize, phsize = 3, 52, 32
	}
	half(machine)
	image = le.AppendUint32(image, 1)
	word(entry)
	word(uint64(ehsize)) // the program header is next
	word(0)
	image = le.AppendUint32(image, 0)
	half(ehsize, phsize, 1, 0, 0, 0)
	image = le.AppendUint32(image, 1) // PT_LOAD
	if bits == 64 {
		image = le.AppendUint32(image, 7) // to be read, written, run
	}
	for _, v := range []uint64{0, base, base, size, size} {
		word(v)
	}
	if bits == 32 {
		image = le.AppendUint32(image, 7)
	}
	word(0x1000)
	path := filepath.Join(t.TempDir(), "calls")
	if err := os.WriteFile(path, append(image, body...), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// calling starts such a program; the test is skipped if this kernel does not run it.
func calling(t *testing.T, path string) *helper {
	t.Helper()
	try := func() error {
		cmd := exec.Command(path)
		return cmd.Run() // its input ends at once
	}
	if err := try(); err != nil {
		testenv.Skip(t, "this kernel has no 32-bit system calls (CONFIG_IA32_EMULATION)", try)
	}
	cmd := exec.Command(path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &helper{cmd, in, bufio.NewReader(out)}
	t.Cleanup(h.end)
	if got := h.answer(t); got != "ready" {
		t.Fatalf("it says %q", got)
	}
	h.settle(t)
	return h
}

// TestABIs: system calls are counted under the names of the ABI they were made by, in both depths.
func TestABIs(t *testing.T) {
	for _, c := range []struct {
		name  string
		bits  int
		calls []call
		want  map[string]uint64
	}{
		{"int80 and x32 in a 64-bit program", 64, []call{
			{nr: unix.SYS_GETPID, times: 23},
			{nr: i386Getpid, times: 1009, int80: true},
			{nr: syscalls.X32Bit | unix.SYS_GETPID, times: 101},
			{nr: syscalls.X32Bit | 516, times: 7}, // x32's own writev
			{nr: 600, times: 3},
			{nr: 70000, times: 5, int80: true},
		}, map[string]uint64{
			"getpid": 23, "getpid@i386": 1009, "getpid@x32": 101, "writev@x32": 7, "syscall_600": 3,
			"writev":     0,
			"other@i386": 5, "read@i386": 0,
		}},
		{"a 32-bit program", 32, []call{{nr: i386Getpid, times: 1009, int80: true}},
			map[string]uint64{
				"getpid@i386": 1009, "writev": 0, "getpid": 0, "write@i386": 1,
			}},
	} {
		path := elf(t, c.bits, c.calls...)
		t.Run("count/"+c.name, func(t *testing.T) {
			s := session(t, trace.Options{Probes: []string{"syscall"}})
			h := calling(t, path)
			got := window(t, s, h.pid(), func() { h.say(t) })
			for name, want := range c.want {
				calls(t, name, got, name, want)
			}
		})
		t.Run("record/"+c.name, func(t *testing.T) {
			r := recorder(t, trace.RecordOptions{Probes: []string{"record_syscall"}})
			h := calling(t, path)
			if err := r.Follow(h.pid()); err != nil {
				t.Fatal(err)
			}
			p := record(t, r, func() { h.say(t) })
			entered, left := make(map[string]uint64), make(map[bool]uint64)
			for i := range p.events {
				e := &p.events[i]
				compat := e.Flags&event.FlagCompat != 0
				switch e.Kind {
				case event.SyscallEnter:
					entered[syscalls.Name(p.About().Host.Arch, compat, e.Value)]++
					left[compat]++
				case event.SyscallExit:
					left[compat]--
				}
			}
			for name, want := range c.want {
				if name == "other@i386" {
					name = "syscall_70000@i386" // here every number is kept
				}
				if got := entered[name]; got != want {
					t.Errorf("%s: %d, want %d", name, got, want)
				}
			}
			// The read it waits in at both ends: one return is in the window, and one entry.
			for compat, n := range left {
				if n != 0 {
					t.Errorf("32-bit %t: %d more entries than returns", compat, int64(n))
				}
			}
		})
	}
}

// TestYieldOfABIs: a switch in the sched_yield of any ABI is a yield, and in the call that has its
// number elsewhere none.
func TestYieldOfABIs(t *testing.T) {
	// sched_yield of the 64-bit table is 24, of the 32-bit one 158
	const times, getuid32, archPrctl = 1009, 24, 158
	for _, c := range []struct {
		name  string
		calls []call
		want  bool
	}{
		{"64-bit", []call{{nr: unix.SYS_SCHED_YIELD, times: times}}, true},
		{"32-bit", []call{{nr: i386SchedYield, times: times, int80: true}}, true},
		{"32-bit getuid", []call{{nr: getuid32, times: times, int80: true}}, false},
		{"arch_prctl", []call{{nr: archPrctl, times: times}}, false},
	} {
		path := elf(t, 64, c.calls...)
		t.Run(c.name, func(t *testing.T) {
			s := session(t, trace.Options{Probes: []string{"syscall"}})
			a, b := calling(t, path), calling(t, path)
			for _, h := range []*helper{a, b} {
				var set unix.CPUSet
				set.Set(0)
				if err := unix.SchedSetaffinity(h.pid(), &set); err != nil {
					t.Fatal(err)
				}
				err := unix.SchedSetAttr(h.pid(), &unix.SchedAttr{Size: unix.SizeofSchedAttr,
					Policy: unix.SCHED_FIFO, Priority: 1}, 0)
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Follow(a.pid()); err != nil {
				t.Fatal(err)
			}
			toA, toB := a.in.(*os.File), b.in.(*os.File)
			got := window(t, s, b.pid(), func() {
				// Both are to be at it at the same time: neither comes to the CPU while this thread
				// has it.
				told := make(chan error)
				go func() {
					if err := alone(0); err != nil {
						told <- err
						return
					}
					err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr,
						Policy: unix.SCHED_FIFO, Priority: 2}, 0)
					if err == nil && !writeBoth(int(toA.Fd()), int(toB.Fd())) {
						err = errors.New("a line was not written")
					}
					told <- err
				}()
				if err := <-told; err != nil {
					t.Fatal(err)
				}
				a.answer(t)
				b.answer(t)
			})
			if y := got.Total.Switches.Yields; y > 0 != c.want {
				t.Errorf("%d switches in sched_yield, of %v", y, callsOf(got))
			}
		})
	}
}

// writeBoth writes a line to each of two pipes, on a thread that does not sleep in between: the Go
// scheduler, which may take a thread's turn away for a system call that is slow, knows of none.
//
//go:nosplit
func writeBoth(a, b int) bool {
	line := [1]byte{'\n'}
	return writeAll(a, line[:]) && writeAll(b, line[:])
}

// say has it make its calls, and waits until it waits for its input again.
func (h *helper) say(t *testing.T) {
	t.Helper()
	if _, err := h.in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	if got := h.answer(t); got != "done" {
		t.Fatalf("it says %q", got)
	}
	h.settle(t)
}

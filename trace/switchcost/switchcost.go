package switchcost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"switchyard/internal/bpf"
	"switchyard/internal/proc"
	"switchyard/trace/event"
)

//go:generate go run switchyard/tools/bpf -output-stem switchcost -type cost_kind -type cost_part -type cost_hist -type cost_ring -type cost_cpu -type cost_control -type cost_request -type hist cost ../bpf/cost.bpf.c

// Options says whose switches a Meter measures. The zero value is those of all CPUs.
type Options struct {
	// CPUs are the numbers of the CPUs whose switches are in the results; none means all. The
	// probes run on all of them.
	CPUs []int
}

// Meter measures how long the kernel takes to switch from one task to another, of all tasks on the
// machine, in distributions that are summed in the kernel. It is made by Open, measures between
// Start and Stop, as often as wanted, and is ended by Close. Its methods may be called from several
// goroutines, one at a time.
//
// The probes of others, those of a Session or a Recorder included, run in the middle of a switch.
// Their time is left out when they are attached after Open and before Start: programs run in the
// order in which they were attached (kernel/tracepoint.c, func_add), and those of sched_switch and
// tlb_flush are then between two of ours. Of programs elsewhere in the scheduler, at
// sched_migrate_task for one, a switch bears the cost.
type Meter struct {
	opts Options
	mu   sync.Mutex

	closed  bool
	running bool
	coll    *ebpf.Collection
	ctl     *ebpf.Memory // a costCostControl
	first   []link.Link  // from open to close
	last    []link.Link  // from start to stop
	by      string
	asked   string // the hook that says when a task is told to go
	missing map[string]string
	probe   event.ProbeTime

	window uint32 // its number
	began  time.Time
	misses map[string]uint64
	stat   proc.Stat // when the window opened
}

// settlings bounds how often the sums are read again until no switch is under way.
const settlings = 100

// The fields of costCostControl, as offsets.
const (
	costWindow = 0
	costLast   = 4
	costProbe  = 8
	costFlags  = 16
)

// switchProbe is a program of a SwitchCost.
type switchProbe struct {
	program string
	hook    string
	last    bool // attached after the programs of others, not before
}

var switchProbes = []switchProbe{
	{"cost_switch_first", "sched_switch", false},
	{"cost_exit", "sched_exit_tp", false},
	{"cost_tlb_first", "tlb_flush", false},
	{"cost_need_resched", byRequest, false},
	{"cost_waking", "sched_waking", false},
	{"cost_woken", "sched_wakeup", false},
	{"cost_switch_last", "sched_switch", true},
	{"cost_tlb_last", "tlb_flush", true},
	{"cost_entry", "sched_entry_tp", true},
}

const (
	byExit   = "sched_entry_tp, sched_switch, sched_exit_tp"
	byFinish = "sched_switch, finish_task_switch (kprobe)"
)

// Open loads the probes, measures what they take themselves and finds out which flags tell a task
// to go, which needs some 80 ms of one CPU, more if others want it, and attaches those that must
// run before the probes of others. The error says what is missing and what to do, and wraps
// errors.ErrUnsupported or os.ErrPermission.
//
// It needs CAP_BPF and CAP_PERFMON, or root, and a kernel with BTF that has the tracepoints
// sched_entry_tp and sched_exit_tp (6.15). Without them, and where the kernel takes kprobes, a
// switch is measured from sched_switch to finish_task_switch, the first that happens on the other
// side; event.SwitchCosts.By says which, and event.SwitchCosts.Missing what cannot be known then.
func Open(opts Options) (_ *Meter, err error) {
	s := &Meter{opts: opts, by: byExit, missing: make(map[string]string)}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if err := s.load(); err != nil {
		return nil, err
	}
	if s.ctl, err = s.coll.Maps[".data.cost"].Memory(); err != nil {
		return nil, bpf.Explain("shared memory", err)
	}
	if s.probe, err = s.calibrate(); err != nil {
		return nil, bpf.Explain("calibrate switch cost", err)
	}
	s.learnFlags()
	s.set(costProbe, uint32(s.probe.Median))
	s.first, err = s.attach(false)
	return s, err
}

// Hooks are the points in the kernel that the probes are put on, as far as it has them.
func Hooks() []string {
	var list []string
	for _, p := range switchProbes {
		if !slices.Contains(list, p.hook) {
			list = append(list, p.hook)
		}
	}
	return list
}

// Available says why switches cannot be measured here, and what would help: nil if they can. The
// probes are loaded and closed again; where a kprobe has to take a tracepoint's place, it is put
// there for a moment. It needs the privileges of Open to return nil.
func Available() error {
	s := &Meter{by: byExit, missing: make(map[string]string)}
	defer s.release()
	err := s.load()
	if err == nil && s.by != byExit {
		s.first, err = s.attach(false)
	}
	return err
}

// load loads the programs that this kernel has hooks for.
func (s *Meter) load() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return bpf.Explain("switch cost", err)
	}
	for _, cpu := range s.opts.CPUs {
		if cpu < 0 || cpu >= cpus {
			return fmt.Errorf("trace: switch cost: there is no CPU %d: they are 0 to %d", cpu,
				cpus-1)
		}
	}
	spec, err := loadCost()
	if err != nil {
		return fmt.Errorf("trace: switch cost: %w", err)
	}
	spec.Maps["cost_requests"].MaxEntries = uint32(cpus)
	if err := s.choose(spec); err != nil {
		return err
	}
	can, err := bpf.Ask()
	if err != nil {
		return bpf.Explain("switch cost", err)
	}
	can.RaiseMemlock()
	s.coll, err = ebpf.NewCollectionWithOptions(spec,
		ebpf.CollectionOptions{Cache: btf.NewCache()})
	return bpf.Explain("switch cost", err)
}

// choose leaves in spec the programs this kernel has hooks for.
func (s *Meter) choose(spec *ebpf.CollectionSpec) error {
	if _, err := bpf.Hook("sched_switch"); err != nil {
		return fmt.Errorf("trace: switch cost: %w", err)
	}
	s.chooseRequests(spec)
	for _, p := range switchProbes {
		_, err := bpf.Hook(p.hook)
		if err == nil || spec.Programs[p.program] == nil {
			continue
		}
		delete(spec.Programs, p.program)
		switch p.hook {
		case "sched_exit_tp":
			s.by = byFinish
		case "sched_entry_tp":
			s.missing["choosing"] = err.Error() + ": it came with Linux 6.15"
			s.missing["total"] = s.missing["choosing"]
		case "tlb_flush":
			s.missing["tlb_flush"] = err.Error() + ": it is x86's"
		}
	}
	if s.by == byExit {
		delete(spec.Programs, "cost_finish")
	}
	return nil
}

// attach attaches the programs that come before those of others, or the ones that come after.
func (s *Meter) attach(last bool) (links []link.Link, err error) {
	defer func() {
		if err != nil {
			closeLinks(links)
			links = nil
		}
	}()
	for _, p := range switchProbes {
		prog := s.coll.Programs[p.program]
		if prog == nil || p.last != last {
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return links, bpf.Explain("attach "+p.program, err)
		}
		links = append(links, l)
	}
	if prog := s.coll.Programs["cost_finish"]; prog != nil && !last {
		l, err := attachFinish(prog)
		if err != nil {
			return links, fmt.Errorf(
				"trace: switch cost: this kernel has no tracepoint sched_exit_tp, which came with "+
					"Linux 6.15, and no kprobe can take its place: %w: %w",
				errors.ErrUnsupported, err)
		}
		links = append(links, l)
	}
	if prog := s.coll.Programs["cost_note"]; prog != nil && !last {
		l, err := link.Kprobe(schedulerEntry, prog, nil)
		if err != nil {
			s.noRequests(fmt.Errorf("no kprobe at %s: %w", schedulerEntry, err))
			return links, nil
		}
		links = append(links, l)
	}
	return links, nil
}

// attachFinish attaches a kprobe to finish_task_switch, whose name depends on what the compiler
// made of it.
func attachFinish(prog *ebpf.Program) (link.Link, error) {
	symbols, err := proc.Here.Symbols("finish_task_switch")
	for _, symbol := range symbols {
		var l link.Link
		if l, err = link.Kprobe(symbol, prog, nil); err == nil {
			return l, nil
		}
	}
	return nil, err
}

func closeLinks(links []link.Link) error {
	var errs []error
	for _, l := range links {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// Start attaches the probes that must run after those of others, and opens a window.
//
// It needs the privileges of Open.
func (s *Meter) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("trace: start: %w", os.ErrClosed)
	case s.running:
		return errors.New("trace: start: a window is open already: stop it first")
	}
	var err error
	if s.last, err = s.attach(true); err != nil {
		return err
	}
	if err := s.zero(); err != nil {
		err = errors.Join(bpf.Explain("start", err), closeLinks(s.last))
		s.last = nil
		return err
	}
	s.misses = s.readMisses()
	s.stat = stat()
	s.window = max(1, s.window+1)
	s.running = true
	s.began = time.Now()
	s.set(costLast, s.window)
	s.set(costWindow, s.window)
	return nil
}

// zero empties the maps.
func (s *Meter) zero() error {
	n, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	if err := s.coll.Maps["cost_cpus"].Put(uint32(0), make([]costCostCpu, n)); err != nil {
		return err
	}
	for cpu := range n {
		if err := s.coll.Maps["cost_requests"].Put(uint32(cpu), costCostRequest{}); err != nil {
			return err
		}
	}
	for id := range uint32(costCostHistCOST_HISTS) {
		if err := s.coll.Maps["cost_hists"].Put(id, make([]costHist, n)); err != nil {
			return err
		}
	}
	return nil
}

// Stop closes the window and returns what was measured in it.
func (s *Meter) Stop() (*event.SwitchCosts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, fmt.Errorf("trace: stop: %w", os.ErrClosed)
	case !s.running:
		return nil, errors.New("trace: stop: no window is open: start one first")
	}
	s.running = false
	s.set(costWindow, 0)
	c := &event.SwitchCosts{
		Window: time.Since(s.began), Steal: max(0, stat().Steal-s.stat.Steal),
		By: s.by, PreemptionBy: s.asked, Probe: s.probe, Missing: maps.Clone(s.missing),
	}
	err := s.settle(c)
	if c.Missing["choosing"] != "" {
		c.Unentered = 0 // it is all of them, and Missing says so
	}
	for name, n := range s.readMisses() {
		if strings.HasPrefix(name, "cost_tlb_") {
			// Only another CPU's request can come in between, as an interrupt; it is no switch's.
			continue
		}
		if n -= s.misses[name]; n > 0 {
			c.Losses = append(c.Losses, event.Loss{Reason: "probe " + name + " was running already",
				Count: n})
		}
	}
	slices.SortFunc(c.Losses, func(a, b event.Loss) int {
		return strings.Compare(a.Reason, b.Reason)
	})
	err = errors.Join(err, closeLinks(s.last))
	s.last = nil
	if err != nil {
		return nil, bpf.Explain("stop", err)
	}
	return c, nil
}

// settle reads the maps until no switch that began in the window ends meanwhile.
func (s *Meter) settle(c *event.SwitchCosts) error {
	var before []costCostCpu
	for range settlings {
		var after []costCostCpu
		if err := s.coll.Maps["cost_cpus"].Lookup(uint32(0), &after); err != nil {
			return err
		}
		if before != nil && slices.EqualFunc(before, after, func(a, b costCostCpu) bool {
			return a.Open == b.Open && a.Unended == b.Unended
		}) {
			break
		}
		before = after
		var hists [costCostHistCOST_HISTS][]costHist
		for id := range hists {
			if err := s.coll.Maps["cost_hists"].Lookup(uint32(id), &hists[id]); err != nil {
				return err
			}
		}
		requests := make([]costCostRequest, len(after))
		for cpu := range requests {
			if err := s.coll.Maps["cost_requests"].Lookup(uint32(cpu), &requests[cpu]); err != nil {
				return err
			}
		}
		fillSwitchCosts(c, after, requests, &hists, s.window, s.opts.CPUs)
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}

// readMisses returns, by program, how often it was skipped because it was running already.
func (s *Meter) readMisses() map[string]uint64 {
	misses := make(map[string]uint64)
	for name, p := range s.coll.Programs {
		if stats, err := p.Stats(); err == nil {
			misses[name] = stats.RecursionMisses
		}
	}
	return misses
}

func (s *Meter) set(at int64, value uint32) {
	s.write(at, binary.NativeEndian.AppendUint32(nil, value))
}

func (s *Meter) write(at int64, value []byte) {
	if _, err := s.ctl.WriteAt(value, at); err != nil {
		panic("trace: " + err.Error()) // never: the offset is inside
	}
}

// Close detaches the probes and frees what they measured. Nothing stays behind in the kernel. A
// second Close returns os.ErrClosed.
func (s *Meter) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("trace: close: %w", os.ErrClosed)
	}
	s.closed = true
	return s.release()
}

func (s *Meter) release() error {
	err := errors.Join(closeLinks(s.last), closeLinks(s.first))
	if s.coll != nil {
		s.coll.Close()
	}
	return err
}

// stat returns what the CPUs did since boot; nothing if it cannot be read.
func stat() proc.Stat {
	s, _ := proc.Here.Stat()
	return s
}

package switchcost

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
	"switchyard/trace/event"
)

const (
	probeRuns   = 9
	probeRounds = 300 // two switches each
	// The first ones of a run find the caches cold.
	probeWarm = 50
)

// calibrate measures the probe in switches between two threads of this process, on one of the CPUs
// in question.
func (s *Meter) calibrate() (p event.ProbeTime, err error) {
	var links []link.Link
	defer func() { err = errors.Join(err, closeLinks(links)) }()
	for _, name := range []string{"cost_null_first", "cost_null_last"} {
		l, err := link.AttachTracing(link.TracingOptions{Program: s.coll.Programs[name]})
		if err != nil {
			return p, err
		}
		links = append(links, l)
	}
	cpu, err := s.calibrationCPU()
	if err != nil {
		return p, err
	}
	var runs []time.Duration
	for range probeRuns {
		from, err := s.nulls(cpu)
		if err != nil {
			return p, err
		}
		if err := pingPong(cpu, probeRounds); err != nil {
			return p, err
		}
		to, err := s.nulls(cpu)
		if err != nil {
			return p, err
		}
		times, err := s.nullTimes(cpu,
			max(from+probeWarm, to-min(to, uint32(costCostRingCOST_NULLS))), to)
		if err != nil {
			return p, err
		}
		if len(times) == 0 {
			return p, fmt.Errorf("no switch was seen on CPU %d", cpu)
		}
		p.Samples += len(times)
		runs = append(runs, middleMean(times))
	}
	slices.Sort(runs)
	p.Low, p.Median, p.High = runs[0], runs[len(runs)/2], runs[len(runs)-1]
	return p, nil
}

// middleMean returns the mean of the middle half of times, of which there is one at least.
func middleMean(times []time.Duration) time.Duration {
	slices.Sort(times)
	middle := times[len(times)/4 : len(times)-len(times)/4]
	var sum time.Duration
	for _, t := range middle {
		sum += t
	}
	return (sum + time.Duration(len(middle))/2) / time.Duration(len(middle))
}

// calibrationCPU returns the first CPU this process may use, of those whose switches are asked for
// if it may use any.
func (s *Meter) calibrationCPU() (int, error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return 0, os.NewSyscallError("sched_getaffinity", err)
	}
	for _, cpu := range s.opts.CPUs {
		if may.IsSet(cpu) {
			return cpu, nil
		}
	}
	for cpu := range len(may) * 64 {
		if may.IsSet(cpu) {
			return cpu, nil
		}
	}
	return 0, errors.New("no CPU to run on")
}

// nulls returns how many were measured on a CPU.
func (s *Meter) nulls(cpu int) (uint32, error) {
	var cpus []costCostCpu
	if err := s.coll.Maps["cost_cpus"].Lookup(uint32(0), &cpus); err != nil {
		return 0, err
	}
	return cpus[cpu].Nulls, nil
}

func (s *Meter) nullTimes(cpu int, from, to uint32) (times []time.Duration, err error) {
	for i := from; i < to; i++ {
		var per []uint64
		if err := s.coll.Maps["cost_nulls"].Lookup(i%uint32(costCostRingCOST_NULLS),
			&per); err != nil {
			return nil, err
		}
		times = append(times, time.Duration(per[cpu]))
	}
	return times, nil
}

// pingPong makes two threads on one CPU switch to each other and back, so many times.
func pingPong(cpu, rounds int) error {
	var fds [2][2]int
	for i := range fds {
		if err := unix.Pipe2(fds[i][:], unix.O_CLOEXEC); err != nil {
			return os.NewSyscallError("pipe2", err)
		}
		defer unix.Close(fds[i][0])
		defer unix.Close(fds[i][1])
	}
	var errs [2]error
	run := func(i int) <-chan struct{} {
		return sys.Thread("sy-calibrate", func() {
			var set unix.CPUSet
			set.Set(cpu)
			// Where this fails, so does the other thread, before either waits for the other.
			if err := unix.SchedSetaffinity(0, &set); err != nil {
				errs[i] = os.NewSyscallError("sched_setaffinity", err)
				return
			}
			var b [1]byte
			for range rounds {
				if i == 0 {
					unix.Write(fds[0][1], b[:])
					unix.Read(fds[1][0], b[:])
				} else {
					unix.Read(fds[0][0], b[:])
					unix.Write(fds[1][1], b[:])
				}
			}
		})
	}
	a, b := run(0), run(1)
	<-a
	<-b
	return errors.Join(errs[:]...)
}

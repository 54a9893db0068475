package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"switchyard"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	interval "switchyard/internal/stats"
	"switchyard/trace"
)

// A compareRun is one run of `compare`.
type compareRun struct {
	o           compareOptions
	bar         *progress
	traced      bool   // at least one round counted
	traceReason string // why none does
	rows        []*compareRow
	warnings    []string
	prices      []report.ProbeCost
	ours        time.Duration // CPU time of servers and load, whole lives
}

func newCompareRun(o compareOptions, bar *progress) *compareRun {
	r := &compareRun{o: o, bar: bar}
	for _, m := range o.models {
		r.rows = append(r.rows, &compareRow{model: m, reason: reason(m.Available())})
	}
	return r
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return oneLine(err.Error())
}

// countEvery is how many rounds that measure rates there are to one that counts.
const countEvery = 3

// plan says for each round whether it counts. A round either measures rates,
// latencies and CPU time with no probe attached, or counts with all of them: so
// the one is not slowed by the other.
func (o compareOptions) plan() []bool {
	var plan []bool
	for i := range o.rounds {
		if !o.noTrace && i%countEvery == 0 && (i == 0 || i+countEvery <= o.rounds) {
			plan = append(plan, true)
		}
		plan = append(plan, false)
	}
	return plan
}

// run does all rounds, or as many as ctx lets it, and sums them up.
func (r *compareRun) run(ctx context.Context) (*report.Compare, error) {
	if r.o.noTrace {
		r.traceReason = "--no-trace was given"
	}
	before, _ := proc.Here.Stat()
	order := rand.New(rand.NewPCG(r.o.seed, 0))
	dropped := false
	measured := 0
	for _, counts := range r.o.plan() {
		name := "the round that counts"
		if !counts {
			measured++
			name = fmt.Sprintf("round %d", measured)
		}
		var session *trace.Session
		if counts && r.traceReason == "" && ctx.Err() == nil {
			var err error
			if session, err = trace.Open(trace.Options{Syscalls: true, TLB: true, MaxTasks: 1 /* all that is shown is sums */}); err != nil {
				r.traceReason = oneLine(err.Error())
			}
		}
		if !dropped {
			dropped = true
			if err := dropPrivilege(); err != nil {
				r.warnings = append(r.warnings, oneLine(err.Error())+".")
			}
		}
		// A new order each round, so that no model always follows the same one.
		for _, i := range order.Perm(len(r.rows)) {
			row := r.rows[i]
			r.bar.next(row.model.Name)
			if row.reason != "" || row.broken || ctx.Err() != nil || counts && session == nil {
				continue
			}
			if err := r.round(ctx, name, row, session); err != nil && ctx.Err() == nil {
				// One bad round is a note; a model that cannot be measured at
				// all loses its row, and the others go on.
				row.failure = words(err)
				row.note(fmt.Sprintf("%s failed: %s", name, row.failure))
				row.failures++
				row.broken = row.failures >= 2
			}
		}
		if session != nil {
			r.traced = true
			session.Close()
		}
	}
	after, _ := proc.Here.Stat()
	if r.traced && ctx.Err() == nil {
		r.bar.next("what the probes cost")
		var err error
		if r.prices, err = calibrate(ctx, calibrateRounds, trace.CostCount, trace.CostTLB, trace.CostSyscall); err != nil && ctx.Err() == nil {
			r.warnings = append(r.warnings, "what the probes cost is not known: "+oneLine(err.Error())+".")
		}
	}
	r.bar.clear()
	return r.result(after.Sub(before), ctx.Err() != nil), nil
}

// workersFor is the --workers of a model's server: what was asked for, or for a
// pool, which serves one client with each worker, as many as there are clients.
func (r *compareRun) workersFor(m switchyard.Model) int {
	if r.o.workers > 0 {
		return r.o.workers
	}
	if m.Pool {
		return r.o.clients
	}
	return 0
}

// round measures one model once: server up, load warmed up, window open, load,
// window closed, all down. With a session it counts; without, it measures rates.
// A model's first round measures memory too.
func (r *compareRun) round(ctx context.Context, name string, row *compareRow, session *trace.Session) error {
	o := r.o
	workers := r.workersFor(row.model)
	s, err := startServer(ctx, row.model, o, workers)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	// With time to reap its children: of a server that is killed they become
	// init's, which not every container has.
	defer s.terminate(2 * time.Second)
	connections := 0
	if !row.weighed {
		row.weighed = true
		// Many, where the design can, so that what a server needs once weighs little.
		n := min(max(o.clients, 64), row.model.Capacity(switchyard.Options{Workers: workers, Protocol: switchyard.Echo}))
		if v, served, err := s.pssPerConnection(n, o); err != nil {
			row.miss("pss_bytes_per_connection", err)
		} else {
			row.pss, row.pssConns, connections = &v, served, n
		}
	}
	quiet, idleBefore, err := s.idle(ctx, connections)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if session != nil {
		if err := session.Follow(s.cmd.Process.Pid); err != nil {
			return fmt.Errorf("follow the server: %w", err)
		}
		defer session.Forget()
	}
	l, err := r.startLoad(s)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer l.kill()
	if err := expect(ctx, l, "ready", 10*time.Second+o.warmup); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if session != nil {
		if err := session.Start(); err != nil {
			return fmt.Errorf("open the window: %w", err)
		}
	}
	throttled := trace.WatchThrottling(s.cmd.Process.Pid)
	if err := l.say("go"); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := expect(ctx, l, "done", 20*time.Second+o.duration); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	throttling, throttlingErr := throttled.Read()
	var counts *trace.Counts
	if session != nil {
		if counts, err = session.Stop(); err != nil {
			return fmt.Errorf("close the window: %w", err)
		}
	}
	after, err := s.cpu(ctx)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if err := l.say("end"); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := l.wait(ctx, 20*time.Second); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	var res load.Result
	if err := l.decode(&res); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	st, idle, err := s.idle(ctx, 0)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if err := s.terminate(5 * time.Second); err != nil {
		row.note("its server did not end well: " + words(err))
	}
	r.ours += cpuTime(s.process) + cpuTime(l)
	row.workers = st.Workers
	row.add(name, &res, st)
	row.addThrottling(throttling, throttlingErr)
	row.addCheck(requestsCheck(quiet, st, idleBefore && idle, &res, o.clients))
	if counts != nil {
		row.addCounts(&res, counts)
	} else {
		row.addRates(&res, after.Sub(before))
	}
	return nil
}

// cpuTime is the CPU time of a process that has ended and of its reaped children.
func cpuTime(p *process) time.Duration {
	if p.cmd.ProcessState == nil {
		return 0
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

func (r *compareRun) startLoad(s *server) (*process, error) {
	o := r.o
	target := "echo://" + s.address
	if o.protocol == switchyard.HTTP {
		target = "http://" + s.address + o.path
	}
	return start(o.loadCPUs, nil, "load", target, "--control-fd", "3", "--parent", strconv.Itoa(os.Getpid()), "--clients", strconv.Itoa(o.clients),
		"--duration", o.duration.String(), "--warmup", o.warmup.String(), "--requests-per-conn", strconv.Itoa(o.requestsPerConn),
		"--seed", strconv.FormatUint(o.seed, 10), "--format", "json", "--quiet")
}

// expect waits for the one line a process must say next.
func expect(ctx context.Context, p *process, want string, patience time.Duration) error {
	got, err := p.readLine(ctx, patience)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("it said %q, not %q", got, want)
	}
	return nil
}

// result sums everything up.
func (r *compareRun) result(machine proc.Stat, interrupted bool) *report.Compare {
	o := r.o
	c := &report.Compare{
		Schema: report.CompareSchema,
		Host:   host(),
		Options: report.CompareOptions{
			Protocol: o.protocol.String(), Clients: o.clients, DurationSeconds: o.duration.Seconds(), WarmupSeconds: o.warmup.Seconds(),
			Rounds: o.rounds, RequestsPerConn: o.requestsPerConn, Workers: o.workers,
			MaxConns: switchyard.Options{MaxConns: o.maxConns, Protocol: switchyard.Echo}.WithDefaults().MaxConns, Spins: o.spins,
			ServerCPUs: o.serverCPUs.String(), LoadCPUs: o.loadCPUs.String(), Seed: o.seed, Trace: r.traced,
		},
		Interrupted: interrupted,
	}
	if o.protocol == switchyard.HTTP {
		c.Options.Path = o.path
	}
	if all := machine.Busy + machine.Idle + machine.Steal; all > 0 {
		c.Host.StealShare = float64(machine.Steal) / float64(all)
		c.Host.OtherShare = max(0, float64(machine.Busy-r.ours)/float64(all))
	}
	if len(o.serverCPUs.Without(o.loadCPUs)) < len(o.serverCPUs) {
		r.warnings = append(r.warnings, "server and load share CPUs: each delays the other, and the numbers are of both.")
	}
	if c.Host.StealShare > 0.02 {
		r.warnings = append(r.warnings, "the hypervisor took time away, which looks like time on the CPU.")
	}
	for _, row := range r.rows {
		m := row.report(r.traceReason)
		m.ProbeShare = row.probeShare(r.prices)
		c.Models = append(c.Models, m)
	}
	c.ProbeCost = r.prices
	c.Warnings = append(r.warnings, r.generatorWarnings()...)
	return c
}

// generatorWarnings says against which models the load generator, rather than
// the server, may be what was measured.
func (r *compareRun) generatorWarnings() []string {
	var busy, delayed []string
	for _, row := range r.rows {
		if interval.Median(row.busy).Median > 0.9 {
			busy = append(busy, row.model.Name)
		}
		if interval.Median(row.delayed).Median > 0.1 {
			delayed = append(delayed, row.model.Name)
		}
	}
	var list []string
	if len(busy) > 0 {
		list = append(list, "the load generator was busy for over 90 % of its CPU, so that it may be the limit, against "+strings.Join(busy, ", ")+".")
	}
	if len(delayed) > 0 {
		list = append(list, "the load generator waited for its CPU for over 10 % of the time (other tasks ran there) against "+strings.Join(delayed, ", ")+".")
	}
	return list
}

func host() report.Host {
	h := report.Host{CPUs: runtime.NumCPU(), Go: runtime.Version(), Root: os.Geteuid() == 0}
	// NumCPU is how many this process may run on.
	if online, err := proc.Here.Online(); err == nil {
		h.CPUs = len(online)
	}
	h.Kernel, _ = proc.Uname()
	h.CPU = proc.Here.CPUModel()
	return h
}

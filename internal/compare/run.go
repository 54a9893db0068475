package compare

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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

// A run is one run of `compare`.
type run struct {
	o           Options
	traced      bool   // at least one round counted
	traceReason string // why none does
	rows        []*row
	warnings    []string
	prices      []report.ProbeCost
	ours        time.Duration // CPU time of servers and load, whole lives
}

func newRun(o Options) *run {
	r := &run{o: o}
	for _, m := range o.Models {
		r.rows = append(r.rows, &row{model: m, reason: reason(m.Available())})
	}
	return r
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return report.OneLine(err.Error())
}

// countEvery is how many rounds that measure rates there are to one that counts.
const countEvery = 3

// plan says for each round whether it counts. A round either measures rates,
// latencies and CPU time with no probe attached, or counts with all of them: so
// the one is not slowed by the other.
func (o Options) plan() []bool {
	var plan []bool
	for i := range o.Rounds {
		if !o.NoTrace && i%countEvery == 0 && (i == 0 || i+countEvery <= o.Rounds) {
			plan = append(plan, true)
		}
		plan = append(plan, false)
	}
	return plan
}

// measure does all rounds, or as many as ctx lets it, and sums them up.
func (r *run) measure(ctx context.Context) (*report.Compare, error) {
	if r.o.NoTrace {
		r.traceReason = "--no-trace was given"
	}
	before, _ := proc.Here.Stat()
	order := rand.New(rand.NewPCG(r.o.Seed, 0))
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
				r.traceReason = report.OneLine(err.Error())
			}
		}
		if !dropped {
			dropped = true
			if err := r.o.DropPrivilege(); err != nil {
				r.warnings = append(r.warnings, report.OneLine(err.Error())+".")
			}
		}
		// A new order each round, so that no model always follows the same one.
		for _, i := range order.Perm(len(r.rows)) {
			row := r.rows[i]
			r.o.Doing(row.model.Name)
			if row.reason != "" || row.broken || ctx.Err() != nil || counts && session == nil {
				continue
			}
			if err := r.round(ctx, name, row, session); err != nil && ctx.Err() == nil {
				// One bad round is a note; a model that cannot be measured at
				// all loses its row, and the others go on.
				row.failure = report.Words(err)
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
		r.o.Doing("what the probes cost")
		var err error
		if r.prices, err = r.o.Prices(ctx, trace.CostCount, trace.CostTLB, trace.CostSyscall); err != nil && ctx.Err() == nil {
			r.warnings = append(r.warnings, "what the probes cost is not known: "+report.OneLine(err.Error())+".")
		}
	}
	return r.result(after.Sub(before), ctx.Err() != nil), nil
}

// workersFor is the --workers of a model's server: what was asked for, or for a
// pool, which serves one client with each worker, as many as there are clients.
func (r *run) workersFor(m switchyard.Model) int {
	if r.o.Workers > 0 {
		return r.o.Workers
	}
	if m.Pool {
		return r.o.Clients
	}
	return 0
}

// round measures one model once: server up, load warmed up, window open, load,
// window closed, all down. With a session it counts; without, it measures rates.
// A model's first round measures memory too.
func (r *run) round(ctx context.Context, name string, row *row, session *trace.Session) error {
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
		n := min(max(o.Clients, 64), row.model.Capacity(switchyard.Options{Workers: workers, Protocol: switchyard.Echo}))
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
	defer l.Kill()
	if err := Expect(ctx, l, "ready", 10*time.Second+o.Warmup); err != nil {
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
	if err := l.Say("go"); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := Expect(ctx, l, "done", 20*time.Second+o.Duration); err != nil {
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
	if err := l.Say("end"); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := l.Wait(ctx, 20*time.Second); err != nil {
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
		row.note("its server did not end well: " + report.Words(err))
	}
	r.ours += cpuTime(s.Process) + cpuTime(l)
	row.workers = st.Workers
	row.add(name, &res, st)
	row.addThrottling(throttling, throttlingErr)
	row.addCheck(requestsCheck(quiet, st, idleBefore && idle, &res, o.Clients))
	if counts != nil {
		row.addCounts(&res, counts)
	} else {
		row.addRates(&res, after.Sub(before))
	}
	return nil
}

// cpuTime is the CPU time of a process that has ended and of its reaped children.
func cpuTime(p *Process) time.Duration {
	if p.cmd.ProcessState == nil {
		return 0
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

func (r *run) startLoad(s *server) (*Process, error) {
	o := r.o
	target := "echo://" + s.address
	if o.Protocol == switchyard.HTTP {
		target = "http://" + s.address + o.Path
	}
	return Start(o.LoadCPUs, nil, "load", target, "--control-fd", "3", "--parent", strconv.Itoa(os.Getpid()), "--clients", strconv.Itoa(o.Clients),
		"--duration", o.Duration.String(), "--warmup", o.Warmup.String(), "--requests-per-conn", strconv.Itoa(o.RequestsPerConn),
		"--seed", strconv.FormatUint(o.Seed, 10), "--format", "json", "--quiet")
}

// Expect waits for the one line a process must say next.
func Expect(ctx context.Context, p *Process, want string, patience time.Duration) error {
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
func (r *run) result(machine proc.Stat, interrupted bool) *report.Compare {
	o := r.o
	c := &report.Compare{
		Schema: report.CompareSchema,
		Host:   o.Host,
		Options: report.CompareOptions{
			Protocol: o.Protocol.String(), Clients: o.Clients, DurationSeconds: o.Duration.Seconds(), WarmupSeconds: o.Warmup.Seconds(),
			Rounds: o.Rounds, RequestsPerConn: o.RequestsPerConn, Workers: o.Workers,
			MaxConns: switchyard.Options{MaxConns: o.MaxConns, Protocol: switchyard.Echo}.WithDefaults().MaxConns, Spins: o.Spins,
			ServerCPUs: o.ServerCPUs.String(), LoadCPUs: o.LoadCPUs.String(), Seed: o.Seed, Trace: r.traced,
		},
		Interrupted: interrupted,
	}
	if o.Protocol == switchyard.HTTP {
		c.Options.Path = o.Path
	}
	if all := machine.Busy + machine.Idle + machine.Steal; all > 0 {
		c.Host.StealShare = float64(machine.Steal) / float64(all)
		c.Host.OtherShare = max(0, float64(machine.Busy-r.ours)/float64(all))
	}
	if len(o.ServerCPUs.Without(o.LoadCPUs)) < len(o.ServerCPUs) {
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
func (r *run) generatorWarnings() []string {
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

package compare

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"switchyard"
	"switchyard/internal/child"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/internal/rounds"
	"switchyard/trace"
	"switchyard/trace/event"
)

// A run is one run of `compare`.
type run struct {
	o        Options
	manifest rounds.Manifest
	result   *rounds.Result
	keepErr  error
	weighed  map[string]bool // models whose memory was measured, or cannot be
}

func newRun(o Options) *run {
	r := &run{o: o, weighed: map[string]bool{}}
	m := &r.manifest
	m.Command = append([]string{}, os.Args...)
	m.Prices, m.Warnings, m.Models = []event.Price{}, []string{}, []rounds.Model{}
	c := &o.Load
	server := switchyard.Options{MaxConns: o.Server.MaxConns, Protocol: switchyard.Echo}
	m.Options = rounds.Options{
		Protocol: o.Server.Protocol.String(), Clients: c.Clients,
		DurationSeconds: c.Duration.Seconds(), WarmupSeconds: c.Warmup.Seconds(),
		Rounds: o.Rounds, RequestsPerConn: c.RequestsPerConn, Workers: o.Server.Workers,
		MaxConns: server.WithDefaults().MaxConns, Spins: o.Server.SpinsPerMilli, Seed: c.Seed,
		ServerCPUs: o.ServerCPUs.String(), LoadCPUs: o.LoadCPUs.String(),
		SharedCPUs: len(o.ServerCPUs.Without(o.LoadCPUs)) < len(o.ServerCPUs),
	}
	if o.Server.Protocol == switchyard.HTTP {
		m.Options.Path = o.Path
	}
	m.Host, m.Online = proc.Here.Host()
	for _, model := range o.Models {
		listed := rounds.Model{Name: model.Name}
		if err := model.Available(); err != nil {
			listed.Reason = report.OneLine(err.Error())
		}
		if model.Program != nil {
			listed.Program = model.Program()
		}
		m.Models = append(m.Models, listed)
	}
	m.Columns = []event.Column{}
	for _, p := range trace.Optional(trace.CountDepth) {
		if slices.Contains(o.Probes, p.Name) {
			m.Columns = append(m.Columns, p.Columns...)
		}
	}
	if o.NoTrace {
		m.NoCounts = "--no-trace was given"
	}
	r.result = rounds.NewResult(m)
	return r
}

// countEvery is how many rounds that measure rates there are to one that counts.
const countEvery = 3

// plan says for each round whether it counts. A round either measures rates, latencies and CPU time
// with no probe attached, or counts with all of them: so the one is not slowed by the other.
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

// measure does all rounds, or as many as ctx lets it.
func (r *run) measure(ctx context.Context) (*rounds.Result, error) {
	m := &r.manifest
	before, _ := proc.Here.Stat()
	order := rand.New(rand.NewPCG(r.o.Load.Seed, 0))
	dropped := false
	number := 0
	for _, counts := range r.o.plan() {
		if !counts {
			number++
		}
		var session *trace.Session
		if counts && m.NoCounts == "" && ctx.Err() == nil {
			var err error
			session, err = trace.Open(trace.Options{Probes: r.o.Probes,
				MaxTasks: 1 /* all that is shown is sums */})
			if err != nil {
				m.NoCounts = report.OneLine(err.Error())
			}
		}
		if !dropped && r.o.DropPrivilege != nil {
			if err := r.o.DropPrivilege(); err != nil {
				m.Warnings = append(m.Warnings, report.OneLine(err.Error())+".")
			}
		}
		dropped = true
		// A new order each round, so that no model always follows the same one.
		for _, i := range order.Perm(len(r.o.Models)) {
			r.doing(r.o.Models[i].Name)
			if ctx.Err() == nil && !(counts && session == nil) && r.worthTrying(i) {
				r.one(ctx, i, counts, number, session)
			}
		}
		if session != nil {
			m.Options.Trace = true
			session.Close()
		}
	}
	after, _ := proc.Here.Stat()
	d := after.Sub(before)
	m.Machine.Busy, m.Machine.Idle, m.Machine.Steal = d.Busy, d.Idle, d.Steal
	if m.Options.Trace && r.o.Calibrate > 0 && ctx.Err() == nil {
		r.doing("what the probes cost")
		prices, err := trace.Calibrate(ctx, r.o.Calibrate, event.PriceCount, event.PriceTLB,
			event.PriceSyscall)
		switch {
		case err == nil:
			m.Prices = prices
		case ctx.Err() == nil:
			m.Warnings = append(m.Warnings, "what the probes cost is not known: "+
				report.OneLine(err.Error())+".")
		}
	}
	m.Interrupted = ctx.Err() != nil
	m.Made = time.Now().UTC()
	return r.result, r.keepErr
}

func (r *run) doing(what string) {
	if r.o.Doing != nil {
		r.o.Doing(what)
	}
}

// worthTrying is false of a model that cannot run here, or that failed twice: one bad round is a
// note, a model that cannot be measured at all loses its row, and the others go on.
func (r *run) worthTrying(i int) bool {
	return r.manifest.Models[i].Reason == "" && len(r.result.Sums[i].Failures) < 2
}

// one measures model i once, and adds and keeps the round. A round that was interrupted is none.
func (r *run) one(ctx context.Context, i int, counts bool, number int, session *trace.Session) {
	round := &rounds.Round{Model: r.o.Models[i].Name}
	if !counts {
		round.Number = number
	}
	err := r.round(ctx, r.o.Models[i], round, session)
	if err == nil {
		err = r.result.Add(round)
	}
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		round = &rounds.Round{Model: round.Model, Number: round.Number, Memory: round.Memory,
			Failed: report.Words(err)}
		if err := r.result.Add(round); err != nil {
			r.keepErr = errors.Join(r.keepErr, err)
			return
		}
	}
	if r.o.Keep != nil && r.keepErr == nil {
		r.keepErr = r.o.Keep(round)
	}
}

// serverOptions are those of a model's server. A pool serves one client with each worker.
func (r *run) serverOptions(m switchyard.Model) switchyard.Options {
	o := r.o.Server
	if o.Workers == 0 && m.Pool {
		o.Workers = r.o.Load.Clients
	}
	return o
}

// round measures one model once: server up, load warmed up, window open, load, window closed, all
// down. With a session it counts; without, it measures rates. A model's first round measures memory
// too.
func (r *run) round(ctx context.Context, model switchyard.Model, round *rounds.Round,
	session *trace.Session) error {
	o := &r.o
	server := r.serverOptions(model)
	s, err := child.StartServer(ctx, child.ServerOptions{Program: o.Program, CPUs: o.ServerCPUs,
		Model: model.Name, Server: server})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	// With time to reap its children: of a server that is killed they become init's, which not
	// every container has.
	defer s.Terminate(2 * time.Second)
	connections := 0
	if !r.weighed[model.Name] {
		r.weighed[model.Name] = true
		round.Memory, connections = weigh(s, model, max(o.Load.Clients, 64),
			server.Workers)
	}
	quiet, idleBefore, err := s.Idle(ctx, connections)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if session != nil {
		if err := session.Follow(s.PID()); err != nil {
			return fmt.Errorf("follow the server: %w", err)
		}
		defer session.Forget()
	}
	config := o.Load
	config.Target = s.URL(o.Path)
	l, err := child.StartLoad(ctx, child.LoadOptions{Program: o.Program, CPUs: o.LoadCPUs,
		Load: config})
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer l.Kill()
	w, err := OpenWindow(ctx, s, session)
	if err != nil {
		return err
	}
	online, _ := proc.Here.Online()
	if err := l.Begin(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if err := l.Done(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	seen, err := w.Close(ctx)
	if err != nil {
		return err
	}
	if round.Load, err = l.Result(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	after, _ := proc.Here.Online()
	round.Notes = append(round.Notes, cpuNotes(online, after, seen.Counts)...)
	st, idle, err := s.Idle(ctx, 0)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if err := s.Terminate(5 * time.Second); err != nil {
		round.Notes = append(round.Notes, "its server did not end well: "+report.Words(err))
	}
	r.manifest.Machine.Ours += s.CPUTime() + l.CPUTime()
	round.Workers = st.Workers
	round.Paused, round.Refused = st.Counters.Paused, st.Counters.Refused
	round.Throttled = seen.Throttled
	if seen.ThrottledWhy != nil {
		round.Throttled, round.ThrottledWhy = nil, report.OneLine(seen.ThrottledWhy.Error())
	}
	round.Checks = append(round.Checks,
		requestsCheck(quiet, st, idleBefore && idle, round.Load, o.Load.Clients))
	if seen.Counts != nil {
		round.Counts = CountsOf(seen.Counts)
		round.Checks = append(round.Checks, seen.Counts.Checks...)
	} else {
		round.CPU = &seen.CPU
	}
	return nil
}

// weigh measures what a connection takes of a server's memory: of n, where the design can serve so
// many at once, so that what a server needs once weighs little. It returns how many were opened.
func weigh(s *child.Server, model switchyard.Model, n, workers int) (*rounds.Memory, int) {
	n = min(n, model.Capacity(switchyard.Options{Workers: workers, Protocol: switchyard.Echo}))
	v, served, err := s.PSSPerConnection(n)
	if err != nil {
		return &rounds.Memory{Why: report.OneLine(err.Error())}, 0
	}
	return &rounds.Memory{PerConnection: v, Connections: served}, n
}

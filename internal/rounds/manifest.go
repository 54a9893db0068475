package rounds

import (
	"fmt"
	"time"

	"switchyard/internal/run"
	"switchyard/trace/event"
)

// Schema names the layout of the run directory of a comparison. Keys may be added to it; what
// changes its meaning changes the number.
const Schema = "switchyard.compare-run/1"

// Manifest is manifest.json: what all rounds have in common. A Writer fills in Schema and Rounds.
type Manifest struct {
	Schema  string     `json:"schema"`
	Made    time.Time  `json:"made"`    // when the last round was over
	Command []string   `json:"command"` // the command line, with the program's name
	Options Options    `json:"options"`
	Host    event.Host `json:"host"`
	// Online is the number of CPUs in use.
	Online  int     `json:"cpus_online"`
	Machine Machine `json:"machine"`
	// Models are those that were compared, in the order of the table.
	Models []Model `json:"models"`
	// Columns are what probes were asked for besides, in the rounds that count.
	Columns []event.Column `json:"columns"`
	// NoCounts says why no round counts.
	NoCounts string `json:"no_counts,omitempty"`
	// Prices are what the probes of rounds that count added, measured after the last.
	Prices []event.Price `json:"prices"`
	// Warnings are sentences for whoever reads any number.
	Warnings []string `json:"warnings"`
	// Interrupted is set when the run was stopped before all rounds were done.
	Interrupted bool      `json:"interrupted"`
	Rounds      run.Table `json:"rounds"` // rounds.jsonl
}

// Options are the choices that made the result, defaults filled in.
type Options struct {
	Protocol        string  `json:"protocol"`
	Path            string  `json:"path,omitempty"`
	Clients         int     `json:"clients"`
	DurationSeconds float64 `json:"duration_seconds"`
	WarmupSeconds   float64 `json:"warmup_seconds"`
	Rounds          int     `json:"rounds"` // that measure rates
	RequestsPerConn int     `json:"requests_per_conn"`
	Workers         int     `json:"workers"`   // as asked for; 0 is the default
	MaxConns        int     `json:"max_conns"` // of each server
	Spins           uint64  `json:"spins"`     // turns per ms of the loop behind /work
	ServerCPUs      string  `json:"server_cpus"`
	LoadCPUs        string  `json:"load_cpus"`
	SharedCPUs      bool    `json:"shared_cpus,omitempty"` // server and load have a CPU in common
	Seed            uint64  `json:"seed"`
	Trace           bool    `json:"trace"` // a round counted
}

// Machine is what all CPUs together did during the run.
type Machine struct {
	Busy  time.Duration `json:"busy_ns"`
	Idle  time.Duration `json:"idle_ns"`
	Steal time.Duration `json:"steal_ns"` // by a hypervisor
	// Ours is the part of Busy that servers and load generators used, their whole lives.
	Ours time.Duration `json:"ours_ns"`
}

// Model is one of the models that were compared.
type Model struct {
	Name string `json:"name"`
	// Reason says why it cannot run on the machine; "" when it can.
	Reason string `json:"reason,omitempty"`
	// Program is what its server starts for each connection, where it starts one.
	Program string `json:"program,omitempty"`
}

// check says what of a manifest cannot be.
func (m *Manifest) check() error {
	if m.Rounds.Rows < 0 || m.Rounds.Bytes < 0 {
		return fmt.Errorf("%d rounds in %d bytes", m.Rounds.Rows, m.Rounds.Bytes)
	}
	names := map[string]bool{}
	for _, model := range m.Models {
		if model.Name == "" || names[model.Name] {
			return fmt.Errorf("model %.40q is there twice, or has no name", model.Name)
		}
		names[model.Name] = true
	}
	return nil
}

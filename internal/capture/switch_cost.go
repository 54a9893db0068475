package capture

import (
	"switchyard/trace/event"
	"switchyard/trace/switchcost"
)

// A switchCoster measures what switches cost in the window of a trace. A nil one measures nothing.
type switchCoster struct{ probes *switchcost.Meter }

// openSwitchCost is called before any other probe is attached: what runs between its own is then
// left out.
func openSwitchCost(wanted bool) (*switchCoster, error) {
	if !wanted {
		return nil, nil
	}
	s, err := switchcost.Open(switchcost.Options{})
	if err != nil {
		return nil, err
	}
	return &switchCoster{s}, nil
}

// start is called when they are.
func (s *switchCoster) start() error {
	if s == nil {
		return nil
	}
	return s.probes.Start()
}

func (s *switchCoster) stop() (*event.SwitchCosts, error) {
	if s == nil {
		return nil, nil
	}
	return s.probes.Stop()
}

func (s *switchCoster) close() {
	if s != nil {
		s.probes.Close()
	}
}

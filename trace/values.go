package trace

import "switchyard/trace/event"

// fills reports whether a probe's columns are filled.
func (s *Session) fills(p *part) bool {
	return !p.Required && s.missing[p.Columns[0].Name] == ""
}

// An ownColumn is a column of tasks that is a probe's own, and where it is among their counts.
type ownColumn struct {
	event.Column
	at int
}

// own lists those of probes that were asked for.
func (s *Session) own() (list []ownColumn) {
	for i := range s.parts {
		p := &s.parts[i]
		if !p.byTask() || !s.fills(p) {
			continue
		}
		for j, column := range p.Columns {
			list = append(list, ownColumn{column, int(bpfCountCOUNT_COLUMNS) + p.first + j})
		}
	}
	return list
}

// valuesOf returns what counts have in them.
func valuesOf(n *counts, own []ownColumn) (list event.Values) {
	for _, c := range own {
		list = append(list, event.Value{Column: c.Column, Count: n[c.at]})
	}
	return list
}

// readProbes returns what those count that do so by themselves. It only grows.
func (s *Session) readProbes() (list event.Values, err error) {
	for i := range s.parts {
		p := &s.parts[i]
		if p.read == nil || !s.fills(p) {
			continue
		}
		values, err := p.read(p.coll)
		if err != nil {
			return nil, err
		}
		list = append(list, values...)
	}
	return list, nil
}

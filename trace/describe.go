package trace

import "encoding/json"

// MarshalJSON writes a probe in the form of switchyard.probes/1: with the option as it is typed,
// the names of its columns, their units by name, and whether it can be used here, or why not.
func (p Probe) MarshalJSON() ([]byte, error) {
	form := struct {
		Name      string            `json:"name"`
		Doc       string            `json:"doc"`
		Depth     Depth             `json:"depth"`
		Option    string            `json:"option"`
		Hooks     []string          `json:"hooks"`
		Columns   []string          `json:"columns"`
		Units     map[string]string `json:"units"`
		Required  bool              `json:"required"`
		Available bool              `json:"available"`
		Reason    string            `json:"reason"`
	}{
		Name: p.Name, Doc: p.Doc, Depth: p.Depth, Hooks: append([]string{}, p.Hooks...),
		Columns: []string{}, Units: map[string]string{}, Required: p.Required,
		Available: p.Err == nil,
	}
	if p.Option != "" {
		form.Option = "--" + p.Option
	}
	for _, c := range p.Columns {
		form.Columns = append(form.Columns, c.Name)
		form.Units[c.Name] = c.Unit
	}
	if p.Err != nil {
		form.Reason = p.Err.Error()
	}
	return json.Marshal(form)
}

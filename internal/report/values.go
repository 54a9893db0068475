package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"switchyard/trace/event"
)

// What probes that are asked for count has no field of its own: in JSON each value is a member of
// the object it belongs to, by the name of its column, beside the columns with their units.

// encode is json.Marshal, but that it leaves <, > and & as they are, as writeJSON does.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// withMember appends a member to a JSON object that has one already.
func withMember(object []byte, name string, value any) ([]byte, error) {
	text, err := encode(value)
	if err != nil {
		return nil, err
	}
	object = fmt.Appendf(object[:len(object)-1], ",%q:", name)
	return append(append(object, text...), '}'), nil
}

// plain is what a value is in JSON: a number, or where there are parts those by name.
func plain(v event.Value) any {
	if v.Parts != nil {
		return v.Parts
	}
	return v.Count
}

// withValues is the JSON of an object with its values.
func withValues(object any, values event.Values) ([]byte, error) {
	b, err := encode(object)
	for _, v := range values {
		if err == nil {
			b, err = withMember(b, v.Name, plain(v))
		}
	}
	return b, err
}

// valuesOf reads back what withValues has written, of those columns. One that is null, or not
// there, was not counted.
func valuesOf(object []byte, columns []event.Column) (event.Values, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	var values event.Values
	for _, column := range columns {
		text := members[column.Name]
		v := event.Value{Column: column}
		switch {
		case len(text) == 0 || string(text) == "null":
			continue
		case text[0] == '{':
			if err := json.Unmarshal(text, &v.Parts); err != nil {
				return nil, fmt.Errorf("%s: %w", column.Name, err)
			}
			for _, n := range v.Parts {
				v.Count += n
			}
		default:
			if err := json.Unmarshal(text, &v.Count); err != nil {
				return nil, fmt.Errorf("%s: %w", column.Name, err)
			}
		}
		values = append(values, v)
	}
	return values, nil
}

// columnsOf are those of values.
func columnsOf(values event.Values) []event.Column {
	var columns []event.Column
	for _, v := range values {
		columns = append(columns, v.Column)
	}
	return columns
}

// sentence says what a value is.
func sentence(v event.Value) string {
	title := v.Title
	if title != "" {
		title = strings.ToUpper(title[:1]) + title[1:]
	} else {
		title = v.Name
	}
	if len(v.Parts) > 0 {
		parts := make(map[string]int64)
		for name, n := range v.Parts {
			parts[name] = int64(n)
		}
		return fmt.Sprintf("%s: %s.", title, kinds(parts))
	}
	switch v.Unit {
	case "ns":
		return fmt.Sprintf("%s: %s.", title, nanos(float64(v.Count)))
	case "bytes":
		return fmt.Sprintf("%s: %s bytes.", title, size(float64(v.Count)))
	}
	return fmt.Sprintf("%s: %d.", title, v.Count)
}

// MarshalJSON implements json.Marshaler.
func (t *Trace) MarshalJSON() ([]byte, error) {
	type fields Trace
	return withValues(struct {
		*fields
		Columns []event.Column `json:"columns,omitempty"`
	}{(*fields)(t), columnsOf(t.Values)}, t.Values)
}

// UnmarshalJSON implements json.Unmarshaler. What the values of single tasks are it does not know.
func (t *Trace) UnmarshalJSON(b []byte) (err error) {
	type fields Trace
	var columns struct {
		Columns []event.Column `json:"columns"`
	}
	if err := json.Unmarshal(b, (*fields)(t)); err != nil {
		return err
	}
	if err := json.Unmarshal(b, &columns); err != nil {
		return err
	}
	t.Values, err = valuesOf(b, columns.Columns)
	return err
}

// MarshalJSON implements json.Marshaler.
func (t TraceTask) MarshalJSON() ([]byte, error) {
	type fields TraceTask
	return withValues(fields(t), t.Values)
}

// MarshalJSON implements json.Marshaler.
func (c *Compare) MarshalJSON() ([]byte, error) {
	type fields Compare
	rows := []json.RawMessage{}
	for i := range c.Models {
		row, err := c.row(&c.Models[i])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return encode(struct {
		*fields
		Models []json.RawMessage `json:"models"`
	}{(*fields)(c), rows})
}

// row is the JSON of a row. A column that was asked for and not counted is null. What was counted
// for each request is beside it.
func (c *Compare) row(r *ModelRow) ([]byte, error) {
	b, err := encode(r)
	for _, column := range c.Columns {
		var value any
		if v, ok := r.Values.Get(column.Name); ok {
			value = plain(v)
		}
		if err == nil {
			b, err = withMember(b, column.Name, value)
		}
		if err == nil {
			b, err = withMember(b, column.Name+"_per_request", r.perRequest(column.Name))
		}
	}
	return b, err
}

// perRequest is what was counted in a column for each request; nil if it was not counted.
func (r *ModelRow) perRequest(name string) *float64 {
	v, ok := r.Values.Get(name)
	if !ok {
		return nil
	}
	return per(&v.Count, *r)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Compare) UnmarshalJSON(b []byte) error {
	type fields Compare
	var rows struct {
		Models []json.RawMessage `json:"models"`
	}
	if err := json.Unmarshal(b, (*fields)(c)); err != nil {
		return err
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		return err
	}
	for i, text := range rows.Models {
		values, err := valuesOf(text, c.Columns)
		if err != nil {
			return err
		}
		c.Models[i].Values = values
	}
	return nil
}

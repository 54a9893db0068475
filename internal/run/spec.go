package run

import (
	"fmt"
	"reflect"
	"strings"
)

// specs returns the columns of a row type, as its fields' tags tell them to the library that writes.
func specs[Row any]() []columnSpec {
	var list []columnSpec
	for f := range reflect.TypeFor[Row]().Fields() {
		tag := strings.Split(f.Tag.Get("parquet"), ",")
		spec := columnSpec{name: tag[0]}
		t := f.Type
		for _, option := range tag[1:] {
			spec.optional = spec.optional || option == "optional"
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Bool:
			spec.physical = booleans
		case reflect.Int32:
			spec.physical = int32s
		case reflect.Int64:
			spec.physical = int64s
		case reflect.String, reflect.Slice:
			spec.physical = blobs
		default:
			panic(fmt.Sprintf("column %s: no type of a table", spec.name))
		}
		list = append(list, spec)
	}
	return list
}

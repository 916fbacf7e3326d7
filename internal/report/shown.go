package report

import (
	"reflect"

	"github.com/rekey-pg/rekey/internal/visible"
)

// shown returns a report with every text safe to show: names in the database may contain controls, and characters that
// reverse or hide what follows.
func shown[T Report](r T) T {
	out, _ := reflect.TypeAssert[T](show(reflect.ValueOf(r)))
	return out
}

// show returns a copy of a value with safe texts.
func show(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		return reflect.ValueOf(visible.Line(v.String())).Convert(v.Type())
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(show(v.Elem()))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(show(v.Index(i)))
		}
		return out
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(show(v.Field(i)))
			}
		}
		return out
	default:
		return v
	}
}

package event

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every type of event is written and read again with the value of each field.
func TestEveryEventRoundTrips(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	var names []string
	for _, kind := range kinds() {
		value := reflect.New(reflect.TypeOf(kind)).Elem()
		number := 0
		fill(t, value, &number)
		want := value.Interface().(Event)
		line, err := Line(want, at)
		if err != nil {
			t.Fatal(err)
		}
		got, gotAt, err := Parse(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" || !gotAt.Equal(at) {
			t.Errorf("%T at %v differs (-written +read):\n%s", want, gotAt, diff)
		}
		names = append(names, reflect.TypeOf(kind).Name())
	}
	declared := typesWithName(t)
	slices.Sort(names)
	if diff := cmp.Diff(declared, names); diff != "" {
		t.Errorf("kinds() lacks types of events (-declared +in kinds):\n%s", diff)
	}
}

func TestLinesThatAreNoEvent(t *testing.T) {
	for line, unknown := range map[string]bool{
		`{"format_version":2,"event":"teleported","at":"2026-01-02T03:04:05Z"}`:      true,
		`{"format_version":3,"event":"notice","at":"2026-01-02T03:04:05Z"}`:          true,
		`{"format_version":2,"event":"notice","at":"2026-01-02T03:04:05Z","text":7}`: false,
		`{"event":"notice"}`:     false,
		`{"format_version":2}`:   false,
		`[]`:                     false,
		``:                       false,
		`{"format_version":2,"e`: false,
	} {
		e, _, err := Parse([]byte(line))
		if e != nil || err == nil || errors.Is(err, ErrUnknown) != unknown {
			t.Errorf("%s: %v, %v", line, e, err)
		}
	}
}

// fill gives each exported field of a value a value of its own, except those that are not part of the JSON.
func fill(t *testing.T, v reflect.Value, number *int) {
	t.Helper()
	*number++
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes([]byte(`{"n":1}`))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(t, v.Field(i), number)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), number)
		fill(t, v.Index(1), number)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), number)
	case reflect.String:
		v.SetString("ünï\x1b[2J\r\n\u202e" + string(rune('a'+*number%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*number))
	case reflect.Float64:
		v.SetFloat(float64(*number) + 0.25)
	default:
		t.Fatalf("no value for a %s", v.Kind())
	}
}

// typesWithName returns the types in this package's source that have the method name.
func typesWithName(t *testing.T) (types []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "name" {
				continue
			}
			if receiver, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				types = append(types, receiver.Name)
			}
		}
	}
	slices.Sort(types)
	return types
}

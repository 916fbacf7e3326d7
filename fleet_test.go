package rekey_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/rekey-pg/rekey"
)

func TestFleetEach(t *testing.T) {
	schemas := []string{"a", "b", "c", "d", "e"}
	for _, test := range []struct {
		name  string
		fleet rekey.Fleet
		fails []string
		begun int
	}{
		{"all go", rekey.Fleet{Parallel: 3}, nil, 5},
		{"failures do not matter", rekey.Fleet{}, []string{"a", "b"}, 5},
		{"the first failure ends it", rekey.Fleet{MaxFailures: 1}, []string{"b", "d"}, 2},
		{"the second failure ends it", rekey.Fleet{MaxFailures: 2}, []string{"b", "d"}, 4},
		{"a canary fails", rekey.Fleet{Canary: 3, Parallel: 2}, []string{"b"}, 2},
		{"behind the canaries one may fail", rekey.Fleet{Canary: 2, Parallel: 2}, []string{"c"}, 5},
		{"more canaries than schemas", rekey.Fleet{Canary: 9}, nil, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fleet.Schemas = schemas
			told := 0
			begun := test.fleet.Each(t.Context(), nil, func(_ context.Context, schema string) error {
				if slices.Contains(test.fails, schema) {
					return fmt.Errorf("%s fails", schema)
				}
				return nil
			}, func(schema string, err error) {
				told++
				if (err != nil) != slices.Contains(test.fails, schema) {
					t.Errorf("%s: %v", schema, err)
				}
			})
			if begun != test.begun || told != begun {
				t.Errorf("%d begun and %d told, want %d", begun, told, test.begun)
			}
		})
	}
}

func TestFleetStops(t *testing.T) {
	stop := make(chan struct{})
	fleet := rekey.Fleet{Schemas: []string{"a", "b", "c"}}
	begun := fleet.Each(t.Context(), stop, func(context.Context, string) error {
		close(stop)
		return errors.New("stopped")
	}, func(string, error) {})
	if begun != 1 {
		t.Errorf("%d begun after stop", begun)
	}
}

func TestFleetGoesBesideEachOther(t *testing.T) {
	var at, most atomic.Int32
	both := make(chan struct{})
	fleet := rekey.Fleet{Schemas: []string{"a", "b"}, Parallel: 2}
	fleet.Each(t.Context(), nil, func(context.Context, string) error {
		if most.Store(at.Add(1)); at.Load() == 2 {
			close(both)
		}
		<-both // each waits for the other
		return nil
	}, func(string, error) {})
	if most.Load() != 2 {
		t.Errorf("%d at a time", most.Load())
	}
}

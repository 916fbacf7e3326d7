package rekey_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

// A group begins when the one before it has ended, and not at all after too many failures.
func TestFleetGroups(t *testing.T) {
	schemas := []string{"eu1", "eu2", "eu3", "us1", "us2"}
	for most, want := range map[int]int{0: 5, 1: 3, 2: 5} {
		var active sync.Map
		fleet := rekey.Fleet{Schemas: schemas, Parallel: 3, MaxFailures: most, OwnPools: true, Group: func(schema string) string { return schema[:2] }}
		all := make(chan struct{})
		var begun atomic.Int32
		number := fleet.Each(t.Context(), nil, func(_ context.Context, schema string) error {
			active.Store(schema, true)
			defer active.Delete(schema)
			if begun.Add(1) == 3 {
				close(all)
			}
			<-all // the whole first group is active
			active.Range(func(other, _ any) bool {
				if name, _ := other.(string); name[:2] != schema[:2] {
					t.Errorf("%s and %s at a time", schema, name)
				}
				return true
			})
			if schema == "eu2" {
				return errors.New("fails")
			}
			return nil
		}, nil)
		if number != want {
			t.Errorf("at most %d failures: %d begun, want %d", most, number, want)
		}
	}
	one := rekey.Fleet{Schemas: schemas, Canary: 4, Group: func(schema string) string { return schema[:2] }}
	if begun := one.Each(t.Context(), nil, func(_ context.Context, schema string) error {
		if schema == "us1" {
			return errors.New("a canary of the second group fails")
		}
		return nil
	}, nil); begun != 4 {
		t.Errorf("%d begun", begun)
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

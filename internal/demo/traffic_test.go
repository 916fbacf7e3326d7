package demo

import (
	"errors"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/step"
)

// The application names the column once it exists, looks rows up once the table is complete, and learns nothing during
// down.
func TestApplicationLearnsColumn(t *testing.T) {
	users := &flow{table: table{name: "phoenix_kit_users"}}
	traffic := &traffic{tables: []*flow{users, {table: table{name: "phoenix_kit_orders"}}}}
	added := step.AddColumn{Target: step.Target{Schema: schema, Table: users.name, Column: "uuid"}}
	column := event.StepDone{Step: string(added.ID()), Table: users.name}
	complete := event.TableDone{Table: added.Target.String()}
	for _, c := range []struct {
		stage  string
		event  event.Event
		column bool
		index  bool
	}{
		{"before", column, false, false},
		{"up", event.StepDone{Step: "public.phoenix_kit_users/build-index"}, false, false},
		{"up", event.TableDone{Table: "public.phoenix_kit_orders"}, false, false},
		{"up", column, true, false},
		{"up", complete, true, true},
	} {
		traffic.enter(c.stage)
		traffic.learn(c.event)
		if users.column.Load() != c.column || users.index.Load() != c.index {
			t.Errorf("%s, %+v: column %v, index %v", c.stage, c.event, users.column.Load(), users.index.Load())
		}
	}
	traffic.forgetKeys()
	traffic.enter("down")
	traffic.learn(complete)
	if users.column.Load() || users.index.Load() {
		t.Error("it knows a column that down drops")
	}
}

// A pause for a check does not count as a wait of the application.
func TestPauseDoesNotCountAsWait(t *testing.T) {
	t.Parallel()
	d := New(small(15), nil)
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := errors.Join(d.begin(t.Context()), d.build(t.Context())); err != nil {
		t.Fatal(err)
	}
	traffic, err := startTraffic(t.Context(), hostURL(d.cluster), d.options, d.old)
	if err != nil {
		t.Fatal(err)
	}
	defer traffic.stop()
	const long = 12 * time.Second // more than a busy machine makes a statement wait
	traffic.pause()
	time.Sleep(long)
	traffic.resume()
	before := traffic.figures().Statements
	for end := time.Now().Add(5 * time.Minute); traffic.figures().Statements < before+200 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if f := traffic.figures(); f.Statements < before+200 || f.Failed > 0 || f.Longest >= long {
		t.Errorf("%+v", f)
	}
}

package rekey

import (
	"testing"
	"time"
)

// The options of a run are recorded by their flags, without secrets and without the text of a query.
func TestAskedOptions(t *testing.T) {
	m := &Migrator{
		scope: Schema{Name: "app", Tables: []string{"a*", "b"}, SkipRefused: true, References: []Reference{{Table: "a", Column: "b_id", Parent: "b"}}},
		options: Options{
			To: Linked, Soak: NoSoak, Confirm: "host=h password=hunter2",
			Locks:    LockOptions{Timeout: 20 * time.Millisecond},
			Throttle: ThrottleOptions{Query: "SELECT 'hunter2' = secret FROM app.t", MaxRetainedWAL: 3 << 30},
			Tables:   map[string]TableOptions{"a": {Values: KeyOrder()}, "b": {Column: "guid"}},
		},
	}
	got := ""
	for _, o := range m.asked() {
		got += o.Name + "=" + o.Value
		if o.Default {
			got += " (default)"
		}
		got += "\n"
	}
	const want = `confirm=a value that is not repeated here (it may hold a password)
lock-timeout=20ms
max-retained-wal=3GB
overrides b=guid
reference=a.b_id=b
schema=app
skip-refused=yes
soak=0s
tables=a*, b
throttle-query=a query, whose text is not recorded
time-column a=none
to=linked
batch-time=50ms (default)
lock-retry-timeout=40m (default)
max-lag=10s (default)
pace=normal (default)
`
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

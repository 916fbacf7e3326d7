package impact

import (
	"testing"
	"time"
)

func TestCauses(t *testing.T) {
	for name, test := range map[string]struct {
		activities []Activity // one a second
		want       string
	}{
		"nothing":                       {[]Activity{{}, {}}, ""},
		"the first activity":            {[]Activity{{Checkpoint: 7, Segment: 3, Beyond: true}}, ""},
		"a checkpoint":                  {[]Activity{{Checkpoint: 7}, {Checkpoint: 8}}, Checkpoint},
		"one that writes":               {[]Activity{{Checkpoint: 7}, {Checkpoint: 80}, {Checkpoint: 80}}, Checkpoint},
		"one that has ended":            {[]Activity{{Checkpoint: 7}, {Checkpoint: 8}, {Checkpoint: 8}, {Checkpoint: 8}, {Checkpoint: 8}}, ""},
		"a recycled segment":            {[]Activity{{Segment: 7}, {Segment: 8}}, ""},
		"a new segment":                 {[]Activity{{Segment: 7, Beyond: true}, {Segment: 8, Beyond: true}}, WALSegments},
		"an autovacuum":                 {[]Activity{{Autovacuum: true}}, Autovacuum},
		"an autovacuum that has ended":  {[]Activity{{Autovacuum: true}, {}}, ""},
		"a checkpoint and new segments": {[]Activity{{}, {Checkpoint: 1, Segment: 1, Beyond: true, Autovacuum: true}}, Checkpoint},
	} {
		var c Causes
		got := ""
		for second, a := range test.activities {
			a.At = time.Unix(int64(second), 0)
			got = c.Next(a)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

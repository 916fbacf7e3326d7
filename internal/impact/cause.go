package impact

import "time"

// Causes of a wait that is not the run's alone.
const (
	Checkpoint  = "checkpoint"
	WALSegments = "wal-segments"
	Autovacuum  = "autovacuum"
)

// Activity describes other work of the server, as far as the role may see it.
type Activity struct {
	At         time.Time
	Checkpoint int64 // checkpoints so far and the buffers that they have written: it grows while there is one
	Segment    int64 // number of the current WAL segment
	Beyond     bool  // more WAL than min_wal_size was written since the last checkpoint, so that new segments are created
	Autovacuum bool  // of the table in work
}

// Causes finds what else makes the application wait, from one activity after the other.
type Causes struct {
	last       Activity
	checkpoint time.Time // last seen
	segment    time.Time // last created
}

// causeLasts is how long a cause lasts that was seen.
const causeLasts = 2500 * time.Millisecond

// Next returns the cause now, "" for nothing known.
func (c *Causes) Next(a Activity) string {
	if !c.last.At.IsZero() {
		if a.Checkpoint != c.last.Checkpoint {
			c.checkpoint = a.At
		}
		if a.Beyond && a.Segment != c.last.Segment {
			c.segment = a.At
		}
	}
	c.last = a
	switch {
	case a.At.Sub(c.checkpoint) < causeLasts:
		return Checkpoint
	case a.At.Sub(c.segment) < causeLasts:
		return WALSegments
	case a.Autovacuum:
		return Autovacuum
	default:
		return ""
	}
}

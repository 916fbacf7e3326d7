package page

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rekey-pg/rekey/internal/history"
)

// cursor is how much of a run a client has: the time of its last sample and the number of its last line of the log.
// The id of a server-sent event is a cursor, so that a client continues where it was cut off.
type cursor struct {
	run    int64
	sample int64 // Unix seconds
	line   int   // counted from 1
}

// String returns the cursor as the id of an event.
func (c cursor) String() string { return fmt.Sprintf("%d.%d.%d", c.run, c.sample, c.line) }

// parseCursor reads the id of an event. Anything else is the beginning.
func parseCursor(id string) cursor {
	var c cursor
	if _, err := fmt.Sscanf(id, "%d.%d.%d", &c.run, &c.sample, &c.line); err != nil || c.String() != id {
		return cursor{}
	}
	return c
}

// frame is the data of one server-sent event.
type frame struct {
	// Reset is true if the client drops its samples and lines.
	Reset bool            `json:"reset"`
	View  json.RawMessage `json:"view"` // a [view]
	// Samples are rows of the time in Unix seconds, rows filled, rows per second, impact, its limit, bytes of WAL per second, and
	// the milliseconds of a batch, of the lag, and the sessions that wait for a lock. null is not measured.
	Samples [][]*float64 `json:"samples"`
	Log     []lineView   `json:"log"`
}

type lineView struct {
	Number int    `json:"number"`
	At     int64  `json:"at"`
	Text   string `json:"text"`
}

// after returns the frame that brings a client from a cursor up to date, and the client's next cursor.
func after(c cursor, b shown, now time.Time) (frame, cursor) {
	s := b.state
	f := frame{View: b.view(now), Samples: [][]*float64{}, Log: []lineView{}}
	if c.run != s.Run || c.line > s.Logged || c.run == 0 {
		f.Reset, c = true, cursor{run: s.Run}
	}
	for _, one := range s.Samples {
		if at := one.At.Unix(); at > c.sample {
			f.Samples = append(f.Samples, row(one))
			c.sample = at
		}
	}
	for i, line := range s.Log {
		if number := s.Logged - len(s.Log) + i + 1; number > c.line {
			f.Log = append(f.Log, lineView{Number: number, At: line.At.UnixMilli(), Text: line.Text})
			c.line = number
		}
	}
	return f, c
}

func row(s history.Sample) []*float64 {
	number := func(n float64) *float64 { return &n }
	r := []*float64{number(float64(s.At.Unix())), number(float64(s.Done)), number(s.Rate), nil, nil, nil, nil, nil, nil}
	if i := s.Impact; i != nil && i.Ratio > 0 { // 0 is not measured yet
		r[3] = number(i.Ratio)
		if i.Limit > 0 {
			r[4] = number(i.Limit)
		}
	}
	if l := s.Load; l != nil {
		r[5], r[7], r[8] = number(l.WAL), number(ms(l.Lag)), number(float64(l.Waiting))
		if l.Batch > 0 {
			r[6] = number(ms(l.Batch))
		}
	}
	return r
}

package backfill

import (
	"encoding/json"
)

// position is how far a worker has come: its region, its wave, and the last range of that wave.
type position struct {
	By     By    `json:"by"`
	From   int64 `json:"from"` // the region is (From, To]; an open one has no lower bound
	Open   bool  `json:"open,omitempty"`
	To     int64 `json:"to"`
	Waves  int   `json:"waves"` // of the region
	Wave   int   `json:"wave"`
	After  int64 `json:"after,omitempty"` // the wave continues above it if Begun
	Begun  bool  `json:"begun,omitempty"`
	Over   bool  `json:"over,omitempty"` // the region is filled
	filled int64 // rows of this worker, over all runs
}

func (p position) region() tableRange { return tableRange{from: p.From, open: p.Open, to: p.To} }

func (p position) remaining() tableRange {
	if p.Begun {
		return p.region().after(p.After)
	}
	return p.region()
}

func (p position) advance(end int64) position {
	p.After, p.Begun = end, true
	return p
}

// nextWave returns the start of the next wave.
func (p position) nextWave() position {
	p.Wave, p.After, p.Begun = p.Wave+1, 0, false
	p.Over = p.Wave >= p.Waves
	return p
}

func (p position) encode() []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return text
}

// decode decodes a position; ok is false for one that this filling cannot use.
func decode(checkpoint Checkpoint, by By) (position, bool) {
	var p position
	if json.Unmarshal(checkpoint.State, &p) != nil || p.By != by || p.Wave < 0 || !p.Over && p.Wave >= p.Waves {
		return p, false
	}
	p.filled = checkpoint.Rows
	return p, true
}

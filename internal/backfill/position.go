package backfill

import (
	"encoding/json"
)

// position is where a worker stands: in which region, which wave, and how far that has come.
type position struct {
	By     By    `json:"by"`
	From   int64 `json:"from"` // the region is (From, To]; an open one begins at the very beginning
	Open   bool  `json:"open,omitempty"`
	To     int64 `json:"to"`
	Waves  int   `json:"waves"` // that the region gets
	Wave   int   `json:"wave"`
	After  int64 `json:"after,omitempty"` // the wave goes on after this, if it has begun
	Begun  bool  `json:"begun,omitempty"`
	Over   bool  `json:"over,omitempty"` // the region is done
	filled int64 // by this worker, over all runs
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

// next is the beginning of the next wave.
func (p position) nextWave() position {
	p.Wave, p.After, p.Begun = p.Wave+1, 0, false
	p.Over = p.Wave >= p.Waves
	return p
}

func (p position) encode() []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and words always have a text
	}
	return text
}

// decode reads a position; one that is not understood is as good as none.
func decode(place Checkpoint, by By) (position, bool) {
	var p position
	if json.Unmarshal(place.State, &p) != nil || p.By != by || p.Wave < 0 || !p.Over && p.Wave >= p.Waves {
		return p, false
	}
	p.filled = place.Rows
	return p, true
}

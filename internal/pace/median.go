package pace

import (
	"slices"
	"time"
)

// maxTook is the number of batches in a median.
const maxTook = 200

// record remembers how long a batch took.
func (p *Pace) record(took time.Duration) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) >= maxTook {
		p.took = slices.Delete(p.took, 0, maxTook/2)
	}
	p.took = append(p.took, took)
}

// TakeMedian returns the median duration of the batches since the last call, of the last ones if there were many; 0 if there
// was none.
func (p *Pace) TakeMedian() time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) == 0 {
		return 0
	}
	slices.Sort(p.took)
	median := p.took[len(p.took)/2]
	p.took = nil
	return median
}

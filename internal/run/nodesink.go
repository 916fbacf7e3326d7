package run

import (
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// shardEvents turns the events of nodes, which fill shards of one table side by side, into events about the table.
type shardEvents struct {
	mu     sync.Mutex
	table  string
	total  int64 // estimated rows to fill
	out    event.Sink
	nodes  []*nodeSink
	reason event.Throttled // as reported
}

// nodeSink receives the events of one node.
type nodeSink struct {
	all     *shardEvents
	address string
	done    int64 // rows of the shards that are filled
	earlier int64 // rows of the current shard, by attempts that have lost their connection
	now     event.Progress
	reason  event.Throttled
}

func (s *shardEvents) node(address string) *nodeSink {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.address == address {
			return n
		}
	}
	n := &nodeSink{all: s, address: address}
	s.nodes = append(s.nodes, n)
	return n
}

// shardDone counts the rows of a shard that is filled.
func (n *nodeSink) shardDone(rows int64) {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	n.done += rows
	n.earlier, n.now = 0, event.Progress{Rate: n.now.Rate}
}

// end removes the node, all of whose shards are filled, from the rate and the reasons of the table.
func (n *nodeSink) end() {
	n.all.mu.Lock()
	defer n.all.mu.Unlock()
	n.now.Rate, n.reason = 0, event.Throttled{}
	n.all.throttled()
}

// emit passes on an event of a shard as one of its table.
func (n *nodeSink) emit(e event.Event) {
	s := n.all
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := e.(type) {
	case event.Progress:
		if e.Done < n.now.Done {
			n.earlier += n.now.Done
		}
		n.now = e
		s.out.Emit(s.progress())
	case event.Throttled:
		n.reason = e
		s.throttled()
	case event.Impact:
		e.Table = s.table
		s.out.Emit(e)
	case event.Notice:
		text := e.Text
		if e.Table != "" {
			text = e.Table + ": " + text
		}
		s.out.Emit(event.Notice{Table: s.table, Text: "node " + n.address + ": " + text})
	case event.StepDone, event.Executing, event.TableStarted, event.TableDone:
	default:
		s.out.Emit(e)
	}
}

// progress returns the progress of all nodes together.
func (s *shardEvents) progress() event.Progress {
	p := event.Progress{Table: s.table}
	for _, n := range s.nodes {
		p.Done += n.done + n.earlier + n.now.Done
		p.Rate += n.now.Rate
		p.Held += n.now.Held
	}
	p.Total = max(s.total, p.Done)
	if p.Rate > 0 {
		p.Left = time.Duration(float64(p.Total-p.Done) / p.Rate * float64(time.Second))
	}
	return p
}

// throttled reports why the run pauses or is slower, when that changes: a pause of any node comes first.
func (s *shardEvents) throttled() {
	var now event.Throttled
	for _, n := range s.nodes {
		if n.reason.Reason != "" && (now.Reason == "" || n.reason.Paused && !now.Paused) {
			now = n.reason
			if now.Signal != ofRun {
				now.Reason = "node " + n.address + ": " + now.Reason
			}
		}
	}
	if now.Signal == ofRun {
		now.Signal = "request"
	}
	if now != s.reason {
		s.reason = now
		s.out.Emit(now)
	}
}

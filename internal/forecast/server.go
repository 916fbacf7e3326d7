package forecast

import (
	"slices"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// ServerOf returns what a forecast needs of a server, with a processor as fast as the benchmark's.
func ServerOf(major int, l catalog.Load) Server {
	s := Server{
		Major: major, MaxWAL: l.MaxWAL, MinWAL: l.MinWAL, Segment: l.Segment, Checkpoint: l.CheckpointTimeout, Completion: l.CompletionTarget,
		FullPages: l.FullPages, Compressed: l.Compressed, MaintenanceMemory: l.MaintenanceMemory, WALNow: l.WALDirectory, Logical: l.Logical, WALHeld: l.ArchiveFails, MaxHeld: l.MaxSlotWAL,
		Speed: Speed{Processor: 1},
	}
	for _, slot := range l.Slots {
		s.WALHeld = s.WALHeld || !slot.Active && slot.Status != "lost"
	}
	if l.ArchiveFails {
		s.MaxHeld = -1
	}
	return s
}

// Replaying returns the followers with the speed of those that had at least a backlog of WAL to replay between two readings.
func Replaying(all, before, after []catalog.Follower, passed time.Duration, backlog int64) []catalog.Follower {
	find := func(list []catalog.Follower, name string) *catalog.Follower {
		if i := slices.IndexFunc(list, func(f catalog.Follower) bool { return f.Name == name }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	measured := slices.Clone(all)
	for i := range measured {
		from, to := find(before, measured[i].Name), find(after, measured[i].Name)
		if from != nil && to != nil && from.Behind >= backlog && to.Behind > 0 && passed > 0 {
			measured[i].Replays = max(float64(to.Replayed-from.Replayed)/passed.Seconds(), 1)
		}
	}
	return measured
}

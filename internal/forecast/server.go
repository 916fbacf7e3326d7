package forecast

import "github.com/rekey-pg/rekey/internal/catalog"

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

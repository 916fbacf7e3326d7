package screen

import (
	"time"

	"github.com/rekey-pg/rekey/event"
)

// timedEvent is an event with its time, in seconds since the start.
type timedEvent struct {
	at float64
	e  event.Event
}

func (m timedEvent) time() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(m.at * float64(time.Second)))
}

// fullRun returns a run with every kind of event.
func fullRun() []timedEvent {
	const users, events = "public.phoenix_kit_users", "public.phoenix_kit_email_events"
	return []timedEvent{
		{0, event.RunStarted{Run: 7, Command: "up", Schema: "public", From: 39, To: 40, Tables: 2, Rows: 220_000}},
		{0.1, event.TableAbsent{Table: "public.phoenix_kit_ai_prompts"}},
		{0.1, event.Notice{Table: users, Text: "these triggers do not fire:\n  audit"}},
		{0.2, event.TableStarted{Table: users, Rows: 20_000}},
		{0.2, event.Executing{Step: users + "/add-column", SQL: "ALTER TABLE …"}},
		{0.3, event.LockRefused{Table: users, Attempts: 1, Blockers: []string{"pid 4711 (psql, idle in transaction)"}, Pause: 80 * time.Millisecond}},
		{1.3, event.LockRefused{Table: users, Attempts: 4, Blockers: []string{"pid 4711 (psql, idle in transaction)"}, Pause: 600 * time.Millisecond}},
		{1.9, event.Locked{Table: users, Attempts: 5, Wait: 3 * time.Millisecond, Hold: 2 * time.Millisecond}},
		{2, event.StepDone{Step: users + "/add-column", Table: users, Elapsed: time.Second}},
		{3, event.Progress{Table: users, Done: 5_000, Total: 20_000, Rate: 5_000, Left: 3 * time.Second}},
		{5, event.Progress{Table: users, Done: 15_000, Total: 20_000, Rate: 5_000, Left: time.Second}},
		{6, event.Progress{Table: users, Done: 20_431, Total: 20_000, Rate: 5_000}},
		{7, event.TableDone{Table: users, Rows: 20_431, Elapsed: 6800 * time.Millisecond}},
		{7, event.TableStarted{Table: events, Rows: 200_000}},
		{8, event.Throttled{Reason: "replica standby1 is 40 MB behind", Paused: true}},
		{9, event.Throttled{Reason: "replica standby1 is 12 MB behind"}},
		{12, event.Progress{Table: events, Done: 123_456, Total: 200_000, Rate: 12_345.6, Left: 6 * time.Second, Held: 3}},
		{13, event.Throttled{}},
		{18, event.Progress{Table: events, Done: 200_000, Total: 200_000, Rate: 12_345.6}},
		{19, event.IndexProgress{Table: events, Index: "phoenix_kit_email_events_uuid_idx", Phase: "building index", Done: 750, Total: 1000}},
		{24, event.IndexProgress{Table: events, Phase: "waiting for writers before validation", Waiting: []string{"pid 99 (report)"}}},
		{30, event.TableDone{Table: events, Rows: 200_000, Elapsed: 23 * time.Second}},
		{30, event.Result{OK: true, Command: "up", Schema: "public", Version: 40, Tables: 2, Rows: 220_431}},
	}
}

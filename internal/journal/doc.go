// Package journal stores what rekey remembers between runs, in tables of the schema rekey: past runs, the lease
// that excludes a second run, the checkpoints of the backfill, requests from other terminals, and what columns were
// like before the first run.
//
// rekey reads from the catalogue whether a step is done, never from the journal: losing the journal costs time, not
// correctness. No function keeps state in a session, so that the journal works through a pooler in transaction
// mode.
package journal

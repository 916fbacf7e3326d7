// Package journal keeps rekey's own tables, in the schema rekey: the diary of runs, the lease that
// keeps a second run away, the cursors of the filling, the orders from other terminals, and what was
// found before the first run.
//
// The database is the truth and the journal the diary: losing it costs time, not correctness. No
// access here outlives its transaction, so that it works through a pooler in transaction mode.
package journal

// Package backfill fills a new, nullable column of a live table.
//
// The usual batched UPDATE of a full table writes every row to a new page and adds an entry to every
// index. PostgreSQL updates in place (heap-only, HOT) when no indexed column changes and the new
// version fits on the row's own page; a full page has room as soon as a few of its rows have moved
// away and that is committed. So the table is cut into regions of pages, and each region is gone over
// in waves: each wave updates a few rows of every page, in short transactions, and finds room that the
// last one left behind.
//
// Rows that the application holds are skipped and met again, so that the filling waits for nobody
// while it holds a lock and can be no party to a deadlock. Sweeps over the whole table come last, for
// rows that were skipped, moved, or given a NULL meanwhile.
package backfill

// Package backfill fills a new, nullable column of a live table.
//
// The usual batched UPDATE of a full table moves every row to another page and adds an entry to every index. PostgreSQL
// updates a row in place (heap-only, HOT) if no indexed column changes and the new version fits on the row's own page. A
// full page has space again once a few of its rows have moved away and that is committed. So the table is split into
// regions of pages, and each region is filled in waves: a wave updates a few rows of every page, in short transactions, and
// uses the space that the wave before left.
//
// Rows that are locked by the application are skipped and tried again later: no batch waits for a row lock, so that none can
// be part of a deadlock. At the end, sweeps over the whole table fill rows that were skipped, moved, or set to NULL again.
package backfill

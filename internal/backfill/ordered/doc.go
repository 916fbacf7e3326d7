// Package ordered fills a table's uuid column so that its values sort as (creation time, key).
//
// A survey cuts the table into regions, ranges of its key that hold so many rows each, and finds
// the instants that several regions have rows of; of those it divides the room among them. So each region
// is filled by itself: its rows are read, put in order and given their values here, and written in waves of
// short transactions, for the reasons that package backfill has. Rows that have values already bound those
// that have none, so that a run that was cut goes on in the same order.
//
// What one region may fill is decided by what the survey has seen. A row whose instant it has not seen in
// its region, because the application moved it there meanwhile, waits for the next round: then the values
// that stand at its instant, wherever in the table, are looked up, and rooms are divided around them.
package ordered

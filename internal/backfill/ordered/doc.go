// Package ordered fills a table's uuid column so that its values sort as (creation time, key).
//
// A survey splits the table into regions, which are ranges of its key with a fixed number of rows, and finds the instants at
// which several regions have rows. The values of such an instant are divided among its regions. Then each region is filled
// independently: the worker reads its rows, sorts them, chooses their values, and writes them in waves of short transactions,
// for the reasons given in package backfill. The values of filled rows limit the values of unfilled ones, so that a run that
// continues an interrupted one keeps the order.
//
// A worker fills only rows whose instant the survey has seen in their region. A row that the application moved in time since
// is left to the next round, which reads the values at its instant in the whole table and divides the ranges between them.
package ordered

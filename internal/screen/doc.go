// Package screen formats everything that rekey prints. Draw makes a Frame of the state of a run, which package history
// folds from events; it needs no terminal. Three writers show the events: bars on a terminal, plain lines elsewhere,
// newline-delimited JSON for programs. The other functions return a plan, a status, a report, a result or problems as
// text of a given width in columns.
package screen

// Width is the number of columns of a text that is not written to a terminal.
const Width = 80

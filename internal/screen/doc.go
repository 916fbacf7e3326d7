// Package screen shows what happens and what was found. A run's events are folded into a state, a state
// gives a frame, both without a terminal; three writers show them: bars on a terminal, plain lines
// elsewhere, newline-delimited JSON for programs. The texts of plan, status, verify and of problems are
// made here too, all to a width in columns.
package screen

// Width is how many columns a text has where no terminal says otherwise.
const Width = 80

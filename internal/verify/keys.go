package verify

import (
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/problem"
)

// KeyReport is the state of one primary key that up has begun to switch.
type KeyReport struct {
	Table    string // without its schema
	Progress string
	OK       bool
	Missing  []string // what the key lacks, as sentences without a period

	pins []string // the statements that pin the replica identity
}

// checkKeys compares each primary key that up has begun to switch with what its phase needs. The catalogue shows all of it.
func checkKeys(p plan.Plan) []KeyReport {
	var reports []KeyReport
	for _, k := range p.PrimaryKeys {
		table := p.Schema.Named(k.Key.Table.All())
		if faults, begun := k.Faults(table); begun {
			reports = append(reports, KeyReport{Table: k.Key.Table.Name, Progress: string(k.Progress), Missing: faults, pins: k.Pins(table)})
		}
	}
	return reports
}

// keyDifferences returns the problem of a report whose tables and linked references are as they should be.
func (r Report) keyDifferences() *problem.Problem {
	ended := true
	var pin []string
	for _, k := range r.Keys {
		ended = ended && (k.OK || k.Progress == string(plan.KeyContracted))
		pin = append(pin, k.pins...)
	}
	if ended {
		return message.EndedDifferences(r.Differences)
	}
	return message.KeyDifferences(r.Differences, pin)
}

// differences returns one line for each thing that a primary key lacks.
func (k KeyReport) differences() []string {
	var lines []string
	for _, missing := range k.Missing {
		lines = append(lines, k.Table+" primary key: "+missing)
	}
	return lines
}

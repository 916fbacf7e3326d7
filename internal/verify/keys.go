package verify

import (
	"github.com/rekey-pg/rekey/internal/plan"
)

// KeyReport is the state of one primary key that up has begun to switch.
type KeyReport struct {
	Table    string // without its schema
	Progress string
	OK       bool
	Missing  []string // what the key lacks, as sentences without a period
}

// checkKeys compares each primary key that up has begun to switch with what its phase needs. The catalogue shows all of it.
func checkKeys(p plan.Plan) []KeyReport {
	var reports []KeyReport
	for _, k := range p.PrimaryKeys {
		if faults, begun := k.Faults(p.Schema.Named(k.Key.Table.All())); begun {
			reports = append(reports, KeyReport{Table: k.Key.Table.Name, Progress: string(k.Progress), Missing: faults})
		}
	}
	return reports
}

// differences returns one line for each thing that a primary key lacks.
func (k KeyReport) differences() []string {
	var lines []string
	for _, missing := range k.Missing {
		lines = append(lines, k.Table+" primary key: "+missing)
	}
	return lines
}

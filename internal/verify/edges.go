package verify

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
)

// EdgeReport holds the counts of the rows of one edge.
type EdgeReport struct {
	Table      string // the child, without its schema
	Column     string // its integer column
	Parent     string // with its schema, if that is another one
	UUIDColumn string
	Progress   string
	OK         bool
	Rows       int64
	Mismatches int64    // rows whose two columns refer to different rows of the parent
	Orphans    int64    // rows whose integer refers to no row of the parent
	OrphanKeys []string // some of these integers
	OneSided   int64    // rows with a value in only one of the columns, orphans excluded
	Missing    []string // what the edge lacks, as sentences without a period
}

// differences returns one line for each fault of an edge.
func (e EdgeReport) differences() []string {
	name := e.Table + "." + e.Column + ": "
	var lines []string
	for _, missing := range e.Missing {
		lines = append(lines, name+missing)
	}
	if e.Mismatches > 0 {
		lines = append(lines, name+message.Counted(e.Mismatches, "row whose", "rows whose")+" "+e.Column+" and "+e.UUIDColumn+" refer to different rows of "+e.Parent)
	}
	if e.OneSided > 0 {
		lines = append(lines, name+message.Counted(e.OneSided, "row with", "rows with")+" a value in only one of "+e.Column+" and "+e.UUIDColumn)
	}
	if e.Orphans > 0 {
		text := name + message.Counted(e.Orphans, "orphan", "orphans") + ", which refer to no row of " + e.Parent + ": " + strings.Join(e.OrphanKeys, ", ")
		if e.Orphans == 1 {
			text = strings.Replace(text, "which refer to", "which refers to", 1)
		}
		if int64(len(e.OrphanKeys)) < e.Orphans {
			text += ", …"
		}
		lines = append(lines, text)
	}
	return lines
}

package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
)

// Report writes what verify has counted, the differences last.
func Report(r rekey.Report, width int) string {
	p := page{width: width}
	p.add(heading(r.Profile, r.Schema, fmt.Sprintf("%s in schema %s, version %d.", r.Profile, r.Schema, r.Version)))
	p.lines("")
	rows := [][]string{{"TABLE", ">ROWS", ">NULL", ">DOUBLE", ">NOT V7", ">KEPT", "LACKS"}}
	var sum rekey.TableReport
	for _, t := range r.Tables {
		rows = append(rows, counts(t.Table, t))
		sum.Rows += t.Rows
		sum.Nulls += t.Nulls
		sum.Duplicates += t.Duplicates
		sum.NotV7 += t.NotV7 + t.NotV4
		sum.Kept += t.Kept
	}
	rows = append(rows, counts("all "+plural(len(r.Tables), "table", "tables"), sum))
	p.lines(align(rows)...)
	p.lines("")
	if !r.Function.Unneeded {
		p.add(function(r.Function))
	}
	if len(r.Absent) > 0 {
		p.add("Absent, which is no error: " + strings.Join(r.Absent, ", ") + ".")
	}
	p.skipped(r.Skipped)
	if sum.Kept > 0 {
		p.add(plural(int(sum.Kept), "value", "values") + " of another version were there before up and are kept, which is no error.")
	}
	for _, line := range ordering(r.Tables) {
		p.add(line)
	}
	if i := r.Integrity; i != nil && len(i.Broken) == 0 {
		p.add(fmt.Sprintf("Every table of the kit that has the column, %s, has it of type uuid, NOT NULL and without duplicates, and has a primary key.", plural(i.Tables, "table", "tables")))
	}
	for _, note := range r.Notes {
		p.lines(wrap(note, width, "Note: ", "  ")...)
	}
	p.lines("")
	if len(r.Differences) == 0 {
		p.add("No difference: every table that exists is whole.")
		return p.text.String()
	}
	p.add(plural(len(r.Differences), "difference", "differences") + ":")
	for _, line := range r.Differences {
		p.lines(wrap(line, width, "  ", "    ")...)
	}
	return p.text.String()
}

func counts(name string, t rekey.TableReport) []string {
	return []string{
		name, Count(t.Rows), Count(t.Nulls), Count(t.Duplicates), Count(t.NotV7 + t.NotV4), Count(t.Kept), unique(strings.Join(t.Missing, ", "), t.Unique),
	}
}

func function(f rekey.FunctionReport) string {
	switch {
	case !f.Exists:
		return fmt.Sprintf("Function %s is not there.", f.Name)
	case f.Note != "" && len(f.Unprivileged) == 0:
		return fmt.Sprintf("Function %s is PhoenixKit's own, and every role that inserts may call it.", f.Name)
	case !f.MakesV7 && f.Fault != "":
		return fmt.Sprintf("Function %s does not make UUIDv7: %s.", f.Name, f.Fault)
	case !f.MakesV7:
		return fmt.Sprintf("Function %s does not make UUIDv7.", f.Name)
	case len(f.Unprivileged) > 0:
		return fmt.Sprintf("Function %s makes UUIDv7; these roles insert and may not call it: %s.", f.Name, strings.Join(f.Unprivileged, ", "))
	default:
		return fmt.Sprintf("Function %s makes UUIDv7, and every role that inserts may call it.", f.Name)
	}
}

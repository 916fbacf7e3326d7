package plan

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// notes returns what a reader should know and rekey cannot change.
func notes(s Input, p Plan, goals Goals) []string {
	var lines []string
	tables, _ := p.PendingTables()
	if p.Direction == Up && tables > 0 {
		lines = append(lines,
			"Any ADD COLUMN breaks COPY and INSERT .. SELECT * without a column list, a prepared SELECT * (0A000, once), "+
				"an unqualified reference that becomes ambiguous, and functions that return SETOF the table. "+
				"A NATURAL JOIN silently changes its result.")
	}
	if p.Direction == Up && p.Goal == Expanded && HasEdges(s.Schema) {
		lines = append(lines, "Schema "+s.Schema.Name+" has uuid columns of phase linked, which up keeps. To remove them, see: rekey plan --down --to expanded")
	}
	if p.Goal == Contracted && s.Policy.RenameKeys {
		lines = append(lines, "Renaming the uuid columns: statements and function texts that name a uuid column fail with 42703 from then on, and those that name the integer read a uuid; "+
			"a prepared SELECT * fails once with 0A000. Views, indexes and constraints keep working under the names that they have.")
	}
	lines = append(lines, standbyNotes(s.Server)...)
	if p.Pending() {
		lines = append(lines, eventNotes(s.Server)...)
	}
	if f := s.Schema.Function; f != nil && p.Direction == Up && step.FunctionOriginal(f) && !step.FunctionReplaceable(f, s.Server) {
		lines = append(lines, OriginalNote(f))
	}
	if goals.Renameable {
		lines = append(lines, uuidNotes(p)...)
	}
	lines = append(lines, widthNotes(p)...)
	lines = append(lines, clusterNotes(p)...)
	for _, g := range p.Targets() {
		if table := s.Schema.Named(g.Table); table != nil {
			lines = append(lines, tableNotes(s, p, g, table)...)
		}
	}
	return lines
}

// tableNotes returns the notes about one table.
func tableNotes(s Input, p Plan, g Group, table *catalog.Table) (lines []string) {
	if p.workload(g).work && table.IsTree() && table.Sharding == nil {
		lines = append(lines, treeNote(g.Target, table, p.Direction))
	}
	if names := table.FiringTriggers(g.Target.Column, s.Server.Role.ReplicaRole); len(names) > 0 && s.Policy.FireTriggers {
		lines = append(lines, g.Target.String()+": these triggers fire for every row that the backfill updates: "+strings.Join(names, ", "))
	}
	if roles := table.Grantees(); p.Direction == Up && g.State == Pending && len(roles) > 0 {
		lines = append(lines, fmt.Sprintf("%s: roles with rights on single columns (%s) get none on %s. To grant them: GRANT SELECT (%s) ON %s TO %s;",
			g.Target, strings.Join(roles, ", "), g.Target.Column, sqltext.Ident(g.Target.Column), g.Target.Relation(), strings.Join(roles, ", ")))
	}
	if table.ReplicaIdentity == "f" && len(table.Publications) > 0 {
		lines = append(lines, g.Target.String()+": REPLICA IDENTITY FULL sends the old and the new version of every updated row to the subscribers")
	}
	return lines
}

// eventNotes returns a note for each event trigger. Only firing it shows whether it logs a command or raises an error.
func eventNotes(server catalog.Server) []string {
	var lines []string
	for _, e := range server.EventTriggers {
		commands := "every command"
		if len(e.Tags) > 0 {
			commands = strings.Join(e.Tags, ", ")
		}
		lines = append(lines, fmt.Sprintf("Event trigger %s runs %s at %s of %s, the run's own included. If it raises an error, the run stops there "+
			"(exit code 7) and keeps the steps that are done.", e.Name, e.Function, e.Event, commands))
	}
	return lines
}

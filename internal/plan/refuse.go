package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
	"github.com/rekey-pg/rekey/problem"
)

// MaxColumns is the largest number of columns of a table, dropped ones included: PostgreSQL's MaxHeapAttributeNumber.
const MaxColumns = 1600

const columnLimit = "it has reached PostgreSQL's limit of 1,600 columns, dropped ones included"

// refuse returns every reason why tables and the schema's function cannot be worked on, so that a run does not fail half-way
// for a reason that could have been known.
func refuse(s Input, p Plan) problem.List {
	if p.Direction == Down && s.Goal.AtLeast(Expanded) { // the tables keep what they have
		return nil
	}
	var found problem.List
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Target.Table == "" {
			continue
		}
		table := s.Schema.Named(g.Table)
		problems := refuseTable(s, p, *g, table)
		if found := p.workload(*g); found.work {
			problems = append(problems, refuseCode(s, g.Target, table, len(found.fills) > 0)...)
		}
		if len(problems) > 0 {
			g.State = Refused
		}
		found = append(found, problems...)
	}
	if p.Direction == Up {
		found = append(found, refuseFunction(s)...)
	}
	return found
}

// refuseRun returns the reasons why no run can start that has something to do.
func refuseRun(s Input, p Plan, goals Goals) problem.List {
	var found problem.List
	if p.Pending() {
		if other := s.Schema.Overloads; p.Direction == Up && len(other) > 0 {
			found = append(found, message.FunctionAmbiguous(s.Schema.Name, step.FunctionName, other[0]))
		}
		found = append(found, refuseRights(s, p, goals.Version)...)
		found = append(found, refuseReplicas(s.Server)...)
		found = append(found, refuseCluster(s.Server)...)
		found = append(found, refuseEvents(s.Server)...)
	}
	return found
}

// refuseEvents refuses a database whose event triggers would run code of an owner that the role does not trust.
func refuseEvents(server catalog.Server) problem.List {
	var found problem.List
	_, refused := trust.Events(server.Role, server.EventTriggers)
	for _, e := range refused {
		found = append(found, message.UntrustedEventTrigger(e.Name, e.Function, e.Owner, e.Event, server.Role.Name))
	}
	return found
}

func refuseTable(s Input, p Plan, g Group, table *catalog.Table) problem.List {
	if p.Direction == Up && len(g.requestProblems) > 0 {
		return g.requestProblems
	}
	work := p.workload(g)
	if !work.work {
		return nil
	}
	fills := work.fills
	if _, as := g.Target.Read(table); as.Newer > 0 {
		return problem.List{message.MarkNewer(g.Target.String(), g.Target.Column, as.Newer, step.MarkFormat)}
	}
	if refusal := refuseSharding(g, table); refusal != nil && p.Direction == Up {
		return problem.List{refusal}
	}
	if table.IsTree() && g.Target.KeepsMark {
		return refuseTree(s, p, g, table, fills)
	}
	if table.Kind != catalog.Ordinary {
		return problem.List{message.NotATable(g.Target.String(), table.Kind.String())}
	}
	var found problem.List
	if !table.Owned {
		found = append(found, message.NotOwner(g.Target.String(), g.Target.Relation(), table.Owner, s.Server.Role.Name))
	}
	if p.Direction == Down {
		found = append(found, refuseMark(s, g.Target, table)...)
		return append(found, refuseAttachments(g.Target, table)...)
	}
	return append(found, refuseUp(s, g.Target, table, len(fills) > 0)...)
}

// refuseUp returns the refusals of up for one table that holds rows.
func refuseUp(s Input, t step.Target, table *catalog.Table, fill bool) problem.List {
	found := refuseShape(t, table)
	found = append(found, refuseColumn(s, t, table)...)
	found = append(found, refuseDefault(s, t, table)...)
	found = append(found, refuseNames(s, t, table)...)
	found = append(found, refusePublished(s, t, table)...)
	if c := table.Column(t.Column); table.Hides(s.Server.Role) && (c == nil || !c.NotNull) {
		found = append(found, message.RowSecurity(t.String(), t.Relation(), s.Server.Role.Name))
	}
	if fill {
		found = append(found, refuseFill(s, t, table)...)
		found = append(found, refuseRows(t, table)...)
		found = append(found, refuseWidth(t, table)...)
	}
	return found
}

// refuseMark refuses a column whose mark was damaged, or says that up made it while the journal says that it existed
// before.
func refuseMark(s Input, t step.Target, table *catalog.Table) problem.List {
	origin, as := t.Read(table)
	if as.Unreadable || origin == step.Made && s.Adopted[t.Name()] {
		return problem.List{message.MarkLost(t.String(), t.Relation(), t.Column)}
	}
	return nil
}

func refuseShape(t step.Target, table *catalog.Table) problem.List {
	var why string
	switch {
	case table.Persistence == "t":
		why = "it is a temporary table"
	case table.OfType:
		why = "it is a typed table: its type determines its columns"
	case table.Partition && t.Root.Name == "":
		why = "it is a partition: its partitioned table determines its columns"
	case (table.Parents > 0 || len(table.Below) > 0) && t.Root.Name == "":
		why = "it has a parent or children by inheritance, which share their columns"
	case table.Extension != "":
		why = "it belongs to the extension " + table.Extension
	case table.Column(t.Column) == nil && table.Attributes >= MaxColumns:
		why = columnLimit
	default:
		return nil
	}
	return problem.List{message.UnsupportedTable(t.String(), why)}
}

func refuseColumn(s Input, t step.Target, table *catalog.Table) problem.List {
	c := table.Column(t.Column)
	if c == nil {
		return nil
	}
	data := s.Data[t.Name()]
	if t.Root.Name != "" {
		data = s.Parts[table.OID]
	}
	switch {
	case c.Generated || c.Identity != "":
		return problem.List{message.GeneratedColumn(t.String(), c.Name)}
	case Textual(c.Type):
		return problem.List{message.TextColumn(t.String(), t.Relation(), c.Name, c.Type, data.NotUUIDs)}
	case c.Type != "uuid":
		return problem.List{message.ColumnType(t.String(), c.Name, typeText(*c))}
	case len(data.Duplicates) > 0:
		return problem.List{message.DuplicateValues(t.String(), t.Relation(), c.Name, data.Duplicates)}
	}
	return nil
}

// refuseDefault refuses an existing column whose default runs code of an untrusted role, since down would restore it. A
// default that calls the target's function is refused with the function.
func refuseDefault(s Input, t step.Target, table *catalog.Table) problem.List {
	c := table.Column(t.Column)
	if c == nil || c.Generated || t.CallsFunction(c) {
		return nil
	}
	if untrusted := trust.Default(s.Server.Role, *table, *c); len(untrusted) > 0 {
		return problem.List{message.UntrustedDefault(t.String(), t.Relation(), c.Name, c.Default, untrusted[0], s.Server.Role.Name)}
	}
	return nil
}

// typeText returns a column's type for messages.
func typeText(c catalog.Column) string {
	if c.Base != "" {
		return c.Type + ", a domain over " + c.Base
	}
	return c.Type
}

// Textual reports whether a type, as format_type writes it, is text, varchar, char or citext.
func Textual(kind string) bool {
	return kind == "text" || strings.HasPrefix(kind, "character") || strings.HasSuffix(kind, "citext")
}

func refuseNames(s Input, t step.Target, table *catalog.Table) problem.List {
	var found problem.List
	own := table.Index(t.Index)
	switch other := s.Schema.Find(t.Schema, t.Index); {
	case own != nil && !t.IndexFits(own):
		found = append(found, message.IndexDiffers(t.String(), t.Schema, t.Index, own.Definition))
	case own == nil && other != nil:
		found = append(found, message.IndexNameTaken(t.String(), t.Schema, t.Index, other.Kind.String(), other.IndexOf))
	case own != nil && !own.Valid && own.Constraint != "":
		found = append(found, message.IndexDiffers(t.String(), t.Schema, t.Index, own.Definition))
	}
	if c := table.Constraint(t.Check); c != nil && !provesNotNull(c, t.Column) {
		found = append(found, message.ConstraintNameTaken(t.String(), t.Check, c.Definition))
	}
	return found
}

// provesNotNull reports whether a constraint is the CHECK that proves a column NOT NULL.
func provesNotNull(c *catalog.Constraint, column string) bool {
	return step.Target{Column: column}.Proves(c)
}

func refusePublished(s Input, t step.Target, table *catalog.Table) problem.List {
	if s.Policy.SubscribersReady || table.Column(t.Column) != nil {
		return nil
	}
	for _, publication := range table.Publications {
		if publication.Columns == nil {
			return problem.List{message.Published(t.String(), t.Column, publication.Name, publication.AllTables)}
		}
	}
	return nil
}

// refuseFill returns the refusals of a table whose rows cannot be updated.
func refuseFill(s Input, t step.Target, table *catalog.Table) problem.List {
	var found problem.List
	for _, rule := range table.Rules {
		if rule.OnUpdate {
			found = append(found, message.UpdateRule(t.String(), rule.Name))
		}
	}
	if publication := publicationWithoutIdentity(table); publication != "" {
		found = append(found, message.NoReplicaIdentity(t.String(), t.Relation(), publication))
	}
	if firing := table.FiringTriggers(t.Column, s.Server.Role.ReplicaRole); len(firing) > 0 && !s.Policy.FireTriggers {
		found = append(found, message.TriggersFire(t.String(), firing, s.Server.Role.Name))
	}
	return found
}

// refuseCode refuses a table whose code would run with rights that the code's owner does not have. Reading and altering
// the table evaluate constant expressions of its indexes and checks; an UPDATE runs all of them.
func refuseCode(s Input, t step.Target, table *catalog.Table, fills bool) problem.List {
	if trust.Shards(s.Server.Role, *table) {
		return problem.List{message.UntrustedShards(t.String(), table.Owner, s.Server.Role.Name)}
	}
	_, refused := trust.Code(s.Server.Role, codeOf(s.Schema, table, fills))
	if len(refused) == 0 {
		return nil
	}
	return problem.List{message.UntrustedCode(t.String(), table.Owner, s.Server.Role.Name, s.Server.Role.Session, refused)}
}

// RunsUntrustedCode reports whether reading a table, or one below it, would run code that the role must not run.
func (s Input) RunsUntrustedCode(table *catalog.Table) bool {
	_, refused := trust.Code(s.Server.Role, codeOf(s.Schema, table, false))
	return len(refused) > 0 || trust.Shards(s.Server.Role, *table)
}

// Unreadable refuses the tables of a plan that cannot be read without running code that the role must not run.
func (p Plan) Unreadable() problem.List {
	s := Input{Server: p.Server, Schema: p.Schema}
	var found problem.List
	checked := map[sqltext.Table]bool{}
	for _, g := range p.Targets() {
		checked[g.Table] = true
		found = append(found, refuseCode(s, g.Target, p.Schema.Named(g.Table), false)...)
	}
	for _, l := range p.Links {
		for _, name := range []sqltext.Table{l.Edge.Child.All(), l.Edge.Parent.All()} {
			if table := p.Schema.Named(name); table != nil && l.Edge.UUID != "" && !checked[name] {
				checked[name] = true
				found = append(found, refuseCode(s, step.Target{Schema: name.Schema, Table: name.Name}, table, false)...)
			}
		}
	}
	return found
}

// RefuseCode refuses a table for the code that an inspection has found later than the plan's; nil if the role may run all of it.
func RefuseCode(server catalog.Server, t step.Target, table *catalog.Table, code []catalog.Code, fills bool) problem.List {
	return refuseCode(Input{Server: server, Schema: catalog.Schema{Code: code}}, t, table, fills)
}

// codeOf returns the code of a table and of the tables below it; the code of triggers only if rows are updated.
func codeOf(schema catalog.Schema, table *catalog.Table, fills bool) []catalog.Code {
	names := map[sqltext.Table]bool{}
	for _, one := range table.All() {
		names[one.Named()] = true
	}
	return slices.DeleteFunc(slices.Clone(schema.Code), func(c catalog.Code) bool { return !names[c.Table] || c.Fires && !fills })
}

// publicationWithoutIdentity returns a publication of the table's updates if the table has no replica identity: every
// UPDATE would fail.
func publicationWithoutIdentity(table *catalog.Table) string {
	identified := table.ReplicaIdentity == "f" || table.ReplicaIdentity == "i" ||
		(table.ReplicaIdentity == "d" && table.PrimaryKey() != nil)
	for _, publication := range table.Publications {
		if publication.OfUpdates && !identified {
			return publication.Name
		}
	}
	return ""
}

// refuseFunction refuses an existing function of the name that rekey's function gets.
func refuseFunction(s Input) problem.List {
	f := s.Schema.Function
	switch {
	case f == nil || step.FunctionReplaceable(f, s.Server):
		return nil
	case trust.OfFunction(s.Server.Role, *f) == trust.Untrusted:
		return problem.List{message.UntrustedFunction(f.Schema, f.Name, f.Owner, s.Server.Role.Name)}
	case !step.FunctionServes(f, s.Server):
		return problem.List{message.FunctionNameTaken(f.Schema, f.Name, f.Owner, functionFault(f))}
	}
	if len(f.Unprivileged) > 0 { // rekey changes no rights on another role's function, even if it could
		grants := make([]string, len(f.Unprivileged))
		for i, role := range f.Unprivileged {
			grants[i] = step.GrantSQL(f.Schema, f.Name, role) + ";"
		}
		return problem.List{message.NoExecute(f.Schema, f.Name, f.Owner, f.Unprivileged, grants)}
	}
	return nil
}

func functionFault(f *catalog.Function) string {
	switch {
	case step.FunctionFault(f) != "":
		return step.FunctionFault(f)
	case f.Proof != nil:
		return f.Proof.Reason
	default:
		return "its source is unknown, and rekey does not call it because it belongs to " + f.Owner
	}
}

// OriginalNote returns a note about what a library's own function needs.
func OriginalNote(f *catalog.Function) string {
	return f.Schema + "." + f.Name + "() is " + f.Original.Library + "'s: an INSERT that calls it needs " + f.Original.Needs
}

// refuseRights refuses a run whose role lacks a right that the run needs.
func refuseRights(s Input, p Plan, version *VersionGoal) problem.List {
	var found problem.List
	role := s.Server.Role.Name
	if p.Direction == Up && !s.Schema.Create {
		found = append(found, message.NoCreate(s.Schema.Name, sqltext.Ident(s.Schema.Name), role, sqltext.Ident(role)))
	}
	if p.Direction == Up && s.Server.Role.NoTablespace != "" {
		found = append(found, message.NoTablespace(sqltext.Ident(s.Server.Role.NoTablespace), sqltext.Ident(role)))
	}
	if version != nil {
		if table := s.Schema.Relation(version.Table); !table.Owned {
			name := s.Schema.Name + "." + table.Name
			found = append(found, message.NotOwner(name, sqltext.Qualified(s.Schema.Name, table.Name), table.Owner, role))
		}
	}
	journal := s.Server.JournalSchema
	strange := trust.Journal(s.Server.Role, journal.Unexpected)
	switch {
	case len(strange) > 0:
		found = append(found, message.JournalConflict(strange, role))
	case journal.Version > journal.Known:
		found = append(found, message.JournalTooNew(journal.Version, journal.Known))
	case !journal.Exists && !s.Server.Role.CreateDatabase:
		found = append(found, message.NoJournalSchema(sqltext.Ident(role), sqltext.Ident(s.Server.Database)))
	case journal.Exists && (!journal.Usage || !journal.Tables && !journal.Create || journal.Tables && !journal.Write):
		found = append(found, message.NoJournalRights(sqltext.Ident(role), journal.Owner))
	case journal.Version > 0 && journal.Version < journal.Known && journal.OtherOwner != "":
		found = append(found, message.JournalNotOwned(journal.Version, journal.Known, journal.OtherOwner, role))
	}
	return found
}

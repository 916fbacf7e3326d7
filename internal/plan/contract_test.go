package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// ending returns a switched schema of tenants, users and notes: users.tenant_id and notes.tenant_id refer to tenants, and (tenant_id,
// user_id) of notes refers to users (tenant_id, id). Its plan goes to phase contracted.
func ending(alter ...func(*Plan, *Input)) (Plan, Input) {
	s := Input{Direction: Up, Goal: Contracted, Schema: catalog.Schema{Name: "app", Exists: true}}
	s.Policy.Accept = []HazardName{HazardIntegerReads}
	s.Server.Now = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	p := Plan{Direction: Up, Goal: Contracted, SchemaName: "app"}
	for i, name := range []string{"tenants", "users", "notes"} {
		t := newTable(name, uint32(i+1))
		t.Indexes[0].Columns, t.Indexes[0].Definition = []string{"uuid"}, "CREATE UNIQUE INDEX x ON app.t USING btree (uuid)"
		addUUID(&t).NotNull = true
		key := step.Key{Table: named(name), Columns: []string{"id"}, UUIDs: []string{"uuid"}, Constraint: name + "_pkey", Unique: name + "_id_key"}
		unique, comment := uniqueIndex(key.Unique, "id"), key.Mark().Comment()
		unique.Comment, unique.OID = &comment, uint32(i+50)
		t.Indexes = append(t.Indexes, unique)
		t.Attachments = []catalog.Attachment{{Column: "id", Kind: "index", Name: key.Unique}, {Column: "id", Kind: "sequence", Name: name + "_id_seq"}, {Column: "id", Kind: "replica identity", Name: key.Unique}}
		s.Schema.Relations = append(s.Schema.Relations, t)
		p.PrimaryKeys = append(p.PrimaryKeys, PrimaryKey{Key: key, State: Complete, Progress: KeySwitched, mark: step.KeyMark{Switched: s.Server.Now.Add(-time.Hour)}})
	}
	tenants, users, notes := &s.Schema.Relations[0], &s.Schema.Relations[1], &s.Schema.Relations[2]
	refer(users, "tenant_id", tenants)
	users.Indexes = append(users.Indexes, uniqueIndex("users_tenant_id_id_key", "tenant_id", "id"), uniqueIndex("users_tenant_id_uuid_key", "tenant_id", "uuid"))
	users.Indexes[2].OID, users.Indexes[3].OID = 60, 61
	refer(notes, "tenant_id", tenants)
	addColumn(notes, catalog.Column{Name: "user_id", Type: "bigint"})
	addKey(notes, users, []string{"tenant_id", "user_id"}, []string{"tenant_id", "id"})
	users.ReferencedBy, tenants.ReferencedBy = []catalog.ForeignKey{notes.ForeignKeys[1]}, []catalog.ForeignKey{users.ForeignKeys[0], notes.ForeignKeys[0]}
	add := func(child *catalog.Table, k catalog.ForeignKey, column, key, uuid string) {
		addColumn(child, catalog.Column{Name: uuid, Type: "uuid"})
		p.Links = append(p.Links, Link{State: Complete, Progress: EdgeLinked, Edge: step.Edge{
			Child: child.Named(), Parent: k.Parent, Column: column, Key: key, UUID: uuid, ParentUUID: "uuid", Constraint: child.Name + "_" + uuid + "_fkey", Reference: k, NotNull: column == "tenant_id",
		}})
	}
	add(users, users.ForeignKeys[0], "tenant_id", "id", "tenant_uuid")
	add(notes, notes.ForeignKeys[0], "tenant_id", "id", "tenant_uuid")
	add(notes, notes.ForeignKeys[1], "user_id", "id", "user_uuid")
	for _, f := range alter {
		f(&p, &s)
	}
	p.Schema = s.Schema
	return p, s
}

// stepsOf returns the names of the groups and their steps.
func stepsOf(p Plan) string {
	var names []string
	for _, g := range p.Groups {
		for _, one := range g.Steps {
			names = append(names, strings.TrimPrefix(string(one.ID()), "app."))
		}
	}
	return strings.Join(names, " ")
}

func TestContract(t *testing.T) {
	p, s := ending()
	if found := p.addContract(s); len(found) > 0 {
		t.Fatal(found)
	}
	const want = "notes.tenant_id/require-uuid users.tenant_id/keep-unique users.tenant_id/require-uuid notes.user_id/link-uuids " +
		"notes.user_id/drop-integer users.tenant_id/drop-integer notes.tenant_id/drop-integer tenants/drop-key users/drop-key notes/drop-key"
	got := strings.Fields(stepsOf(p))
	drops := false
	for _, one := range got {
		isDrop := strings.Contains(one, "/drop-")
		if drops && !isDrop {
			t.Errorf("%s follows a drop: %v", one, got)
		}
		drops = drops || isDrop
	}
	if len(got) != len(strings.Fields(want)) || strings.Index(stepsOf(p), "keep-unique") > strings.Index(stepsOf(p), "link-uuids") ||
		strings.Index(stepsOf(p), "notes.user_id/drop") > strings.Index(stepsOf(p), "users.tenant_id/drop") || strings.Index(stepsOf(p), "notes.user_id/drop") > strings.Index(stepsOf(p), "notes.tenant_id/drop") {
		t.Errorf("%v", got)
	}
	var ends []string
	for _, e := range p.Endings {
		ends = append(ends, e.String()+":"+strings.Join(e.Falls, "+"))
		if len(e.Lost) > 0 {
			t.Errorf("%s loses %v", e, e.Lost)
		}
	}
	if len(ends) != 6 || !strings.Contains(strings.Join(ends, " "), "app.users.id:unique index users_id_key") {
		t.Error(ends)
	}
	for _, g := range p.Groups {
		for _, one := range g.Steps {
			if drop, ok := one.(step.DropReference); ok && drop.Edge.Column == "user_id" {
				if columns := drop.Final.ChildColumns(); strings.Join(columns, " ") != "tenant_uuid user_uuid" || strings.Join(drop.Final.ParentColumns(), " ") != "tenant_uuid uuid" {
					t.Errorf("the foreign key is on %v", columns)
				}
			}
		}
	}
	for _, other := range []func(*Input){func(s *Input) { s.Goal = Switched }, func(s *Input) { s.Direction = Down }} {
		p, s := ending()
		other(&s)
		p.Direction = s.Direction
		if found := p.addContract(s); found != nil || p.Groups != nil {
			t.Error(found, p.Groups)
		}
	}
}

func TestContractKeepsID(t *testing.T) {
	p, s := ending(func(_ *Plan, s *Input) { s.Policy.KeepID = true })
	if found := p.addContract(s); len(found) > 0 || len(p.Endings) != 3 {
		t.Errorf("%v %v", found, p.Endings)
	}
	for _, g := range p.Groups {
		if drop, ok := g.Steps[0].(step.DropKey); ok && (len(drop.Own) > 0 || !drop.Keep) {
			t.Errorf("%+v", drop)
		}
	}
}

func TestContractRefusals(t *testing.T) {
	attach := func(table int, a catalog.Attachment) func(*Plan, *Input) {
		return func(_ *Plan, s *Input) {
			s.Schema.Relations[table].Attachments = append(s.Schema.Relations[table].Attachments, a)
		}
	}
	referenced := func(k catalog.ForeignKey) func(*Plan, *Input) {
		return func(_ *Plan, s *Input) {
			s.Schema.Relations[0].ReferencedBy = append(s.Schema.Relations[0].ReferencedBy, k)
		}
	}
	for name, c := range map[string]struct {
		alter func(*Plan, *Input)
		want  string // of the problems and their hints; "" if there is none
	}{
		"a view":                       {attach(1, catalog.Attachment{Column: "id", Kind: "view", Name: "app.names"}), "view app.names uses app.users.id"},
		"a policy on a reference":      {attach(1, catalog.Attachment{Column: "tenant_id", Kind: "policy", Name: "own"}), "policy own uses app.users.tenant_id"},
		"a trigger of the application": {attach(1, catalog.Attachment{Column: "id", Kind: "trigger", Name: "audit"}), "trigger audit"},
		"a foreign key of the table":   {attach(1, catalog.Attachment{Column: "tenant_id", Kind: "foreign key", Name: "users_tenant_id_fkey"}), ""},
		"another user of the sequence": {func(_ *Plan, s *Input) {
			s.SequenceUsers = map[string][]string{"users_id_seq": {"the default of column n of app.x"}}
		}, "the default of column n of app.x, through sequence users_id_seq uses app.users.id"},
		"a foreign key elsewhere":      {referenced(catalog.ForeignKey{Name: "k", Child: sqltext.Table{Schema: "billing", Name: "bills"}, ParentColumns: []string{"id"}}), "rekey up --schema billing --to contracted --confirm billing"},
		"a foreign key of the schema":  {referenced(catalog.ForeignKey{Name: "k", Child: named("odd"), ParentColumns: []string{"id"}}), "foreign key k of app.odd refers to app.tenants.id"},
		"a foreign key of a partition": {referenced(catalog.ForeignKey{Name: "k", Above: 7, Child: named("odd"), ParentColumns: []string{"id"}}), ""},
		"one on other columns":         {referenced(catalog.ForeignKey{Name: "k", Child: named("odd"), ParentColumns: []string{"code"}}), ""},
		"a column beside that stays":   {func(p *Plan, _ *Input) { p.Links = append(p.Links[:1:1], p.Links[2]) }, "--reference 'notes.tenant_id=tenants'"},
		"a column of the parent stays": {func(p *Plan, _ *Input) { p.Links = p.Links[1:] }, "needs app.notes.tenant_id, which ends, and app.users.tenant_id, which stays"},
		"an inheritance tree":          {func(p *Plan, _ *Input) { p.Links[1].Edge.Child.Only, p.PrimaryKeys[0].Key.Table.Only = true, true }, "inheritance tree"},
		"in a circle":                  {func(p *Plan, _ *Input) { p.Links[0].Edge.Parent, p.Links[0].Edge.Key = named("notes"), "user_id" }, "circle"},
		"a lost check":                 {attach(1, catalog.Attachment{Column: "tenant_id", Kind: "constraint", Name: "positive"}), "lost-objects"},
		"a table that is published":    {func(_ *Plan, s *Input) { s.Schema.Relations[1].Publications = []catalog.Publication{{Name: "all"}} }, "replica-identity"},
		"too soon":                     {func(_ *Plan, s *Input) { s.Policy.Soak = 2 * time.Hour }, "was switched 1h ago, and the soak time is 2h"},
		"long enough":                  {func(_ *Plan, s *Input) { s.Policy.Soak = time.Hour }, ""},
		"a mark without the time":      {func(p *Plan, s *Input) { p.PrimaryKeys[1].mark.Switched, s.Policy.Soak = time.Time{}, time.Hour }, "app.users was switched 0s ago"},
		"a reference that is refused":  {func(p *Plan, _ *Input) { p.Links[0].State = Refused }, "is not switched"},
		"reads of indexes, accepted":   {func(_ *Plan, s *Input) { s.IndexReads = map[uint32]int64{50: 3} }, ""},
		"reads of indexes":             {func(_ *Plan, s *Input) { s.IndexReads, s.Policy.Accept = map[uint32]int64{50: 3}, nil }, "integer-reads"},
		"a key that has ended":         {func(p *Plan, _ *Input) { p.PrimaryKeys[0].Progress = KeyContracted }, ""},
		"a function that names it":     {functions(), "function-text"},
		"and is accepted":              {functions(HazardFunctionText), ""},
		"an index of several columns": {func(_ *Plan, s *Input) {
			lose(s, catalog.Index{Columns: []string{"tenant_id", "n"}, Valid: true, Method: "btree", Definition: "CREATE INDEX i ON app.users USING btree (tenant_id, n)"})
		}, ""},
		"a unique index that may defer": {func(_ *Plan, s *Input) {
			lose(s, catalog.Index{Columns: []string{"tenant_id", "n"}, Unique: true, Valid: true, Method: "btree", Definition: "CREATE UNIQUE INDEX i ON app.users USING btree (tenant_id, n)"})
		}, "lost-objects"},
		"an index that rekey replaces": {func(_ *Plan, s *Input) { lose(s, uniqueIndex("i", "tenant_id", "n")) }, ""},
		"a left temporary index":       {attach(1, catalog.Attachment{Column: "id", Kind: "index", Name: "~rekey_x"}), "lost-objects"},
	} {
		p, s := ending(c.alter)
		found := p.addContract(s)
		text := ""
		for _, one := range found {
			text += one.Error() + " " + one.Hint + "\n"
		}
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

// Renaming the columns of a published table is a hazard: a subscriber finds them by name.
func TestRenamesOfPublishedTables(t *testing.T) {
	for _, published := range []bool{false, true} {
		p, s := ending(func(p *Plan, s *Input) {
			p.Links, p.PrimaryKeys, s.Policy.RenameKeys = nil, nil, true
			users := &s.Schema.Relations[1]
			mark := step.KeyMark{Table: named("users"), Primary: "users_pkey", Columns: []string{"id"}, UUIDs: []string{"uuid"}, Contracted: true}.Comment()
			users.Indexes, users.Columns = users.Indexes[:1], slices.DeleteFunc(users.Columns, func(c catalog.Column) bool { return c.Name == "id" })
			users.Indexes[0].Comment = &mark
			if published {
				users.Publications = []catalog.Publication{{Name: "all"}}
			}
		})
		found := p.addContract(s)
		if len(p.Groups) != 1 || len(found) > 0 != published || published && !strings.Contains(found.Error(), "replica-identity") {
			t.Errorf("published %t: %d groups, %v", published, len(p.Groups), found)
		}
	}
}

// functions returns a change after which a function names users.tenant_id, and some hazards are accepted.
func functions(accepted ...HazardName) func(*Plan, *Input) {
	return func(_ *Plan, s *Input) {
		s.ColumnUsers = map[ColumnKey][]string{{Table: named("users"), Column: "tenant_id"}: {"function app.report()"}}
		s.Policy.Accept = append(s.Policy.Accept, accepted...)
	}
}

// lose gives users an index that falls with tenant_id.
func lose(s *Input, i catalog.Index) {
	i.Name, i.OID = "i", 62
	users := &s.Schema.Relations[1]
	users.Indexes = append(users.Indexes, i)
	users.Attachments = append(users.Attachments, catalog.Attachment{Column: "tenant_id", Kind: "index", Name: "i"})
}

// TestContractShowsWhatFalls checks what ends with a column although no object depends on it.
func TestContractShowsWhatFalls(t *testing.T) {
	words := "the tenant"
	p, s := ending(func(_ *Plan, s *Input) {
		users := &s.Schema.Relations[1]
		column := users.Column("tenant_id")
		column.Comment, column.Grantees = &words, []string{"reader"}
		users.Attachments = append(users.Attachments, catalog.Attachment{Column: "id", Kind: "sequence", Name: "users_id_seq"})
		s.RowUsers = map[uint32][]string{users.OID: {"app.archive.row"}}
		s.Policy.Accept = nil
	})
	found := p.addContract(s)
	var all string
	for _, e := range p.Endings {
		all += e.String() + " " + strings.Join(e.Falls, ", ") + "\n"
	}
	for _, want := range []string{"users.tenant_id its comment, rights of reader on it, its values in app.archive.row", "sequence users_id_seq"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s, want %s", all, want)
		}
	}
	if len(found) != 1 || !strings.Contains(found[0].Error(), "lost-objects") {
		t.Error(found)
	}
}

// TestContractReferencesThroughAnIndex refuses a foreign key on other columns whose index ends with the integer.
func TestContractReferencesThroughAnIndex(t *testing.T) {
	p, s := ending(func(_ *Plan, s *Input) {
		users := &s.Schema.Relations[1]
		users.Indexes = append(users.Indexes, catalog.Index{Name: "by_code", OID: 63, Unique: true, Valid: true, Immediate: true, Columns: []string{"code"}, Included: []string{"id"}})
		users.ReferencedBy = append(users.ReferencedBy, catalog.ForeignKey{Name: "k", Index: 63, Child: named("odd"), ParentColumns: []string{"code"}})
	})
	if found := p.addContract(s); len(found) != 1 || !strings.Contains(found[0].Error(), "foreign key k of app.odd, through index by_code uses app.users.id") {
		t.Error(found)
	}
}

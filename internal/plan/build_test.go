package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestProfileVersions checks what a plan does at each recorded version of a profile that migrates from 1 to 2, has the
// uuid as its primary key from 4 on, and knows the versions up to 5.
func TestProfileVersions(t *testing.T) {
	for name, test := range map[string]struct {
		version    string
		direction  Direction
		refused    string
		verifyOnly bool
		unknown    bool
		table      string // the profile's first table at this version
		end        int    // the version when the plan is done
	}{
		"up from 1":          {version: "1", direction: Up, table: "t", end: 2},
		"up from 2":          {version: "2", direction: Up, table: "t", end: 2},
		"up from 3":          {version: "3", direction: Up, table: "renamed", end: 3},
		"up from 4":          {version: "4", direction: Up, table: "renamed", end: 4, verifyOnly: true},
		"up from 6":          {version: "6", direction: Up, table: "renamed", end: 6, verifyOnly: true, unknown: true},
		"up from 0":          {version: "0", direction: Up, refused: "version_too_old", end: 2},
		"down from 2":        {version: "2", direction: Down, table: "t", end: 1},
		"down from 1":        {version: "1", direction: Down, table: "t", end: 1},
		"down from 3":        {version: "3", direction: Down, refused: "version_too_new", end: 1},
		"no version, upward": {version: "one", direction: Up, refused: "no_version", end: 2},
	} {
		p := Build(profileRun(test.version, func(s *Input) {
			s.Direction = test.direction
			s.Schema.Relations = append(s.Schema.Relations, newTable("renamed", 4))
		}))
		if codes(p.Refusals) != test.refused || p.VerifyOnly != test.verifyOnly || (p.Unknown != nil) != test.unknown || p.End() != test.end {
			t.Errorf("%s: refused %v, verify only %t, unknown %v, end %d", name, p.Refusals, p.VerifyOnly, p.Unknown, p.End())
		}
		if test.refused == "" && (p.Names[0] != test.table || !slices.Equal(p.Absent, []string{"missing"}) || len(p.Targets()) != 1) {
			t.Errorf("%s: tables %v, absent %v, %d targets", name, p.Names, p.Absent, len(p.Targets()))
		}
		if test.unknown != (len(p.Notes) == 1 && strings.Contains(p.Notes[0], "newer than")) && test.refused == "" && test.verifyOnly {
			t.Errorf("%s: notes %q", name, p.Notes)
		}
	}
}

func TestProfileSchemaRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		alter func(*Input)
		want  string
	}{
		"no schema":              {func(s *Input) { s.Schema.Exists = false }, "no_schema"},
		"no USAGE":               {func(s *Input) { s.Schema.Usage = false }, "no_usage"},
		"no version table":       {func(s *Input) { s.Profile.VersionTable = "other" }, "no_version_table"},
		"a view of this name":    {func(s *Input) { s.Schema.Relations[1].Kind = catalog.View }, "no_version_table"},
		"a table without one":    {func(s *Input) { s.Schema.Relations[1].Comment = nil }, "no_version"},
		"a damaged mark on down": {damagedMark, "mark_lost"},
		"a newer mark":           {newerMark, "mark_newer"},
	} {
		if got := Build(profileRun("2", test.alter)); codes(got.Refusals) != test.want {
			t.Errorf("%s: %v, want %q", name, got.Refusals, test.want)
		}
	}
}

func damagedMark(s *Input) {
	s.Direction = Down
	comment := `[rekey: found {"default":"now()"`
	addUUID(first(s)).Comment = &comment
}

func newerMark(s *Input) {
	comment := "[rekey 3: found]"
	addUUID(first(s)).Comment = &comment
}

// TestStates checks the state of a table in both directions, in its group and in its relation, and what it lacks.
func TestStates(t *testing.T) {
	made := func(alter func(*catalog.Table)) func(*Input) {
		return func(s *Input) { complete(s, first(s)); alter(first(s)) }
	}
	withFound := onTable(func(t *catalog.Table) { found(t, "") })
	copied := onTable(func(t *catalog.Table) { comment := `[rekey: made {"of":"app.old"}]`; addUUID(t).Comment = &comment })
	for name, test := range map[string]struct {
		alter    func(*Input)
		up, down State
		missing  string
		why      string // of the relation on the way down
	}{
		"no column":     {func(*Input) {}, Pending, Complete, "column", ""},
		"made":          {made(func(*catalog.Table) {}), Complete, Pending, "", ""},
		"no default":    {made(func(t *catalog.Table) { t.Columns[1].Calls = "" }), Incomplete, Pending, "default", ""},
		"no index":      {made(func(t *catalog.Table) { t.Indexes = t.Indexes[:1] }), Incomplete, Pending, "unique index", ""},
		"invalid index": {made(func(t *catalog.Table) { t.Indexes[1].Valid = false }), Incomplete, Pending, "unique index", ""},
		"nullable":      {made(func(t *catalog.Table) { t.Columns[1].NotNull = false }), Incomplete, Pending, "NOT NULL", ""},
		"a proof left":  {made(leaveProof), Incomplete, Pending, "clean-up", ""},
		"found":         {withFound, Incomplete, Pending, "default, unique index, NOT NULL", ""},
		"untouched":     {onTable(func(t *catalog.Table) { addUUID(t) }), Incomplete, Skipped, "default, unique index, NOT NULL", "up did not make its column uuid"},
		"copied":        {copied, Incomplete, Skipped, "default, unique index, NOT NULL", "names app.old"},
	} {
		for direction, want := range map[Direction]State{Up: test.up, Down: test.down} {
			p := Build(schemaRun(test.alter, func(s *Input) { s.Direction = direction }))
			at := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Table.Name == "t" })
			g, r := p.Groups[at], p.Relations[0]
			if len(p.Refusals) > 0 || g.State != want || r.State != want || strings.Join(g.Missing, ", ") != test.missing {
				t.Errorf("%s, %s: group %s, relation %s, lacks %q, refused %v", name, direction, g.State, r.State, g.Missing, p.Refusals)
			}
			if why := r.Why; direction == Down && (why == "") != (test.why == "") || direction == Down && !strings.Contains(why, test.why) {
				t.Errorf("%s: why %q", name, why)
			}
			if direction == Up && (r.State == Incomplete) != (len(r.Missing) > 0) {
				t.Errorf("%s: the relation lacks %q", name, r.Missing)
			}
			if work, _ := p.Work(g); work == (want == Complete || want == Skipped) {
				t.Errorf("%s, %s: the state is %s, and there is work: %t", name, direction, want, work)
			}
		}
	}
}

func leaveProof(t *catalog.Table) {
	t.Constraints = []catalog.Constraint{step.Target{Column: "uuid", Check: "rekey_uuid_not_null"}.Proof()}
}

// TestStepOrder checks the order of the steps in both directions, and that only a schema run without work lacks the
// function's group.
func TestStepOrder(t *testing.T) {
	verbs := func(p Plan) string {
		var list []string
		for _, g := range p.Groups {
			for _, s := range g.Steps {
				list = append(list, string(s.ID()[strings.Index(string(s.ID()), "/")+1:]))
			}
		}
		return strings.Join(list, " ")
	}
	const function, table, settled = "ensure-function grant-execute", "add-column fill-column build-index require-value", " settle"
	for name, test := range map[string]struct {
		input Input
		want  string
	}{
		"profile, up":           {profileRun("1"), function + " " + table + settled + " record-version"},
		"profile, down":         {profileRun("2", func(s *Input) { s.Direction = Down }), "record-version settle require-value build-index fill-column add-column grant-execute ensure-function"},
		"profile, verify":       {profileRun("4", func(s *Input) { s.Schema.Relations[0].Name = "renamed" }), ""},
		"schema, up":            {schemaRun(), function + " " + table + " " + table},
		"schema, nothing there": {schemaRun(func(s *Input) { s.Schema.Relations = nil }), ""},
		"schema, nothing to undo": {
			schemaRun(func(s *Input) { s.Direction, s.Schema.Relations = Down, s.Schema.Relations[:1] }),
			"require-value build-index fill-column add-column",
		},
	} {
		p := Build(test.input)
		if got := verbs(p); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if got, want := p.Function(), strings.Contains(test.want, function) || name == "profile, down"; got != want {
			t.Errorf("%s: the plan has the function: %t", name, got)
		}
	}
}

func TestVerifyOnlyStates(t *testing.T) {
	for missing, alter := range map[string]func(*catalog.Table){
		"":                      func(*catalog.Table) {},
		"column":                func(t *catalog.Table) { t.Columns = t.Columns[:1] },
		"unique index":          func(t *catalog.Table) { t.Indexes = nil },
		"NOT NULL":              func(t *catalog.Table) { t.Columns[1].NotNull = false },
		"type uuid":             func(t *catalog.Table) { t.Columns[1].Type = "text" },
		"unique index|NOT NULL": func(t *catalog.Table) { t.Indexes, t.Columns[1].NotNull = nil, false },
	} {
		p := Build(profileRun("4", func(s *Input) {
			table := newTable("renamed", 4)
			addUUID(&table).NotNull = true
			table.Indexes = []catalog.Index{uniqueIndex("any_name", "uuid")}
			alter(&table)
			s.Schema.Relations = append(s.Schema.Relations, table)
		}))
		want := map[bool]State{true: Complete, false: Incomplete}[missing == ""]
		if g := p.Groups[0]; g.State != want || strings.Join(g.Missing, "|") != missing {
			t.Errorf("%q: %s, lacks %q", missing, g.State, g.Missing)
		}
	}
}

// TestPendingWork checks the estimates of a plan: tables, rows and bytes.
func TestPendingWork(t *testing.T) {
	s := schemaRun(func(s *Input) {
		complete(s, first(s))
		s.Data[named("t")] = catalog.Data{Nulls: false}
		s.Schema.Relations[1].Rows = -1
		s.Schema.Relations = append(s.Schema.Relations, newTable("v", 3))
	})
	p := Build(s)
	if tables, rows := p.PendingTables(); tables != 2 || rows != 5 {
		t.Errorf("%d tables, %d rows", tables, rows)
	}
	tree := newTable("tree", 4)
	tree.Below = []catalog.Table{newTable("below", 5), newTable("below2", 6)}
	if Rows(&tree) != 15 || Bytes(&tree) != 300 || Rows(nil) != 0 {
		t.Errorf("%d rows, %d bytes", Rows(&tree), Bytes(&tree))
	}
	done := Build(schemaRun(func(s *Input) {
		s.Schema.Relations = s.Schema.Relations[:1]
		s.Schema.Function = &catalog.Function{Schema: "app", Name: step.FunctionName, Owner: "postgres", Kind: "f", Returns: "uuid", Volatile: true, Proof: &catalog.Proof{V7: true}}
		complete(s, first(s))
		s.Data[named("t")] = catalog.Data{}
	}))
	if done.Pending() || len(done.Refusals) > 0 {
		t.Errorf("a complete schema has work: %v", done.Groups)
	}
}

// TestPlanOfPartlyMigratedSchema checks that a plan built from a partly migrated catalogue has the same steps.
func TestPlanOfPartlyMigratedSchema(t *testing.T) {
	ids := func(p Plan) (list []step.ID) {
		for _, g := range p.Groups {
			for _, s := range g.Steps {
				list = append(list, s.ID())
			}
		}
		return list
	}
	before := ids(Build(schemaRun()))
	half := schemaRun(func(s *Input) { complete(s, first(s)); first(s).Indexes = first(s).Indexes[:1] })
	if after := ids(Build(half)); !slices.Equal(before, after) {
		t.Errorf("%v, then %v", before, after)
	}
}

func TestNamesFit(t *testing.T) {
	long := strings.Repeat("a", 60)
	for _, test := range []struct{ table, column, kind, want string }{
		{"t", "uuid", "idx", "t_uuid_idx"},
		{long, "uuid", "idx", long[:54] + "_uuid_idx"},
		{"t", long, "not_null", "t_" + long[:52] + "_not_null"},
		{long, long, "idx", long[:29] + "_" + long[:29] + "_idx"},
		{strings.Repeat("ü", 40), "uuid", "idx", strings.Repeat("ü", 27) + "_uuid_idx"},
	} {
		if got := Name(test.table, test.column, test.kind); got != test.want || len(got) > sqltext.MaxIdentifier {
			t.Errorf("%s, %s, %s: %s (%d bytes)", test.table, test.column, test.kind, got, len(got))
		}
	}
}

// TestProfileIndexNames checks that the index keeps the name that up gave it before the table was renamed.
func TestProfileIndexNames(t *testing.T) {
	invalid := uniqueIndex("t_uuid_idx", "uuid")
	invalid.Valid = false
	for name, test := range map[string]struct {
		indexes   []catalog.Index
		direction Direction
		want      string
		aliases   []string
	}{
		"none":              {nil, Up, "t_uuid_idx", []string{"renamed_uuid_idx"}},
		"the first name":    {[]catalog.Index{uniqueIndex("t_uuid_idx", "uuid")}, Up, "t_uuid_idx", []string{"renamed_uuid_idx"}},
		"the second name":   {[]catalog.Index{uniqueIndex("renamed_uuid_idx", "uuid")}, Up, "renamed_uuid_idx", []string{"t_uuid_idx"}},
		"another name, up":  {[]catalog.Index{uniqueIndex("other", "uuid")}, Up, "other", []string{"t_uuid_idx", "renamed_uuid_idx"}},
		"another one, down": {[]catalog.Index{uniqueIndex("other", "uuid")}, Down, "t_uuid_idx", []string{"renamed_uuid_idx"}},
		"an invalid one":    {[]catalog.Index{invalid}, Up, "t_uuid_idx", []string{"renamed_uuid_idx"}},
	} {
		s := profileRun("2", func(s *Input) {
			s.Direction = test.direction
			addUUID(first(s))
			first(s).Indexes = append(first(s).Indexes, test.indexes...)
		})
		got := Build(s).Targets()[0].Target
		if got.Index != test.want || !slices.Equal(got.Aliases, test.aliases) {
			t.Errorf("%s: %s, aliases %v", name, got.Index, got.Aliases)
		}
	}
}

// TestView checks that a newer catalogue keeps the proof of an unchanged function, which only the survey calls.
func TestView(t *testing.T) {
	function := func(md5 string) *catalog.Function {
		return &catalog.Function{OID: 9, Schema: "app", Name: step.FunctionName, SourceMD5: md5}
	}
	s := schemaRun(func(s *Input) {
		s.Schema.Function = function("a")
		s.Schema.Function.Proof = &catalog.Proof{V7: true}
		s.Data[named("t")] = catalog.Data{Nulls: false}
		s.Parts = map[uint32]catalog.Data{1: {}, 2: {Nulls: true}}
	})
	p := Build(s)
	for md5, want := range map[string]bool{"a": true, "b": false} {
		now := s.Schema
		now.Function = function(md5)
		if view := ViewOf(p, p.Targets()[0], now); (view.Schema.Function.Proof != nil) != want {
			t.Errorf("source %s: %+v", md5, view.Schema.Function)
		}
	}
	counted, uncounted := p.View(p.Targets()[0]), p.View(p.Targets()[1])
	if counted.Unfilled || !uncounted.Unfilled || !counted.Filled[1] || counted.Filled[2] {
		t.Errorf("unfilled %t and %t, parts %v", counted.Unfilled, uncounted.Unfilled, counted.Filled)
	}
}

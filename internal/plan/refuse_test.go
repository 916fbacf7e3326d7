package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestSchemaRunRefusals(t *testing.T) {
	function := func(alter func(*catalog.Function)) func(*Input) {
		return func(s *Input) {
			s.Schema.Function = &catalog.Function{Schema: "app", Name: step.FunctionName, Owner: "postgres", Kind: "f", Returns: "uuid", Volatile: true, Language: "c"}
			alter(s.Schema.Function)
		}
	}
	replica := func(r catalog.Replica) func(*Input) {
		return func(s *Input) { s.Server.Replicas = []catalog.Replica{r} }
	}
	values := func(v Values) func(*Input) { return func(s *Input) { s.Policy.Values = v } }
	for name, test := range map[string]struct {
		alter func(*Input)
		want  string
	}{
		"nothing": {func(*Input) {}, ""},

		"a system schema":       {func(s *Input) { s.Schema.Name = "pg_catalog" }, "system_schema"},
		"the journal's schema":  {func(s *Input) { s.Schema.Name = "rekey" }, "system_schema"},
		"no such schema":        {func(s *Input) { s.Schema.Exists = false }, "unknown_schema"},
		"no USAGE":              {func(s *Input) { s.Schema.Usage = false }, "no_usage"},
		"an unknown override":   {func(s *Input) { s.Selection.Overrides = map[string]Naming{"v": {Column: "x"}} }, "no_match"},
		"an unknown table":      {func(s *Input) { s.Selection.Filter.Tables = patterns(t, "t,v") }, "no_match"},
		"one index name":        {func(s *Input) { s.Selection.Index = "same" }, "duplicate_index_name"},
		"another owner's table": {onTable(func(t *catalog.Table) { t.Owned = false }), "not_owner"},
		"a typed table":         {onTable(func(t *catalog.Table) { t.OfType = true }), "unsupported_table"},
		"1,600 columns":         {onTable(func(t *catalog.Table) { t.Attributes = MaxColumns }), "unsupported_table"},

		"a generated column":        {onTable(func(t *catalog.Table) { addUUID(t).Generated = true }), "generated_column"},
		"an identity column":        {onTable(func(t *catalog.Table) { addUUID(t).Identity = "a" }), "generated_column"},
		"a text column":             {onTable(func(t *catalog.Table) { addUUID(t).Type = "character varying(36)" }), "text_column"},
		"a citext column":           {onTable(func(t *catalog.Table) { addUUID(t).Type = "public.citext" }), "text_column"},
		"a bigint column":           {onTable(func(t *catalog.Table) { addUUID(t).Type = "bigint" }), "column_type"},
		"a uuid column":             {onTable(func(t *catalog.Table) { addUUID(t) }), ""},
		"duplicate values":          {func(s *Input) { addUUID(first(s)); s.Data[named("t")] = catalog.Data{Duplicates: []string{"x"}} }, "duplicates"},
		"another index of the name": {onTable(func(t *catalog.Table) { t.Indexes = append(t.Indexes, uniqueIndex("t_uuid_idx", "id")) }), "index_differs"},
		"an index of another table": {func(s *Input) {
			s.Schema.Relations = append(s.Schema.Relations, catalog.Table{Schema: "app", Name: "t_uuid_idx", Kind: catalog.IndexKind})
		}, "index_name_taken"},
		"an invalid constraint":      {invalidConstraint, "index_differs"},
		"a constraint of the name":   {onTable(constraint("rekey_uuid_not_null", "CHECK ((id > 0))", true)), "constraint_name_taken"},
		"published":                  {onTable(published(nil, true)), "published"},
		"published, column list":     {onTable(published([]string{"id"}, true)), ""},
		"published, subscribers set": {func(s *Input) { published(nil, true)(first(s)); s.Policy.SubscribersReady = true }, ""},
		"no replica identity":        {onTable(func(t *catalog.Table) { published([]string{"id"}, true)(t); t.ReplicaIdentity = "n" }), "no_replica_identity"},
		"only inserts published":     {onTable(func(t *catalog.Table) { published([]string{"id"}, false)(t); t.ReplicaIdentity = "n" }), ""},
		"row security":               {onTable(func(t *catalog.Table) { t.RowSecurity, t.ForceRowSecurity = true, true }), "row_security"},
		"an update rule":             {onTable(func(t *catalog.Table) { t.Rules = []catalog.Rule{{Name: "r", OnUpdate: true}} }), "update_rule"},
		"an insert rule":             {onTable(func(t *catalog.Table) { t.Rules = []catalog.Rule{{Name: "r"}} }), ""},
		"an update trigger":          {onTable(trigger("O")), "triggers_fire"},
		"a disabled trigger":         {onTable(trigger("D")), ""},
		"an allowed trigger":         {func(s *Input) { trigger("O")(first(s)); s.Policy.FireTriggers = true }, ""},
		"a CHECK that is NOT VALID":  {onTable(constraint("c", "CHECK ((id > 0)) NOT VALID", false)), "unvalidated_constraint"},
		"a validated CHECK":          {onTable(constraint("c", "CHECK ((id > 0))", true)), ""},
		"NOT NULL, NOT VALID":        {onTable(func(t *catalog.Table) { t.Columns[0].Unproved = true }), "unvalidated_constraint"},
		"rows as large as a page":    {onTable(func(t *catalog.Table) { addColumn(t, catalog.Column{Name: "wide", Length: 8120, NotNull: true}) }), "row_too_wide"},
		"code of another owner": {func(s *Input) {
			s.Schema.Code = []catalog.Code{{Table: named("t"), Runs: "function app.f()", Owner: catalog.Owner{Name: "mallory"}}}
		}, "untrusted_code"},

		"another owner's function":  {function(func(f *catalog.Function) { f.Owner = "mallory" }), "unusable_function"},
		"a function that is stable": {function(func(f *catalog.Function) { f.Volatile = false }), "unusable_function"},
		"a function without proof":  {function(func(f *catalog.Function) { f.Owner = "app" }), "unusable_function"},
		"a function of version 4":   {function(func(f *catalog.Function) { f.Proof = &catalog.Proof{Reason: "version 4"} }), "unusable_function"},
		"a function of version 7":   {function(func(f *catalog.Function) { f.Proof = &catalog.Proof{V7: true} }), ""},
		"no EXECUTE":                {function(func(f *catalog.Function) { f.Proof, f.Unprivileged = &catalog.Proof{V7: true}, []string{"web"} }), "no_execute"},
		"an overloaded function":    {func(s *Input) { s.Schema.Overloads = []string{"uuid_generate_v7(integer)"} }, "function_ambiguous"},

		"no CREATE":             {func(s *Input) { s.Schema.Create = false }, "no_create"},
		"no tablespace":         {func(s *Input) { s.Server.Role.NoTablespace = "fast" }, "no_tablespace"},
		"no journal, no CREATE": {func(s *Input) { s.Server.JournalSchema.Exists = false; s.Server.Role.CreateDatabase = false }, "no_journal_schema"},
		"no journal":            {func(s *Input) { s.Server.JournalSchema = catalog.JournalSchema{} }, ""},
		"an unreadable journal": {func(s *Input) { s.Server.JournalSchema.Usage = false }, "no_journal_rights"},
		"a read-only journal":   {func(s *Input) { s.Server.JournalSchema.Write = false }, "no_journal_rights"},
		"a newer journal":       {func(s *Input) { s.Server.JournalSchema.Version, s.Server.JournalSchema.Known = 3, 2 }, "journal_newer"},
		"an older journal":      {func(s *Input) { s.Server.JournalSchema.Version, s.Server.JournalSchema.Known = 1, 2 }, ""},
		"an older one of another owner": {func(s *Input) {
			j := &s.Server.JournalSchema
			j.Version, j.Known, j.OtherOwner = 1, 2, "dba"
		}, "no_journal_rights"},
		"a journal without tables": {func(s *Input) { s.Server.JournalSchema.Tables, s.Server.JournalSchema.Create = false, false }, "no_journal_rights"},
		"a stranger in the journal": {func(s *Input) {
			s.Server.JournalSchema.Unexpected = []catalog.Object{{Name: "x", Owner: catalog.Owner{Name: "mallory"}}}
		}, "journal_conflict"},

		"a standby":            {replica(catalog.Replica{Name: "s", Recovering: true}), ""},
		"an unread standby":    {replica(catalog.Replica{Name: "s", Fault: "refused"}), "standby_unreadable"},
		"no standby":           {replica(catalog.Replica{Name: "s"}), "not_a_standby"},
		"another's standby":    {replica(catalog.Replica{Name: "s", Recovering: true, Mismatch: "another system"}), "standby_mismatch"},
		"a standby that waits": {replica(catalog.Replica{Name: "s", Recovering: true, ApplyDelay: 1000}), "standby_delayed"},

		"random, unknown table":    {values(Values{Random: []string{"v"}}), "unknown_table"},
		"source, unknown table":    {values(Values{Sources: map[string]Source{"v": ByClock}}), "unknown_table"},
		"column, unknown table":    {values(Values{Columns: map[string]string{"v": "at"}}), "unknown_table"},
		"an unused pattern":        {values(Values{Columns: map[string]string{"*": "at"}}), "bad_time_column"},
		"a malformed pattern":      {values(Values{Columns: map[string]string{`t\`: "at"}}), "bad_time_column"},
		"an unknown column":        {values(Values{Columns: map[string]string{"t": "at"}}), "bad_time_column"},
		"random after a made one":  {func(s *Input) { complete(s, first(s)); s.Policy.Values.Random = []string{"t"} }, "random_too_late"},
		"random for a new column":  {values(Values{Random: []string{"t"}}), ""},
		"a pattern for no columns": {values(Values{Columns: map[string]string{"*": "none"}}), ""},
	} {
		s := schemaRun(test.alter)
		got := Build(s)
		if codes(got.Refusals) != test.want {
			t.Errorf("%s: %v, want %q", name, got.Refusals, test.want)
		}
		for _, p := range got.Refusals {
			if p.Table == "app.t" && !strings.Contains(p.Hint, "--skip-refused") {
				t.Errorf("%s: the hint does not mention --skip-refused: %s", name, p.Hint)
			}
		}
	}
}

func invalidConstraint(s *Input) {
	index := uniqueIndex("t_uuid_idx", "uuid")
	index.Valid, index.Constraint = false, "t_uuid_idx"
	addUUID(first(s))
	first(s).Indexes = append(first(s).Indexes, index)
}

func constraint(name, definition string, validated bool) func(*catalog.Table) {
	return func(t *catalog.Table) {
		t.Constraints = []catalog.Constraint{{Name: name, Kind: "c", Columns: []string{"id"}, Definition: definition, Validated: validated}}
	}
}

func published(columns []string, updates bool) func(*catalog.Table) {
	return func(t *catalog.Table) {
		t.Publications = []catalog.Publication{{Name: "news", Columns: columns, OfUpdates: updates}}
	}
}

func trigger(enabled string) func(*catalog.Table) {
	return func(t *catalog.Table) {
		t.Triggers = []catalog.Trigger{{Name: "touch", Enabled: enabled, OnUpdate: true}}
	}
}

func TestDownRefusals(t *testing.T) {
	attach := func(a catalog.Attachment) func(*Input) {
		return onTable(func(t *catalog.Table) { t.Attachments = []catalog.Attachment{a} })
	}
	foundWith := func(mark string, a catalog.Attachment) func(*Input) {
		return onTable(func(t *catalog.Table) {
			t.Columns, t.Attributes = t.Columns[:1], 1
			found(t, mark).NotNull = true
			t.Indexes[len(t.Indexes)-1].ReplicaIdentity = true
			t.Attachments = []catalog.Attachment{a}
		})
	}
	for name, test := range map[string]struct {
		alter func(*Input)
		want  string
	}{
		"a made column":                    {func(*Input) {}, ""},
		"another owner's table":            {onTable(func(t *catalog.Table) { t.Owned = false }), "not_owner"},
		"a view on the column":             {attach(catalog.Attachment{Column: "uuid", Kind: "view", Name: "v"}), "dependent_object"},
		"a view on another column":         {attach(catalog.Attachment{Column: "id", Kind: "view", Name: "v"}), ""},
		"the index of up":                  {attach(catalog.Attachment{Column: "uuid", Kind: "index", Name: "t_uuid_idx"}), ""},
		"another index":                    {attach(catalog.Attachment{Column: "uuid", Kind: "index", Name: "other"}), "dependent_object"},
		"the CHECK of up":                  {attach(catalog.Attachment{Column: "uuid", Kind: "constraint", Name: "rekey_uuid_not_null"}), ""},
		"a made column, found before":      {func(s *Input) { s.Adopted = adopted("t") }, "mark_lost"},
		"a mark of a newer format":         {onTable(func(t *catalog.Table) { comment := `[rekey 3: made {"of":"app.t"}]`; t.Columns[1].Comment = &comment }), "mark_newer"},
		"an edited mark":                   {onTable(func(t *catalog.Table) { comment := `[rekey: found {"of":"app.t"`; t.Columns[1].Comment = &comment }), ""},
		"a view on a found column":         {foundWith("", catalog.Attachment{Column: "uuid", Kind: "view", Name: "v"}), ""},
		"a foreign key on the new index":   {foundWith("", catalog.Attachment{Column: "uuid", Kind: "foreign key", Name: "f", OnIndex: "t_uuid_idx"}), "dependent_object"},
		"a foreign key on an older index":  {foundWith(`,"indexed":true`, catalog.Attachment{Column: "uuid", Kind: "foreign key", Name: "f", OnIndex: "t_uuid_idx"}), ""},
		"a replica identity, new NOT NULL": {foundWith(`,"nullable":true,"indexed":true`, catalog.Attachment{Column: "uuid", Kind: "replica identity", Name: "t_uuid_idx"}), "dependent_object"},
		"a replica identity":               {foundWith(`,"indexed":true`, catalog.Attachment{Column: "uuid", Kind: "replica identity", Name: "t_uuid_idx"}), ""},
	} {
		if got := Build(schemaRun(down, test.alter)); codes(got.Refusals) != test.want {
			t.Errorf("%s: %v, want %q", name, got.Refusals, test.want)
		}
	}
}

func TestProfileRunRefusesUnsupportedTables(t *testing.T) {
	for name, test := range map[string]struct {
		alter func(*catalog.Table)
		want  string
	}{
		"an ordinary table":     {func(*catalog.Table) {}, ""},
		"a view":                {func(t *catalog.Table) { t.Kind = catalog.View }, "not_a_table"},
		"a partitioned table":   {func(t *catalog.Table) { t.Kind = catalog.Partitioned }, "not_a_table"},
		"a partition":           {func(t *catalog.Table) { t.Partition = true }, "unsupported_table"},
		"a child":               {func(t *catalog.Table) { t.Parents = 1 }, "unsupported_table"},
		"a temporary table":     {func(t *catalog.Table) { t.Persistence = "t" }, "unsupported_table"},
		"an extension's table":  {func(t *catalog.Table) { t.Extension = "postgis" }, "unsupported_table"},
		"another owner's table": {func(t *catalog.Table) { t.Owned = false }, "not_owner"},
	} {
		if got := Build(profileRun("1", onTable(test.alter))); codes(got.Refusals) != test.want {
			t.Errorf("%s: %v, want %q", name, got.Refusals, test.want)
		}
	}
	s := profileRun("1", func(s *Input) { s.Schema.Relations[1].Owned = false })
	if got := Build(s); codes(got.Refusals) != "not_owner" || got.Refusals[0].Table != "app.versions" {
		t.Errorf("another owner's version table: %v", got.Refusals)
	}
}

// TestSkipRefused checks that refusals of tables skip them and that refusals of the run still stop it.
func TestSkipRefused(t *testing.T) {
	s := schemaRun(onTable(func(t *catalog.Table) { t.Owned = false }), func(s *Input) {
		s.Policy.SkipRefused, s.Schema.Create = true, false
	})
	p := Build(s)
	if codes(p.Skipped) != "not_owner" || codes(p.Refusals) != "no_create" {
		t.Errorf("skipped %v, refused %v", p.Skipped, p.Refusals)
	}
	if tables := p.Targets(); len(tables) != 1 || tables[0].Table.Name != "u" {
		t.Errorf("the plan has the groups %v", tables)
	}
	if r := p.Relations[0]; r.State != Refused || r.Why == "" || strings.Contains(r.Hint, "--skip-refused") {
		t.Errorf("the relation is %+v", r)
	}
}

func TestHintsNameSettings(t *testing.T) {
	for code, test := range map[string]struct {
		alter func(*catalog.Table)
		want  string
	}{
		"column_type":   {func(t *catalog.Table) { addUUID(t).Type = "bigint" }, "--column public_uuid"},
		"index_differs": {func(t *catalog.Table) { t.Indexes = append(t.Indexes, uniqueIndex("t_uuid_idx", "id")) }, "--index-name '{table}_{column}_key'"},
	} {
		found := Build(schemaRun(onTable(test.alter))).Refusals
		if codes(found) != code || !strings.Contains(found[0].Hint, test.want) {
			t.Errorf("%s: %v", code, found)
		}
	}
	domain := Build(schemaRun(onTable(func(t *catalog.Table) { c := addUUID(t); c.Type, c.Base = "app.uid", "uuid" }))).Refusals
	if codes(domain) != "column_type" || !strings.Contains(domain[0].Message, "app.uid, a domain over uuid") {
		t.Errorf("a domain: %v", domain)
	}
}

func TestCheckServer(t *testing.T) {
	for name, test := range map[string]struct {
		server   catalog.Server
		want     string
		readOnly string
	}{
		"13":               {server: catalog.Server{Version: 130000}},
		"12":               {catalog.Server{Version: 129999}, "server_too_old", "server_too_old"},
		"14.3":             {catalog.Server{Version: 140003}, "server_defect", ""},
		"14.4":             {server: catalog.Server{Version: 140004}},
		"another product":  {catalog.Server{Version: 150000, Flavor: "Citus"}, "unsupported_server", "unsupported_server"},
		"a standby":        {catalog.Server{Version: 150000, Standby: true}, "standby", ""},
		"read-only server": {catalog.Server{Version: 150000, ReadOnly: true}, "read_only", ""},
	} {
		for readOnly, want := range map[bool]string{false: test.want, true: test.readOnly} {
			got := ""
			if p := CheckServer(test.server, readOnly); p != nil {
				got = p.Code
			}
			if got != want {
				t.Errorf("%s, read-only %t: %q, want %q", name, readOnly, got, want)
			}
		}
	}
}

// TestUntrustedCode checks the three questions about code of other owners: may the table be read, may a whole plan be
// read, and which code appeared during the run.
func TestUntrustedCode(t *testing.T) {
	evil := catalog.Code{Table: named("t"), Runs: "function app.f()", Owner: catalog.Owner{Name: "mallory"}}
	fired := evil
	fired.Fires = true
	for name, test := range map[string]struct {
		code                   []catalog.Code
		readable, during, fill bool
	}{
		"none":              {nil, true, false, false},
		"of a check":        {[]catalog.Code{evil}, false, true, true},
		"of a trigger":      {[]catalog.Code{fired}, true, false, true},
		"of another table":  {[]catalog.Code{{Table: named("x"), Owner: evil.Owner}}, true, false, false},
		"of a named owner":  {[]catalog.Code{{Table: named("t"), Owner: catalog.Owner{Name: "app"}}}, true, false, false},
		"of the role's own": {[]catalog.Code{{Table: named("t"), Owner: catalog.Owner{Name: "postgres"}}}, true, false, false},
	} {
		s := schemaRun(func(s *Input) { s.Schema.Code = test.code })
		p := Build(s)
		target, table := p.Targets()[0].Target, first(&s)
		if got := !s.RunsUntrustedCode(table); got != test.readable {
			t.Errorf("%s: the table is readable: %t", name, got)
		}
		if got := len(p.Unreadable()) == 0; got != test.readable {
			t.Errorf("%s: the plan is readable: %t", name, got)
		}
		for fills, want := range map[bool]bool{false: test.during, true: test.fill} {
			if got := RefuseCode(s.Server, target, table, test.code, fills); (got != nil) != want {
				t.Errorf("%s, fills %t: %v", name, fills, got)
			}
		}
	}
}

func TestTextualTypes(t *testing.T) {
	want := []string{"character varying(36)", "character(36)", "public.citext", "text"}
	var got []string
	for _, kind := range slices.Sorted(maps.Keys(map[string]bool{"text": true, "character varying(36)": true, "character(36)": true, "public.citext": true, "uuid": true, "bytea": true})) {
		if Textual(kind) {
			got = append(got, kind)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

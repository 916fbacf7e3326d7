package step_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// goal is the primary key of most tests: app.p (id) becomes app.p (uuid).
func goal() step.Key {
	return step.Key{Table: sqltext.Table{Schema: "app", Name: "p"}, Columns: []string{"id"}, UUIDs: []string{"uuid"}, Constraint: "p_pkey", Unique: "p_id_key"}
}

// keyDone says how far the database of a test is.
type keyDone int

const (
	nothing keyDone = iota
	uniqueBuilt
	uniqueMarked
	steered
	twinAdded
	twinValid
	moved
	nextBuilt
	switched
	backBuilt
)

func uniqueIndex(oid uint32, name string, columns ...string) catalog.Index {
	i := btree("app.p", name, true, columns...)
	i.OID = oid
	return i
}

func primaryIndex(oid uint32, name string, columns ...string) catalog.Index {
	i := uniqueIndex(oid, name, columns...)
	i.Primary, i.Constraint = true, name
	return i
}

// keyView returns a view of app.p, to which app.c refers, and of its index on the uuid.
func keyView(done keyDone, changes ...func(p, c *catalog.Table)) step.View {
	p := catalog.Table{OID: 2, Schema: "app", Name: "p", Kind: catalog.Ordinary, ReplicaIdentity: "d"}
	c := catalog.Table{OID: 1, Schema: "app", Name: "c", Kind: catalog.Ordinary}
	reference := catalog.ForeignKey{
		OID: 5, Name: "k", Child: c.Named(), Parent: p.Named(), ChildColumns: []string{"p_id"}, ParentColumns: []string{"id"}, Index: 10,
		OnDelete: catalog.Cascade, OnUpdate: catalog.NoAction, Match: catalog.MatchSimple, Validated: true,
	}
	twin := reference
	twin.OID, twin.Name, twin.Index, twin.Validated = 6, "~rekey_k", 20, done >= twinValid
	pk, unique := primaryIndex(10, "p_pkey", "id"), uniqueIndex(20, "p_id_key", "id")
	mark := goal().Mark()
	if done >= switched {
		pk, mark.Identity, unique.ReplicaIdentity, p.ReplicaIdentity = primaryIndex(50, "p_pkey", "uuid"), step.IdentityDefault, true, "i"
	} else if done >= steered {
		pk.OID, reference.Index = 30, 30
	}
	comment := mark.Comment()
	unique.Comment = &comment
	p.Indexes = []catalog.Index{pk, uniqueIndex(11, "p_uuid_idx", "uuid")}
	if done == uniqueBuilt {
		unique.Name, unique.Comment = "~rekey_p_id_key", nil
	}
	if done >= uniqueBuilt {
		p.Indexes = append(p.Indexes, unique)
	}
	if done == nextBuilt {
		p.Indexes = append(p.Indexes, uniqueIndex(40, "~rekey_p_pkey", "uuid"))
	}
	if done == backBuilt {
		p.Indexes = append(p.Indexes, uniqueIndex(60, "~rekey_p_pkey", "id"))
	}
	if done >= moved {
		reference.Index = 20
	}
	p.ReferencedBy = []catalog.ForeignKey{reference}
	if done == twinAdded || done == twinValid {
		p.ReferencedBy = append(p.ReferencedBy, twin)
	}
	c.ForeignKeys = p.ReferencedBy
	for _, change := range changes {
		change(&p, &c)
	}
	return step.View{Server: catalog.Server{Version: 150000}, Table: &p, Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{c, p}}}
}

// on changes the index of app.p with a name.
func on(name string, change func(*catalog.Index)) func(p, c *catalog.Table) {
	return func(p, _ *catalog.Table) { change(p.Index(name)) }
}

func invalidIndex(i *catalog.Index) { i.Valid = false }

func and(indexes ...catalog.Index) func(p, c *catalog.Table) {
	return func(p, _ *catalog.Table) { p.Indexes = append(p.Indexes, indexes...) }
}

// treeDone says how far the partitioned table of a test is.
type treeDone int

const (
	treeNothing  treeDone = iota
	treeCreated           // the unique index of the top
	treeBuilt             // those below it, with temporary names
	treeAttached          // of the leaves
	treeMarked            // of all
	treeNext              // the indexes for the new primary key
	treePinned            // the replica identities of the leaves
	treeSwitched
	treeBack // the indexes for the way back
)

// treeKeyView returns a view of app.p, partitioned, with partition p1 and partitioned partition p2, whose partition is cold.p3.
func treeKeyView(done treeDone, changes ...func(p, c *catalog.Table)) step.View {
	p := catalog.Table{OID: 2, Schema: "app", Name: "p", Kind: catalog.Partitioned, ReplicaIdentity: "d", Below: []catalog.Table{
		{OID: 11, Above: 2, Schema: "app", Name: "p1", Kind: catalog.Ordinary, ReplicaIdentity: "d"},
		{OID: 12, Above: 2, Schema: "app", Name: "p2", Kind: catalog.Partitioned, ReplicaIdentity: "d"},
		{OID: 13, Above: 12, Schema: "cold", Name: "p3", Kind: catalog.Ordinary, ReplicaIdentity: "i"},
		{OID: 14, Above: 2, Schema: "app", Name: "without a key", Kind: catalog.Ordinary},
	}}
	goal := treeGoal()
	for _, one := range p.All()[:4] {
		leaf, columns := one.Kind == catalog.Ordinary, goal.Columns
		if done >= treeSwitched {
			columns = goal.UUIDs
		}
		pk := primaryIndex(100+one.OID, one.Name+"_pkey", columns...)
		pk.Included, pk.Definition = []string{"x"}, pk.Definition+" INCLUDE (x) WITH (fillfactor='90')"
		pk.ReplicaIdentity = one.Name == "p3" && done < treePinned
		own := uniqueIndex(200+one.OID, one.Name+"_id_key", goal.Columns...)
		own.Definition, own.Included = own.Definition+" INCLUDE (x) WITH (fillfactor='90')", pk.Included
		if mark := goal.Mark(); one.OID == 2 {
			comment := mark.Comment()
			own.Comment, own.Valid = &comment, done >= treeMarked
		}
		next := uniqueIndex(300+one.OID, "~rekey_"+one.Name+"_pkey", map[bool][]string{true: goal.Columns, false: goal.UUIDs}[done == treeBack]...)
		next.Definition += " INCLUDE (x) WITH (fillfactor='90')"
		attached := done >= treeMarked || done == treeAttached && leaf
		if attached && one.OID != 2 {
			own.Parent = 200 + one.Above
		}
		if !attached && one.OID != 2 {
			own.Name, own.Valid = "~rekey_"+own.Name, leaf
		}
		if done >= treePinned && leaf {
			mark := step.KeyMark{Table: one.Named(), Primary: pk.Name, Columns: goal.Columns, UUIDs: goal.UUIDs, Identity: step.IdentityDefault}
			comment := mark.Comment()
			own.Comment, own.ReplicaIdentity, one.ReplicaIdentity = &comment, true, "i"
		}
		one.Indexes = []catalog.Index{pk}
		if done >= treeBuilt || done == treeCreated && one.OID == 2 {
			one.Indexes = append(one.Indexes, own)
		}
		if leaf && (done == treeNext || done == treePinned || done == treeBack) {
			one.Indexes = append(one.Indexes, next)
		}
	}
	for _, change := range changes {
		change(&p, nil)
	}
	return step.View{Server: catalog.Server{Version: 150000}, Table: &p, Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{p}}}
}

func treeGoal() step.Key {
	k := goal()
	k.Tree, k.Columns, k.UUIDs = true, []string{"id", "at"}, []string{"uuid", "at"}
	return k
}

// keyStates are the states of a database for which the actions are written down.
func keyStates() (names []string, views map[string]step.View) {
	type change = func(p, c *catalog.Table)
	comment := func(text string) *string { return &text }
	all := map[string]step.View{
		"0 nothing": keyView(nothing), "1 the unique index built": keyView(uniqueBuilt), "2 the unique index marked": keyView(uniqueMarked), "3 steered": keyView(steered),
		"4 a twin": keyView(twinAdded), "5 a valid twin": keyView(twinValid), "6 moved": keyView(moved), "7 the next index": keyView(nextBuilt),
		"8 switched": keyView(switched), "9 the index for the way back": keyView(backBuilt),
	}
	for name, one := range map[string]struct {
		done    keyDone
		changes []change
	}{
		"dropped":                      {nothing, []change{func(p, _ *catalog.Table) { p.Name = "gone" }}},
		"without a primary key":        {switched, []change{func(p, _ *catalog.Table) { p.Indexes = p.Indexes[1:] }}},
		"a definition of unknown form": {nextBuilt, []change{on("p_pkey", func(i *catalog.Index) { i.Definition = "?" })}},
		"an unknown form before":       {nothing, []change{on("p_pkey", func(i *catalog.Index) { i.Definition = "?" })}},
		"identity set since":           {backBuilt, []change{on("p_id_key", func(i *catalog.Index) { i.Comment = comment(goal().Mark().Comment()) })}},
		"unique index invalid":         {uniqueMarked, []change{on("p_id_key", invalidIndex)}},
		"unique index not ready":       {uniqueBuilt, []change{on("~rekey_p_id_key", invalidIndex)}},
		"unique index without mark":    {uniqueMarked, []change{on("p_id_key", func(i *catalog.Index) { i.Comment = nil })}},
		"mark of another table": {switched, []change{on("p_id_key", func(i *catalog.Index) {
			i.Comment = comment(step.Key{Table: sqltext.Table{Schema: "a", Name: "b"}, Constraint: "k", Columns: []string{"id"}, UUIDs: []string{"u"}}.Mark().Comment())
		})}},
		"reindex interrupted":     {moved, []change{and(uniqueIndex(70, "p_pkey_ccnew", "id")), on("p_pkey_ccnew", invalidIndex)}},
		"twin on the wrong index": {twinValid, []change{func(p, _ *catalog.Table) { p.ReferencedBy[1].Index = 30 }}},
		"twin without original":   {twinValid, []change{func(p, _ *catalog.Table) { p.ReferencedBy = p.ReferencedBy[1:] }}},
		"not valid, commented": {steered, []change{func(p, _ *catalog.Table) {
			p.ReferencedBy[0].Validated, p.ReferencedBy[0].Comment = false, comment("it's mine")
		}}},
		"deferrable": {steered, []change{func(p, _ *catalog.Table) { p.ReferencedBy[0].Deferrable = true }}},
		"decorated": {nextBuilt, []change{on("p_pkey", func(i *catalog.Index) {
			i.ConstraintComment, i.Comment, i.Clustered, i.ReplicaIdentity = comment("key"), comment("index"), true, true
		}), func(p, _ *catalog.Table) { p.ReplicaIdentity = "i" }}},
		"decorated, back": {backBuilt, []change{on("p_pkey", func(i *catalog.Index) { i.ConstraintComment, i.Clustered = comment("key"), true }), on("p_id_key", func(i *catalog.Index) {
			mark := goal().Mark()
			mark.Identity = step.IdentityPrimary
			i.Comment = comment(mark.Comment())
		})}},
		"identity changed since": {backBuilt, []change{on("p_id_key", func(i *catalog.Index) { i.ReplicaIdentity = false })}},
		"foreign key onto the new key": {switched, []change{func(p, _ *catalog.Table) {
			p.ReferencedBy[0].Index, p.ReferencedBy[0].ParentColumns = 50, []string{"uuid"}
		}}},
		"foreign key onto the new key alone": {backBuilt, []change{func(p, _ *catalog.Table) { p.ReferencedBy[0].Index, p.Indexes = 50, slices.Delete(p.Indexes, 1, 2) }}},
		"partitioned child":                  {steered, []change{childTree}},
		"partitioned child, twin of a partition": {steered, []change{childTree, func(p, c *catalog.Table) {
			twin := p.ReferencedBy[0]
			twin.Name, twin.Child, twin.Index, twin.Validated = "~rekey_k", c.Below[0].Named(), 20, false
			p.ReferencedBy = append(p.ReferencedBy, twin)
		}}},
		"partitioned child, twin of a partition on the wrong index": {steered, []change{childTree, func(p, c *catalog.Table) {
			twin := p.ReferencedBy[0]
			twin.Name, twin.Child, twin.Index = "~rekey_k", c.Below[0].Named(), 30
			p.ReferencedBy = append(p.ReferencedBy, twin)
		}}},
		"child in another database view": {steered, []change{func(p, _ *catalog.Table) { p.ReferencedBy[0].Child.Name = "unknown" }}},
	} {
		all[name] = keyView(one.done, one.changes...)
	}
	between := keyView(steered, childTree, func(_, c *catalog.Table) { c.Parents = 1 })
	all["partitioned child that is a partition"] = between
	withTwin := keyView(steered, childTree, func(p, _ *catalog.Table) {
		twin := p.ReferencedBy[0]
		twin.Name, twin.Index = "~rekey_k", 20
		p.ReferencedBy = append(p.ReferencedBy, twin)
	})
	withTwin.Server.Version = 180000
	all["partitioned child with a twin, on 18"] = withTwin
	stray := all["partitioned child, twin of a partition"]
	stray.Server.Version = 180000
	all["partitioned child, twin of a partition, on 18"] = stray
	onNew := all["partitioned child"]
	onNew.Server.Version = 180000
	all["partitioned child, on 18"] = onNew
	addTreeStates(all)
	return slices.Sorted(maps.Keys(all)), all
}

// goalOf returns the goal of the state with a name.
func goalOf(state string) step.Key {
	if strings.HasPrefix(state, "tree") {
		return treeGoal()
	}
	return goal()
}

// addTreeStates adds the states of partitioned tables.
func addTreeStates(all map[string]step.View) {
	for done, name := range []string{
		"0 nothing", "1 the unique index", "2 the partitions' indexes", "3 the leaves' indexes attached", "4 all attached", "5 the next indexes", "6 the identities pinned", "7 switched", "8 the indexes for the way back",
	} {
		all["tree "+name] = treeKeyView(treeDone(done))
	}
	all["tree, a foreign key"] = treeKeyView(treeMarked, func(p, _ *catalog.Table) {
		p.ReferencedBy = []catalog.ForeignKey{{Name: "k", Index: 102, ParentColumns: []string{"id", "at"}}}
	})
	all["tree, a stale index"] = treeKeyView(treeMarked, on("p_id_key", invalidIndex))
	all["tree, an unknown form"] = treeKeyView(treeNothing, on("p_pkey", func(i *catalog.Index) { i.Definition = "?" }))
	all["tree, a broken build"] = treeKeyView(treeBuilt, func(p, _ *catalog.Table) { invalidIndex(p.Below[0].Index("~rekey_p1_id_key")) })
	all["tree, a tablespace and a comment"] = treeKeyView(treePinned, func(p, _ *catalog.Table) {
		comment := "mine"
		p.Index("p_pkey").Tablespace, p.Below[2].Index("p3_pkey").ConstraintComment = "fast", &comment
	})
	all["tree, another identity since"] = treeKeyView(treeBack, func(p, _ *catalog.Table) {
		p.Below[0].Index("p1_id_key").ReplicaIdentity, p.Below[2].Index("p3_id_key").Comment = false, nil
	})
	all["tree, the identity stays"] = treeKeyView(treeNext, func(p, _ *catalog.Table) { p.Below[0].ReplicaIdentity = "f" })
}

// childTree makes app.c a partitioned table with a foreign key of each partition.
func childTree(p, c *catalog.Table) {
	c.Kind = catalog.Partitioned
	below := p.ReferencedBy[0]
	below.OID, below.Above, below.Name, below.Child = 15, 5, "k of c1", sqltext.Table{Schema: "app", Name: "c1"}
	comment := "of c1"
	below.Comment = &comment
	other := below
	other.OID, other.Above = 16, 99
	c.Below = []catalog.Table{{OID: 7, Above: 1, Schema: "app", Name: "c1", Kind: catalog.Ordinary, ForeignKeys: []catalog.ForeignKey{below, other}}}
	p.ReferencedBy = append(p.ReferencedBy, below)
}

// The actions of the steps of primary keys, in the states that a database may be in: testdata/keys.txt.
func TestKeyActions(t *testing.T) {
	var out strings.Builder
	known := map[string]bool{}
	write := func(way string, actions []step.Action) {
		for _, line := range heads(actions) {
			out.WriteString("  " + way + " " + line + "\n")
		}
		for _, a := range actions {
			if text := strings.Join(a.SQL(), ";\n      "); !known[text] {
				known[text] = true
				out.WriteString("      " + text + "\n")
			}
			c, _ := a.(step.Change)
			for _, guard := range [][2]string{{"early guard", c.Early}, {"guard", c.Guard}} {
				if guard[1] != "" && !known[guard[1]] {
					known[guard[1]] = true
					out.WriteString("      " + guard[0] + " " + digest(guard[1]) + "\n")
				}
			}
		}
	}
	names, views := keyStates()
	for _, name := range names {
		out.WriteString("==== " + name + "\n")
		for _, s := range step.KeySteps(goalOf(name)) {
			v := views[name]
			reason := s.Check(v).Reason
			if reason == "" {
				reason = "done"
			}
			out.WriteString(string(s.ID()) + ": " + reason + "\n")
			write("up  ", s.Apply(v))
			write("down", s.Undo(v))
			if s.Rows() != nil || s.ApplyScript(v) != nil || s.UndoScript(v) != nil || s.AfterApply(v).Table != v.Table || s.AfterUndo(v).Table != v.Table {
				t.Errorf("%s: rows, or a script", s.ID())
			}
			if s.Explain().What == "" || s.Explain().Lock == "" {
				t.Errorf("%s is not explained", s.ID())
			}
		}
		for _, k := range goalOf(name).Unmovable(views[name]) {
			out.WriteString("unmovable: " + k.Name + "\n")
		}
		if table := views[name].Relation(goal().Table); table != nil {
			out.WriteString("names:")
			for _, index := range goalOf(name).IndexNames(table) {
				out.WriteString(" " + index.String())
			}
			out.WriteString("\n")
		}
	}
	golden := filepath.Join("testdata", "keys.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("%s differs (-want +got); to accept: go test ./internal/step -run TestKeyActions -update\n%s", golden, diff)
	}
}

func TestKeyMark(t *testing.T) {
	k := goal()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, mark := range map[string]step.KeyMark{
		"before": k.Mark(), "after": {Table: k.Table, Primary: "p", Columns: k.Columns, UUIDs: k.UUIDs, Identity: step.IdentityPrimary, Switched: at},
	} {
		comment := mark.Comment()
		if got, ok := step.ReadKeyMark(&catalog.Index{Comment: &comment}); !ok || !cmp.Equal(got, mark) {
			t.Errorf("%s: %+v, want %+v", name, got, mark)
		}
	}
	for comment, want := range map[string]string{
		"mine": "false", "[rekey 3: key {}]": "newer", `[rekey 2: key {"of":["app","p"]}]`: "unreadable", "[rekey 2: key {": "unreadable",
		strings.Replace(step.KeyMark{Table: k.Table, Primary: "p", Columns: k.Columns, UUIDs: k.UUIDs, Switched: at}.Comment(), "2026", "x", 1): "unreadable",
	} {
		mark, ok := step.ReadKeyMark(&catalog.Index{Comment: &comment})
		if got := map[bool]string{true: "true", false: "false"}[ok]; mark.Newer == 3 && want != "newer" || mark.Unreadable != (want == "unreadable") || want == "false" != (got == "false") {
			t.Errorf("%s: %+v %s, want %s", comment, mark, got, want)
		}
	}
}

// The twins of an edge leave out the unique index that up made for a primary key, and the indexes of partitions that are attached to it.
func TestTwinsLeaveOutKeys(t *testing.T) {
	k := treeGoal()
	if k.String() != "app.p primary key" {
		t.Error(k)
	}
	table := treeKeyView(treeMarked).Table
	twins, without := step.Twins(table, "id", "uuid")
	var names []string
	for _, twin := range twins {
		names = append(names, twin.Of)
	}
	if got := strings.Join(names, " "); got != "p_pkey p1_pkey p2_pkey p3_pkey" || without != nil {
		t.Errorf("%s, %q", got, without)
	}
	k.Unique = "other"
	if names := k.IndexNames(treeKeyView(treeNothing).Table); names[1].Name != "p1_other" {
		t.Error(names)
	}
}

func TestIsLeftOfReindex(t *testing.T) {
	long := strings.Repeat("x", 60)
	for name, want := range map[string]bool{
		"p_pkey_ccnew": true, "p_pkey_ccold": true, "p_pkey_ccnew12": true, "p_pkey_ccnewer": false, "p_pkey": false, "_ccnew": false, "p_ccnew": false, "x_p_pkey_ccnew": false,
	} {
		if got := step.IsLeftOfReindex(name, "p_pkey"); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !step.IsLeftOfReindex(long[:57]+"_ccnew", long) || step.IsLeftOfReindex(long[:40]+"_ccnew", long) {
		t.Error("a shortened name")
	}
}

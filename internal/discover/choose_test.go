package discover_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/profile"
)

func schema(tables ...catalog.Table) catalog.Schema {
	return catalog.Schema{Name: "app", Exists: true, Relations: tables}
}

func table(name string) catalog.Table {
	return catalog.Table{Name: name, Kind: catalog.Ordinary, Persistence: "p"}
}

func patterns(t *testing.T, text string) []discover.Pattern {
	t.Helper()
	list, err := discover.ParsePatterns(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEveryRelationHasDecision(t *testing.T) {
	view, index, part, temporary, extension := table("v"), table("i"), table("p1"), table("t"), table("spatial_ref_sys")
	view.Kind, index.Kind, part.Partition, temporary.Persistence, extension.Extension = catalog.View, catalog.IndexKind, true, "t", "postgis"
	got := map[string]string{}
	for _, c := range discover.Choose(schema(table("users"), view, index, part, temporary, extension, table("goose_db_version"),
		table("library"), table("library_users")), discover.Filter{Libraries: []profile.Library{{Name: "lib", Title: "Library", VersionTable: "library"}}}) {
		got[c.Table] = string(c.Decision) + ": " + c.Reason
	}
	want := map[string]string{
		"users":            "chosen: ",
		"v":                "skipped: a view",
		"p1":               "skipped: a partition: it gets what its partitioned table gets",
		"t":                "skipped: a temporary table",
		"spatial_ref_sys":  "skipped: it belongs to the extension postgis",
		"goose_db_version": "skipped: the bookkeeping of goose",
		"library":          "skipped: Library's: use --profile lib",
		"library_users":    "skipped: Library's: use --profile lib",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestChooseBySelection(t *testing.T) {
	s := discover.Filter{Tables: patterns(t, "a*,oban_jobs"), Exclude: patterns(t, "a_old")}
	got := map[string]discover.Decision{}
	for _, c := range discover.Choose(schema(table("a"), table("a_old"), table("b"), table("oban_jobs")), s) {
		got[c.Table] = c.Decision
	}
	want := map[string]discover.Decision{"a": discover.Chosen, "a_old": discover.Skipped, "b": discover.Skipped, "oban_jobs": discover.Chosen}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnmatchedPatterns(t *testing.T) {
	s := discover.Filter{Tables: patterns(t, "users,usres"), Exclude: patterns(t, "x*")}
	if diff := cmp.Diff([]string{"usres", "x*"}, discover.Unmatched(schema(table("users")), s)); diff != "" {
		t.Error(diff)
	}
}

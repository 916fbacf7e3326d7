package phoenixkit_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// readTable returns the rows of a tab-separated file as maps by the names of its first line.
func readTable(t testing.TB, path string) (rows []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	header := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range strings.Split(line, "\t") {
			row[header[i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// nameAt40 returns the name that a table of V56 has at version 40.
func nameAt40(table string) string {
	for _, t := range phoenixkit.Profile().Tables {
		if slices.Contains(t.Names(), table) {
			return t.Name
		}
	}
	return table
}

// TestReferencesAreV56s checks that the profile has exactly V56's names for the columns that exist at version 39.
func TestReferencesAreV56s(t *testing.T) {
	want := map[string]rekey.ProfileReference{}
	for _, row := range readTable(t, "testdata/v56_uuid_fk_map.tsv") {
		if row["in_v39_catalog"] != "yes" {
			continue
		}
		r := rekey.ProfileReference{
			Table: nameAt40(row["table"]), Column: row["integer_column"], Parent: nameAt40(row["ref_table"]),
			UUIDColumn: row["uuid_column"], Constraint: strings.Trim(row["fk_constraint_name"], "-"),
			Index: row["table"] + "_" + row["uuid_column"] + "_idx",
		}
		want[r.Table+"."+r.Column] = r
	}
	got := map[string]rekey.ProfileReference{}
	for _, r := range phoenixkit.Profile().References {
		got[r.Table+"."+r.Column] = r
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(want) != 66 || len(phoenixkit.Profile().References) != len(want) {
		t.Errorf("%d references, want %d", len(phoenixkit.Profile().References), len(want))
	}
}

// TestForeignKeysHaveV56Names checks that each of the 51 foreign keys of version 39 onto one of the 33 tables has V56's names,
// and that V56's rules for them hold: the column's stem with _uuid, and a foreign key named after both.
func TestForeignKeysHaveV56Names(t *testing.T) {
	named := map[string]rekey.ProfileReference{}
	for _, r := range phoenixkit.Profile().References {
		named[r.Table+"."+r.Column] = r
	}
	var parents []string
	for _, table := range phoenixkit.Profile().Tables {
		parents = append(parents, table.Name)
	}
	keys := 0
	for _, row := range readTable(t, "../internal/fixture/testdata/facts/constraints_v39.tsv") {
		if row["ref_table"] == "" || !slices.Contains(parents, row["ref_table"]) {
			continue
		}
		keys++
		r, ok := named[row["table"]+"."+row["columns"]]
		if !ok || r.Parent != row["ref_table"] || row["ref_columns"] != "id" {
			t.Errorf("%s: %+v", row["constraint"], r)
			continue
		}
		uuid := strings.TrimSuffix(r.Column, "_id") + "_uuid"
		short := strings.NewReplacer("phoenix_kit_", "", "db_sync_", "sync_").Replace(r.Table)
		if r.UUIDColumn != uuid || r.Constraint != "fk_"+short+"_"+uuid {
			t.Errorf("%s: column %s, foreign key %s", row["constraint"], r.UUIDColumn, r.Constraint)
		}
	}
	if keys != 51 {
		t.Errorf("%d foreign keys, want 51", keys)
	}
}

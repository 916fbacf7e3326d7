package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
)

// TestReadingOfScope checks the reading before goals can be compiled: of a profile its tables under every
// name, and the relations with the names of their indexes; of a selection the whole schema.
func TestReadingOfScope(t *testing.T) {
	selected := Selection{Naming: Naming{Column: "key"}, Overrides: map[string]Naming{"t": {Column: "own"}}}
	for name, test := range map[string]struct {
		scope Scope
		want  Reading
	}{
		"a profile": {profileRun("1").Scope, Reading{
			Relations: []string{"versions", "t", "t_uuid_idx", "renamed", "renamed_uuid_idx", "missing", "missing_uuid_idx"}, Column: "uuid", Evidence: "versions",
		}},
		"a selection": {Scope{Selection: selected}, Reading{All: true, Column: "key", Columns: map[string]string{"t": "own"}}},
	} {
		if diff := cmp.Diff(test.want, test.scope.Reading()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestChosenOfScope(t *testing.T) {
	view := newTable("v", 4)
	view.Kind = catalog.View
	s := schemaRun(func(s *Input) { s.Schema.Relations = append(s.Schema.Relations, view) })
	if got := s.Chosen(s.Schema); !cmp.Equal(got, []string{"t", "u"}) {
		t.Errorf("a selection: %v", got)
	}
	if got := profileRun("1").Chosen(s.Schema); !cmp.Equal(got, []string{"t", "renamed", "missing"}) {
		t.Errorf("a profile: %v", got)
	}
}

// TestKeyedTables checks from which version on all tables of a library are known to have the column as their primary key.
func TestKeyedTables(t *testing.T) {
	for version, want := range map[string]string{"2": "", "3": "versions_", "5": "versions_"} {
		s := profileRun(version)
		if s.Profile.KeyedFrom = 0; s.Goals().Version.Keyed != "" {
			t.Errorf("version %s: keyed without KeyedFrom", version)
		}
		if s.Profile.KeyedFrom = 3; s.Goals().Version.Keyed != want {
			t.Errorf("version %s: %q, want %q", version, s.Goals().Version.Keyed, want)
		}
	}
}

// TestRecognize checks that a function is recognized by the digest of its source, which a profile or a known library names.
func TestRecognize(t *testing.T) {
	others := []profile.Library{{Title: "Other", Function: profile.Function{Digest: "o", Needs: "n"}}}
	own := Scope{Profile: &profile.Profile{Name: "own", Function: profile.Function{Digest: "p"}}, Libraries: others}
	for name, test := range map[string]struct {
		scope  Scope
		digest string
		want   *catalog.Original
	}{
		"the profile's":         {own, "p", &catalog.Original{Library: "own"}},
		"another's":             {own, "o", &catalog.Original{Library: "Other", Needs: "n"}},
		"unknown":               {own, "x", nil},
		"without a profile":     {Scope{Libraries: others}, "o", &catalog.Original{Library: "Other", Needs: "n"}},
		"no digest":             {Scope{Libraries: []profile.Library{{}}}, "", nil},
		"a profile's elsewhere": {Scope{Libraries: others}, "p", nil},
	} {
		f := &catalog.Function{Digest: test.digest}
		if test.scope.Recognize(f); !cmp.Equal(f.Original, test.want) {
			t.Errorf("%s: %+v", name, f.Original)
		}
	}
}

// TestVersionedPlans checks that only a plan of a profile records a version.
func TestVersionedPlans(t *testing.T) {
	if Build(schemaRun()).Versioned() || !Build(profileRun("1")).Versioned() {
		t.Error("a schema run is versioned, or a profile's is not")
	}
}

package setting

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/profile"
)

// TestBounds checks that every setting accepts its default and its limits and nothing beyond, under both names.
func TestBounds(t *testing.T) {
	fields := map[string]bool{}
	for _, b := range bounds() {
		if b.least > b.most || b.fallback < b.least || b.fallback > b.most || fields[b.field] || texts()[b.flag] != "" {
			t.Errorf("%+v", b)
		}
		fields[b.field] = true
		for n, wrong := range map[int64]bool{b.least: false, b.most: false, b.fallback: false, b.least - 1: true, b.most + 1: b.most+1 > b.most || b.most+1 < b.least} {
			for _, naming := range []Style{Flags, Fields} {
				found := Check(Request{Style: naming, NoScope: true, Numbers: map[string]int64{b.flag: n}})
				if (len(found) > 0) != wrong || wrong && (found[0].Code != b.code || !strings.Contains(found[0].Message, naming.name(b.flag)+" cannot be")) {
					t.Errorf("%s %d: %v", b.flag, n, found)
				}
			}
		}
	}
	if Range("lock-timeout") != "1ms to 1s" || Range("batch-time") != "1ms to 10s" || Range("parallel") != "1 to 32" || Default("lock-timeout") != 50*time.Millisecond || Or("lock-timeout", time.Second) != time.Second {
		t.Errorf("%s, %s, %s", Range("lock-timeout"), Range("batch-time"), Range("parallel"))
	}
}

func library() profile.Profile {
	return profile.Profile{
		Name: "kit", VersionTable: "kit_version", Column: "uuid", From: 1, To: 2, VerifyFrom: 4, Last: 3,
		Tables:     []profile.Table{{Name: "users", Time: "created_at"}, {Name: "old", Renamed: &profile.Rename{Version: 3, Name: "new"}}},
		References: []profile.Reference{{Table: "posts", Column: "user_id", Parent: "users", UUIDColumn: "user_uuid"}},
	}
}

// TestProfileRefusals checks that the refusal of a profile names it and the wrong field.
func TestProfileRefusals(t *testing.T) {
	long := strings.Repeat("x", 64)
	if found := CheckProfile(library()); len(found) > 0 {
		t.Fatal(found)
	}
	for field, spoil := range map[string]func(*profile.Profile){
		"the profile has no Name":              func(p *profile.Profile) { p.Name = "" },
		"has a Name of 64 bytes":               func(p *profile.Profile) { p.Name = long },
		"kit has no VersionTable":              func(p *profile.Profile) { p.VersionTable = "" },
		"kit has no Column":                    func(p *profile.Profile) { p.Column = "" },
		"kit has a Column of 64":               func(p *profile.Profile) { p.Column = long },
		"kit has a Column of 1 b":              func(p *profile.Profile) { p.Column = "\x00" },
		"kit has To 1":                         func(p *profile.Profile) { p.To = 1 },
		"kit has From -1":                      func(p *profile.Profile) { p.From = -1 },
		"kit has Last 0":                       func(p *profile.Profile) { p.Last = 0 },
		"kit has Last 1":                       func(p *profile.Profile) { p.Last = 1 },
		"kit has VerifyFrom 0":                 func(p *profile.Profile) { p.VerifyFrom = 0 },
		"kit has VerifyFrom 2":                 func(p *profile.Profile) { p.VerifyFrom = 2 },
		"kit has no Tables":                    func(p *profile.Profile) { p.Tables = nil },
		"kit has an empty name in Tables[0]":   func(p *profile.Profile) { p.Tables[0].Name = "" },
		"kit has an empty name in Tables[1]":   func(p *profile.Profile) { p.Tables[1].Renamed.Name = "" },
		`kit has table "users" more`:           func(p *profile.Profile) { p.Tables[1].Name = "users" },
		`kit has table "old" more`:             func(p *profile.Profile) { p.Tables[1].Renamed.Name = "old" },
		"kit has a name in Tables[0] of 64":    func(p *profile.Profile) { p.Tables[0].Name = long },
		"kit has a Time in Tables[0] of 64":    func(p *profile.Profile) { p.Tables[0].Time = long },
		`kit renames "old" at version 2`:       func(p *profile.Profile) { p.Tables[1].Renamed.Version = 2 },
		`kit has Parent "newer"`:               func(p *profile.Profile) { p.References[0].Parent = "newer" },
		"kit has no Table in References[0]":    func(p *profile.Profile) { p.References[0].Table = "" },
		"kit has no Column in References[0]":   func(p *profile.Profile) { p.References[0].Column = "" },
		"kit has no UUIDColumn in Ref":         func(p *profile.Profile) { p.References[0].UUIDColumn = "" },
		"kit has a Constraint in Refe":         func(p *profile.Profile) { p.References[0].Constraint = long },
		"kit has a Function.Digest th":         func(p *profile.Profile) { p.Function.Digest = "D" },
		"kit has a Column that looks like a c": func(p *profile.Profile) { p.Column = "postgres://a:hunter2@b" },
	} {
		p := library()
		spoil(&p)
		found := CheckProfile(p)
		if len(found) != 1 || !strings.Contains(found[0].Message, field) || found[0].Code != "bad_profile" || found[0].Hint == "" {
			t.Errorf("%s: %v", field, found)
		}
		if text := found.Error(); strings.Contains(text, "PhoenixKit") || strings.Contains(text, "hunter2") || strings.ContainsRune(text, 0) {
			t.Errorf("%s: %s", field, text)
		}
	}
	if found := CheckProfile(profile.Profile{}); len(found) < 4 {
		t.Errorf("an empty profile has only these faults: %v", found)
	}
}

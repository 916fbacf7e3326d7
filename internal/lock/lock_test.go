package lock

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

func table(name string) sqltext.Table { return sqltext.Table{Schema: "app", Name: name} }

func TestInOrder(t *testing.T) {
	only := sqltext.Table{Schema: "app", Name: "b", Only: true}
	got := InOrder([]Lock{On(table("b"), ShareRowExclusive), On(table("a"), AccessExclusive), On(only, AccessExclusive), {only, ShareUpdateExclusive}})
	want := []Lock{On(table("a"), AccessExclusive), On(table("b"), AccessExclusive)}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := InOrder([]Lock{On(only, AccessExclusive), On(only, ShareRowExclusive)}); !slices.Equal(got, []Lock{On(only, AccessExclusive)}) {
		t.Errorf("%v", got)
	}
}

func TestSQL(t *testing.T) {
	for want, locks := range map[string][]Lock{
		"": nil,
		`LOCK TABLE "app"."a", "app"."b" IN SHARE ROW EXCLUSIVE MODE`: {On(table("b"), ShareRowExclusive), On(table("a"), ShareRowExclusive)},
		`LOCK TABLE ONLY "app"."a" IN ACCESS EXCLUSIVE MODE`:          {On(sqltext.Table{Schema: "app", Name: "a", Only: true}, AccessExclusive)},
		`DO $rekey$BEGIN LOCK TABLE "app"."a" IN ACCESS EXCLUSIVE MODE; LOCK TABLE "app"."b" IN SHARE ROW EXCLUSIVE MODE; END$rekey$`: {
			On(table("b"), ShareRowExclusive), On(table("a"), AccessExclusive),
		},
	} {
		if got := SQL(locks); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestBlocking(t *testing.T) {
	locks := []Lock{On(table("a"), ShareUpdateExclusive), On(table("b"), ShareRowExclusive), On(table("c"), AccessExclusive)}
	if got := Blocking(locks); !slices.Equal(got, locks[1:]) {
		t.Errorf("%v", got)
	}
	if got := Exclusive(locks); !slices.Equal(got, locks[2:]) {
		t.Errorf("%v", got)
	}
}

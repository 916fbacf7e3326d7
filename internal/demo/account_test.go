package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccount(t *testing.T) {
	mine := row{id: 7, value: "a", sum: 1, key: "k", own: true}
	with := func(change func(*row)) row { r := mine; change(&r); return r }
	for _, c := range []struct {
		name        string
		want, there []row
		keyed       bool
		account     Account
	}{
		{name: "equal", want: []row{mine}, there: []row{mine}, keyed: true, account: Account{Rows: 1, OwnKeys: 1, Kept: 1}},
		{name: "equal without uuids", want: []row{mine}, there: []row{with(func(r *row) { r.key = "" })}, account: Account{Rows: 1}},
		{name: "gone", want: []row{mine}, account: Account{Rows: 1, Lost: 1, Example: "t, id 7, is missing"}},
		{name: "back", there: []row{mine}, account: Account{Lost: 1, Example: "t, id 7, exists and was deleted or never written"}},
		{
			name: "field", want: []row{mine}, there: []row{with(func(r *row) { r.value, r.sum = "b", 2 })},
			account: Account{Rows: 1, Lost: 1, Example: `t, id 7, has "b" instead of "a"`},
		},
		{
			name: "other columns", want: []row{mine}, there: []row{with(func(r *row) { r.sum = 2 })},
			account: Account{Rows: 1, Lost: 1, Example: "t, id 7, has changed values in old columns"},
		},
		{
			name: "another uuid", want: []row{mine}, there: []row{with(func(r *row) { r.key = "l" })}, keyed: true,
			account: Account{Rows: 1, OwnKeys: 1, Replaced: 1, Example: `t, id 7, has the uuid "l" instead of "k"`},
		},
		{
			name: "uuid of the database's own", want: []row{with(func(r *row) { r.key, r.own = "", false })}, there: []row{mine}, keyed: true,
			account: Account{Rows: 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a Account
			a.compare("t", byID(c.want), byID(c.there), c.keyed)
			if diff := cmp.Diff(c.account, a); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func byID(rows []row) map[int64]row {
	all := map[int64]row{}
	for _, r := range rows {
		all[r.id] = r
	}
	return all
}

package phoenixkit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// with sets the source of the values of one table.
func with(table string, source rekey.ValueSource) func(*phoenixkit.Options) {
	return func(o *phoenixkit.Options) { o.Tables = map[string]rekey.TableOptions{table: {Values: source}} }
}

// newest is one server, for what does not depend on its version.
func newest(t *testing.T) *server.Cluster {
	t.Helper()
	return servertest.Cluster(t, slices.Max(servertest.Versions(t)))
}

func (h *house) verify() rekey.Report {
	h.t.Helper()
	report, err := phoenixkit.Verify(h.t.Context(), h.pool(owner), phoenixkit.Options{})
	if err != nil {
		h.t.Errorf("verify: %v", err)
	}
	return report
}

func (h *house) reported(table string) rekey.TableReport {
	h.t.Helper()
	report := h.verify()
	i := slices.IndexFunc(report.Tables, func(t rekey.TableReport) bool { return t.Table == table })
	if i < 0 {
		h.t.Fatalf("no %s in the report", table)
	}
	return report.Tables[i]
}

// inversions counts the rows of a table that their uuids put in another place than time and id do.
func inversions(table, column string) string {
	return sqltext.Format(`SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY uuid) AS stands,
		row_number() OVER (ORDER BY {}, id) AS ought FROM public.{}) placed WHERE stands <> ought`, sqltext.Name(column), sqltext.Name(table))
}

// Every one of the 33 tables sorts by its uuid as by its time and id, and verify has looked at each row.
func TestEveryTableInTheOrderOfCreation(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, full)
		h.mustDo(`UPDATE phoenix_kit_users SET inserted_at = '2023-01-01' WHERE id <= 4; UPDATE phoenix_kit_users SET inserted_at = '1969-07-20' WHERE id = 5`)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		for _, table := range phoenixkit.Profile().Tables {
			if n := one[int](h, inversions(table.Name, table.TimeColumn)); n > 0 {
				t.Errorf("%s: %d rows out of order", table.Name, n)
			}
		}
		for _, table := range h.verify().Tables {
			o := table.Order
			if o == nil || o.Source != "column" || o.Judged+o.WithoutTime != table.Rows || o.PairsOutOfOrder+o.TimesDiffer != 0 {
				t.Errorf("%s, %d rows: %+v", table.Table, table.Rows, o)
			}
			if early := int64(1); table.Table == "phoenix_kit_users" && o.ClampedEarly != early {
				t.Errorf("%d rows from before 1970", o.ClampedEarly)
			}
		}
	})
}

// What happens to rows after up is counted, and is no fault; two values that changed places are one.
func TestVerifyJudgesTheOrder(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const table = "phoenix_kit_users"
		h := build(t, c, risen)
		before := h.reported(table)
		h.mustDo(strings.NewReplacer("%", "", "@", "").Replace(insertUser) +
			"; UPDATE phoenix_kit_users SET inserted_at = inserted_at - interval '1 day' WHERE id = (SELECT min(id) FROM phoenix_kit_users)")
		after := h.reported(table)
		if !after.OK || after.Order.New != 1 || after.Order.TimesDiffer != 1 || after.Order.Judged != before.Rows {
			t.Errorf("%+v", after.Order)
		}
		if _, err := h.down(owner); err != nil {
			t.Fatal(err)
		}
		h.mustDo("UPDATE phoenix_kit_users SET inserted_at = '2024-02-29 12:00'")
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		h.mustDo(`DROP INDEX phoenix_kit_users_uuid_idx; CREATE TABLE swapped AS SELECT id, lead(uuid, 1, first) OVER (ORDER BY id) AS uuid
				FROM (SELECT id, uuid, first_value(uuid) OVER (ORDER BY id) AS first FROM phoenix_kit_users ORDER BY id LIMIT 2) two;
			UPDATE phoenix_kit_users u SET uuid = s.uuid FROM swapped s WHERE s.id = u.id;
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON phoenix_kit_users (uuid)`)
		report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
		if !errors.Is(err, problem.ErrDiffers) || len(report.Differences) != 1 || !strings.Contains(report.Differences[0], "out of the order") {
			t.Errorf("%v: %q", err, report.Differences)
		}
		h.mustDo("DROP SCHEMA rekey CASCADE")
		if lost := h.reported(table); lost.Order.NotJudged == "" || lost.Order.Judged != 0 {
			t.Errorf("judged without the moment: %+v", lost.Order)
		}
	})
}

// A table that was asked for gets version 4, keeps to it without being asked again, and loses it by down.
func TestRandom(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const table = "phoenix_kit_users"
		h := build(t, c, small)
		random := with(table, rekey.RandomValues())
		h.mustDo(filled("CREATE SCHEMA rekey AUTHORIZATION {owner}"))
		if _, err := h.up(owner, random); err != nil {
			t.Fatal(err)
		}
		h.mustDo(strings.NewReplacer("%", "", "@", "").Replace(insertUser))
		if got := h.reported(table); !got.OK || !got.Random || got.Order != nil || got.NotV4 != 0 || got.Rows != 6 {
			t.Errorf("%+v", got)
		}
		for _, again := range []func(*phoenixkit.Options){random, with(table, rekey.ValueSource{})} {
			if result, err := h.up(owner, again); err != nil || !result.NothingToDo {
				t.Errorf("%v: %+v", err, result)
			}
		}
		late := with("phoenix_kit_email_templates", rekey.RandomValues())
		if _, err := h.up(owner, late); !errors.Is(err, problem.ErrRefused) || !strings.Contains(err.Error(), "has UUIDv7 already") {
			t.Errorf("values that were handed out: %v", err)
		}
		h.mustDo("UPDATE phoenix_kit_users SET uuid = public.uuid_generate_v7() WHERE id = 1")
		if report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); !errors.Is(err, problem.ErrDiffers) {
			t.Errorf("a v7 among v4: %+v", report)
		}
		if _, err := h.down(owner); err != nil {
			t.Fatal(err)
		}
		if one[bool](h, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')") {
			t.Error("the column is still there")
		}
	})
}

// What the database says to the words is found before anything is changed.
func TestValuesThatCannotBe(t *testing.T) {
	const table = "phoenix_kit_users"
	c := newest(t)
	h := build(t, c, small)
	h.mustDo(filled("CREATE SCHEMA rekey AUTHORIZATION {owner}"))
	for says, test := range map[string]struct {
		option func(*phoenixkit.Options)
		kind   error
	}{
		"has no column born":                       {with(table, rekey.TimeColumn("born")), problem.ErrRefused},
		"column id of public.phoenix_kit_users is": {with(table, rekey.TimeColumn("id")), problem.ErrRefused},
		`no time zone "Berlim"`:                    {func(o *phoenixkit.Options) { o.Values.TimeZone = "Berlim" }, problem.ErrUsage},
		`has no table "phoenix_kit_user"`:          {with("phoenix_kit_user", rekey.RandomValues()), problem.ErrUsage},
		"cannot have both": {func(o *phoenixkit.Options) {
			o.Tables = map[string]rekey.TableOptions{
				"phoenix_kit_sync_transfers":    {Values: rekey.RandomValues()},
				"phoenix_kit_db_sync_transfers": {Values: rekey.TimeColumn("inserted_at")},
			}
		}, problem.ErrUsage},
	} {
		if _, err := h.up(owner, test.option); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if one[bool](h, "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'uuid_generate_v7')") {
		t.Error("something was changed")
	}
}

// A journal that a DBA made serves a role that may not create in its schema, but for tables that need
// notes of their order.
func TestOrderInAnothersJournal(t *testing.T) {
	c := newest(t)
	h := build(t, c, risen)
	if _, err := h.down(owner); err != nil {
		t.Fatal(err)
	}
	h.mustDo(filled(`ALTER SCHEMA rekey OWNER TO postgres; GRANT USAGE ON SCHEMA rekey TO {owner}`))
	if _, err := h.up(owner); err != nil {
		t.Fatal(err)
	}
	if _, err := h.down(owner); err != nil {
		t.Fatal(err)
	}
	h.mustDo("UPDATE pg_class SET reltuples = 1e7 WHERE relname = 'phoenix_kit_email_templates'") // as the estimate of a large one
	_, err := h.up(owner)
	if !errors.Is(err, problem.ErrRefused) || !strings.Contains(err.Error(), "phoenix_kit_email_templates cannot be filled in the order") {
		t.Errorf("%v", err)
	}
	if _, err := h.up(owner, func(o *phoenixkit.Options) { o.Values.Source = rekey.MigrationTime() }); err != nil {
		t.Error(err)
	}
}

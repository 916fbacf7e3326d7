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

// with sets the source of one table's values.
func with(table string, source rekey.ValueSource) func(*phoenixkit.Options) {
	return func(o *phoenixkit.Options) { o.Tables = map[string]rekey.TableOptions{table: {Values: source}} }
}

// newest returns a server of the newest version, for tests that do not depend on it.
func newest(t *testing.T) *server.Cluster {
	t.Helper()
	return servertest.Cluster(t, slices.Max(servertest.Versions(t)))
}

func (h *database) verify() rekey.Report {
	h.t.Helper()
	report, err := phoenixkit.Verify(h.t.Context(), h.pool(owner), phoenixkit.Options{})
	if err != nil {
		h.t.Errorf("verify: %v", err)
	}
	return report
}

func (h *database) tableReport(table string) rekey.TableReport {
	h.t.Helper()
	report := h.verify()
	i := slices.IndexFunc(report.Tables, func(t rekey.TableReport) bool { return t.Table == table })
	if i < 0 {
		h.t.Fatalf("no %s in the report", table)
	}
	return report.Tables[i]
}

// inversions writes a query that counts rows whose position by uuid differs from their position by time and id.
func inversions(table, column string) string {
	return sqltext.Format(`SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY uuid) AS actual,
		row_number() OVER (ORDER BY {}, id) AS expected FROM public.{}) positions WHERE actual <> expected`, sqltext.Name(column), sqltext.Name(table))
}

// Each of the 33 tables sorts by uuid as by time and id, and verify checks every row.
func TestTablesAreOrderedByCreation(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, full)
		h.mustExec(`UPDATE phoenix_kit_users SET inserted_at = '2023-01-01' WHERE id <= 4; UPDATE phoenix_kit_users SET inserted_at = '1969-07-20' WHERE id = 5`)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		for _, table := range phoenixkit.Profile().Tables {
			if n := queryOne[int](h, inversions(table.Name, table.TimeColumn)); n > 0 {
				t.Errorf("%s: %d rows out of order", table.Name, n)
			}
		}
		for _, table := range h.verify().Tables {
			o := table.Order
			if o == nil || o.Source != "column" || o.Judged+o.WithoutTime != table.Rows || o.PairsOutOfOrder+o.TimesDiffer != 0 {
				t.Errorf("%s, %d rows: %+v", table.Table, table.Rows, o)
			}
			if early := int64(1); table.Table == "phoenix_kit_users" && o.ClampedEarly != early {
				t.Errorf("%d rows clamped to 1970", o.ClampedEarly)
			}
		}
	})
}

// Changes to rows after up are counted and are no difference. Two swapped values are a difference.
func TestVerifyChecksTheOrder(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const table = "phoenix_kit_users"
		h := build(t, c, migrated)
		before := h.tableReport(table)
		h.mustExec(strings.NewReplacer("%", "", "@", "").Replace(insertUser) +
			"; UPDATE phoenix_kit_users SET inserted_at = inserted_at - interval '1 day' WHERE id = (SELECT min(id) FROM phoenix_kit_users)")
		after := h.tableReport(table)
		if !after.OK || after.Order.New != 1 || after.Order.TimesDiffer != 1 || after.Order.Judged != before.Rows {
			t.Errorf("%+v", after.Order)
		}
		if _, err := h.down(owner); err != nil {
			t.Fatal(err)
		}
		h.mustExec("UPDATE phoenix_kit_users SET inserted_at = '2024-02-29 12:00'")
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		h.mustExec(`DROP INDEX phoenix_kit_users_uuid_idx; CREATE TABLE swapped AS SELECT id, lead(uuid, 1, first) OVER (ORDER BY id) AS uuid
				FROM (SELECT id, uuid, first_value(uuid) OVER (ORDER BY id) AS first FROM phoenix_kit_users ORDER BY id LIMIT 2) pair;
			UPDATE phoenix_kit_users u SET uuid = s.uuid FROM swapped s WHERE s.id = u.id;
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON phoenix_kit_users (uuid)`)
		report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
		if !errors.Is(err, problem.ErrDiffers) || len(report.Differences) != 1 || !strings.Contains(report.Differences[0], "out of creation order") {
			t.Errorf("%v: %q", err, report.Differences)
		}
		h.mustExec("DROP SCHEMA rekey CASCADE")
		if lost := h.tableReport(table); lost.Order.NotJudged == "" || lost.Order.Judged != 0 {
			t.Errorf("order checked without the journal: %+v", lost.Order)
		}
	})
}

// A table with random values gets UUIDv4, keeps them in later runs without the option, and loses them by down.
func TestRandomValues(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		const table = "phoenix_kit_users"
		h := build(t, c, small)
		random := with(table, rekey.RandomValues())
		h.mustExec(filled("CREATE SCHEMA rekey AUTHORIZATION {owner}"))
		if _, err := h.up(owner, random); err != nil {
			t.Fatal(err)
		}
		h.mustExec(strings.NewReplacer("%", "", "@", "").Replace(insertUser))
		if got := h.tableReport(table); !got.OK || !got.Random || got.Order != nil || got.NotV4 != 0 || got.Rows != 6 {
			t.Errorf("%+v", got)
		}
		for _, again := range []func(*phoenixkit.Options){random, with(table, rekey.ValueSource{})} {
			if result, err := h.up(owner, again); err != nil || !result.NothingToDo {
				t.Errorf("%v: %+v", err, result)
			}
		}
		late := with("phoenix_kit_email_templates", rekey.RandomValues())
		if _, err := h.up(owner, late); !errors.Is(err, problem.ErrRefused) || !strings.Contains(err.Error(), "contains UUIDv7 values") {
			t.Errorf("random values for a table with UUIDv7: %v", err)
		}
		h.mustExec("UPDATE phoenix_kit_users SET uuid = public.uuid_generate_v7() WHERE id = 1")
		if report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); !errors.Is(err, problem.ErrDiffers) {
			t.Errorf("a UUIDv7 among random values: %+v", report)
		}
		if _, err := h.down(owner); err != nil {
			t.Fatal(err)
		}
		if queryOne[bool](h, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'phoenix_kit_users'::regclass AND attname = 'uuid')") {
			t.Error("down left the column")
		}
	})
}

// Values that do not fit the database are refused before any change.
func TestInvalidValueOptions(t *testing.T) {
	const table = "phoenix_kit_users"
	c := newest(t)
	h := build(t, c, small)
	h.mustExec(filled("CREATE SCHEMA rekey AUTHORIZATION {owner}"))
	for text, test := range map[string]struct {
		option func(*phoenixkit.Options)
		kind   error
	}{
		"has no column born":                           {with(table, rekey.TimeColumn("born")), problem.ErrRefused},
		"column id of public.phoenix_kit_users has no": {with(table, rekey.TimeColumn("id")), problem.ErrRefused},
		`time zone "Berlim" of`:                        {func(o *phoenixkit.Options) { o.Values.TimeZone = "Berlim" }, problem.ErrUsage},
		`has no table "phoenix_kit_user"`:              {with("phoenix_kit_user", rekey.RandomValues()), problem.ErrUsage},
		"contradictory settings for table": {func(o *phoenixkit.Options) {
			o.Tables = map[string]rekey.TableOptions{
				"phoenix_kit_sync_transfers":    {Values: rekey.RandomValues()},
				"phoenix_kit_db_sync_transfers": {Values: rekey.TimeColumn("inserted_at")},
			}
		}, problem.ErrUsage},
	} {
		if _, err := h.up(owner, test.option); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if queryOne[bool](h, "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'uuid_generate_v7')") {
		t.Error("a refused run changed the schema")
	}
}

// A journal that a DBA created works for a role that may not create tables in it, except for tables whose order must be
// recorded.
func TestOrderWithJournalOfAnotherRole(t *testing.T) {
	c := newest(t)
	h := build(t, c, migrated)
	if _, err := h.down(owner); err != nil {
		t.Fatal(err)
	}
	h.mustExec(filled(`ALTER SCHEMA rekey OWNER TO postgres; GRANT USAGE ON SCHEMA rekey TO {owner}`))
	if _, err := h.up(owner); err != nil {
		t.Fatal(err)
	}
	if _, err := h.down(owner); err != nil {
		t.Fatal(err)
	}
	h.mustExec("UPDATE pg_class SET reltuples = 1e7 WHERE relname = 'phoenix_kit_email_templates'") // the estimate of a large table
	_, err := h.up(owner)
	if !errors.Is(err, problem.ErrRefused) || !strings.Contains(err.Error(), "could not fill public.phoenix_kit_email_templates in order of creation") {
		t.Errorf("%v", err)
	}
	if _, err := h.up(owner, func(o *phoenixkit.Options) { o.Values.Source = rekey.MigrationTime() }); err != nil {
		t.Error(err)
	}
}

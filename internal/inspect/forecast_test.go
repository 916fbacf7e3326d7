package inspect

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A role without any right reads the load too, without the sizes that only pg_monitor may see.
func TestLoad(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, "SELECT pg_create_physical_replication_slot('rekey_load', true)")
		defer servertest.Execute(t, pool, "SELECT pg_drop_replication_slot('rekey_load')")
		release := servertest.Hold(t, pool, "SELECT 'SECRET', txid_current()")
		defer release()
		read := func(role string) (load catalog.Load) {
			t.Helper()
			err := pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
				if role != "" {
					if _, err := tx.Exec(t.Context(), "SET LOCAL ROLE "+role); err != nil {
						return err
					}
				}
				load, err = loadWith(t.Context(), tx, []uint32{1663}, 0)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return load
		}
		all := read("")
		slot := slices.IndexFunc(all.Slots, func(s catalog.Slot) bool { return s.Name == "rekey_load" && !s.Active && s.Status == "reserved" })
		held := slices.ContainsFunc(all.Transactions, func(a catalog.Transaction) bool {
			return a.PID != 0 && strings.HasPrefix(a.State, "idle in") && a.Age > 0
		})
		if slot < 0 || !held || all.MaxWAL != 1<<30 || all.Segment != 16<<20 || all.MaxSlotWAL != -1 || all.WALDirectory == 0 || all.DataDirectory == "" ||
			!all.Local || all.Free < 20 || all.RoleFree != -1 || len(all.Tablespaces) != 1 || all.FreezeAge == 0 || all.CheckpointTimeout == 0 {
			t.Errorf("%+v", all)
		}
		poor := read("pg_signal_backend")
		if poor.MaxWAL != all.MaxWAL || poor.WALDirectory != 0 || poor.DataDirectory != "" || len(poor.Slots) != len(all.Slots) {
			t.Errorf("%+v", poor)
		}
	})
}

// pgstattuple is asked only if its owner is trusted; a function of its name that somebody else has made is not.
func TestFreeSpace(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, `CREATE TABLE public.t AS SELECT n FROM generate_series(1, 10000) AS n;
			DELETE FROM public.t WHERE n % 2 = 0`)
		function := func(tx pg.Tx) (found sqltext.Table, err error) {
			server, err := Server(t.Context(), pool)
			if err == nil {
				found, err = FreeSpaceFunction(t.Context(), tx, server)
			}
			return found, err
		}
		var found sqltext.Table
		find := func() {
			t.Helper()
			if err := pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) { found, err = function(tx); return err }); err != nil {
				t.Fatal(err)
			}
		}
		if find(); found.Name != "" {
			t.Errorf("%+v without the extension", found)
		}
		if _, err := pool.Exec(t.Context(), `CREATE SCHEMA "Ext"; CREATE EXTENSION pgstattuple SCHEMA "Ext"`); err != nil {
			t.Skip("the server has no pgstattuple")
		}
		if find(); found != (sqltext.Table{Schema: "Ext", Name: "pgstattuple_approx"}) {
			t.Fatalf("%+v", found)
		}
		var oid uint32
		if err := pool.QueryRow(t.Context(), "SELECT 'public.t'::regclass::oid").Scan(&oid); err != nil {
			t.Fatal(err)
		}
		if share, ok := FreeSpace(t.Context(), pool, found, oid); !ok || share < 0.3 || share > 0.6 {
			t.Errorf("%.2f %t", share, ok)
		}
		if _, ok := FreeSpace(t.Context(), pool, found, 1); ok {
			t.Error("a table that does not exist has free space")
		}
	})
}

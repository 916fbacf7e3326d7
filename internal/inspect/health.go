package inspect

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

type (
	settingRow struct{ Name, Value, Unit, Source string }
	holderRow  struct {
		Table                    string
		PID                      int
		Application, State, Mode string
		Seconds                  float64
		Autovacuum               bool
	}
	nameRow      struct{ Schema, Name string }
	extensionRow struct{ Installed, Available bool }
)

// lockAge is the age from which a holder of a lock is reported: a run does not queue behind such a transaction.
const lockAge = time.Second

// settingsOfInterest are the settings that a doctor reads.
func settingsOfInterest() []string {
	return []string{
		"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout", "min_wal_size", "max_wal_size", "wal_level",
		"synchronous_standby_names", "synchronous_commit", "hot_standby_feedback", "track_activities", "track_counts", "autovacuum",
		"max_slot_wal_keep_size", "max_prepared_transactions", "track_io_timing", "temp_file_limit", "checkpoint_timeout", "idle_session_timeout",
	}
}

// Health reads the settings of a new session and who holds locks on tables.
func Health(ctx context.Context, tx pg.Tx, tables []uint32) (catalog.Health, error) {
	health := catalog.Health{Settings: map[string]catalog.Setting{}}
	oids := make([]int64, len(tables))
	for i, oid := range tables {
		oids[i] = int64(oid)
	}
	err := tx.QueryAll(
		ctx,
		query("settings", func(r settingRow) {
			health.Settings[r.Name] = catalog.Setting{Value: r.Value, Unit: r.Unit, Source: r.Source}
		}, settingsOfInterest()),
		query("lock_holders", func(r holderRow) {
			health.Holders = append(health.Holders, catalog.Holder{
				Table: r.Table, PID: r.PID, Application: r.Application, State: r.State, Mode: r.Mode, Age: time.Duration(r.Seconds * float64(time.Second)),
				Autovacuum: r.Autovacuum,
			})
		}, oids, lockAge.Seconds()),
		query("unvacuumed", func(r nameRow) {
			health.Unvacuumed = append(health.Unvacuumed, sqltext.Table{Schema: r.Schema, Name: r.Name})
		}, oids),
		query("stat_tuple", func(r extensionRow) { health.StatTuple, health.StatTupleAvailable = r.Installed, r.Available }),
	)
	if err == nil {
		err = tx.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&health.Now)
	}
	return health, err
}

package inspect

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/trust"
)

// freeSpaceTime bounds the reading of one table's free space: pgstattuple_approx reads the pages that are not all-visible.
const freeSpaceTime = 500 * time.Millisecond

// FreeSpaceFunction returns pgstattuple_approx of the extension pgstattuple, if it is installed, the role may call it and trusts its
// owner; else the zero value.
func FreeSpaceFunction(ctx context.Context, tx pg.Tx, server catalog.Server) (sqltext.Table, error) {
	names := make([]string, len(server.Role.Trusts))
	for i, name := range server.Role.Trusts {
		names[i] = sqltext.Format("{}", sqltext.Value(name))
	}
	owner := trust.OwnerSQL("p.proowner", "ARRAY["+strings.Join(names, ", ")+"]::text[]", server.Major())
	found := sqltext.Table{}
	err := tx.QueryRow(ctx, queryText("free_space_function")+" AND "+owner).Scan(&found.Schema, &found.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return found, nil
	}
	return found, err
}

// FreeSpace returns which share of a table is free, or was dead rows, according to pgstattuple_approx; ok is false if it takes too
// long or fails.
func FreeSpace(ctx context.Context, pool *pgxpool.Pool, function sqltext.Table, table uint32) (share float64, ok bool) {
	settings := pg.Settings{ReadOnly: true, Lock: freeSpaceTime / 2, Statement: freeSpaceTime, Idle: 4 * freeSpaceTime}
	err := pg.Run(ctx, pool, settings, func(tx pg.Tx) error {
		query := sqltext.Format("SELECT (s.approx_free_space + s.dead_tuple_len) / greatest(s.table_len, 1)::float8 FROM {}({}::oid::regclass) AS s", function, table)
		return tx.QueryRow(ctx, query).Scan(&share)
	})
	return share, err == nil
}

package survey

import (
	"context"
	_ "embed"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/zones.sql
var zonesQuery string

// resolveZone returns a time zone's name as the server writes it; "" for UTC. For an unknown name it returns a
// problem that suggests the nearest one.
func resolveZone(ctx context.Context, pool *pgxpool.Pool, wanted string) (string, error) {
	if wanted == "" || strings.EqualFold(wanted, "UTC") {
		return "", nil
	}
	var names []string
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		found, err := tx.Query(ctx, zonesQuery)
		if err == nil {
			names, err = pgx.CollectRows(found, pgx.RowTo[string])
		}
		return err
	})
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if strings.EqualFold(name, wanted) {
			return name, nil
		}
	}
	return "", message.UnknownZone(wanted, nearestZone(wanted, names))
}

// nearestZone compares the last part of each name first, so that it returns Europe/Berlin for Berlin, and then
// whole names.
func nearestZone(wanted string, names []string) string {
	for _, name := range names {
		if at := strings.LastIndex(name, "/"); strings.EqualFold(name[at+1:], wanted) {
			return name
		}
	}
	return message.Nearest(wanted, names)
}

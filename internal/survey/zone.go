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

// zone gives a time zone as the server writes it; of one that it does not know it says which was meant.
func zone(ctx context.Context, pool *pgxpool.Pool, asked string) (string, error) {
	if asked == "" || strings.EqualFold(asked, "UTC") {
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
		if strings.EqualFold(name, asked) {
			return name, nil
		}
	}
	return "", message.UnknownZone(asked, nearest(asked, names))
}

// nearest looks at whole names, and at their last parts: Berlin is Europe/Berlin.
func nearest(asked string, names []string) string {
	for _, name := range names {
		if at := strings.LastIndex(name, "/"); strings.EqualFold(name[at+1:], asked) {
			return name
		}
	}
	return message.Nearest(asked, names)
}

package rehearse

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// ownMark is the comment on a scratch database that its rehearsal drops.
const ownMark = "scratch database of rekey rehearse; the next rehearsal on this server drops it once it has no session"

// mark holds a session in the scratch database and then marks it. If the process is killed, the session ends and the mark stays.
func (r *rehearsal) mark(ctx context.Context) (err error) {
	if r.held, err = pgx.ConnectConfig(ctx, r.at); err != nil || r.Keep {
		return err
	}
	_, err = r.held.Exec(ctx, sqltext.Format("COMMENT ON DATABASE {} IS {}", sqltext.Name(r.result.Database), sqltext.Value(ownMark)))
	return err
}

// leftQuery returns the scratch databases of the role that are marked and have no session.
const leftQuery = `SELECT d.datname::text
FROM pg_catalog.pg_database d
WHERE d.datname ~ '^rekey_rehearsal_[0-9a-f]{12}$'
  AND d.datdba = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
  AND pg_catalog.shobj_description(d.oid, 'pg_database') = $1::text
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
ORDER BY 1`

// dropLeft drops the scratch databases of rehearsals that were killed. A database in use is none: DROP DATABASE refuses it.
func (r *rehearsal) dropLeft(ctx context.Context, admin *pgxpool.Pool) error {
	rows, err := admin.Query(ctx, leftQuery, ownMark)
	if err != nil {
		return err
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range left {
		if _, err := admin.Exec(ctx, sqltext.Format("DROP DATABASE IF EXISTS {}", sqltext.Name(name))); err != nil {
			if ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			r.Say("database " + name + " of an earlier rehearsal was not dropped: " + visible.Error(err))
			continue
		}
		r.Say("dropped " + name + ", which a rehearsal that was killed has left")
	}
	return nil
}

package verify

import (
	"errors"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/visible"
)

// explainUnreadable returns a problem if the role may not read all rows of a table, because it lacks a right or a
// policy hides rows: counting the visible rows would prove nothing. Other errors are returned as they are.
func explainUnreadable(err error, t step.Target, role catalog.Role) error {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || serverErr.Code != pgerrcode.InsufficientPrivilege {
		return err
	}
	return message.TableUnreadable(t.String(), t.Relation(), role.Name, visible.ServerMessage(serverErr), err)
}

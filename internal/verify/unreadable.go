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

// unreadable tells what a role lacks that may not count a table's rows: all of them, or those that a
// policy hides from it. Counting what is seen would prove nothing.
func unreadable(err error, t step.Target, role catalog.Role) error {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refusal.Code != pgerrcode.InsufficientPrivilege {
		return err
	}
	return message.Unreadable(t.String(), t.Relation(), role.Name, visible.ServerMessage(refusal), err)
}

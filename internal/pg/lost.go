package pg

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// IdleSessionTimeout is idle_session_timeout's SQLSTATE, from 14 on.
const IdleSessionTimeout = "57P05"

// Lost reports whether an error means that a connection was lost, or could not be opened for a moment: the same
// may succeed on another one. The session was ended by a timeout, an administrator or a crash, or the network
// failed. A context that ended is none.
func Lost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return lostBy(said.Code)
	}
	var connect *pgconn.ConnectError
	var silent *SilentError
	var network net.Error
	return errors.As(err, &silent) || errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func lostBy(code string) bool {
	switch code {
	case pgerrcode.IdleInTransactionSessionTimeout, IdleSessionTimeout, pgerrcode.AdminShutdown, pgerrcode.CrashShutdown,
		pgerrcode.CannotConnectNow, pgerrcode.TooManyConnections:
		return true
	}
	return pgerrcode.IsConnectionException(code)
}

// dismissed reports whether the server says that it ended a session for a reason that has nothing to do with a statement.
func dismissed(err error) bool {
	said, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (said.Code == pgerrcode.AdminShutdown || said.Code == IdleSessionTimeout)
}

const (
	retries    = 5
	firstRetry = 200 * time.Millisecond
)

// Retry does something that changes nothing, or may be done twice, and again when its connection was lost. Where the
// server answers no new connection either, the time that a silent one was waited for is all there is.
func Retry(ctx context.Context, do func() error) error { return repeat(ctx, Lost, do) }

// repeat does something again while its error is of a kind.
func repeat(ctx context.Context, kind func(error) bool, do func() error) error {
	pause := firstRetry
	for tries := 1; ; tries++ {
		err := do()
		if tries == retries || ctx.Err() != nil || !kind(err) || muted(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause *= 2
	}
}

func muted(err error) bool {
	silent, ok := errors.AsType[*SilentError](err)
	return ok && silent.Unreachable
}

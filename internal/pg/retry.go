package pg

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// IdleSessionTimeout is the SQLSTATE of idle_session_timeout, which servers have since version 14.
const IdleSessionTimeout = "57P05"

// Lost reports whether an error means that a connection was lost or could not be opened, so that the same operation
// may succeed on another connection. A timeout, an administrator or a crash has ended the session, or the network
// has failed. It is false for context.Canceled.
func Lost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return lostCode(serverErr.Code) || serverErr.Code == pgerrcode.InternalError && strings.HasPrefix(serverErr.Routine, waitsForNodes)
	}
	var connect *pgconn.ConnectError
	var silent *SilentError
	var network net.Error
	return errors.As(err, &silent) || errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// waitsForNodes begins the names of the functions in which a coordinator of a Citus cluster reports that its own server has gone down.
const waitsForNodes = "ProcessWaitEvents"

func lostCode(code string) bool {
	switch code {
	case pgerrcode.IdleInTransactionSessionTimeout, IdleSessionTimeout, pgerrcode.AdminShutdown, pgerrcode.CrashShutdown,
		pgerrcode.CannotConnectNow, pgerrcode.TooManyConnections:
		return true
	}
	return pgerrcode.IsConnectionException(code)
}

// endedByServer reports whether an administrator or idle_session_timeout has ended the session.
func endedByServer(err error) bool {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (serverErr.Code == pgerrcode.AdminShutdown || serverErr.Code == IdleSessionTimeout)
}

const (
	retries    = 5
	firstRetry = 200 * time.Millisecond
)

// Retry calls do up to five times, as long as the error is one of a lost connection. Calling do twice must be
// harmless. It does not retry if the server answers no new connections either: the watchdog has waited long enough.
func Retry(ctx context.Context, do func() error) error { return retryWhile(ctx, Lost, do) }

// retryWhile calls do again while retry returns true for its error.
func retryWhile(ctx context.Context, retry func(error) bool, do func() error) error {
	pause := firstRetry
	for attempts := 1; ; attempts++ {
		err := do()
		if attempts == retries || ctx.Err() != nil || !retry(err) || serverUnreachable(err) {
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

func serverUnreachable(err error) bool {
	silent, ok := errors.AsType[*SilentError](err)
	return ok && silent.Unreachable
}

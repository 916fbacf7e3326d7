package journal

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/holding.sql
var holdingQuery string

// Holder is the process that holds a lease, as others read it. Nothing secret belongs in it.
type Holder struct {
	Host    string
	PID     int
	Program string // rekey's version
	Command string // one word: up, down
}

// Here is a holder in this process. Of the command only the first word is kept, and none that could be
// part of a connection string.
func Here(program, command string) Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return Holder{Host: host, PID: os.Getpid(), Program: program, Command: word(command)}
}

func word(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 || strings.ContainsAny(words[0], ":=@/") {
		return ""
	}
	return words[0]
}

// Holding is a lease that somebody holds.
type HeldLease struct {
	Holder
	Since          time.Time
	SinceHeartbeat time.Duration // since its last heartbeat, by the server's clock
	Live           bool          // else the next one takes it over
	PauseReason    string        // why the run stands still; "" if it does not
	PausedAt       *time.Time    // since when
}

// Held tells who holds the lease of a scope; nil when nobody does.
func LoadLease(ctx context.Context, tx pg.Tx, scope string) (*HeldLease, error) {
	var h HeldLease
	var silent float64
	err := tx.QueryRow(ctx, holdingQuery, scope, fall.Seconds()).Scan(
		&h.Host, &h.PID, &h.Program, &h.Command, &h.Since, &silent, &h.Live, &h.PauseReason, &h.PausedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // nobody is no error
	}
	h.SinceHeartbeat = time.Duration(silent * float64(time.Second))
	return &h, err
}

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

//go:embed queries/lease.sql
var leaseQuery string

// Holder identifies the process that holds a lease. Other roles may read it, so it contains no secrets.
type Holder struct {
	Host    string
	PID     int
	Program string // rekey's version
	Command string // "up" or "down"
}

// Here returns the holder for the current process. It keeps only the first word of command, and none that could be
// part of a connection string.
func Here(program, command string) Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return Holder{Host: host, PID: os.Getpid(), Program: program, Command: firstWord(command)}
}

func firstWord(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 || strings.ContainsAny(words[0], ":=@/") {
		return ""
	}
	return words[0]
}

// HeldLease describes a lease that a process holds.
type HeldLease struct {
	Holder
	Since          time.Time
	SinceHeartbeat time.Duration // time since the last heartbeat, by the server's clock
	Live           bool          // false if the lease has expired, so that the next run takes it over
	PauseReason    string        // why the run pauses; "" if it does not
	PausedAt       *time.Time    // when the pause began; nil if there is none
}

// LoadLease returns the lease of a schema, or nil if no process holds it.
func LoadLease(ctx context.Context, tx pg.Tx, schema string) (*HeldLease, error) {
	var h HeldLease
	var silent float64
	err := tx.QueryRow(ctx, leaseQuery, schema, leaseTimeout.Seconds()).Scan(
		&h.Host, &h.PID, &h.Program, &h.Command, &h.Since, &silent, &h.Live, &h.PauseReason, &h.PausedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no lease is not an error
	}
	h.SinceHeartbeat = time.Duration(silent * float64(time.Second))
	return &h, err
}

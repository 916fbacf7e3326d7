// Package phoenixkit carries PhoenixKit's migration V40 to a live database: a UUIDv7 column on each of
// its 33 tables, filled online, and taken back as well. It is for hosts that bring rekey along as a
// dependency; the command line is a thin skin over the same calls.
package phoenixkit

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
)

// Options says where PhoenixKit lives and what is allowed.
type Options struct {
	Prefix  string // the schema of PhoenixKit's tables; "" means public
	Version int    // 40 for Up, 39 for Down

	MaxLock          time.Duration // see rekey.Config
	LockPatience     time.Duration
	Pace             string
	BatchTime        time.Duration
	MaxLag           time.Duration
	MaxRetainedWAL   int64
	MaxSnapshotAge   time.Duration
	ThrottleQuery    string
	ThrottleFile     string
	WithoutSignals   []string
	SubscribersReady bool
	FireTriggers     bool
	TrustOwners      []string // see rekey.Config
	Values           rekey.Values

	Direct   *pgxpool.Pool   // see rekey.Config
	Standbys []*pgxpool.Pool // see rekey.Config
	Stop     <-chan struct{} // see rekey.Config

	OnEvent func(rekey.Event) // called from one goroutine at a time; may be nil
}

// Up brings PhoenixKit from version 39 to 40. The pool needs two connections; fewer are refused.
func Up(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Result, error) {
	return rekey.Up(ctx, pool, options.config())
}

// Down brings PhoenixKit from version 40 back to 39.
func Down(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Result, error) {
	return rekey.Down(ctx, pool, options.config())
}

// Plan tells what Up (Version 40) or Down (Version 39) would do. It changes nothing.
func Plan(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Plan, error) {
	return rekey.MakePlan(ctx, pool, options.config())
}

// Status tells the version and the state of each of the 33 tables. It changes nothing.
func Status(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Status, error) {
	return rekey.ReadStatus(ctx, pool, options.config())
}

// Request gives an order to the run that is at work, as rekey.Request does.
func Request(ctx context.Context, pool *pgxpool.Pool, options Options, order rekey.Order) error {
	return rekey.Request(ctx, pool, options.config(), order)
}

// Verify proves by counting what Up has done. It changes nothing.
func Verify(ctx context.Context, pool *pgxpool.Pool, options Options) (rekey.Report, error) {
	return rekey.Verify(ctx, pool, options.config())
}

func (o Options) config() rekey.Config {
	return rekey.Config{
		Profile: Profile(), Prefix: o.Prefix, Version: o.Version,
		MaxLock: o.MaxLock, LockPatience: o.LockPatience, Pace: o.Pace, BatchTime: o.BatchTime,
		MaxLag: o.MaxLag, MaxRetainedWAL: o.MaxRetainedWAL, MaxSnapshotAge: o.MaxSnapshotAge,
		ThrottleQuery: o.ThrottleQuery, ThrottleFile: o.ThrottleFile, WithoutSignals: o.WithoutSignals,
		SubscribersReady: o.SubscribersReady, FireTriggers: o.FireTriggers, TrustOwners: o.TrustOwners, Values: o.Values,
		Direct: o.Direct, Standbys: o.Standbys, Stop: o.Stop, OnEvent: o.OnEvent,
	}
}

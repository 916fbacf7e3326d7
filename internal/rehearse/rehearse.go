// Package rehearse copies a schema with a sample of its rows into a scratch database, and runs up, verify and down there under made-up
// traffic. The source is only read. The scratch database is one that the rehearsal has made, on a server of its own or on one that the
// user names, and its role is never a superuser.
package rehearse

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/scratch"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Request says what to rehearse.
type Request struct {
	Source  *pgxpool.Pool
	Schema  string
	Scope   rekey.Scope
	Options rekey.Options // of up; To is the phase to reach
	Share   float64       // of the rows, above 0 and at most 1
	Server  string        // connection string of the server to use; "" for a throw-away one
	Keep    bool          // the scratch database stays, on a server that was named
	Rest    time.Duration // how long the traffic is measured before up; 0 is a second
	Getenv  func(string) string
	// Connect opens a pool.
	Connect func(ctx context.Context, url string) (*pgxpool.Pool, error)
	Say     func(string) // what happens, a line each
}

// Result is what a rehearsal found. It is the JSON of `rekey rehearse --json`.
type Result struct {
	// FormatVersion is the version of the JSON.
	FormatVersion int `json:"format_version"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Share is the share of the rows that was asked for.
	Share float64 `json:"share"`
	// SourceRows is the estimated number of rows of the source.
	SourceRows int64 `json:"source_rows"`
	// Rows is the number of rows that were copied, with the parents of sampled rows.
	Rows int64 `json:"rows"`
	// Parents is the number of rows that were copied because sampled rows refer to them.
	Parents int64 `json:"parents"`
	// LeftOut lists what could not be copied, and why.
	LeftOut []string `json:"left_out"`
	// Database is the name of the scratch database.
	Database string `json:"database"`
	// Kept is true if the scratch database was kept.
	Kept bool `json:"kept"`
	// Parts are up, verify, down and the time before, in order, with the times as measured on the sample.
	Parts []Part `json:"parts"`
	// ExpectedUp is an estimate of the time of up on all rows, on the machine of the scratch database; 0 if all rows were copied.
	ExpectedUp time.Duration `json:"expected_up_ns,omitempty"`
	// Differences lists what of the schema down did not restore.
	Differences []string `json:"differences"`
	// OK is true if up, verify and down succeeded, down restored the schema, and no statement of the traffic failed.
	OK bool `json:"ok"`

	// Entries are the events of up.
	Entries []history.Entry `json:"-"`
	// Verified is what verify reported; nil if it did not run.
	Verified *rekey.Report `json:"-"`
	// VerifiedIn is the time that verify took.
	VerifiedIn time.Duration `json:"-"`
}

// Part is one part of a rehearsal.
type Part struct {
	// Name is "at rest", "up", "verify" or "down".
	Name string `json:"name"`
	// Elapsed is the time that it took.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Felt is what the traffic felt.
	Felt
}

//go:embed queries/rights.sql
var rightsSQL string

// rehearsal is one rehearsal while it runs.
type rehearsal struct {
	Request
	result     Result
	program    string // pg_dump
	major      int
	system     int64  // identifier of the source's server
	encoding   string // of the source's database
	extensions []extension
	tables     []table
	refs       []reference
	at         *pgx.ConnConfig // of the scratch database
	pool       *pgxpool.Pool
	held       *pgx.Conn // a session in the scratch database as long as the rehearsal lives
	admin      string    // connection string with which the database is dropped
	server     *scratch.Server
	traffic    *traffic
}

// Run rehearses. The error is a problem if something refuses, or what up, verify or down returned. The result is as complete as the
// rehearsal. The scratch database is dropped also if the context ends.
func Run(ctx context.Context, request Request) (result Result, err error) {
	r := &rehearsal{Request: request}
	r.result = Result{FormatVersion: event.FormatVersion, Schema: request.Schema, Share: request.Share, LeftOut: []string{}, Parts: []Part{}, Differences: []string{}}
	defer func() {
		r.traffic.stop()
		err = errors.Join(err, r.clean(ctx))
		result = r.result
	}()
	for _, part := range []func(context.Context) error{r.inspect, r.place, r.copy, r.act} {
		if err := part(ctx); err != nil {
			return r.result, err
		}
	}
	r.result.OK = len(r.result.Differences) == 0
	for _, p := range r.result.Parts {
		r.result.OK = r.result.OK && len(p.Errors) == 0
	}
	return r.result, nil
}

// inspect reads the source's server, refuses tables whose rows cannot be read safely, and finds pg_dump.
func (r *rehearsal) inspect(ctx context.Context) (err error) {
	refused, err := guard.UnreadableTables(ctx, r.Source, r.Schema, r.Options.Permissions.TrustOwners)
	if err == nil && len(refused) > 0 {
		return refused
	}
	if err != nil {
		return err
	}
	err = r.readOnly(ctx, func(tx pgx.Tx) (err error) {
		if r.major, r.system, err = identity(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = current_database()").Scan(&r.encoding); err != nil {
			return err
		}
		if r.extensions, err = readExtensions(ctx, tx); err != nil {
			return err
		}
		if slices.ContainsFunc(r.extensions, func(e extension) bool { return e.Name == "citus" }) {
			return message.RehearsalOnCluster()
		}
		if r.tables, err = readTables(ctx, tx, r.Schema); err != nil {
			return err
		}
		r.refs, err = readReferences(ctx, tx, r.Schema)
		return err
	})
	if err != nil {
		return err
	}
	r.program, err = findDump(ctx, r.major, r.Getenv)
	return err
}

// readOnly runs a read-only transaction on the source, with one snapshot for all its statements.
func (r *rehearsal) readOnly(ctx context.Context, work func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, r.Source, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog; SET LOCAL row_security = off; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0; "+format("SET LOCAL"))
		if err != nil {
			return err
		}
		return work(tx)
	})
}

func identity(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (major int, system int64, err error) {
	err = db.QueryRow(ctx, "SELECT pg_catalog.current_setting('server_version_num')::int / 10000, system_identifier FROM pg_catalog.pg_control_system()").Scan(&major, &system)
	return major, system, err
}

// place finds or starts the server and makes the scratch database there.
func (r *rehearsal) place(ctx context.Context) error {
	name := make([]byte, 6)
	if _, err := rand.Read(name); err != nil {
		return err
	}
	r.result.Database = "rekey_rehearsal_" + hex.EncodeToString(name)
	if err := r.checkSpace(); err != nil {
		return err
	}
	if r.Server == "" {
		if err := r.startServer(ctx); err != nil {
			return err
		}
	}
	return r.createDatabase(ctx)
}

// checkSpace refuses a sample that this machine has no space for. Rows, their indexes, the second version of each row, and the WAL.
func (r *rehearsal) checkSpace() error {
	const growth, base = 4, 128 << 20
	need := int64(base)
	for _, t := range r.tables {
		need += int64(growth * r.Share * float64(t.Bytes))
		r.result.SourceRows += int64(t.Rows)
	}
	if free := scratch.Free(os.TempDir()); r.Server == "" && free > 0 && need > free { // the disk of another server is not visible
		return message.ScratchNoSpace(need, free)
	}
	return nil
}

func (r *rehearsal) startServer(ctx context.Context) error {
	found, err := scratch.Find(ctx, r.major, r.Getenv)
	if errors.Is(err, scratch.ErrNoServer) {
		return message.NoScratchServer(r.major)
	}
	if err != nil {
		return err
	}
	r.Say(fmt.Sprintf("starting a throw-away PostgreSQL %d", found.Major))
	if r.server, err = scratch.Start(ctx, found); err != nil {
		return err
	}
	admin, err := r.Connect(ctx, r.server.URL("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.Exec(ctx, sqltext.Format("CREATE ROLE {} LOGIN CREATEDB", sqltext.Name(scratch.Role)))
	r.Server = r.server.URL(scratch.Role, "postgres")
	return err
}

// createDatabase checks the server and makes a database there. From here on everything is written to that database.
func (r *rehearsal) createDatabase(ctx context.Context) error {
	admin, err := r.Connect(ctx, r.Server)
	if err != nil {
		return err
	}
	defer admin.Close()
	major, system, err := identity(ctx, admin)
	if err != nil {
		return err
	}
	var rights, role string
	if err := admin.QueryRow(ctx, rightsSQL).Scan(&role, &rights); err != nil {
		return err
	}
	switch {
	case r.server == nil && system == r.system:
		return message.ScratchIsSource()
	case rights != "":
		return message.ScratchRights(role, rights)
	case major < r.major:
		return message.ScratchTooOld(r.major, major)
	}
	if r.program, err = findDump(ctx, max(major, r.major), r.Getenv); err != nil { // it reads both servers
		return err
	}
	sql := sqltext.Format("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'", sqltext.Name(r.result.Database), sqltext.Value(r.encoding))
	if _, err := admin.Exec(ctx, sql); err != nil {
		return err
	}
	r.admin = r.Server
	config := admin.Config().Copy()
	config.ConnConfig.Database = r.result.Database
	r.at = config.ConnConfig
	if r.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	if err := r.mark(ctx); err != nil {
		return err
	}
	return r.dropLeft(ctx, admin)
}

// clean drops the scratch database, or ends the throw-away server, also if the context has ended.
func (r *rehearsal) clean(ctx context.Context) error {
	if r.held != nil {
		_ = r.held.Close(context.WithoutCancel(ctx))
	}
	if r.pool != nil {
		r.pool.Close()
	}
	if r.server != nil {
		return r.server.Stop()
	}
	if r.admin == "" {
		return nil
	}
	if r.Keep {
		r.result.Kept = true
		return nil
	}
	const wait = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait)
	defer cancel()
	admin, err := r.Connect(ctx, r.admin)
	if err != nil {
		return fmt.Errorf("database %s was not dropped: %w", r.result.Database, err)
	}
	defer admin.Close()
	if _, err := admin.Exec(ctx, sqltext.Format("DROP DATABASE IF EXISTS {} WITH (FORCE)", sqltext.Name(r.result.Database))); err != nil {
		return fmt.Errorf("database %s was not dropped: %s", r.result.Database, visible.Error(err))
	}
	return nil
}

// act runs up, verify and down under traffic.
func (r *rehearsal) act(ctx context.Context) (err error) {
	before, err := dump(ctx, r.program, r.at, r.Schema)
	if err != nil {
		return err
	}
	if r.traffic, err = startTraffic(ctx, r.pool, r.tables); err != nil {
		return err
	}
	if err := r.part(ctx, "at rest", func() error { return sleep(ctx, cmp.Or(r.Rest, time.Second)) }); err != nil {
		return err
	}
	if err := r.part(ctx, "up", func() error { return r.up(ctx) }); err != nil {
		return err
	}
	if err := r.part(ctx, "verify", func() error { return r.verify(ctx) }); err != nil {
		return err
	}
	if err := r.part(ctx, "down", func() error { return r.down(ctx) }); err != nil {
		return err
	}
	r.traffic.stop()
	after, err := dump(ctx, r.program, r.at, r.Schema)
	r.result.Differences = append(r.result.Differences, differences(before, after)...)
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// part runs one part and keeps its time and what the traffic felt.
func (r *rehearsal) part(ctx context.Context, name string, run func() error) error {
	r.Say(name)
	begun := time.Now()
	err := run()
	r.result.Parts = append(r.result.Parts, Part{Name: name, Elapsed: time.Since(begun), Felt: r.traffic.take()})
	return errors.Join(err, ctx.Err())
}

func (r *rehearsal) migrator(to rekey.Phase) (*rekey.Migrator, error) {
	options := r.Options
	options.To, options.Direct, options.Standbys, options.Stop = to, nil, nil, nil
	options.Throttle.File, options.Throttle.Query = "", ""
	options.OnEvent = func(e event.Event) {
		if len(r.result.Parts) == 1 { // up
			r.result.Entries = append(r.result.Entries, history.Entry{At: time.Now(), Event: e})
		}
	}
	return rekey.New(r.pool, r.Scope, &options)
}

func (r *rehearsal) up(ctx context.Context) error {
	m, err := r.migrator(r.Options.To)
	if err != nil {
		return err
	}
	r.result.Entries = append(r.result.Entries, history.Entry{At: time.Now(), Event: event.Notice{Text: r.result.Sample()}})
	begun := time.Now()
	if _, err := m.Up(ctx); err != nil {
		return err
	}
	r.result.estimate(time.Since(begun))
	return nil
}

func (r *rehearsal) verify(ctx context.Context) error {
	m, err := r.migrator(r.Options.To)
	if err != nil {
		return err
	}
	begun := time.Now()
	found, err := m.Verify(ctx)
	r.result.Verified, r.result.VerifiedIn = &found, time.Since(begun)
	return err
}

// down goes back phase by phase, as a user would.
func (r *rehearsal) down(ctx context.Context) error {
	back := map[rekey.Phase][]rekey.Phase{rekey.Linked: {rekey.Expanded}, rekey.Switched: {rekey.Linked, rekey.Expanded}}[r.Options.To]
	for _, to := range append(back, "") {
		m, err := r.migrator(to)
		if err != nil {
			return err
		}
		if _, err := m.Down(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Sample describes the sample in a sentence.
func (r Result) Sample() string {
	text := fmt.Sprintf("A rehearsal on a scratch database: every time and size is as measured on a sample of %d of about %d rows (%g %%)", r.Rows, r.SourceRows, 100*r.Share)
	if r.Parents > 0 {
		text += fmt.Sprintf(", %d of them because others refer to them", r.Parents)
	}
	return text + "."
}

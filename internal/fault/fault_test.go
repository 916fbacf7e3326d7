package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/problem"
)

// TestExplainEveryError checks that every error that ends a command has a code, an exit code, the table, the step
// and the next command.
func TestExplainEveryError(t *testing.T) {
	state := func(code string) error { return &pgconn.PgError{Severity: "ERROR", Code: code, Message: "it says so."} }
	hidden := &pgconn.PgError{Code: "42501", Message: "query would be affected", Routine: "check_enable_rls"}
	for _, c := range []struct {
		err  error
		code string
		exit int
	}{
		{state("53100"), "disk_full", 1},
		{state("53200"), "out_of_memory", 1},
		{state("53300"), "too_many_connections", 1},
		{state("53400"), "limit_reached", 1},
		{state("53000"), "limit_reached", 1},
		{state("54000"), "row_too_big", 1},
		{state("54001"), "row_too_big", 1},
		{state("58030"), "io_error", 1},
		{state("58P01"), "io_error", 1},
		{state("XX001"), "data_corrupted", 1},
		{state("XX002"), "data_corrupted", 1},
		{state("25006"), "turned_read_only", 1},
		{state("57014"), "cancelled", 7},
		{state("25P04"), "cancelled", 7},
		{state("55P03"), "lock_timeout", 7},
		{state("40P01"), "conflict", 7},
		{state("40001"), "conflict", 7},
		{state("57P03"), "not_ready", 1},
		{state("57P04"), "no_database", 1},
		{state("3D000"), "no_database", 1},
		{state("28P01"), "authentication_failed", 1},
		{state("28000"), "authentication_failed", 1},
		{state("57P01"), "connection_lost", 1},
		{state("57P02"), "connection_lost", 1},
		{state("57P05"), "connection_lost", 1},
		{state("25P03"), "connection_lost", 1},
		{state("08006"), "connection_lost", 1},
		{state("42501"), "no_privilege", 1},
		{hidden, "row_security", 1},
		{state("42P01"), "table_altered", 7},
		{state("42703"), "table_altered", 7},
		{state("42883"), "table_altered", 7},
		{state("3F000"), "table_altered", 7},
		{state("23514"), "constraint_violated", 1},
		{state("P0001"), "application_error", 1},
		{state("42601"), "failed", 1},
		{state("XX000"), "failed", 1},
		{state("0A000"), "failed", 1},
		{state("99999"), "failed", 1},
		{state(""), "failed", 1},
		{io.ErrUnexpectedEOF, "connection_lost", 1},
		{io.EOF, "connection_lost", 1},
		{net.ErrClosed, "connection_lost", 1},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "connection_lost", 1},
		{&pg.SilentError{Err: io.EOF}, "connection_timed_out", 1},
		{context.DeadlineExceeded, "connection_timed_out", 1},
		{errors.New("something else"), "failed", 1},
	} {
		err := fault.At(fmt.Errorf("query x: %w", c.err), "app.t", "fill-column")
		err = fault.Explain("rekey up", fault.At(err, "", "survey"))
		p := problem.All(err)[0]
		if p.Code != c.code || problem.ExitCode(err) != c.exit || !errors.Is(err, c.err) {
			t.Errorf("%v: code %s, exit %d", c.err, p.Code, problem.ExitCode(err))
		}
		if p.Table != "app.t" || p.Step != "fill-column" || !strings.HasPrefix(p.Message, "rekey up failed on app.t in step fill-column: ") {
			t.Errorf("%v: table or step is missing: %+v", c.err, p)
		}
		if !strings.Contains(p.Hint, "run the same command again") || p.Detail == "" || strings.HasSuffix(p.Detail, "..") {
			t.Errorf("%v: hint or detail is missing: %+v", c.err, p)
		}
		if said, ok := errors.AsType[*pgconn.PgError](c.err); ok && p.SQLState != said.Code {
			t.Errorf("%v has SQLSTATE %q", c.err, p.SQLState)
		}
	}
}

// TestAtCompletesProblems checks that At sets the table and the step of a problem only where they are missing.
func TestAtCompletesProblems(t *testing.T) {
	bare := &problem.Problem{Kind: problem.Failed, Code: "index_invalid", Table: "app.t"}
	_ = fault.At(fault.At(bare, "app.t", "build-index"), "", "survey")
	if bare.Step != "build-index" || bare.Table != "app.t" {
		t.Errorf("got %+v", bare)
	}
	for _, kind := range []problem.Kind{problem.Refused, problem.Interrupted, problem.Running, problem.Usage, problem.Differs} {
		p := &problem.Problem{Kind: kind}
		_ = fault.At(p, "app.t", "build-index")
		if p.Table != "" || p.Step != "" {
			t.Errorf("a problem of kind %s got a table or a step: %+v", kind, p)
		}
	}
	if fault.At(nil, "t", "s") != nil || fault.Explain("rekey up", nil) != nil {
		t.Error("nil became an error")
	}
	list := problem.List{{Kind: problem.Stopped, Code: "lock_timeout"}, {Kind: problem.Stopped, Code: "stopped"}}
	_ = fault.At(list, "app.t", "add-column")
	if list[0].Table != "app.t" || list[1].Table != "" {
		t.Errorf("got %+v and %+v", list[0], list[1])
	}
}

// TestExplainUsesTableOfServer checks that the table comes from the server's error if no location has one.
func TestExplainUsesTableOfServer(t *testing.T) {
	err := fault.Explain("rekey verify", &pgconn.PgError{Code: "53100", Message: "full", SchemaName: "app", TableName: "t"})
	if p := problem.All(err)[0]; p.Table != "app.t" || p.Message != "rekey verify failed on app.t: a disk of the server is full" {
		t.Errorf("got %+v", p)
	}
}

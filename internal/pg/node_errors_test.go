package pg

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestOnNode checks which errors of a coordinator name the node on which a change was blocked.
func TestOnNode(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"in the context":         {&pgconn.PgError{Code: "55P03", Message: "canceling statement due to lock timeout", Where: "while executing command on 10.0.0.1:5432"}, "10.0.0.1:5432"},
		"a host":                 {&pgconn.PgError{Where: "while executing command on worker1.example.com:5432"}, "worker1.example.com:5432"},
		"IPv6":                   {&pgconn.PgError{Where: "while executing command on ::1:5432"}, "::1:5432"},
		"in the message":         {&pgconn.PgError{Message: "failed to execute command on w:9701", Where: "PL/pgSQL function f() line 3 at SQL statement"}, "w:9701"},
		"the last of several":    {&pgconn.PgError{Where: "command on w:1\nwhile executing command on w:2"}, "w:2"},
		"on the coordinator":     {&pgconn.PgError{Code: "55P03", Message: "canceling statement due to lock timeout"}, ""},
		"an address in between":  {&pgconn.PgError{Message: "node w:9701 is away"}, ""},
		"not from the server":    {errors.New("dial tcp 10.0.0.1:5432"), ""},
		"wrapped":                {fmt.Errorf("the change: %w", &pgconn.PgError{Where: "while executing command on w:1"}), "w:1"},
		"no error":               {nil, ""},
		"a port without a host ": {&pgconn.PgError{Where: "while executing command on :"}, ""},
	} {
		want := ""
		if test.want != "" {
			want = "a session or a prepared transaction on node " + test.want
		}
		found := onNode(test.err)
		if want == "" && found != nil || want != "" && (len(found) != 1 || found[0].Application != want) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestRetriesNodeErrors checks after which errors of a coordinator a change is tried again, and which mean that the server is lost.
func TestRetriesNodeErrors(t *testing.T) {
	for name, test := range map[string]struct {
		err             error
		retryable, lost bool
	}{
		"a lock":                       {&pgconn.PgError{Code: "55P03"}, true, false},
		"a deadlock":                   {&pgconn.PgError{Code: "40P01"}, true, false},
		"no connection to a node":      {&pgconn.PgError{Code: "08001"}, true, true},
		"a node went away":             {&pgconn.PgError{Code: "08006"}, true, true},
		"a connection to a node":       {&pgconn.PgError{Code: "08000"}, true, true},
		"a node refused":               {&pgconn.PgError{Code: "XX000", Routine: "MarkRemoteTransactionFailed"}, true, false},
		"a node refused at the end":    {&pgconn.PgError{Code: "XX000", Routine: "CheckRemoteTransactionsHealth"}, true, false},
		"two changes of one row":       {&pgconn.PgError{Code: "XX000", Routine: "simple_heap_update"}, true, false},
		"the coordinator went down":    {&pgconn.PgError{Code: "XX000", Routine: "ProcessWaitEventsForSocketClosed"}, false, true},
		"another internal error":       {&pgconn.PgError{Code: "XX000", Routine: "ereport_startup_progress"}, false, false},
		"a routine, with another code": {&pgconn.PgError{Code: "42501", Routine: "MarkRemoteTransactionFailed"}, false, false},
		"no privilege":                 {&pgconn.PgError{Code: "42501"}, false, false},
	} {
		if got := retryable(test.err); got != test.retryable {
			t.Errorf("%s: retryable %t", name, got)
		}
		if got := Lost(test.err); got != test.lost {
			t.Errorf("%s: lost %t", name, got)
		}
	}
}

package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
)

// Where is the address of a server and who asked, for people: it never holds a password.
type Server struct {
	Host     string // a name, an address, or the directory of a Unix socket
	Port     uint16
	User     string
	Database string
}

// Socket tells whether the address is a Unix socket.
func (w Server) Socket() bool {
	return strings.HasPrefix(w.Host, "/") || strings.HasPrefix(w.Host, "@")
}

// String is the address: "host:port", or the path of the socket.
func (w Server) String() string {
	switch {
	case w.Socket():
		return fmt.Sprintf("%s/.s.PGSQL.%d", w.Host, w.Port)
	case strings.Contains(w.Host, ":"):
		return fmt.Sprintf("[%s]:%d", w.Host, w.Port)
	default:
		return fmt.Sprintf("%s:%d", w.Host, w.Port)
	}
}

func (w Server) ready() string {
	return fmt.Sprintf("Is PostgreSQL running there? Try: pg_isready -h %s -p %d", w.Host, w.Port)
}

func connecting(code, message, detail, hint string, cause error) *problem.Problem {
	return &problem.Problem{Kind: problem.Failed, Code: code, Message: message, Detail: detail, Hint: hint, Cause: cause}
}

// BadConnection is a connection string that cannot be read; the fault must not quote it.
func BadConnection(source, fault string) *problem.Problem {
	detail := ""
	if fault != "" {
		detail = "The fault: " + fault + "."
	}
	return &problem.Problem{
		Kind: problem.Usage, Code: "bad_connection_string", Message: fmt.Sprintf("the connection string in %s cannot be read", source), Detail: detail,
		Hint: "Write it as postgres://user@host:5432/database, special characters of a password as %xx (%40 for @, %2F for /); or set PGHOST, PGPORT, PGUSER, PGDATABASE and keep the password in ~/.pgpass.",
	}
}

// NobodyListens is an address where no server answers.
func ConnectionRefused(w Server, cause error) *problem.Problem {
	return connecting("unreachable", "no server answers at "+w.String(), "The connection was refused.", w.ready(), cause)
}

// NoSocket is a Unix socket that is not there.
func SocketMissing(w Server, cause error) *problem.Problem {
	return connecting("unreachable", "no server answers at "+w.String(), "There is no such socket.",
		"Is PostgreSQL running, and is its unix_socket_directories the same? Name the server otherwise: --database-url postgres://user@host:5432/database", cause)
}

// UnknownHost is a host name without an address.
func UnknownHost(w Server, cause error) *problem.Problem {
	return connecting("unreachable", fmt.Sprintf("the host name %q is not known", w.Host), "The name service has no address for it.",
		"Look at the host in --database-url, REKEY_DATABASE_URL, DATABASE_URL or PGHOST. Try: getent hosts "+w.Host, cause)
}

// Silence is a server that does not answer in time.
func ConnectionTimedOut(w Server, cause error) *problem.Problem {
	return connecting("unreachable", fmt.Sprintf("the server at %s does not answer", w), "The time for connecting ran out; a firewall may drop the packets.",
		w.ready()+"; more time: PGCONNECT_TIMEOUT=60", cause)
}

// Unreachable is a server that cannot be reached for another reason.
func Unreachable(w Server, why string, cause error) *problem.Problem {
	return connecting("unreachable", fmt.Sprintf("the server at %s cannot be reached", w), why, w.ready(), cause)
}

// NotAdmitted is a role that the server does not let in: a wrong or missing password, or no line for
// it in pg_hba.conf.
func AuthenticationFailed(w Server, said string, given bool, cause error) *problem.Problem {
	hint := "No password was given. Put one into ~/.pgpass (host:port:database:user:password, mode 0600) or set PGPASSWORD."
	if given {
		hint = "Look at the password in the connection string, PGPASSWORD or ~/.pgpass."
	}
	return connecting("authentication_failed", fmt.Sprintf("the server at %s does not let role %q in", w, w.User), "It said: "+said+".",
		fmt.Sprintf("%s Try: psql -h %s -p %d -U %s -d %s", hint, w.Host, w.Port, w.User, w.Database), cause)
}

// NoDatabase is a database that the server does not have.
func DatabaseMissing(w Server, cause error) *problem.Problem {
	return connecting("no_database", fmt.Sprintf("there is no database %q at %s", w.Database, w), "",
		fmt.Sprintf("See which there are: psql -h %s -p %d -U %s -l -d postgres", w.Host, w.Port, w.User), cause)
}

// TooManyConnections is a server without a free place.
func TooManyConnections(w Server, said string, cause error) *problem.Problem {
	return connecting("too_many_connections", fmt.Sprintf("the server at %s has no connection left", w), "It said: "+said+".",
		"rekey needs four. See who has them: SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2; then run the same command again.", cause)
}

// TLS is an encrypted connection that does not come about.
func TLSFailed(w Server, why string, cause error) *problem.Problem {
	return connecting("tls", "no encrypted connection to "+w.String(), why,
		"Look at sslmode and sslrootcert in the connection string (or PGSSLMODE, PGSSLROOTCERT); sslmode=verify-full wants the server's own name as host.", cause)
}

// Starting is a server that starts, stops or recovers and takes nobody yet.
func ServerNotReady(w Server, said string, cause error) *problem.Problem {
	return connecting("not_ready", fmt.Sprintf("the server at %s takes no connections now", w), "It said: "+said+".", w.ready(), cause)
}

// NoConnection is any other answer of the server to a new connection.
func ConnectionFailed(w Server, said, hint string, cause error) *problem.Problem {
	if hint == "" {
		hint = fmt.Sprintf("See whether another client gets in: psql -h %s -p %d -U %s -d %s", w.Host, w.Port, w.User, w.Database)
	}
	return connecting("no_connection", "no connection to "+w.String(), "The server said: "+said+".", hint, cause)
}

// OutputLost is standard output that took no more data: a full disk.
func OutputFailed(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Failed, Code: "output_failed", Message: "standard output could not be written",
		Detail: "The reason: " + visible.Error(cause) + ". Only what was to be read is lost, nothing that was done.",
		Hint:   "Send the output elsewhere and run the same command again; what a run has done is told by rekey status.", Cause: cause,
	}
}

package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// Server is the address of a server and the role and database of a connection. It never contains a password.
type Server struct {
	Host     string // a name, an address, or the directory of a Unix socket
	Port     uint16
	User     string
	Database string
}

// Socket reports whether the address is a Unix socket.
func (s Server) Socket() bool {
	return strings.HasPrefix(s.Host, "/") || strings.HasPrefix(s.Host, "@")
}

// String returns the address as host:port, or the path of the socket.
func (s Server) String() string {
	switch {
	case s.Socket():
		return fmt.Sprintf("%s/.s.PGSQL.%d", s.Host, s.Port)
	case strings.Contains(s.Host, ":"):
		return fmt.Sprintf("[%s]:%d", s.Host, s.Port)
	default:
		return fmt.Sprintf("%s:%d", s.Host, s.Port)
	}
}

func (s Server) ready() string {
	return fmt.Sprintf("Check that PostgreSQL runs there: pg_isready -h %s -p %d", s.Host, s.Port)
}

func (s Server) psql() string {
	return fmt.Sprintf("psql -h %s -p %d -U %s -d %s", s.Host, s.Port, s.User, s.Database)
}

// BadConnection returns the problem of a connection string that cannot be parsed. The fault must not quote it.
func BadConnection(source, fault string) *problem.Problem {
	detail := ""
	if fault != "" {
		detail = "The parser reported: " + strings.TrimSuffix(fault, ".") + "."
	}
	return usage("bad_connection_string", "could not parse the connection string in "+source, detail,
		"Write it as postgres://user@host:5432/database, with special characters of a password as %xx (%40 for @, %2F for /). "+
			"Or set PGHOST, PGPORT, PGUSER and PGDATABASE, and keep the password in ~/.pgpass.")
}

// ConnectionRefused returns the problem of a port that no server listens on.
func ConnectionRefused(s Server, cause error) *problem.Problem {
	return failed("unreachable", "could not connect to "+s.String(), "The connection was refused.", s.ready(), cause)
}

// SocketMissing returns the problem of a Unix socket that does not exist.
func SocketMissing(s Server, cause error) *problem.Problem {
	return failed("unreachable", "could not connect to "+s.String(), "The Unix socket does not exist.",
		"Check that PostgreSQL runs and that this is its unix_socket_directories. Or connect by host: --database-url postgres://user@host:5432/database", cause)
}

// UnknownHost returns the problem of a host name that has no address.
func UnknownHost(s Server, cause error) *problem.Problem {
	return failed("unreachable", fmt.Sprintf("could not find host %q", s.Host), "The name service has no address for this name.",
		"Check the host in --database-url, REKEY_DATABASE_URL, DATABASE_URL or PGHOST. Run: getent hosts "+s.Host, cause)
}

// ConnectionTimedOut returns the problem of a server that does not answer a new connection in time.
func ConnectionTimedOut(s Server, cause error) *problem.Problem {
	return failed("unreachable", "could not connect to "+s.String()+" in time", "The server did not answer. A firewall may drop the packets.",
		"Allow more time with PGCONNECT_TIMEOUT=60. "+s.ready(), cause)
}

// Unreachable returns the problem of a server that cannot be reached for any other reason.
func Unreachable(s Server, reason string, cause error) *problem.Problem {
	return failed("unreachable", "could not connect to "+s.String(), reason, s.ready(), cause)
}

// AuthenticationFailed returns the problem of a role that the server rejects: its password is wrong or missing, or
// pg_hba.conf has no line for it. Given reports whether a password was sent.
func AuthenticationFailed(s Server, reason string, given bool, cause error) *problem.Problem {
	hint := "No password was sent. Add one to ~/.pgpass (host:port:database:user:password, mode 0600) or set PGPASSWORD."
	if given {
		hint = "Check the password in the connection string, PGPASSWORD or ~/.pgpass."
	}
	return failed("authentication_failed", fmt.Sprintf("the server at %s rejected role %q", s, s.User), reported(reason), hint+" Run: "+s.psql(), cause)
}

// DatabaseMissing returns the problem of a database that does not exist.
func DatabaseMissing(s Server, cause error) *problem.Problem {
	return failed("no_database", fmt.Sprintf("database %q does not exist at %s", s.Database, s), "",
		fmt.Sprintf("List the databases: psql -h %s -p %d -U %s -l -d postgres", s.Host, s.Port, s.User), cause)
}

// TooManyConnections returns the problem of a server that allows no more connections.
func TooManyConnections(s Server, reason string, cause error) *problem.Problem {
	return failed("too_many_connections", fmt.Sprintf("the server at %s allows no more connections", s), reported(reason)+" rekey needs four.",
		"Count the connections: "+countConnections+" Close some, "+again, cause)
}

// TLSFailed returns the problem of an encrypted connection that could not be established.
func TLSFailed(s Server, reason string, cause error) *problem.Problem {
	return failed("tls", "could not encrypt the connection to "+s.String(), reason,
		"Check sslmode and sslrootcert in the connection string, or PGSSLMODE and PGSSLROOTCERT. With sslmode=verify-full the host must be a name in the server's certificate.", cause)
}

// ServerNotReady returns the problem of a server that starts, stops or recovers and accepts no connections yet.
func ServerNotReady(s Server, reason string, cause error) *problem.Problem {
	return failed("not_ready", fmt.Sprintf("the server at %s accepts no connections yet", s), reported(reason), "Wait until it is ready: "+
		fmt.Sprintf("pg_isready -h %s -p %d", s.Host, s.Port), cause)
}

// ConnectionFailed returns the problem of any other error of the server on a new connection. Hint is the server's, or "".
func ConnectionFailed(s Server, reason, hint string, cause error) *problem.Problem {
	if hint == "" {
		hint = "Check whether another client can connect: " + s.psql()
	}
	return failed("connection_failed", "could not connect to "+s.String(), reported(reason), hint, cause)
}

// OutputFailed returns the problem of a standard output that could not be written, such as a file on a full disk.
func OutputFailed(cause error) *problem.Problem {
	return failed("output_failed", "could not write to standard output", "The system reported: "+visible.Error(cause)+". Only output was lost; changes in the database are kept.",
		"Redirect the output elsewhere and run the same command again. Check the state of the tables: rekey status", cause)
}

func reported(reason string) string {
	return "The server reported: " + strings.TrimSuffix(reason, ".") + "."
}

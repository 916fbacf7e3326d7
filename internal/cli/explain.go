package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// explain makes a problem of what went wrong on the way in.
func explain(err error, config *pgx.ConnConfig) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	w := message.Where{Host: config.Host, Port: config.Port, User: config.User, Database: config.Database}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answered(said, w, config.Password != "", err)
	}
	if p := encryption(err, w); p != nil {
		return p
	}
	return silence(err, w)
}

// answered is a server that says no.
func answered(said *pgconn.PgError, w message.Where, given bool, err error) error {
	switch said.Code {
	case pgerrcode.InvalidPassword, pgerrcode.InvalidAuthorizationSpecification:
		return message.NotAdmitted(w, visible.ServerMessage(said), given, err)
	case pgerrcode.InvalidCatalogName:
		return message.NoDatabase(w, err)
	case pgerrcode.TooManyConnections:
		return message.TooManyConnections(w, visible.ServerMessage(said), err)
	case pgerrcode.CannotConnectNow:
		return message.Starting(w, visible.ServerMessage(said), err)
	default:
		return message.NoConnection(w, visible.ServerMessage(said), visible.Line(said.Hint), err)
	}
}

func encryption(err error, w message.Where) *problem.Problem {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &authority):
		return message.TLS(w, "The server's certificate is signed by an authority that is not known here.", err)
	case errors.As(err, &hostname):
		return message.TLS(w, "The server's certificate is for another name.", err)
	case errors.As(err, &invalid), errors.As(err, &verification):
		return message.TLS(w, "The server's certificate is not valid.", err)
	case errors.As(err, &record):
		return message.TLS(w, "What answers there does not speak TLS.", err)
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return message.TLS(w, "The server offers none, and the connection string asks for one.", err)
	case strings.Contains(err.Error(), "tls: "):
		return message.TLS(w, "The two sides do not agree on how.", err)
	}
	return nil
}

// silence is a place where no server answers.
func silence(err error, w message.Where) error {
	var lookup *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &lookup):
		return message.UnknownHost(w, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return message.NobodyListens(w, err)
	case w.Socket() && errors.Is(err, os.ErrNotExist):
		return message.NoSocket(w, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return message.Silence(w, err)
	default:
		return message.Unreachable(w, reason(err), err)
	}
}

// reason is the innermost text of an error: the outer ones name user and address once more.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return "The reason: " + visible.Error(err) + "."
		}
		err = inner
	}
}

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

// explain returns the problem of a failed connection.
func explain(err error, config *pgx.ConnConfig) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	w := message.Server{Host: config.Host, Port: config.Port, User: config.User, Database: config.Database}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answered(said, w, config.Password != "", err)
	}
	if p := encryption(err, w); p != nil {
		return p
	}
	return silence(err, w)
}

// answered returns the problem of a server that refuses the connection.
func answered(said *pgconn.PgError, w message.Server, given bool, err error) error {
	switch said.Code {
	case pgerrcode.InvalidPassword, pgerrcode.InvalidAuthorizationSpecification:
		return message.AuthenticationFailed(w, visible.ServerMessage(said), given, err)
	case pgerrcode.InvalidCatalogName:
		return message.DatabaseMissing(w, err)
	case pgerrcode.TooManyConnections:
		return message.TooManyConnections(w, visible.ServerMessage(said), err)
	case pgerrcode.CannotConnectNow:
		return message.ServerNotReady(w, visible.ServerMessage(said), err)
	default:
		return message.ConnectionFailed(w, visible.ServerMessage(said), visible.Line(said.Hint), err)
	}
}

func encryption(err error, w message.Server) *problem.Problem {
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &authority):
		return message.TLSFailed(w, "The server's certificate is signed by an unknown authority.", err)
	case errors.As(err, &hostname):
		return message.TLSFailed(w, "The server's certificate is for another name.", err)
	case errors.As(err, &invalid), errors.As(err, &verification):
		return message.TLSFailed(w, "The server's certificate is not valid.", err)
	case errors.As(err, &record):
		return message.TLSFailed(w, "The server's answer is not TLS.", err)
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return message.TLSFailed(w, "The server does not offer TLS, but the connection string requires it.", err)
	case strings.Contains(err.Error(), "tls: "):
		return message.TLSFailed(w, "The client and the server have no TLS version or cipher in common.", err)
	}
	return nil
}

// silence returns the problem of an address at which no server responds.
func silence(err error, w message.Server) error {
	var lookup *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &lookup):
		return message.UnknownHost(w, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return message.ConnectionRefused(w, err)
	case w.Socket() && errors.Is(err, os.ErrNotExist):
		return message.SocketMissing(w, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return message.ConnectionTimedOut(w, err)
	default:
		return message.Unreachable(w, reason(err), err)
	}
}

// reason returns the innermost text of an error: the outer ones repeat the user and the address.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return "The system reported: " + visible.Error(err) + "."
		}
		err = inner
	}
}

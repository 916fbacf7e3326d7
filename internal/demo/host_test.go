package demo

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/problem"
)

func TestMissingPostgreSQLHasHint(t *testing.T) {
	err := notFound(fmt.Errorf("find: %w", &server.MissingError{Major: 18, Cause: errors.New("npm not found")}))
	p := problem.All(err)[0]
	if p.Kind != problem.Failed || p.Code != "no_postgresql" || !strings.Contains(p.Detail, "No PostgreSQL 18 found") ||
		!strings.Contains(p.Hint, "install Node.js with npm") || !strings.Contains(p.Hint, "REKEY_PG_BIN") {
		t.Errorf("%+v", p)
	}
	if other := errors.New("REKEY_PG_BIN: it does not work"); !errors.Is(notFound(other), other) {
		t.Error("another error is changed")
	}
}

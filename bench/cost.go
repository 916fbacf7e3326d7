package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// functions measures the cost of a call of each function: the best of three rounds, minus the cost of the same query
// without the call.
func (l *lab) functions(ctx context.Context) error {
	s, err := l.copy(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.close(ctx) }()
	if err := execute(ctx, s.watch, plpgsqlFunction(l).create, rekeyFunction(l).create); err != nil {
		return err
	}
	calls := []string{"n"}
	for _, f := range l.callable() {
		calls = append(calls, sqltext.Format("{}()", f.name))
	}
	number := min(max(l.rows, 50_000), 500_000)
	const rounds = 3
	best := make([]time.Duration, len(calls))
	for round := range rounds {
		for i, call := range calls {
			took, err := ask(ctx, s.watch, call, number)
			if err != nil {
				return err
			}
			if round == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	for i, f := range l.callable() {
		cost := max(best[i+1]-best[0], 0) / time.Duration(number)
		l.server.Functions = append(l.server.Functions, Function{Name: f.label, Call: cost})
		l.say(fmt.Sprintf("%s: %s per call", f.label, cost))
	}
	return nil
}

// called is a function and its label.
type called struct {
	label string
	name  sqltext.Table
}

// The labels of the two functions that are compared.
const (
	originalLabel = "the original's kind"
	rekeyLabel    = "rekey's"
)

func (l *lab) callable() []called {
	found := []called{
		{originalLabel, plpgsqlFunction(l).name},
		{rekeyLabel, rekeyFunction(l).name},
		{"gen_random_uuid", sqltext.Table{Schema: "pg_catalog", Name: "gen_random_uuid"}},
	}
	const nativeSince = 18 // the first version with a function of its own
	if l.server.Major >= nativeSince {
		found = append(found, called{"uuidv7", sqltext.Table{Schema: "pg_catalog", Name: "uuidv7"}})
	}
	return found
}

func ask(ctx context.Context, session *pgx.Conn, call string, number int64) (time.Duration, error) {
	begun := time.Now()
	var counted int64
	query := "SELECT count(" + call + ") FROM generate_series(1, $1::bigint) AS n"
	err := session.QueryRow(ctx, query, number).Scan(&counted)
	if err == nil && counted != number {
		err = fmt.Errorf("%s returned %d values for %d rows", call, counted, number)
	}
	return time.Since(begun), err
}

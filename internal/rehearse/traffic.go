package rehearse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Felt is what the made-up traffic felt during a part of the rehearsal.
type Felt struct {
	// Statements is the number of statements.
	Statements int `json:"statements"`
	// P99 is the time within which 99 of 100 statements ended.
	P99 time.Duration `json:"p99_ns"`
	// Longest is the longest time of a statement.
	Longest time.Duration `json:"longest_ns"`
	// Errors are the first errors of statements that worked before, each once.
	Errors []string `json:"errors"`
}

// traffic reads, updates and inserts rows by the integer keys of tables until it is stopped.
type traffic struct {
	pool   *pgxpool.Pool
	tables []trafficTable
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	times  []time.Duration
	errors []string
}

// trafficTable is a table with some of its keys.
type trafficTable struct {
	name       string
	keys       []int64
	statements []trafficStatement
}

type trafficStatement struct {
	sql   string
	write bool

	mu     *sync.Mutex
	broken *bool // a constraint of the application refuses it
}

// The traffic: workers that pause between statements, and how many keys of a table they use.
const (
	trafficWorkers = 2
	trafficPause   = 4 * time.Millisecond
	trafficKeys    = 1000
)

// startTraffic begins with the tables that have an integer key and rows. Each statement is tried once before, so that one that a
// constraint of the application refuses, such as an INSERT of a second unique value, is left out.
func startTraffic(ctx context.Context, pool *pgxpool.Pool, tables []table) (*traffic, error) {
	t := &traffic{pool: pool}
	for _, one := range tables {
		if one.Key == "" {
			continue
		}
		made, err := trafficOf(ctx, pool, one)
		if err != nil {
			return nil, err
		}
		if len(made.keys) > 0 && len(made.statements) > 0 {
			t.tables = append(t.tables, made)
		}
	}
	ctx, t.cancel = context.WithCancel(ctx)
	if len(t.tables) > 0 {
		for range trafficWorkers {
			t.done.Go(func() { t.work(ctx) })
		}
	}
	return t, nil
}

func trafficOf(ctx context.Context, pool *pgxpool.Pool, from table) (trafficTable, error) {
	name, key := sqltext.Format("{}", from.named().All()), sqltext.Ident(from.Key)
	made := trafficTable{name: from.named().All().String()}
	found, err := pool.Query(ctx, fmt.Sprintf("SELECT %s::int8 FROM %s LIMIT %d", key, name, trafficKeys))
	if err == nil {
		made.keys, err = pgx.CollectRows(found, pgx.RowTo[int64])
	}
	if err != nil || len(made.keys) == 0 {
		return made, err
	}
	for _, sql := range trafficSQL(from, name, key) {
		s := trafficStatement{sql: sql, write: !strings.HasPrefix(sql, "SELECT"), mu: &sync.Mutex{}, broken: new(bool)}
		if _, err := pool.Exec(ctx, sql, made.keys[0]); err != nil {
			if ctx.Err() != nil {
				return made, err
			}
			continue
		}
		made.statements = append(made.statements, s)
	}
	return made, nil
}

// trafficSQL returns the statements on a table: two reads for each write, as most applications.
func trafficSQL(from table, name, key string) []string {
	columns := columnList(from.Columns)
	read := fmt.Sprintf("SELECT %s FROM %s WHERE %s = $1", columns, name, key)
	all := []string{read, read}
	if len(from.Plain) > 0 {
		c := sqltext.Ident(from.Plain[0])
		all = append(all, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = $1", name, c, c, key))
	}
	others := slices.DeleteFunc(slices.Clone(from.Columns), func(c string) bool { return c == from.Key })
	if len(others) > 0 {
		list := columnList(others)
		all = append(all, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s = $1", name, list, list, name, key))
	}
	return all
}

func (t *traffic) work(ctx context.Context) {
	for ctx.Err() == nil {
		one := t.tables[rand.IntN(len(t.tables))]
		s := one.statements[rand.IntN(len(one.statements))]
		s.mu.Lock()
		broken := *s.broken
		s.mu.Unlock()
		if broken {
			continue
		}
		begun := time.Now()
		_, err := t.pool.Exec(ctx, s.sql, one.keys[rand.IntN(len(one.keys))])
		if ctx.Err() != nil {
			return
		}
		t.record(time.Since(begun), one.name, s, err)
		select {
		case <-ctx.Done():
		case <-time.After(trafficPause):
		}
	}
}

// record keeps a time, and an error unless a constraint of the application explains it.
func (t *traffic) record(took time.Duration, table string, s trafficStatement, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, took)
	var server *pgconn.PgError
	switch {
	case err == nil:
		return
	case errors.As(err, &server) && s.write && strings.HasPrefix(server.Code, "23") && !strings.Contains(server.ConstraintName, "uuid"):
		s.mu.Lock()
		*s.broken = true
		s.mu.Unlock()
		return
	}
	const most = 5
	text := table + ": " + visible.Error(err)
	if len(t.errors) < most && !slices.Contains(t.errors, text) {
		t.errors = append(t.errors, text)
	}
}

// take returns what was felt since the last call.
func (t *traffic) take() Felt {
	t.mu.Lock()
	times, found := t.times, t.errors
	t.times, t.errors = nil, nil
	t.mu.Unlock()
	slices.Sort(times)
	felt := Felt{Statements: len(times), Errors: found}
	if felt.Errors == nil {
		felt.Errors = []string{}
	}
	if len(times) > 0 {
		const part = 0.99
		felt.P99, felt.Longest = times[int(part*float64(len(times)-1))], times[len(times)-1]
	}
	return felt
}

func (t *traffic) stop() {
	if t != nil {
		t.cancel()
		t.done.Wait()
	}
}

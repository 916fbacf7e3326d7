package pg

import (
	"errors"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestPreconditions checks that a transaction runs its work only if all preconditions return a row, and returns the error of the first
// that does not.
func TestPreconditions(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		first, second := errors.New("first"), errors.New("second")
		for _, test := range []struct {
			queries [2]string
			want    error
		}{
			{[2]string{"SELECT WHERE true", "SELECT 1"}, nil},
			{[2]string{"SELECT WHERE false", "SELECT WHERE false"}, first},
			{[2]string{"SELECT 1", "SELECT WHERE false"}, second},
			{[2]string{"SELECT 1", "SELECT FROM generate_series(1, 1) n WHERE ('x' || n)::int4 = 1"}, second},
		} {
			worked := false
			settings := Settings{ByIndex: true, Replica: false, Preconditions: []Precondition{
				{Query: test.queries[0], Err: first}, {Query: test.queries[1], Err: second, Code: pgerrcode.InvalidTextRepresentation},
			}}
			err := Run(b.Context(), b.pool, settings, func(Tx) error {
				worked = true
				return nil
			})
			if !errors.Is(err, test.want) || worked != (test.want == nil) {
				t.Errorf("%q: %v, worked: %t", test.queries, err, worked)
			}
		}
		b.poolUnchanged()
	})
}

// TestLastStatementCommits checks that the last statement is committed with its message, and that nothing is committed if it fails.
func TestLastStatementCommits(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		b.exec(b.session("postgres"), "CREATE TABLE public.written (n int PRIMARY KEY); GRANT ALL ON public.written TO PUBLIC")
		write := func(last func(Tx) error) error {
			return Run(b.Context(), b.pool, Settings{}, func(tx Tx) error {
				if _, err := tx.Exec(b.Context(), "INSERT INTO public.written SELECT coalesce(max(n), 0) + 1 FROM public.written"); err != nil {
					return err
				}
				return last(tx)
			})
		}
		committed := func(tx Tx) error {
			if status := tx.conn.PgConn().TxStatus(); status != 'I' {
				t.Errorf("after the last statement the state of the transaction is %c", status)
			}
			return nil
		}
		text := func(sql string) func(Tx) error {
			return func(tx Tx) error {
				tag, err := tx.ExecLast(b.Context(), sql)
				if err != nil {
					return err
				}
				if tag.RowsAffected() != 1 {
					t.Errorf("%s affected %d rows", sql, tag.RowsAffected())
				}
				return committed(tx)
			}
		}
		binary := func(sql string) func(Tx) error {
			return func(tx Tx) error {
				result := tx.ReadBinary(b.Context(), sql, [][]byte{{0, 0, 0, 9}}, true)
				if result.Err != nil {
					return result.Err
				}
				return committed(tx)
			}
		}
		for name, test := range map[string]struct {
			last func(Tx) error
			code string
		}{
			"text":                {text("INSERT INTO public.written VALUES (100)"), ""},
			"binary":              {binary("INSERT INTO public.written VALUES (100 + $1::int4)"), ""},
			"text that fails":     {text("INSERT INTO public.written VALUES (1/0)"), pgerrcode.DivisionByZero},
			"binary that fails":   {binary("INSERT INTO public.written VALUES ($1::int4/0)"), pgerrcode.DivisionByZero},
			"a COMMIT that fails": {text("INSERT INTO public.written VALUES (100)"), pgerrcode.UniqueViolation},
		} {
			t.Run(name, func(t *testing.T) {
				admin := b.session("postgres")
				b.exec(admin, "TRUNCATE public.written; ALTER TABLE public.written DROP CONSTRAINT IF EXISTS written_later")
				if test.code == pgerrcode.UniqueViolation {
					b.exec(admin, "ALTER TABLE public.written ADD m int DEFAULT 1, ADD CONSTRAINT written_later UNIQUE (m) DEFERRABLE INITIALLY DEFERRED")
				}
				err, rows := write(test.last), int64(2)
				if test.code != "" {
					rows = 0
				}
				if serverErr, ok := errors.AsType[*pgconn.PgError](err); (test.code == "") != (err == nil) || ok && serverErr.Code != test.code {
					t.Errorf("got %v", err)
				}
				found, err := admin.Exec(b.Context(), "SELECT FROM public.written").ReadAll()
				if err != nil || found[0].CommandTag.RowsAffected() != rows {
					t.Errorf("%v, want %d rows: %v", found, rows, err)
				}
			})
		}
		b.poolUnchanged()
	})
}

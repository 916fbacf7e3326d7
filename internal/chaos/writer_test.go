//go:build unix

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/ident"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// writers is the number of writers. Each has the ids with its own remainder, so that its record is its own. The last
// one writes NULL while a fault requests it.
const writers = 4

// writer is one session of the application with its record.
type writer struct {
	*trial
	number  int64
	random  *rand.Rand
	records map[string]*record
	conn    *pgx.Conn
	nulls   bool // it writes NULL
	count   int  // number of its transactions
	uuids   ident.Generator
}

func newWriter(t *trial, number int64) *writer {
	w := &writer{trial: t, number: number, nulls: number == writers-1, records: map[string]*record{}}
	w.random = rand.New(rand.NewPCG(t.seed, 1000*uint64(t.number)+uint64(number)))
	for _, table := range tables() {
		s := newRecord()
		s.next = 1_000_000 + number
		for id, r := range t.server.seed[table] {
			if id%writers == number {
				s.put(id, r)
			}
		}
		slices.Sort(s.ids) // a map's order does not depend on the seed
		for at, id := range s.ids {
			s.at[id] = at
		}
		w.records[table] = s
	}
	return w
}

// write runs transactions until the context ends. It completes a transaction that it has started.
func (w *writer) write(ctx context.Context) {
	defer func() {
		if w.conn != nil {
			_ = w.conn.Close(context.Background())
		}
	}()
	for ctx.Err() == nil {
		pause := time.Duration(2+w.random.IntN(12)) * time.Millisecond
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if w.nulls && !w.writeNull.Load() {
			continue
		}
		if !w.once() {
			return
		}
	}
}

// once runs one transaction. It returns false if the record can no longer be trusted, which ends the writer.
func (w *writer) once() bool {
	table := tables()[[]int{0, 0, 0, 1, 2, 2}[w.random.IntN(6)]]
	gate := w.gates[table]
	gate.RLock() // TRUNCATE clears the record too
	defer gate.RUnlock()
	w.count++
	a := w.act(table)
	if a.run == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := w.connect(ctx)
	if err == nil {
		err = a.run(ctx, w.conn)
	}
	return w.enter(ctx, table, a, err)
}

// enter records the effect of a transaction. If the server was killed, it reads whether the transaction was committed.
func (w *writer) enter(ctx context.Context, table string, a act, err error) bool {
	s := w.records[table]
	switch {
	case err == nil:
		s.apply(a.after)
		w.wrote.Add(1)
		return true
	case slices.Contains(a.may, code(err)):
		return true
	case !lost(err):
		w.fault("a statement of the application failed (%s on %s): %v", a.name, table, detailed(err))
		return false
	}
	for ctx.Err() == nil {
		var read map[int64]row
		if err = w.connect(ctx); err == nil {
			read, err = readRows(ctx, w.conn, table, "id = ANY ($1)", ids(a.after))
		}
		switch {
		case lost(err):
			time.Sleep(50 * time.Millisecond)
			continue
		case err != nil:
			w.fault("reading the result of %s on %s: %v", a.name, table, err)
			return false
		case a.after.fits(read):
			s.apply(a.after)
			return true
		case s.before(a.after).fits(read):
			return true
		}
		w.fault("%s on %s was partly done: %v, want %s", a.name, table, read, a.after)
		return false
	}
	w.fault("the application could not reach the server: %v", err)
	return false
}

func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil && !w.conn.IsClosed() {
		return nil
	}
	var err error
	for ctx.Err() == nil {
		if w.conn, err = pgx.Connect(ctx, w.server.cluster.URL(w.database)+"&application_name=writer"); err == nil {
			_, err = w.conn.Exec(ctx, "SET statement_timeout = '2min'", pgx.QueryExecModeExec)
			return err
		}
		w.conn = nil
		if !lost(err) && code(err) != "" {
			return err
		}
		time.Sleep(30 * time.Millisecond)
	}
	return err
}

func (c change) String() string {
	var lines []string
	for id, r := range c {
		if r == nil {
			lines = append(lines, fmt.Sprintf("%d: deleted", id))
		} else {
			lines = append(lines, fmt.Sprintf("%d: %s", id, *r))
		}
	}
	return strings.Join(lines, ", ")
}

func ids(c change) []int64 {
	var all []int64
	for id := range c {
		all = append(all, id)
	}
	return all
}

// act is one transaction of the application.
type act struct {
	name  string
	run   func(context.Context, *pgx.Conn) error
	after change
	may   []string // SQLSTATEs with which it may fail, without an effect
}

// statement returns an act with one statement.
func statement(name string, after change, sql string, args ...any) act {
	return act{name: name, after: after, run: func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...)
		return err
	}}
}

// mayLackColumn marks an act that names the column uuid, which may not exist yet.
func (a act) mayLackColumn() act {
	a.may = append(a.may, pgerrcode.UndefinedColumn)
	return a
}

// act draws the next transaction.
func (w *writer) act(table string) act {
	if w.nulls {
		return w.null(table)
	}
	switch w.random.IntN(12) {
	case 0, 1:
		return w.insert(table)
	case 2:
		return w.insertOwn(table)
	case 3, 4, 5:
		return w.update(table)
	case 6:
		return w.remove(table)
	case 7:
		return w.upsert(table)
	case 8:
		return w.copyIn(table)
	case 9:
		return w.several(table)
	case 10:
		return w.rename(table)
	default:
		return w.read(table)
	}
}

func (w *writer) fresh(table string) int64 {
	s := w.records[table]
	s.next += writers
	return s.next
}

func (w *writer) note() string { return fmt.Sprintf("writer %d, %d", w.number, w.count) }

func (w *writer) uuid() string { return w.uuids.NewV7().String() }

// removable picks a row to which no other row refers.
func (w *writer) removable(table string) (int64, bool) {
	id, ok := w.records[table].pick(w.random)
	return id, ok && (table != "wide" || id > referenced)
}

func (w *writer) insert(table string) act {
	id, note := w.fresh(table), w.note()
	after := change{id: {note: note}}
	if table == "found" {
		return statement("insert", after, sqltext.Format("INSERT INTO {} (id, note, parent) VALUES ($1, $2, $3)", qualified(table)),
			id, note, 1+w.random.Int64N(referenced))
	}
	return statement("insert", after, sqltext.Format("INSERT INTO {} (id, note) VALUES ($1, $2)", qualified(table)), id, note)
}

func (w *writer) insertOwn(table string) act {
	id, note, uuid := w.fresh(table), w.note(), w.uuid()
	return statement("insert with a uuid", change{id: {note: note, own: uuid}},
		sqltext.Format("INSERT INTO {} (id, note, uuid) VALUES ($1, $2, $3)", qualified(table)), id, note, uuid).mayLackColumn()
}

func (w *writer) update(table string) act {
	id, ok := w.records[table].pick(w.random)
	if !ok {
		return act{}
	}
	r := w.records[table].rows[id]
	r.note = w.note()
	return statement("update", change{id: &r}, sqltext.Format("UPDATE {} SET note = $2 WHERE id = $1", qualified(table)), id, r.note)
}

func (w *writer) remove(table string) act {
	id, ok := w.removable(table)
	if !ok {
		return act{}
	}
	return statement("delete", change{id: nil}, sqltext.Format("DELETE FROM {} WHERE id = $1", qualified(table)), id)
}

// upsert inserts a new row or updates an existing one, equally often.
func (w *writer) upsert(table string) act {
	id, ok := w.records[table].pick(w.random)
	if !ok || w.count%2 == 0 {
		id = w.fresh(table)
	}
	r := w.records[table].rows[id]
	r.note = w.note()
	return statement("insert or update", change{id: &r},
		sqltext.Format("INSERT INTO {} (id, note) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET note = excluded.note", qualified(table)), id, r.note)
}

func (w *writer) copyIn(table string) act {
	after, text := change{}, ""
	own := w.count%2 == 0
	columns := "id, note"
	if own {
		columns += ", uuid"
	}
	for range 1 + w.random.IntN(30) {
		id, r := w.fresh(table), row{note: w.note()}
		text += fmt.Sprintf("%d\t%s", id, r.note)
		if own {
			r.own = w.uuid()
			text += "\t" + r.own
		}
		text += "\n"
		after[id] = &r
	}
	return act{name: "copy", after: after, run: func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().CopyFrom(ctx, strings.NewReader(text), sqltext.Format("COPY {} (", qualified(table))+columns+") FROM STDIN")
		return err
	}}.mayLackColumn()
}

// several updates a few rows in the order of their ids, as an application must, and keeps them locked for a while.
func (w *writer) several(table string) act {
	after := change{}
	for range 3 {
		if id, ok := w.records[table].pick(w.random); ok {
			r := w.records[table].rows[id]
			r.note = w.note()
			after[id] = &r
		}
	}
	pause := time.Duration(5+w.random.IntN(60)) * time.Millisecond
	return act{name: "several updates", after: after, run: func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			order := ids(after)
			slices.Sort(order)
			for _, id := range order {
				if _, err := tx.Exec(ctx, sqltext.Format("UPDATE {} SET note = $2 WHERE id = $1", qualified(table)), pgx.QueryExecModeExec, id, after[id].note); err != nil {
					return err
				}
			}
			time.Sleep(pause)
			return nil
		})
	}}
}

// rename changes a row's id, and sets a time that no other row has. With an equal time, its uuid would be ordered by
// its former id, which verify would report as a difference.
func (w *writer) rename(table string) act {
	id, ok := w.removable(table)
	if !ok {
		return act{}
	}
	r := w.records[table].rows[id]
	r.note = w.note()
	to := w.fresh(table)
	return statement("key update", change{id: nil, to: &r},
		sqltext.Format("UPDATE {} SET id = $2, note = $3, at = $4 WHERE id = $1", qualified(table)), id, to, r.note,
		time.Date(2001, 1, 1, 0, 0, int(to), 0, time.UTC))
}

// read reads a row, and records its uuid as read.
func (w *writer) read(table string) act {
	s := w.records[table]
	id, ok := s.pick(w.random)
	if !ok {
		return act{}
	}
	return act{name: "select", run: func(ctx context.Context, conn *pgx.Conn) error {
		read, err := readRows(ctx, conn, table, "id = $1", id)
		if err != nil {
			return err
		}
		r := s.rows[id]
		w.compare(table, id, r, read)
		if got := read[id]; got.own != "" && r.own == "" {
			r.seen, r.when = got.own, time.Now()
			s.put(id, r)
		}
		return nil
	}}
}

// null writes NULL as a uuid, which may be refused.
func (w *writer) null(table string) act {
	refused := []string{pgerrcode.NotNullViolation, pgerrcode.CheckViolation, pgerrcode.UndefinedColumn}
	note := w.note()
	if w.count%2 == 0 {
		id := w.fresh(table)
		a := statement("insert of NULL", change{id: {note: note}}, sqltext.Format("INSERT INTO {} (id, note, uuid) VALUES ($1, $2, NULL)", qualified(table)), id, note)
		a.may = refused
		return a
	}
	id, ok := w.records[table].pick(w.random)
	if !ok {
		return act{}
	}
	a := statement("update to NULL", change{id: {note: note}}, sqltext.Format("UPDATE {} SET note = $2, uuid = NULL WHERE id = $1", qualified(table)), id, note)
	a.may = refused
	return a
}

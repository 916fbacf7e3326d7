package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/ident"
)

// verb is a kind of statement.
type verb string

const (
	selecting    verb = "SELECT"
	inserting    verb = "INSERT"
	insertingKey verb = "INSERT with uuid"
	updating     verb = "UPDATE"
	deleting     verb = "DELETE"
	finding      verb = "SELECT by uuid"
)

// choose picks the next statement: half are selects, most of the others writes. It uses the uuid column and its index
// only if the application knows them.
func (w *worker) choose(f *flow) verb {
	dice := w.random.IntN(100)
	insert := inserting
	if f.column.Load() && dice%2 == 0 {
		insert = insertingKey
	}
	switch {
	case len(w.rows[f]) == 0 || dice < 20:
		return insert
	case dice < 45:
		return updating
	case dice < 52 && w.deletable(f) >= 0:
		return deleting
	case dice < 75 && f.index.Load() && w.keyed(f) >= 0:
		return finding
	default:
		return selecting
	}
}

// act runs one statement on one of the worker's rows. It returns a description of a difference from the record, or "".
func (w *worker) act(ctx context.Context, f *flow, v verb) (string, error) {
	switch v {
	case inserting, insertingKey:
		return "", w.insert(ctx, f, v == insertingKey)
	case updating:
		return w.update(ctx, f, w.random.IntN(len(w.rows[f])))
	case deleting:
		return w.remove(ctx, f, w.deletable(f))
	case finding:
		return w.find(ctx, f, w.rows[f][w.keyed(f)])
	default:
		return w.read(ctx, f, w.random.IntN(len(w.rows[f])))
	}
}

func (w *worker) insert(ctx context.Context, f *flow, own bool) error {
	r := row{value: w.value(), own: own}
	arguments := []any{r.value}
	if f.kind.parent != "" {
		arguments = append(arguments, f.parents[w.random.IntN(len(f.parents))])
	}
	text := f.statements.insert
	if own {
		r.key = ident.NewV7().String()
		text, arguments = f.insertKey, append(arguments, r.key)
	}
	if err := w.session.QueryRow(ctx, text, arguments...).Scan(&r.id, &r.sum); err != nil {
		return err
	}
	w.rows[f] = append(w.rows[f], r)
	return nil
}

func (w *worker) update(ctx context.Context, f *flow, i int) (string, error) {
	r, value := &w.rows[f][i], w.value()
	var id, sum int64
	err := w.session.QueryRow(ctx, f.statements.update, r.id, value).Scan(&id, &sum)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Sprintf("no row has id %d", r.id), nil
	}
	if err == nil {
		r.value, r.sum = value, sum
	}
	return "", err
}

func (w *worker) remove(ctx context.Context, f *flow, i int) (string, error) {
	rows := w.rows[f]
	tag, err := w.session.Exec(ctx, f.statements.remove, rows[i].id)
	if err != nil {
		return "", err
	}
	wrong := ""
	if tag.RowsAffected() != 1 {
		wrong = fmt.Sprintf("no row has id %d", rows[i].id)
	}
	rows[i] = rows[len(rows)-1]
	w.rows[f] = rows[:len(rows)-1]
	return wrong, nil
}

// read compares a row with the record and, if the application knows the column, records its uuid.
func (w *worker) read(ctx context.Context, f *flow, i int) (string, error) {
	r, is := &w.rows[f][i], row{}
	text := f.selects
	if f.column.Load() {
		text = f.selectKey
	}
	err := w.session.QueryRow(ctx, text, r.id).Scan(&is.value, &is.sum, &is.key)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Sprintf("no row has id %d", r.id), nil
	case err != nil:
		return "", err
	case is.value != r.value || is.sum != r.sum:
		return fmt.Sprintf("the row with id %d has values other than the recorded ones", r.id), nil
	case r.key != "" && is.key != r.key:
		return fmt.Sprintf("the row with id %d has the uuid %q instead of %q", r.id, is.key, r.key), nil
	}
	r.key = is.key
	return "", nil
}

func (w *worker) find(ctx context.Context, f *flow, r row) (string, error) {
	var id int64
	err := w.session.QueryRow(ctx, f.statements.find, r.key).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Sprintf("there is no row with the uuid of id %d", r.id), nil
	case err == nil && id != r.id:
		return fmt.Sprintf("the uuid of id %d leads to id %d", r.id, id), nil
	}
	return "", err
}

// deletable returns the index of one of the worker's rows that no other row refers to, or -1.
func (w *worker) deletable(f *flow) int {
	return w.some(f, func(r row) bool { return f.kind.leaf || r.id > f.last })
}

// keyed returns the index of a row whose uuid is known, or -1.
func (w *worker) keyed(f *flow) int {
	return w.some(f, func(r row) bool { return r.key != "" })
}

// some searches from a random index, so that it finds a row if there is one.
func (w *worker) some(f *flow, fits func(row) bool) int {
	rows := w.rows[f]
	if len(rows) == 0 {
		return -1
	}
	start := w.random.IntN(len(rows))
	for i := range rows {
		if at := (start + i) % len(rows); fits(rows[at]) {
			return at
		}
	}
	return -1
}

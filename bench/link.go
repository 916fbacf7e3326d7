package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Link is the cost of the phase linked for one foreign key: of its run, compared with phase expanded on the same rows, and
// of the application's statements before and after it. Without the application unless a field says so.
type Link struct {
	Children     int64         `json:"children"`
	Parents      int64         `json:"parents"`
	Expand       time.Duration `json:"expand_fill_ns"` // the fill of the children's own column
	Fill         time.Duration `json:"edge_fill_ns"`
	Wall         time.Duration `json:"wall_ns"`   // of the whole run to linked
	WAL          int64         `json:"wal_bytes"` // of the same run
	HOT          float64       `json:"hot_share"` // as a part of the rows that the run updated
	Insert       time.Duration `json:"insert_ns"` // a row with its integer foreign key, before the run
	InsertLinked time.Duration `json:"insert_linked_ns"`
	Update       time.Duration `json:"update_ns"` // a row's other column, before the run
	UpdateLinked time.Duration `json:"update_linked_ns"`
	Idle         *Application  `json:"application_idle,omitempty"` // without a run, for as long
	Linking      *Application  `json:"application_linking,omitempty"`
	Error        string        `json:"error,omitempty"`
}

const (
	linkName          = "link"
	linkTemplate      = "bench_link"
	expandedTemplate  = "bench_expanded"
	childrenPerParent = 10
)

// link measures two runs on equal databases: one without the application and one with it.
func (l *lab) link(ctx context.Context) (err error) {
	m := Link{Children: l.options.children, Parents: l.options.children / childrenPerParent}
	l.say(fmt.Sprintf("building %d children of %d parents", m.Children, m.Parents))
	rows, accounts := l.rows, l.accounts
	defer func() {
		l.rows, l.accounts = rows, accounts
		if err != nil {
			m.Error = err.Error()
		}
		l.server.Link = append(l.server.Link, m)
		clean := context.WithoutCancel(ctx)
		err = errors.Join(err, l.drop(clean, linkTemplate), l.drop(clean, expandedTemplate))
	}()
	l.rows, l.accounts = m.Children, m.Parents
	for _, part := range []func(context.Context, *Link) error{l.makeLink, l.expand, l.linkQuiet, l.linkBusy} {
		if err := part(ctx, &m); err != nil {
			return err
		}
	}
	l.say(fmt.Sprintf("%s: fill of the edge %s, of phase expanded %s", linkName, short(m.Fill), short(m.Expand)))
	return nil
}

// makeLink creates the tables: public.items, as in the other runs, refers to public.accounts.
func (l *lab) makeLink(ctx context.Context, m *Link) error {
	session, err := l.fresh(ctx, linkTemplate)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	err = execute(
		ctx, session, tableSQL,
		"CREATE TABLE public.accounts (id bigint PRIMARY KEY, name text NOT NULL)",
		sqltext.Format("INSERT INTO public.accounts SELECT n, 'account ' || n FROM generate_series(0, {}) n", m.Parents-1),
	)
	if err != nil {
		return err
	}
	const most = 1_000_000 // rows per statement, so that Ctrl-C takes effect soon
	insert := strings.Replace(rowsSQL, fmt.Sprint(usualAccounts), fmt.Sprint(m.Parents), 1)
	for from := int64(1); from <= m.Children; from += most {
		if _, err := session.Exec(ctx, insert, from, min(from+most-1, m.Children), m.Children); err != nil {
			return err
		}
	}
	err = execute(
		ctx, session,
		sqltext.Format("SELECT setval('public.items_id_seq', {})", m.Children),
		"CREATE INDEX items_account_idx ON public.items (account_id)",
		"ALTER TABLE public.items ADD FOREIGN KEY (account_id) REFERENCES public.accounts",
		"VACUUM (ANALYZE) public.items, public.accounts",
	)
	return errors.Join(err, l.round(ctx))
}

// fresh creates a database and connects to it.
func (l *lab) fresh(ctx context.Context, database string) (*pgx.Conn, error) {
	if err := l.drop(ctx, database); err != nil {
		return nil, err
	}
	if err := execute(ctx, l.admin, sqltext.Format("CREATE DATABASE {}", sqltext.Name(database))); err != nil {
		return nil, err
	}
	return pgx.Connect(ctx, l.cluster.URL(database))
}

// expand runs phase expanded on a copy, which the other parts copy again.
func (l *lab) expand(ctx context.Context, m *Link) error {
	s, err := l.copyOf(ctx, linkTemplate)
	if err != nil {
		return err
	}
	found, err := hire(ctx, order{URL: s.url, Pace: "full", To: rekey.Expanded})
	if err == nil && found.Error != "" {
		err = errors.New(found.Error)
	}
	m.Expand = stepTime(found.Steps, "items/fill-column")
	if err == nil && m.Expand == 0 {
		err = errors.New("phase expanded filled nothing")
	}
	if err == nil {
		err = execute(ctx, s.watch, "VACUUM (ANALYZE) public.items, public.accounts")
	}
	if err = errors.Join(err, s.watch.Close(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	return execute(ctx, l.admin,
		sqltext.Format("DROP DATABASE IF EXISTS {} WITH (FORCE)", sqltext.Name(expandedTemplate)),
		sqltext.Format("ALTER DATABASE {} RENAME TO {}", sqltext.Name(working), sqltext.Name(expandedTemplate)))
}

// stepTime returns the time of the steps whose name has this end.
func stepTime(steps []Step, end string) (sum time.Duration) {
	for _, s := range steps {
		if strings.HasSuffix(s.Step, end) {
			sum += s.Elapsed
		}
	}
	return sum
}

// linkQuiet measures the run, and statements before and after it.
func (l *lab) linkQuiet(ctx context.Context, m *Link) (err error) {
	s, err := l.copyOf(ctx, expandedTemplate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if m.Insert, m.Update, err = s.statements(ctx, m); err != nil {
		return err
	}
	before, err := s.sizes(ctx)
	if err != nil {
		return err
	}
	start, err := s.position(ctx)
	if err != nil {
		return err
	}
	if err := s.toLinked(ctx, m); err != nil {
		return err
	}
	end, err := s.position(ctx)
	if err != nil {
		return err
	}
	m.WAL = end - start
	after, err := s.sizes(ctx)
	if err != nil {
		return err
	}
	if updated := after.updated - before.updated; updated > 0 {
		m.HOT = float64(after.hot-before.hot) / float64(updated)
	}
	if m.InsertLinked, m.UpdateLinked, err = s.statements(ctx, m); err != nil {
		return err
	}
	return s.proved(ctx)
}

func (s *site) toLinked(ctx context.Context, m *Link) error {
	begun := time.Now()
	found, err := hire(ctx, order{URL: s.url, Pace: "full", To: rekey.Linked})
	if err == nil && found.Error != "" {
		err = errors.New(found.Error)
	}
	m.Wall, m.Fill = time.Since(begun), stepTime(found.Steps, "items.account_id/fill")
	if err == nil && m.Fill == 0 {
		err = errors.New("the run filled nothing")
	}
	return err
}

// proved checks that every row has both keys: an incomplete run would look fast.
func (s *site) proved(ctx context.Context) error {
	var bad int64
	err := s.watch.QueryRow(ctx, `SELECT count(*) FROM public.items c LEFT JOIN public.accounts p ON p.id = c.account_id
		WHERE c.account_uuid IS DISTINCT FROM p.uuid`).Scan(&bad)
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d rows have another uuid than their parent", bad)
	}
	return err
}

// statements returns the best time of several statements for one inserted row, and for one updated row. The rows are
// rolled back, so that the run begins with the same rows each time.
func (s *site) statements(ctx context.Context, m *Link) (insert, update time.Duration, err error) {
	const rounds = 5
	rows := min(m.Children, 60_000)
	inserting := sqltext.Format(`INSERT INTO public.items (account_id, kind, title, amount, details)
		SELECT n * 7919 % {}, 'order', 'new item', 1, '{"source": "app"}' FROM generate_series(1, {}) n`, m.Parents, rows)
	updating := sqltext.Format("UPDATE public.items SET amount = amount + 1 WHERE id <= {}", rows)
	for _, one := range []struct {
		sql  string
		best *time.Duration
	}{{inserting, &insert}, {updating, &update}} {
		for round := range rounds {
			took, err := s.undone(ctx, one.sql)
			if err != nil {
				return 0, 0, err
			}
			if round == 0 || took < *one.best {
				*one.best = took
			}
		}
		*one.best /= time.Duration(rows)
		if err := execute(ctx, s.watch, "VACUUM public.items"); err != nil {
			return 0, 0, err
		}
	}
	return insert, update, nil
}

// undone returns the time of a statement, including the checks of foreign keys at its end, and rolls it back.
func (s *site) undone(ctx context.Context, sql string) (took time.Duration, err error) {
	tx, err := s.watch.Begin(ctx)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	_, err = tx.Exec(ctx, sql)
	took = time.Since(begun)
	return took, errors.Join(err, tx.Rollback(ctx))
}

// linkBusy measures the application's waits during the run, and for as long without it.
func (l *lab) linkBusy(ctx context.Context, m *Link) error {
	if l.options.quiet {
		return nil
	}
	var err error
	busy := Link{}
	if m.Linking, err = l.linkWith(ctx, func(s *site) error { return s.toLinked(ctx, &busy) }); err != nil {
		return err
	}
	m.Idle, err = l.linkWith(ctx, func(*site) error { return rest(ctx, busy.Wall) })
	return err
}

func (l *lab) linkWith(ctx context.Context, work func(*site) error) (a *Application, err error) {
	s, err := l.copyOf(ctx, expandedTemplate)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	t, err := begin(ctx, s, false)
	if err == nil {
		err = work(s)
	}
	if t != nil {
		a = t.end(time.Time{}, nil)
	}
	return a, err
}

func (m Link) cells() []string {
	cells := []string{fmt.Sprint(m.Children), fmt.Sprint(m.Parents)}
	if m.Error != "" {
		return append(cells, "failed: "+strings.ReplaceAll(m.Error, "\n", "; "))
	}
	cells = append(cells, seconds(m.Expand), seconds(m.Fill), megabytes(m.WAL), fmt.Sprintf("%.0f %%", 100*m.HOT),
		m.Insert.String(), m.InsertLinked.String(), m.Update.String(), m.UpdateLinked.String())
	if m.Idle == nil || m.Linking == nil {
		return cells
	}
	return append(cells, short(m.Idle.P99), short(m.Linking.P99), short(m.Idle.Longest), short(m.Linking.Longest))
}

// linkFigures compare the phase linked with phase expanded, and the application's statements with those before.
func linkFigures(s *Server) []Figure {
	var m Link
	if len(s.Link) > 0 && s.Link[0].Error == "" {
		m = s.Link[0]
	}
	ratio := func(figure string, value, against time.Duration, most float64) Figure {
		return quotient(figure, float64(value), float64(against), most)
	}
	figures := []Figure{
		ratio("fill of an edge, full, against phase expanded's fill; no traffic", m.Fill, m.Expand, 1.5),
		most("WAL of the run to linked, full; no traffic", float64(m.WAL)/(1<<20), 1024, "MB"),
		share("HOT updates of the same run", m.HOT, 0.7),
		ratio("insert of a linked row, against the integer foreign key only", m.InsertLinked, m.Insert, 2.8),
		ratio("update of another column of a linked row, against the same before", m.UpdateLinked, m.Update, 1.6),
	}
	if m.Idle == nil || m.Linking == nil {
		m.Idle, m.Linking = &Application{}, &Application{}
	}
	return append(
		figures,
		ratio("application's p99 during the run to linked, full, against none", m.Linking.P99, m.Idle.P99, 1.5),
		most("application's longest wait during the run to linked, full", float64(m.Linking.Longest)/float64(time.Millisecond), 100, "ms"),
	)
}

// most judges a figure that must not exceed a limit; 0 is not measured.
func most(figure string, value, limit float64, unit string) Figure {
	if value == 0 {
		return unmeasured(figure, bound(limit, unit))
	}
	return judged(figure, bound(limit, unit), value, unit, value <= limit)
}

// share judges a part that must not be less; 0 is not measured.
func share(figure string, value, least float64) Figure {
	want := fmt.Sprintf("≥ %.3g", least)
	if value == 0 {
		return unmeasured(figure, want)
	}
	return judged(figure, want, value, "", value >= least)
}

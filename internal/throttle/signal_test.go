package throttle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// A plain role without pg_monitor, on a server without standbys, is neither refused nor paused.
func TestPlainRoleIsNotPaused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c)
		found, err := Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{})
		if err != nil || len(found) > 0 {
			t.Fatalf("refused: %v %v", found, err)
		}
		found, err = Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{MaxSnapshotAge: time.Second})
		if err != nil || len(found) != 1 || !strings.Contains(found[0].Hint, `GRANT pg_monitor TO "plain"`) || !strings.Contains(found[0].Hint, "--without-signal snapshots") {
			t.Errorf("not refused: %v %v", found, err)
		}
		w := b.start(b.plain, Limits{})
		w.SetActivity(t.Context(), Activity{Table: "public.t", Filling: true})
		for _, s := range w.signals {
			b.waitRead(s)
		}
		b.waitResumed()
	})
}

// waitRead waits for a successful reading that begins from now on.
func (b *env) waitRead(s *signal) {
	b.Helper()
	at := func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.readAt
	}
	for begun := time.Now(); !at().After(begun); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > testTimeout {
			b.Fatalf("%s was not read", s.description)
		}
	}
}

func TestPausesByQuery(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c)
		b.exec("CREATE TABLE public.load (description text)")
		b.exec("GRANT SELECT ON public.load TO plain")
		b.start(b.plain, Limits{Query: "SELECT description FROM public.load"})
		b.waitResumed()
		b.exec("INSERT INTO public.load VALUES ('the nightly report runs')")
		b.waitPaused("the throttle query returned: the nightly report runs")
		b.exec("UPDATE public.load SET description = ''")
		b.waitResumed()
		b.exec("UPDATE public.load SET description = 'again'")
		b.waitPaused("again")
		b.exec("UPDATE public.load SET description = NULL")
		b.waitResumed()
	})
}

func TestQueryResults(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	for sql, c := range map[string]struct{ reason, refused string }{
		"SELECT true":                        {reason: "the throttle query returned true"},
		"SELECT false":                       {},
		"SELECT NULL::bool":                  {},
		"SELECT true WHERE false":            {},
		"SELECT 'busy'":                      {reason: "busy"},
		"SELECT 'busy'::varchar(9);":         {reason: "busy"},
		"SELECT 1":                           {refused: "neither a boolean nor a text"},
		"SELECT true, false":                 {refused: "2 columns"},
		"SELECT true FROM nowhere":           {refused: "does not exist"},
		"SELECT pg_sleep(10)::text":          {refused: "statement timeout"},
		"DELETE FROM public.t RETURNING 'x'": {refused: "does not begin with SELECT"},
		"WITH d AS (DELETE FROM public.t RETURNING 'x'::text AS x) SELECT x FROM d": {refused: "read-only"},
		"SELECT true AS x INTO public.made":                                         {refused: "read-only"},
		"SELECT true; SELECT true":                                                  {refused: "more than one statement"},
		"COMMIT":                                                                    {refused: "does not begin with SELECT"},
		"SELECT 'SECRET'::int::text":                                                {refused: "invalid input syntax for type integer: ?"},
	} {
		found, err := Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{Query: sql})
		switch {
		case err != nil:
			t.Errorf("%s: %v", sql, err)
		case c.refused == "" && len(found) > 0:
			t.Errorf("%s is refused: %v", sql, found)
		case c.refused != "" && (len(found) != 1 || !strings.Contains(found[0].Error(), c.refused) || found[0].Code != "throttle_query"):
			t.Errorf("%s: got %v, want %s", sql, found, c.refused)
		}
		if c.refused != "" {
			continue
		}
		w := prepare(b.plain, b.pace, Limits{Query: sql}, nil)
		if reason, err := w.readQuery(t.Context()); err != nil || (c.reason == "") != (reason == "") || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: got %q, %v", sql, reason, err)
		}
	}
	if found, err := Check(t.Context(), b.plain, catalog.Role{}, Limits{Query: "SELECT 1", Without: []string{Query}}); err != nil || len(found) > 0 {
		t.Errorf("the query was checked although its signal is disabled: %v %v", found, err)
	}
}

// A signal that cannot be read any more pauses the run with its error, and the run continues once it can be read.
func TestPausesWhileReadingIsStale(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	b.start(b.plain, Limits{Query: "SELECT false FROM public.t"}, func(w *Watch) { w.staleAfter = 300 * time.Millisecond })
	b.waitResumed()
	b.exec("ALTER TABLE public.t RENAME TO u")
	b.waitPaused("the last reading of the throttle query is", "does not exist")
	b.exec("ALTER TABLE public.u RENAME TO t")
	b.waitResumed()
	locked, err := b.admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Exec(t.Context(), "LOCK TABLE public.t"); err != nil {
		t.Fatal(err)
	}
	b.waitPaused("the last reading of the throttle query is") // every reading hangs
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.waitResumed()
}

func TestPausesWhileFileExists(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	name := filepath.Join(t.TempDir(), "hold")
	b.start(b.plain, Limits{File: name})
	b.waitResumed()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.waitPaused(name + " exists")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	b.waitResumed()
	found, err := Check(t.Context(), b.plain, catalog.Role{}, Limits{File: name + "\x00"})
	if err != nil || len(found) != 1 || found[0].Code != "throttle_file" {
		t.Errorf("%v %v", found, err)
	}
}

// A file that exists at the start pauses the run before its first change.
func TestFileIsReadAtStart(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	name := filepath.Join(t.TempDir(), "hold")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(b.plain, Limits{File: name}, func(w *Watch) { w.pollInterval = time.Hour })
	if reason, _ := b.pace.Paused(); !strings.Contains(reason, name) {
		t.Errorf("the reason is %q", reason)
	}
}

// Side effects of a throttle query are rolled back, and anything but a query is never executed: not even for a superuser,
// whom READ ONLY does not keep from running a program.
func TestQueryLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, servertest.Versions(t)[0]))
	listener, err := b.admin.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "LISTEN throttle"); err != nil {
		t.Fatal(err)
	}
	for sql, refused := range map[string]bool{
		"SELECT pg_notify('throttle', 'SELECT')::text":                                         false,
		"COPY (SELECT pg_notify('throttle', 'COPY')) TO PROGRAM 'cat >/dev/null'":              true,
		"/* SELECT */ COPY (SELECT pg_notify('throttle', 'COPY')) TO PROGRAM 'cat >/dev/null'": true,
		"SELECT true; COMMIT; SELECT pg_notify('throttle', 'second')::text":                    true,
		"DO $$ BEGIN PERFORM pg_notify('throttle', 'DO'); END $$":                              true,
	} {
		found, err := Check(t.Context(), b.admin, catalog.Role{Name: "postgres", Monitor: true}, Limits{Query: sql})
		if err != nil || (len(found) > 0) != refused {
			t.Errorf("%s: %v %v", sql, found, err)
		}
		_, err = prepare(b.admin, b.pace, Limits{Query: sql}, nil).readQuery(t.Context())
		if (err != nil) != refused {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := b.admin.Exec(t.Context(), "NOTIFY throttle, 'end'"); err != nil {
		t.Fatal(err)
	}
	if notification, err := listener.Conn().WaitForNotification(t.Context()); err != nil || notification.Payload != "end" {
		t.Errorf("a throttle query sent %+v (%v)", notification, err)
	}
}

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

// A plain role without pg_monitor, on a server without standbys, is neither refused nor held up.
func TestPlainRole(t *testing.T) {
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

// reads waits for a reading that comes about from now on.
func (b *env) waitRead(s *signal) {
	b.Helper()
	at := func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.readAt
	}
	for begun := time.Now(); !at().After(begun); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > testTimeout {
			b.Fatalf("%s is not read", s.description)
		}
	}
}

func TestQuery(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c)
		b.exec("CREATE TABLE public.say (words text)")
		b.exec("GRANT SELECT ON public.say TO plain")
		b.start(b.plain, Limits{Query: "SELECT words FROM public.say"})
		b.waitResumed()
		b.exec("INSERT INTO public.say VALUES ('the nightly report runs')")
		b.waitPaused("the throttle query says: the nightly report runs")
		b.exec("UPDATE public.say SET words = ''")
		b.waitResumed()
		b.exec("UPDATE public.say SET words = 'again'")
		b.waitPaused("again")
		b.exec("UPDATE public.say SET words = NULL")
		b.waitResumed()
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	for sql, c := range map[string]struct{ says, refused string }{
		"SELECT true":                        {says: "the throttle query says so"},
		"SELECT false":                       {},
		"SELECT NULL::bool":                  {},
		"SELECT true WHERE false":            {},
		"SELECT 'busy'":                      {says: "busy"},
		"SELECT 'busy'::varchar(9);":         {says: "busy"},
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
			t.Errorf("%s: %v, not %s", sql, found, c.refused)
		}
		if c.refused != "" {
			continue
		}
		w := prepare(b.plain, b.pace, Limits{Query: sql}, nil)
		if reason, err := w.readQuery(t.Context()); err != nil || (c.says == "") != (reason == "") || !strings.Contains(reason, c.says) {
			t.Errorf("%s: %q %v", sql, reason, err)
		}
	}
	if found, err := Check(t.Context(), b.plain, catalog.Role{}, Limits{Query: "SELECT 1", Without: []string{Query}}); err != nil || len(found) > 0 {
		t.Errorf("asked although it is left out: %v %v", found, err)
	}
}

// A signal that cannot be read any more holds the run, says so, and lets go when it can.
func TestStale(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	b.start(b.plain, Limits{Query: "SELECT false FROM public.t"}, func(w *Watch) { w.staleAfter = 300 * time.Millisecond })
	b.waitResumed()
	b.exec("ALTER TABLE public.t RENAME TO u")
	b.waitPaused("the reading of the throttle query is stale", "does not exist")
	b.exec("ALTER TABLE public.u RENAME TO t")
	b.waitResumed()
	locked, err := b.admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Exec(t.Context(), "LOCK TABLE public.t"); err != nil {
		t.Fatal(err)
	}
	b.waitPaused("the reading of the throttle query is stale") // none comes back
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.waitResumed()
}

func TestFile(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	name := filepath.Join(t.TempDir(), "hold")
	b.start(b.plain, Limits{File: name})
	b.waitResumed()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.waitPaused(name + " is there")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	b.waitResumed()
	found, err := Check(t.Context(), b.plain, catalog.Role{}, Limits{File: name + "\x00"})
	if err != nil || len(found) != 1 || found[0].Code != "throttle_file" {
		t.Errorf("%v %v", found, err)
	}
}

// The file that is there at the beginning is seen before anything is done.
func TestFileAtTheStart(t *testing.T) {
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	name := filepath.Join(t.TempDir(), "hold")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(b.plain, Limits{File: name}, func(w *Watch) { w.pollInterval = time.Hour })
	if reason, _ := b.pace.Paused(); !strings.Contains(reason, name) {
		t.Errorf("the objection is %q", reason)
	}
}

// What a question does beside its answer is undone, and what is no question is not executed at all: not even by a
// superuser, whom READ ONLY does not keep from running a program.
func TestQuestionsLeaveNothing(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, servertest.Versions(t)[0]))
	listener, err := b.admin.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "LISTEN heard"); err != nil {
		t.Fatal(err)
	}
	for sql, refused := range map[string]bool{
		"SELECT pg_notify('heard', 'SELECT')::text":                                         false,
		"COPY (SELECT pg_notify('heard', 'COPY')) TO PROGRAM 'cat >/dev/null'":              true,
		"/* SELECT */ COPY (SELECT pg_notify('heard', 'COPY')) TO PROGRAM 'cat >/dev/null'": true,
		"SELECT true; COMMIT; SELECT pg_notify('heard', 'second')::text":                    true,
		"DO $$ BEGIN PERFORM pg_notify('heard', 'DO'); END $$":                              true,
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
	if _, err := b.admin.Exec(t.Context(), "NOTIFY heard, 'end'"); err != nil {
		t.Fatal(err)
	}
	if heard, err := listener.Conn().WaitForNotification(t.Context()); err != nil || heard.Payload != "end" {
		t.Errorf("%+v %v was sent by a question", heard, err)
	}
}

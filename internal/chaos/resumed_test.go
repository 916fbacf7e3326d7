//go:build unix

package chaos

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A run that was stopped just before a change, and is resumed after another run has finished the work, changes nothing.
func TestResumedRunChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, 1, func(t *testing.T, major int) {
		h := startServer(t, major, nil)
		h.runUndisturbed()
		var all sync.WaitGroup
		for i, part := range []string{"wide/add-column", "wide/build-index", "ADD CONSTRAINT", "VALIDATE", "SET NOT NULL", "small/settle"} {
			w := &resumed{server: h, database: h.copy(fmt.Sprintf("waking_%d", i)), at: part}
			all.Go(func() { w.run(t) })
		}
		all.Wait()
	})
}

type resumed struct {
	server       *testServer
	database, at string
}

func (w *resumed) run(t *testing.T) {
	o := request{URL: w.server.cluster.URL(w.database) + "&application_name=" + applicationName, Pace: "normal"}
	var first *process
	var once sync.Once
	ready, started := make(chan struct{}), make(chan struct{})
	first, err := begin(o, func(h eventLine) {
		if h.Event == "executing" && strings.Contains(h.Step+" "+h.SQL, w.at) {
			once.Do(func() {
				<-started
				_ = first.signal(syscall.SIGSTOP)
				close(ready)
			})
		}
	})
	if err != nil {
		t.Error(err)
		return
	}
	close(started)
	defer first.kill()
	select {
	case <-ready:
	case <-first.done:
		t.Errorf("no statement with %s: %v", w.at, first.result)
		return
	}
	if !w.finish(t, o) {
		return
	}
	_ = first.signal(syscall.SIGCONT)
	if !first.waitEnd(timeout) {
		t.Errorf("stopped at %s, the run did not end", w.at)
		return
	}
	t.Logf("stopped at %s: %s", w.at, first.result)
	if diff := cmp.Diff(w.server.undisturbed, w.server.shape(w.database)); diff != "" {
		t.Errorf("stopped at %s, the resumed run changed the catalogue (-want +got)\n%s", w.at, diff)
	}
}

// finish completes the work with another run once the lease has expired.
func (w *resumed) finish(t *testing.T, o request) bool {
	for started := time.Now(); time.Since(started) < timeout; {
		p, err := begin(o, func(eventLine) {})
		if err != nil {
			t.Error(err)
			return false
		}
		<-p.done
		if p.result != nil && p.result.OK {
			return true
		}
		time.Sleep(time.Second)
	}
	t.Errorf("stopped at %s: no other run took over", w.at)
	return false
}

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

// A run that was stopped just before a change, and wakes up when another has finished the work, changes
// nothing any more.
func TestWakingRunChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, 1, func(t *testing.T, major int) {
		h := settle(t, major, nil)
		h.calm()
		var all sync.WaitGroup
		for i, part := range []string{"wide/add-column", "wide/build-index", "ADD CONSTRAINT", "VALIDATE", "SET NOT NULL", "small/settle"} {
			w := &waking{house: h, database: h.copy(fmt.Sprintf("waking_%d", i)), at: part}
			all.Go(func() { w.run(t) })
		}
		all.Wait()
	})
}

type waking struct {
	house        *house
	database, at string
}

func (w *waking) run(t *testing.T) {
	o := order{URL: w.house.cluster.URL(w.database) + "&application_name=" + applicationName, Pace: "normal"}
	var first *process
	var once sync.Once
	ready, begun := make(chan struct{}), make(chan struct{})
	first, err := begin(o, func(h happened) {
		if h.Event == "executing" && strings.Contains(h.Step+" "+h.SQL, w.at) {
			once.Do(func() {
				<-begun
				_ = first.signal(syscall.SIGSTOP)
				close(ready)
			})
		}
	})
	if err != nil {
		t.Error(err)
		return
	}
	close(begun)
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
	if !first.ended(hangs) {
		t.Errorf("stopped at %s it does not end", w.at)
		return
	}
	t.Logf("stopped at %s: %s", w.at, first.result)
	if diff := cmp.Diff(w.house.whole, w.house.shape(w.database)); diff != "" {
		t.Errorf("stopped at %s, it woke up and changed what another had done (-want +got)\n%s", w.at, diff)
	}
}

// finish lets another run do the work once the lease has fallen.
func (w *waking) finish(t *testing.T, o order) bool {
	for begun := time.Now(); time.Since(begun) < hangs; {
		p, err := begin(o, func(happened) {})
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

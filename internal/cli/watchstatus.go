package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/screen"
)

const (
	// watchInterval is the time between two readings of the journal, and between two frames.
	watchInterval = time.Second
	// watchLimit limits each reading.
	watchLimit = 10 * time.Second
	// slowReading is the time after which a reading counts as a lost connection, until it ends.
	slowReading = 4 * time.Second
)

// watchStatus shows the progress of the active run until it ends, and then how it ended. The run may be followed by another
// one, which is shown then. If no run is active, it shows the status once. A signal ends it without a message.
func (a *app) watchStatus(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
	err := a.watchProgress(ctx, pool, j, f)
	if err != nil && a.signal.Load() != nil && errors.Is(err, context.Canceled) {
		return watchEndedError{}
	}
	return err
}

func (a *app) watchProgress(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
	read, err := a.library.progress(pool, j)
	if err != nil {
		return err
	}
	last, err := read(ctx)
	if err != nil {
		return err
	}
	if last != nil && last.Active {
		if last, err = a.watchRun(ctx, read, screen.Watched{Progress: *last, Schema: j.schema.Name}, f); err != nil {
			return err
		}
	}
	switch {
	case f.json:
		return a.encode(lineOf(screen.Watched{Schema: j.schema.Name}, last), "")
	case f.quiet:
		return nil
	case last == nil || last.Result == nil:
		return a.status(ctx, pool, j, f)
	}
	text := screen.Summary(*last.Result, "", "", a.width(a.out)) + screen.Problems(last.Result.Problems, a.width(a.out), false)
	_, err = fmt.Fprint(a.Stdout, text)
	return err
}

// watching shows a run until it ends.
type watching struct {
	read    func(context.Context) (*rekey.Progress, error)
	shown   screen.Watched
	display display
	found   chan progressRead
	changed time.Time // when shown got its last event
	asked   time.Time // when the current reading began; zero between two of them
}

// progressRead is what the journal had, or why it could not be read.
type progressRead struct {
	progress *rekey.Progress
	err      error
	panicked any // what the reading panicked with
}

// watchRun returns the last progress. It restores the terminal however it ends.
func (a *app) watchRun(ctx context.Context, read func(context.Context) (*rekey.Progress, error), first screen.Watched, f *flags) (*rekey.Progress, error) {
	show := a.display(f)
	defer show.leave()
	w := &watching{read: read, shown: first, display: show, found: make(chan progressRead, 1), changed: time.Now()}
	reading, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		if !w.asked.IsZero() {
			<-w.found
		}
	}()
	resized, forget := resizes()
	defer forget()
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		if err := w.draw(); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-resized:
		case <-show.suspensions():
			show.suspend()
			w.ask(reading) // the shown progress is old
		case <-tick.C:
			w.ask(reading)
		case found := <-w.found:
			last, over, err := w.accept(found)
			if over || err != nil {
				return last, err
			}
		}
	}
}

// ask begins a reading, unless one lasts.
func (w *watching) ask(ctx context.Context) {
	if !w.asked.IsZero() {
		return
	}
	w.asked = time.Now()
	go func() {
		var found progressRead
		defer func() {
			if found.panicked = recover(); found.panicked != nil {
				found.panicked = fmt.Sprintf("%v\n\n%s", found.panicked, debug.Stack())
			}
			w.found <- found
		}()
		limited, cancel := context.WithTimeout(ctx, watchLimit)
		defer cancel()
		found.progress, found.err = w.read(limited)
	}()
}

// accept takes what a reading found. over is true if no run is active any more. An error of a lost connection is shown only.
func (w *watching) accept(found progressRead) (last *rekey.Progress, over bool, err error) {
	w.asked = time.Time{}
	if found.panicked != nil {
		panic(found.panicked) // where the terminal is restored
	}
	if found.err != nil {
		if !fault.Lost(found.err) {
			return nil, false, found.err
		}
		w.shown.Trouble = fault.Reason(found.err)
		return nil, false, nil
	}
	if found.progress == nil || !found.progress.Active {
		return found.progress, true, nil
	}
	if w.shown.Trouble = ""; found.progress.Result != nil {
		return nil, false, nil // the run releases its lease now
	}
	if !found.progress.Recorded.Equal(w.shown.Recorded) || found.progress.Run != w.shown.Run {
		w.changed = time.Now()
	}
	w.shown.Progress = *found.progress
	return nil, false, nil
}

func (w *watching) draw() error {
	w.shown.Age = time.Since(w.changed)
	if !w.asked.IsZero() && time.Since(w.asked) > slowReading {
		w.shown.Trouble = "no answer yet"
	}
	return w.display.show(w.shown)
}

// resizes returns a channel that receives a value when the terminal has another size, and the function that ends that.
func resizes() (<-chan os.Signal, func()) {
	sized := make(chan os.Signal, 1)
	return sized, notifyResize(sized)
}

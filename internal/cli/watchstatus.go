package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/screen"
)

// watchInterval is the time between two readings of the journal.
const watchInterval = time.Second

// The sequences that enter the alternate screen and hide the cursor, and that undo both.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
)

// watchStatus shows the progress of the active run until it ends, and then how it ended. Without a terminal it writes
// the lines when they change.
func (a *app) watchStatus(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
	last, err := a.library.progress(ctx, pool, j)
	if err != nil {
		return err
	}
	if last == nil || !last.Active {
		return a.status(ctx, pool, j, f)
	}
	if last, err = a.watchFrames(ctx, pool, j, last); err != nil {
		return err
	}
	if last == nil || last.Result == nil {
		return a.status(ctx, pool, j, f)
	}
	_, err = fmt.Fprint(a.Stdout, screen.Summary(*last.Result, "", "", a.width(a.out)))
	return err
}

// watchFrames shows the progress once a second until the run ends. It restores the terminal however it ends.
func (a *app) watchFrames(ctx context.Context, pool *pgxpool.Pool, j job, last *rekey.Progress) (*rekey.Progress, error) {
	show, leave := a.frames()
	defer leave()
	for last != nil && last.Active {
		if last.Result == nil {
			show(screen.Progress(*last, j.schema.Name, a.width(a.out)))
		}
		select {
		case <-ctx.Done():
			return last, context.Cause(ctx)
		case <-time.After(watchInterval):
		}
		var err error
		if last, err = a.library.progress(ctx, pool, j); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// frames returns a function that shows lines, and one that restores the terminal.
func (a *app) frames() (show func([]string), leave func()) {
	var before []string
	if !a.isLively(a.out) {
		return func(lines []string) {
			if !slices.Equal(lines, before) {
				fmt.Fprintln(a.Stdout, strings.Join(lines, "\n"))
			}
			before = lines
		}, func() {}
	}
	fmt.Fprint(a.Stdout, enterScreen)
	return func(lines []string) {
		fmt.Fprint(a.Stdout, "\x1b[H"+strings.Join(lines, "\x1b[K\r\n")+"\x1b[K\x1b[J")
	}, func() { fmt.Fprint(a.Stdout, leaveScreen) }
}

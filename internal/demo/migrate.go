package demo

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// settle is how long traffic runs before up, which shows what its waits are without it, and between up
// and down, which gives the look-ups by uuid their time.
const (
	settle      = time.Second
	settleLooks = 20 // a second, whether that was enough
)

// settle lets the traffic run for a second and, where a busy machine gives it no time, until it has done what is
// wanted of it, or has had its patience.
func (t *traffic) settle(ctx context.Context, enough func(Figures) bool) error {
	begun := time.Now()
	err := rest(ctx, settle)
	for err == nil && !enough(t.figures()) && time.Since(begun) < patience {
		err = rest(ctx, settle/settleLooks)
	}
	return err
}

// migrate goes up, verifies and goes down again, all under traffic, which stands still only while its
// rows are counted.
func (d *Demo) migrate(ctx context.Context, t *traffic) error {
	d.emit(Flowing{Rate: d.options.Rate, Connections: d.options.Connections})
	if err := t.settle(ctx, func(f Figures) bool { return f.Before.Statements > 0 }); err != nil {
		return err
	}
	t.enter("up")
	if err := d.carry(ctx, t, &d.result.Up, phoenixkit.Up, 40); err != nil {
		return err
	}
	t.enter("verify")
	if err := d.verify(ctx); err != nil {
		return err
	}
	if err := t.settle(ctx, func(f Figures) bool { return f.LookedUp > 0 && f.OwnKeys > 0 }); err != nil {
		return err
	}
	if err := d.pause(ctx, t, "after up", 40); err != nil {
		return err
	}
	t.enter("down")
	if err := d.carry(ctx, t, &d.result.Down, phoenixkit.Down, 39); err != nil {
		return err
	}
	return d.pause(ctx, t, "after down", 39)
}

type call = func(context.Context, *pgxpool.Pool, phoenixkit.Options) (event.Result, error)

// carry runs up or down and hands on what happens. Its own result is shown under another name: the
// demo's is the only "result" of the stream.
func (d *Demo) carry(ctx context.Context, t *traffic, result *event.Result, do call, version int) error {
	d.moment(ctx, t.during())
	var err error
	*result, err = do(ctx, d.pool, phoenixkit.Options{Prefix: schema, Version: version, Options: rekey.Options{OnEvent: func(e event.Event) {
		if _, last := e.(event.Result); !last {
			t.heed(e)
			d.emit(Step{e})
		}
	}}})
	if err != nil {
		return err
	}
	d.emit(Carried{*result})
	return nil
}

func (d *Demo) verify(ctx context.Context) error {
	begun := time.Now()
	d.emit(Began{Stage: "verify", Text: "verify counts"})
	report, err := phoenixkit.Verify(ctx, d.pool, phoenixkit.Options{Prefix: schema, Version: 40})
	if err != nil && !errors.Is(err, problem.ErrDiffers) {
		return err
	}
	found := Verified{OK: report.OK, Tables: len(report.Tables), Differences: report.Differences, Elapsed: time.Since(begun)}
	d.result.Verify = found
	d.emit(found)
	return nil
}

// pause lets the traffic stand, checks, and lets it go on without the uuids.
func (d *Demo) pause(ctx context.Context, t *traffic, stage string, version int) error {
	d.moment(ctx, stage)
	t.pause()
	defer t.resume()
	if err := d.check(ctx, stage, version, t); err != nil {
		return err
	}
	t.forgetKeys()
	return nil
}

// check looks at all there is: the rows that nobody writes, those that the traffic has written, and
// the catalogue.
func (d *Demo) check(ctx context.Context, stage string, version int, t *traffic) error {
	d.emit(Began{Stage: "check", Text: "checking every row " + stage})
	checked := Checked{Stage: stage}
	var err error
	if checked.Old, err = checksums(ctx, d.pool, d.old); err != nil {
		return err
	}
	checked.Rows, checked.Checksum = total(checked.Old)
	differences, err := fixture.Compare(ctx, d.pool, schema, version)
	if err != nil {
		return err
	}
	checked.Catalogue = []string{}
	for _, difference := range differences {
		checked.Catalogue = append(checked.Catalogue, difference.String())
	}
	if t != nil {
		if checked.Written, err = d.account(ctx, t, version == 40); err != nil {
			return err
		}
	}
	d.result.Checks = append(d.result.Checks, checked)
	d.emit(checked)
	return nil
}

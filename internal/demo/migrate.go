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

// settle is how long traffic runs before up, to measure its waits without a migration, and between up and down, to
// look rows up by uuid.
const (
	settle       = time.Second
	settleChecks = 20 // number of checks per second whether that was enough
)

// settle runs the traffic for a second. On a busy machine it continues until enough reports true, or until the
// timeout.
func (t *traffic) settle(ctx context.Context, enough func(Figures) bool) error {
	begun := time.Now()
	err := rest(ctx, settle)
	for err == nil && !enough(t.figures()) && time.Since(begun) < timeout {
		err = rest(ctx, settle/settleChecks)
	}
	return err
}

// migrate runs up, verify and down under traffic. It pauses the traffic only while it checks the rows.
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

// carry runs up or down and emits its events. It emits the result under another name: the only "result" of the stream
// is the demo's.
func (d *Demo) carry(ctx context.Context, t *traffic, result *event.Result, do call, version int) error {
	d.interfereAt(ctx, t.during())
	var err error
	*result, err = do(ctx, d.pool, phoenixkit.Options{Prefix: schema, Version: version, Options: rekey.Options{OnEvent: func(e event.Event) {
		if _, last := e.(event.Result); !last {
			t.learn(e)
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
	d.emit(Began{Stage: "verify", Text: "verify counts rows"})
	report, err := phoenixkit.Verify(ctx, d.pool, phoenixkit.Options{Prefix: schema, Version: 40})
	if err != nil && !errors.Is(err, problem.ErrDiffers) {
		return err
	}
	found := Verified{OK: report.OK, Tables: len(report.Tables), Differences: report.Differences, Elapsed: time.Since(begun)}
	d.result.Verify = found
	d.emit(found)
	return nil
}

// pause pauses the traffic, checks every row, and resumes the traffic without uuids.
func (d *Demo) pause(ctx context.Context, t *traffic, stage string, version int) error {
	d.interfereAt(ctx, stage)
	t.pause()
	defer t.resume()
	if err := d.check(ctx, stage, version, t); err != nil {
		return err
	}
	t.forgetKeys()
	return nil
}

// check checks the rows that the application does not write, the rows that it has written, and the catalogue.
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

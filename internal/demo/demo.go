// Package demo shows what rekey does, on a throw-away database. It builds PhoenixKit's tables at version 39 with
// made-up rows, lets an application work on them, and runs up, verify and down through the package phoenixkit. From
// the outside it checks that the application noticed nothing and that no row was lost.
package demo

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/server"
)

// Options are the sizes and limits of the demo. A zero value selects the default.
type Options struct {
	Rows        int           // email events
	Users       int           // users, each with a token and a role
	Major       int           // major version of PostgreSQL; 0 means the newest that is installed
	MaxWait     time.Duration // longest acceptable duration of one statement of the application
	Rate        int           // statements per second of the application
	Connections int           // connections of the application
}

// Defaults returns the default options.
func Defaults() Options {
	return Options{Rows: 200_000, Users: 20_000, MaxWait: time.Second, Rate: 200, Connections: 4}
}

func (o Options) filled() Options {
	d := Defaults()
	for _, field := range []struct{ value, otherwise *int }{
		{&o.Rows, &d.Rows}, {&o.Users, &d.Users}, {&o.Rate, &d.Rate}, {&o.Connections, &d.Connections},
	} {
		if *field.value < 1 {
			*field.value = *field.otherwise
		}
	}
	if o.MaxWait <= 0 {
		o.MaxWait = d.MaxWait
	}
	return o
}

// schema is the schema of the tables.
const schema = "public"

// stopTime limits the shutdown of the server.
const stopTime = 30 * time.Second

// Demo is one demo. Call Run once, then Close.
type Demo struct {
	options   Options
	show      func(Event)
	interfere func(ctx context.Context, stage string) // tests set it to damage the database at a stage; otherwise nil

	showing sync.Mutex
	cluster *server.Cluster
	pool    *pgxpool.Pool
	old     []table // the tables with their columns before up
	result  Result
}

// New prepares a demo. It calls show from one goroutine at a time; show may be nil.
func New(options Options, show func(Event)) *Demo {
	if show == nil {
		show = func(Event) {}
	}
	return &Demo{options: options.filled(), show: show}
}

// URL returns the connection string of the database, without a password, or "" if there is no database.
func (d *Demo) URL() string {
	if d.cluster == nil {
		return ""
	}
	return hostURL(d.cluster)
}

// Run runs the demo and returns its findings. It emits no event for its end, since it does not know the exit code. An
// error means that the demo could not finish; the result then contains the findings so far. A demo that finished and
// failed a check returns no error and a result that is not OK.
func (d *Demo) Run(ctx context.Context) (Result, error) {
	begun := time.Now()
	d.result.MaxWait = d.options.MaxWait
	err := d.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = message.DemoInterrupted(err)
	}
	d.result.Elapsed = time.Since(begun)
	d.result.judge(err)
	return d.result, err
}

func (d *Demo) run(ctx context.Context) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := d.build(ctx); err != nil {
		return err
	}
	if err := d.check(ctx, "before", 39, nil); err != nil {
		return err
	}
	if err := d.first(ctx); err != nil {
		return err
	}
	return d.journey(ctx)
}

// first runs the first part: up, verify and down under the traffic of one application.
func (d *Demo) first(ctx context.Context) error {
	traffic, err := startTraffic(ctx, hostURL(d.cluster), d.options, d.old)
	if err != nil {
		return err
	}
	defer func() { d.result.Traffic = traffic.figures() }()
	defer traffic.stop() // deferred calls run last in, first out
	stopReporting := d.report(traffic)
	defer stopReporting()
	return d.migrate(ctx, traffic)
}

// emit shows an event. It may be called concurrently, because the traffic emits too.
func (d *Demo) emit(e Event) {
	d.showing.Lock()
	defer d.showing.Unlock()
	d.show(e)
}

// report emits the traffic's figures once a second until the returned function is called.
func (d *Demo) report(t *traffic) func() {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				d.emit(Ticked{t.figures()})
			}
		}
	}()
	return func() { close(done); <-ended }
}

// Close ends the server and removes its directory.
func (d *Demo) Close() error {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.cluster == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	cluster := d.cluster
	d.cluster = nil
	return cluster.Stop(ctx)
}

// rest waits while traffic runs. It returns early when the context ends.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (d *Demo) interfereAt(ctx context.Context, name string) {
	if d.interfere != nil {
		d.interfere(ctx, name)
	}
}

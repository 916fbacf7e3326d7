// Package demo shows what rekey does, on a throw-away database: it builds PhoenixKit's tables at
// version 39 with made-up rows, lets an application work on them, runs up, verify and down through the
// package phoenixkit, and proves from the outside that the application noticed nothing and that no row
// was lost.
package demo

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/problem"
)

// Options says how large the demo is. Zero values are replaced by those of Defaults.
type Options struct {
	Rows        int           // email events
	Users       int           // users, with as many tokens and roles given
	Major       int           // major version of PostgreSQL; 0 is the newest that is there
	MaxWait     time.Duration // longer no statement of the application may take
	Rate        int           // statements of the application a second
	Connections int           // of the application
}

// Defaults is the demo that runs when nothing is asked for.
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

// schema is where the tables are made.
const schema = "public"

// stopTime bounds the end of the server.
const stopTime = 30 * time.Second

// Demo is one demo. Run is called once, then Close.
type Demo struct {
	options Options
	show    func(Event)
	meddle  func(ctx context.Context, moment string) // nil but in tests, which do harm at a moment

	showing sync.Mutex
	cluster *server.Cluster
	pool    *pgxpool.Pool
	old     []table // the old columns of each table
	result  Result
}

// New prepares a demo. show is called from one goroutine at a time and may be nil.
func New(options Options, show func(Event)) *Demo {
	if show == nil {
		show = func(Event) {}
	}
	return &Demo{options: options.filled(), show: show}
}

// URL is the connection string of the database, without a password; "" while there is none.
func (d *Demo) URL() string {
	if d.cluster == nil {
		return ""
	}
	return hostURL(d.cluster)
}

// Run runs the demo and gives what it found; its end is not shown by an event, since the exit code is
// not known here. The error says why the demo could not be brought to its end; what had been found by
// then is in the result. A demo that came to its end and did not hold what it promises has no error
// and a result that is not OK.
func (d *Demo) Run(ctx context.Context) (Result, error) {
	begun := time.Now()
	d.result.MaxWait = d.options.MaxWait
	err := d.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = interrupted(err)
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
	traffic, err := startTraffic(ctx, hostURL(d.cluster), d.options, d.old)
	if err != nil {
		return err
	}
	defer func() { d.result.Traffic = traffic.figures() }()
	defer traffic.stop() // deferred calls run last in, first out
	stopTelling := d.tell(traffic)
	defer stopTelling()
	return d.migrate(ctx, traffic)
}

// emit shows an event; the traffic's figures come beside the run's.
func (d *Demo) emit(e Event) {
	d.showing.Lock()
	defer d.showing.Unlock()
	d.show(e)
}

// tell shows the traffic's figures once a second until the returned function is called.
func (d *Demo) tell(t *traffic) func() {
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

// rest waits, that traffic may run; it ends early with the context.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (d *Demo) moment(ctx context.Context, name string) {
	if d.meddle != nil {
		d.meddle(ctx, name)
	}
}

// interrupted is a demo that a signal ended.
func interrupted(err error) error {
	return &problem.Problem{
		Kind: problem.Interrupted, Code: "interrupted", Message: "interrupted",
		Detail: "The throw-away database is gone; nothing else was touched.", Cause: err,
	}
}

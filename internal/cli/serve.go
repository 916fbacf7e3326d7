package cli

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/page"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// defaultPage is the address of the page of rekey serve.
const defaultPage = "127.0.0.1:8099"

// pageFlags are the flags of a page.
type pageFlags struct {
	address string
	remote  bool
}

// register registers the flags of up and down.
func (f *pageFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.address, "serve", "", "show the run on a page, such as "+defaultPage)
	f.registerRemote(cmd)
}

func (f *pageFlags) registerRemote(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.remote, "serve-remote", false, "allow an address of the page that other machines reach; it is not encrypted")
}

// requests sends what somebody does on the page to the active run, as the commands pause, resume, stop and tune do.
type requests struct {
	library library
	pool    *pgxpool.Pool
	job     job
}

func (r requests) Pause(ctx context.Context) error  { return r.send(ctx, request{verb: "pause"}) }
func (r requests) Resume(ctx context.Context) error { return r.send(ctx, request{verb: "resume"}) }
func (r requests) Stop(ctx context.Context) error   { return r.send(ctx, request{verb: "stop"}) }

func (r requests) Pace(ctx context.Context, pace string) error {
	switch rekey.Pace(pace) {
	case rekey.PaceGentle, rekey.PaceNormal, rekey.PaceFull:
		return r.send(ctx, request{verb: "tune", tuning: rekey.Tuning{Pace: rekey.Pace(pace)}})
	default:
		return message.BadPace()
	}
}

// MaxImpact takes what --max-impact takes.
func (r requests) MaxImpact(ctx context.Context, limit string) error {
	var parsed ratio
	if err := parsed.Set(limit); err != nil {
		return message.BadMaxImpact()
	}
	return r.send(ctx, request{verb: "tune", tuning: rekey.Tuning{MaxImpact: float64(parsed)}})
}

func (r requests) send(ctx context.Context, one request) error {
	return r.library.request(ctx, r.pool, r.job, one)
}

// openPage serves a page, and prints its address to standard error.
func (a *app) openPage(ctx context.Context, f pageFlags, board *page.Board, say func(string)) (*page.Server, error) {
	server, err := page.Listen(ctx, f.address, board, page.Options{Remote: f.remote})
	if err != nil {
		return nil, err
	}
	if !server.Loopback() {
		say("page: other machines reach it, its address is enough to control the run, and it is not encrypted")
	}
	say("page: " + server.URL())
	return server, nil
}

func (a *app) serveCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "serve --schema NAME | --prefix NAME [flags]",
		Short: "Show the run of a schema on a page, and control it there",
		Long: `serve shows the active run of a schema on a page for a browser, or the last one,
and the next one when it begins. It needs no run in this process: it reads the
run's events twice a second, however many pages are open. On the page the run
pauses, resumes, changes its pace and stops. /metrics is for Prometheus. Ctrl-C
ends it, and no run.`,
		Example: `  rekey serve --schema app
  rekey serve --schema app --listen 127.0.0.1:9000`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd, f) },
	}
	f.common(cmd)
	cmd.Flags().StringVar(&f.page.address, "listen", defaultPage, "address of the page")
	f.page.registerRemote(cmd)
	return cmd
}

// withPage returns the call with a page, and the function that ends the page. The page begins before the call connects, so that
// a wrong address ends the command before the run.
func (a *app) withPage(ctx context.Context, f *flags, do call, say func(string)) (with call, board *page.Board, end func(), err error) {
	if f.page.address == "" {
		return do, nil, func() {}, nil
	}
	board = page.NewBoard()
	server, err := a.openPage(ctx, f.page, board, say)
	if err != nil {
		return nil, nil, nil, err
	}
	with = func(ctx context.Context, pool *pgxpool.Pool, j job) (event.Result, error) {
		server.SetControl(requests{a.library, pool, j.requesting()})
		return do(ctx, pool, j)
	}
	return with, board, server.Close, nil
}

// serve serves the page until a signal.
func (a *app) serve(cmd *cobra.Command, f *flags) error {
	j := job{options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: f.trustOwners}}}
	var found problem.List
	if p := f.pickScope(&j); p != nil {
		found = append(found, p)
	}
	asked := f.request(cmd)
	asked.NoScope = true
	if found = append(found, setting.Check(asked)...); len(found) > 0 {
		return found
	}
	if f.many() {
		return wrong("one_schema", "rekey serve is about one schema", "Name one: --schema tenant_a")
	}
	stopping := a.watch(cmd.Context(), false, func(string) {})
	defer stopping.end()
	ctx := stopping.hard
	fmt.Fprintln(a.Stderr, "serve: the runs in schema "+visible.Word(j.schema.Name))
	board := page.NewBoard()
	server, err := a.openPage(ctx, f.page, board, func(text string) { fmt.Fprintln(a.Stderr, text) })
	if err != nil {
		return err
	}
	defer server.Close()
	pools, err := a.connect(ctx, f)
	if err != nil {
		return a.interrupted(err)
	}
	defer pools.close()
	if _, err := a.library.schemas(ctx, pools.main, f.pattern()); err != nil {
		return a.interrupted(err)
	}
	server.SetControl(requests{a.library, pools.main, j})
	a.library.follow(ctx, pools.main, j, board)
	return nil
}

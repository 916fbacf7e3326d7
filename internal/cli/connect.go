package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// connection describes how to reach the database. Its strings may contain a password and are never printed.
type connection struct {
	url, directURL string // the flags
	standbyURLs    []string
	nodeURLs       []string // HOST:PORT=URL
	source         string   // where url comes from, for messages
	maxConnections int32    // 0: as many as one run needs
	oneTimeout     bool     // connecting to a host takes at most one connect_timeout, with and without TLS together
	getenv         func(string) string
}

const (
	defaultConnections = 4
	connectTimeout     = 15 * time.Second // without connect_timeout
	pingTimeout        = 3 * time.Second  // before an idle connection is reused
	closeTimeout       = 2 * time.Second  // until connections are closed
	// fleetLifetime is the lifetime of a connection of a command on many schemas. The server keeps a cache entry for
	// every table that a connection has used, until the connection ends.
	fleetLifetime = 10 * time.Second
)

// resolve returns the connection with the first connection string that is set: by flag, or by an environment variable.
// Without one, libpq's own variables, password file and service file are used.
func (c connection) resolve(getenv func(string) string) connection {
	c.source, c.getenv = "--database-url", getenv
	if c.url != "" {
		return c
	}
	for _, name := range []string{"REKEY_DATABASE_URL", "DATABASE_URL"} {
		if c.url = getenv(name); c.url != "" {
			c.source = name
			return c
		}
	}
	c.source = "the PG* variables"
	return c
}

// pools are the connections to the database. direct is nil without --direct-url.
type pools struct {
	main, direct *pgxpool.Pool
	standbys     []*pgxpool.Pool
	nodes        map[string]*pgxpool.Config // of --node-url
}

func (p pools) close() {
	closePools(append([]*pgxpool.Pool{p.main, p.direct}, p.standbys...)...)
}

// closePools closes pools. It does not wait longer than closeTimeout for a connection that does not respond, since the
// process ends soon.
func closePools(pools ...*pgxpool.Pool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, pool := range pools {
			if pool != nil {
				pool.Close()
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(closeTimeout):
	}
}

func (a *app) connect(ctx context.Context, f *flags) (pools, error) {
	a.hints = f.hints
	if a.hints.scope == "" {
		a.hints.scope = f.names() + f.trusting()
	}
	var p pools
	var err error
	if p.nodes, err = f.connection.nodeConfigs(a.Getenv); err != nil {
		return pools{}, err
	}
	if p.main, err = a.library.connect(ctx, f.connection.resolve(a.Getenv)); err != nil {
		return pools{}, err
	}
	if err = a.connectOthers(ctx, f, &p); err != nil {
		p.close()
		return pools{}, err
	}
	return p, nil
}

// connectOthers opens the pools of --direct-url and --standby-url.
func (a *app) connectOthers(ctx context.Context, f *flags, p *pools) (err error) {
	if url := f.connection.directURL; url != "" {
		if p.direct, err = a.library.connect(ctx, connection{url: url, source: "--direct-url", maxConnections: f.connection.maxConnections, getenv: a.Getenv}); err != nil {
			return err
		}
	}
	for _, url := range f.connection.standbyURLs {
		pool, err := a.library.connect(ctx, connection{url: url, source: "--standby-url", getenv: a.Getenv})
		if err != nil {
			return standbyFault(err)
		}
		p.standbys = append(p.standbys, pool)
	}
	return nil
}

// standbyFault adds to an error that the server is a standby.
func standbyFault(err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Kind == problem.Failed {
		p.Detail = strings.TrimSpace(p.Detail + " It was given with --standby-url.")
	}
	return err
}

// connect opens a pool and checks that the server accepts a connection.
func connect(ctx context.Context, c connection) (*pgxpool.Pool, error) {
	config, err := c.parse()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, explain(err, config.ConnConfig)
	}
	attempts := 2
	if c.oneTimeout {
		attempts = len(hostsOf(config.ConnConfig))
	}
	trying, cancel := context.WithTimeout(ctx, time.Duration(attempts)*config.ConnConfig.ConnectTimeout)
	defer cancel()
	if err := pool.Ping(trying); err != nil {
		closePools(pool)
		return nil, explain(err, config.ConnConfig)
	}
	return pool, nil
}

// parse parses the connection string. The only start-up parameters that it keeps are the application's name and the
// options: a pooler refuses others, and passes a session's settings on to other clients.
func (c connection) parse() (*pgxpool.Config, error) {
	text := c.url
	if rest, ok := strings.CutPrefix(text, "ecto://"); ok { // as Phoenix writes it
		text = "postgres://" + rest
	}
	for _, check := range []func(string) string{otherProduct, ambiguousURL, endlessFile} {
		if fault := check(text); fault != "" {
			return nil, message.BadConnection(c.source, fault)
		}
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, message.BadConnection(c.source, parseFault(err))
	}
	if fault := c.applyLibpq(config.ConnConfig); fault != "" {
		return nil, message.BadConnection(c.source, fault)
	}
	if fault := misplacedSecret(config.ConnConfig); fault != "" {
		return nil, message.BadConnection(c.source, fault)
	}
	config.PingTimeout = pingTimeout
	config.MaxConns, config.MinConns, config.MinIdleConns = max(defaultConnections, c.maxConnections), 0, 0
	if c.maxConnections > 0 {
		config.MaxConnLifetime = fleetLifetime
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	return config, nil
}

// otherProduct finds the URL of another product, which would be parsed as a key and a value.
func otherProduct(text string) string {
	scheme, _, found := strings.Cut(text, "://")
	if !found || scheme == "postgres" || scheme == "postgresql" || strings.ContainsAny(scheme, "= ") {
		return ""
	}
	return "it begins neither with postgres:// nor with postgresql://"
}

// parseFault describes a parse error. It does not use the error's own text, which repeats the string: the password in a
// malformed string cannot always be found.
func parseFault(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 {
		text = text[i+len("`: "):]
	}
	for _, known := range []struct{ begins, fault string }{
		{"failed to parse as URL", "it is not a valid URL"},
		{"failed to parse as keyword/value", "it is neither a URL nor key=value pairs"},
		{"failed to read service", "the service is not in the service file, or that cannot be read"},
		{"invalid port", "the port is not a number from 1 to 65535"},
		{"invalid connect_timeout", "connect_timeout is not a number of seconds"},
		{"failed to configure TLS", "sslmode, sslrootcert, sslcert or sslkey is wrong, or a file of theirs cannot be read"},
		{"invalid sslcertmode", "sslcertmode is unknown"},
		{"invalid require_auth", "require_auth is unknown"},
		{"cannot parse pool_", "a pool_ setting is wrong"},
		{"pool_max_conns too small", "a pool_ setting is wrong"},
		{"unknown target_session_attrs", "target_session_attrs is unknown"},
		{"unknown channel_binding", "channel_binding is unknown"},
		{"invalid min_protocol_version", "min_protocol_version is unknown"},
		{"invalid max_protocol_version", "max_protocol_version is unknown"},
		{"min_protocol_version cannot", "min_protocol_version is above max_protocol_version"},
	} {
		if strings.HasPrefix(text, known.begins) {
			return known.fault
		}
	}
	return ""
}

// unknownSetting refuses a setting that neither libpq nor rekey knows: a misspelled dbname would mean another database.
func unknownSetting(name string) string {
	known := append(ignoredSettings(), "application_name", "fallback_application_name", "options", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", "ssl_min_protocol_version", "ssl_max_protocol_version")
	if _, there := limitedSettings()[strings.ToLower(name)]; there {
		return ""
	}
	for _, one := range known {
		if strings.EqualFold(name, one) {
			return ""
		}
	}
	fault := "it has an unknown setting"
	if near := message.Nearest(name, []string{"host", "port", "user", "dbname", "password", "passfile", "service", "sslmode", "sslrootcert", "connect_timeout"}); near != "" {
		fault += " (did you mean " + near + "?)"
	}
	return fault
}

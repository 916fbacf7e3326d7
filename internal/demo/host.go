package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// The application's database and its owner, which is not a superuser: rekey does not need one.
const (
	database = "shop"
	role     = "shop"
)

// begin finds a PostgreSQL and starts a server.
func (d *Demo) begin(ctx context.Context) error {
	d.emit(Began{Stage: "find", Text: "looking for a PostgreSQL; npm downloads one if none is installed"})
	installation, err := find(ctx, d.options.Major)
	if err != nil {
		return notFound(err)
	}
	d.emit(Began{Stage: "start", Text: "starting PostgreSQL " + installation.Version})
	if d.cluster, err = server.Start(ctx, installation, server.Options{}); err != nil {
		return err
	}
	d.result.Server = installation.Version
	d.emit(Found{Version: installation.Version, Bin: installation.Bin, Origin: installation.Origin})
	return nil
}

func find(ctx context.Context, major int) (server.Installation, error) {
	if major == 0 {
		return server.FindAny(ctx)
	}
	return server.Find(ctx, major)
}

// notFound adds to the error how to install PostgreSQL.
func notFound(err error) error {
	var missing *server.MissingError
	if !errors.As(err, &missing) {
		return err
	}
	return message.NoPostgreSQL(missing.Error(), missing.Hint(), err)
}

// hostURL returns the connection string of the application's database, as its owner.
func hostURL(c *server.Cluster) string {
	link, err := url.Parse(c.URL(database))
	if err != nil {
		return c.URL(database) // cannot happen: package url wrote it
	}
	link.User = url.User(role)
	return link.String()
}

// build creates the database of a PhoenixKit host at version 39.
func (d *Demo) build(ctx context.Context) error {
	begun := time.Now()
	d.emit(Began{Stage: "build", Text: "building a PhoenixKit database at version 39"})
	if err := makeDatabase(ctx, d.cluster); err != nil {
		return err
	}
	pool, err := open(ctx, hostURL(d.cluster))
	if err != nil {
		return err
	}
	d.pool = pool
	note, err := fixture.Install(ctx, pool, schema)
	if err != nil {
		return err
	}
	if err := fixture.Seed(ctx, pool, schema, fixture.Size{Users: d.options.Users, Events: d.options.Rows}); err != nil {
		return err
	}
	if d.old, err = oldColumns(ctx, pool); err != nil {
		return err
	}
	built := Built{Note: string(note)}
	if built.Tables, built.Rows, err = count(ctx, pool, d.old); err != nil {
		return err
	}
	built.Elapsed = time.Since(begun)
	d.result.Rows, d.result.Tables = built.Rows, built.Tables
	d.emit(built)
	return nil
}

func makeDatabase(ctx context.Context, c *server.Cluster) error {
	session, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return fmt.Errorf("%w; the end of the server's log:\n%s", err, c.Log())
	}
	defer session.Close(context.WithoutCancel(ctx))
	for _, statement := range []string{
		sqltext.Format("CREATE ROLE {} LOGIN", sqltext.Name(role)),
		sqltext.Format("CREATE DATABASE {} OWNER {}", sqltext.Name(database), sqltext.Name(role)),
	} {
		if _, err := session.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// open creates the connection pool that rekey and the demo's checks use.
func open(ctx context.Context, link string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(link)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	config.ConnConfig.RuntimeParams["application_name"] = "rekey-demo"
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	return pgxpool.NewWithConfig(ctx, config)
}

package run

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
)

//go:embed queries/settings.sql
var settingsSQL string

// environment returns the options of the run and the database as it is, with the tables of the plan. Settings that cannot be read are left out: a run does not end
// because a report would lack them.
func (j Job) environment(ctx context.Context, server catalog.Server, p plan.Plan) event.Environment {
	e := event.Environment{
		Program: j.Program, Server: server.VersionText, Database: server.Database, Role: server.Role.Name,
		Phase: string(j.Request.Direction.Goal(j.Request.Goal)), Options: j.Options, Settings: []event.Setting{}, Tables: []event.TableSize{},
	}
	if e.Options == nil {
		e.Options = []event.Option{}
	}
	for _, g := range p.Targets() {
		table := p.Schema.Named(g.Table)
		if table == nil {
			continue
		}
		e.Tables = append(e.Tables, event.TableSize{Table: g.String(), Rows: plan.Rows(table), Bytes: plan.Bytes(table), State: string(g.State)})
	}
	var settings []event.Setting
	err := pg.Read(ctx, j.Pool, func(tx pg.Tx) error {
		rows, err := tx.Query(ctx, settingsSQL)
		if err != nil {
			return err
		}
		settings, err = pgx.CollectRows(rows, pgx.RowToStructByPos[event.Setting])
		return err
	})
	if err == nil {
		e.Settings = settings
	}
	return e
}

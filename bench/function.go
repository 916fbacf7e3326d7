package main

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// function fills the column.
type function struct {
	name   sqltext.Table
	create string // the CREATE FUNCTION statement
}

// plpgsqlFunction returns a function of the original's kind.
func plpgsqlFunction(*lab) function {
	return function{sqltext.Table{Schema: "public", Name: "own_uuid_v7"}, plpgsqlFunctionSQL}
}

// rekeyFunction returns the function that rekey creates on this version.
func rekeyFunction(l *lab) function {
	return function{sqltext.Table{Schema: "public", Name: "uuid_generate_v7"}, l.functionSQL}
}

// profile describes the table to rekey.
func profile() rekey.Profile {
	const never = 1000 // the table has no later version
	return rekey.Profile{
		Name: "bench", VersionTable: "items_version", Column: "uuid",
		From: 1, To: 2, VerifyFrom: never, Last: 2,
		Tables: []rekey.ProfileTable{{Name: "items", TimeColumn: "inserted_at"}},
	}
}

// planned reads rekey's function from rekey's plan.
func planned(ctx context.Context, url string) (string, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	plan, err := rekeytest.Plan(ctx, pool, rekeytest.Setup{Scope: profile().In("public")})
	if err != nil {
		return "", err
	}
	for _, group := range plan.Groups {
		for _, step := range group.Steps {
			if strings.HasSuffix(step.ID, "/ensure-function") && len(step.SQL) == 1 {
				return step.SQL[0], nil
			}
		}
	}
	return "", errors.New("rekey's plan makes no function")
}

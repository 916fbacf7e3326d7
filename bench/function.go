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

// function is what fills the column.
type function struct {
	name   sqltext.Table
	create string // the statement
}

// ownFunction is one of the original's kind.
func ownFunction(*lab) function {
	return function{sqltext.Table{Schema: "public", Name: "own_uuid_v7"}, ownFunctionSQL}
}

// rekeyFunction is the one that rekey makes on this version.
func rekeyFunction(l *lab) function {
	return function{sqltext.Table{Schema: "public", Name: "uuid_generate_v7"}, l.functionSQL}
}

// profile is what rekey is told of the table.
func profile() rekey.Profile {
	const never = 1000 // no later version is known
	return rekey.Profile{
		Name: "bench", VersionTable: "items_version", Column: "uuid",
		From: 1, To: 2, VerifyFrom: never, Last: 2,
		Tables: []rekey.ProfileTable{{Name: "items", TimeColumn: "inserted_at"}},
	}
}

// planned reads off rekey's plan how its function is made.
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

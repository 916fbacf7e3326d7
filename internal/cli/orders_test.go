package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

func TestOrders(t *testing.T) {
	for words, want := range map[string]rekey.Order{
		"pause --prefix auth":                       {Verb: rekey.Pause},
		"resume --prefix auth --profile phoenixkit": {Verb: rekey.Resume},
		"stop --prefix auth":                        {Verb: rekey.Stop},
		"tune --prefix auth --pace gentle --max-lag 30s --batch-time 20ms": {
			Verb: rekey.Tune, Pace: "gentle", MaxLag: 30 * time.Second, BatchTime: 20 * time.Millisecond,
		},
	} {
		var given rekey.Order
		l := library{request: func(_ context.Context, _ *pgxpool.Pool, c rekey.Config, o rekey.Order) error {
			if given = o; c.Prefix != "auth" {
				t.Errorf("%s: the prefix is %q", words, c.Prefix)
			}
			return nil
		}}
		got := try(t, l, nil, strings.Fields(words)...)
		if got.code != 0 || given != want || !strings.Contains(got.stderr, "the run in schema auth is told") || got.stdout != "" {
			t.Errorf("%s: %+v, %+v", words, given, got)
		}
		got = try(t, l, nil, append(strings.Fields(words), "--json")...)
		var doc told
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || !doc.OK || doc.Command != string(want.Verb) || doc.Schema == 0 || got.stderr != "" {
			t.Errorf("%s --json: %+v", words, got)
		}
	}
	l := library{request: func(context.Context, *pgxpool.Pool, rekey.Config, rekey.Order) error {
		return &problem.Problem{Kind: problem.Failed, Code: "no_run", Message: "nobody"}
	}}
	if got := try(t, l, nil, "pause"); got.code != 1 || !strings.Contains(got.stderr, "nobody") {
		t.Errorf("nobody there: %+v", got)
	}
}

// TestKnobs: what is set reaches the library, and what cannot be is refused before anything is asked.
func TestKnobs(t *testing.T) {
	var given rekey.Config
	l := upWith(func(_ context.Context, _ *pgxpool.Pool, c rekey.Config) (rekey.Result, error) {
		given = c
		return rekey.Result{}, nil
	})
	words := "--pace full --batch-time 20ms --max-lag 30s --max-retained-wal 512MB --max-snapshot-age 10m --throttle-query VALUES(true) --throttle-file Y --without-signal lag,wal --without-signal file"
	if got := try(t, l, nil, phoenix("up", strings.Fields(words)...)...); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if given.Pace != "full" || given.BatchTime != 20*time.Millisecond || given.MaxLag != 30*time.Second || given.MaxRetainedWAL != 512<<20 ||
		given.MaxSnapshotAge != 10*time.Minute || given.ThrottleQuery != "VALUES(true)" || given.ThrottleFile != "Y" || strings.Join(given.WithoutSignals, " ") != "lag wal file" {
		t.Errorf("%+v", given)
	}
	if got := try(t, l, nil, phoenix("up")...); got.code != 0 || given.MaxLag != 10*time.Second || given.MaxRetainedWAL != 10<<30 || given.MaxSnapshotAge != 0 {
		t.Errorf("without flags: %+v, %+v", given, got)
	}
	for words, says := range map[string]string{
		"--pace fast": "gentle, normal or full", "--batch-time 0s": "1ms to 10s", "--batch-time 1m": "1ms to 10s",
		"--max-lag 0s": "--without-signal lag", "--max-snapshot-age -1s": "--max-snapshot-age cannot be", "--without-signal lga": "--without-signal lag",
		"--max-retained-wal 10": "cannot be", "--max-retained-wal 0GB": "cannot be", "--max-retained-wal 99999999TB": "cannot be",
	} {
		if got := try(t, l, nil, phoenix("up", strings.Fields(words)...)...); got.code != 2 || !strings.Contains(got.stderr, says) {
			t.Errorf("%s: %+v", words, got)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{"1B": 1, "3kB": 3 << 10, "512mb": 512 << 20, "10GB": 10 << 30, "2 TB": 2 << 40} {
		var s size
		if err := s.Set(text); err != nil || int64(s) != want {
			t.Errorf("%s: %d %v", text, s, err)
		}
	}
	for n, want := range map[int64]string{10 << 30: "10GB", 1536: "1536B", 2 << 10: "2kB", 3 << 40: "3TB"} {
		if s := size(n); s.String() != want {
			t.Errorf("%d is %s", n, s.String())
		}
	}
}

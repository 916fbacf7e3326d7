package cli

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

func TestSendsRequests(t *testing.T) {
	for words, want := range map[string]request{
		"pause --prefix auth":                       {verb: "pause"},
		"resume --prefix auth --profile phoenixkit": {verb: "resume"},
		"stop --prefix auth":                        {verb: "stop"},
		"tune --prefix auth --pace gentle --max-lag 30s --batch-time 20ms": {
			verb: "tune", tuning: rekey.Tuning{Pace: rekey.PaceGentle, MaxLag: 30 * time.Second, BatchTime: 20 * time.Millisecond},
		},
	} {
		var sent request
		l := library{request: func(_ context.Context, _ *pgxpool.Pool, j job, r request) error {
			if sent = r; j.schema.Name != "auth" {
				t.Errorf("%s: the schema is %q", words, j.schema.Name)
			}
			return nil
		}}
		got := try(t, l, nil, strings.Fields(words)...)
		if got.code != 0 || sent != want || !strings.Contains(got.stderr, "sent to the run in schema auth") || got.stdout != "" {
			t.Errorf("%s: %+v, %+v", words, sent, got)
		}
		got = try(t, l, nil, append(strings.Fields(words), "--json")...)
		var doc sentRequest
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || !doc.OK || doc.Command != want.verb || doc.FormatVersion == 0 || got.stderr != "" {
			t.Errorf("%s --json: %+v", words, got)
		}
	}
	l := library{request: func(context.Context, *pgxpool.Pool, job, request) error {
		return &problem.Problem{Kind: problem.Failed, Code: "no_run", Message: "no run is active"}
	}}
	if got := try(t, l, nil, "pause"); got.code != 1 || !strings.Contains(got.stderr, "no run is active") {
		t.Errorf("without a run: %+v", got)
	}
}

// Settings reach the library, and invalid ones are refused before a request is sent.
func TestRequestsAreValidated(t *testing.T) {
	var given job
	l := upWith(func(_ context.Context, _ *pgxpool.Pool, c job) (event.Result, error) {
		given = c
		return event.Result{}, nil
	})
	words := "--pace full --batch-time 20ms --max-lag 30s --max-retained-wal 512MB --max-snapshot-age 10m --throttle-query VALUES(true) --throttle-file Y --without-signal lag,wal --without-signal file"
	if got := try(t, l, nil, phoenix("up", strings.Fields(words)...)...); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	throttle := rekey.ThrottleOptions{
		MaxLag: 30 * time.Second, MaxRetainedWAL: 512 << 20, MaxSnapshotAge: 10 * time.Minute, Query: "VALUES(true)", File: "Y",
		Without: []string{"lag", "wal", "file"},
	}
	backfill := rekey.BackfillOptions{Pace: rekey.PaceFull, BatchTime: 20 * time.Millisecond}
	if !reflect.DeepEqual(given.options.Throttle, throttle) || given.options.Backfill != backfill {
		t.Errorf("%+v", given)
	}
	if got := try(t, l, nil, phoenix("up")...); got.code != 0 || !reflect.DeepEqual(given.options.Throttle, rekey.ThrottleOptions{MaxLag: 10 * time.Second, MaxRetainedWAL: 10 << 30}) {
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

func TestParsesSizes(t *testing.T) {
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

// Renamed settings keep their former names on the command line.
func TestAcceptsFormerNames(t *testing.T) {
	var given job
	l := upWith(func(_ context.Context, _ *pgxpool.Pool, j job) (event.Result, error) {
		given = j
		return event.Result{}, nil
	})
	got := try(t, l, nil, phoenix("up", "--max-lock", "20ms", "--lock-patience", "1h")...)
	if want := (rekey.LockOptions{Timeout: 20 * time.Millisecond, RetryTimeout: time.Hour}); got.code != 0 || given.options.Locks != want {
		t.Errorf("%+v: %+v", got, given.options.Locks)
	}
}

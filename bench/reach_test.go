package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var waits []time.Duration
	for i := range 1000 {
		waits = append(waits, time.Duration(i+1))
	}
	for part, want := range map[float64]time.Duration{0: 1, 0.5: 500, 0.99: 990, 0.999: 999, 1: 1000} {
		if got := quantile(waits, part); got != want {
			t.Errorf("quantile %v is %d, not %d", part, got, want)
		}
	}
	if got := quantile(nil, 0.99); got != 0 {
		t.Errorf("quantile of nothing: %d", got)
	}
}

func figure(t *testing.T, all []Figure, part string) Figure {
	t.Helper()
	for _, f := range all {
		if strings.Contains(f.Figure, part) {
			return f
		}
	}
	t.Fatalf("no figure %q", part)
	return Figure{}
}

func TestReachIsJudged(t *testing.T) {
	s := &Server{
		Major: 18,
		Runs: []Run{
			{Name: "a-rekey-quiet", Rows: 100, Wall: 100},
			{Name: "b-quiet", Rows: 100, Wall: 300, Error: "it broke"},
			{Name: "c-full-quiet", Rows: 100, Wall: 125, Memory: 10 << 20},
			{Name: "c-normal", Rows: 100, Locks: &Locks{Longest: 5 * time.Millisecond}, Memory: 12 << 20},
			{Name: "c-normal", Rows: 1000, Locks: &Locks{Longest: 21 * time.Millisecond}, Memory: 70 << 20},
			{Name: "c-full-quiet", Rows: 1000, Wall: 1500},
		},
		Functions: []Function{{originalLabel, 300}, {rekeyLabel, 200}},
	}
	all := reach(100, s)
	for part, want := range map[string]string{
		"wall, full, against (a)":     "1.25 yes",
		"longest ACCESS EXCLUSIVE":    "21 ms no", // the worst of all sizes
		"peak memory":                 "70 MB no",
		"cost of a row at 1000 rows":  "1.2 yes",
		"speed of the function":       "1.5 yes",
		"full, against (b); no":       "not measured", // the run failed
		"p99":                         "not measured",
		"against (a) with rekey's fu": "1.25 yes",
	} {
		f := figure(t, all, part)
		got := f.Got
		if f.Reached != nil {
			got += map[bool]string{true: " yes", false: " no"}[*f.Reached]
		}
		if got != want {
			t.Errorf("%s: %s, not %s", f.Figure, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	o, err := parse(strings.Fields("--rows 500 --versions 13,18 --runs b,c-full,inserts --sizes 20,30 --quiet-traffic"), io.Discard)
	if err != nil || o.rows != 500 || len(o.versions) != 2 || len(o.sizes) != 2 || !o.quiet {
		t.Errorf("%+v %v", o, err)
	}
	for name, want := range map[string]bool{
		"b": true, "b-quiet": true, "c-full": true, "c-full-quiet": true, "inserts": true,
		"a-own": false, "c-normal": false, "functions": false, "d": false,
	} {
		if o.wants(name) != want {
			t.Errorf("wants %s: %v", name, !want)
		}
	}
	for _, args := range []string{"--rows 0", "--versions 12", "--runs c-f", "--rate 0", "more", "--sizes x", "--runs ,"} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	var out, progress bytes.Buffer
	if code := run([]string{"--versions", "12"}, &out, &progress); code != exitUsage || out.Len() > 0 || progress.Len() == 0 {
		t.Errorf("code %d, %q, %q", code, out.String(), progress.String())
	}
}

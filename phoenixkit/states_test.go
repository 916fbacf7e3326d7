package phoenixkit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// state is a state of a database and the expected result: complete, or refused without a change.
type state struct {
	name   string
	size   string // tables of the database; default: small, or migrated for down
	prefix string // schema; default: public
	first  string // setup before up, if down is tested
	setup  string // statements, run as superuser; {owner} and so on are the roles
	before func(*database)
	role   string                    // role with which rekey runs; default: owner
	option func(*phoenixkit.Options) // further options
	down   bool                      // down is tested, after up and setup
	since  int                       // first major version in which the state is possible

	code  string // code of the refusal; "" if the run succeeds
	kind  error  // kind of the refusal; default: ErrRefused
	table string // table of the refusal
	text  string // part of the refusal's text
	stays bool   // complete, and not reversed afterwards
	then  func(*database)
}

// states returns all states.
func states() []state {
	return slices.Concat(tableStates(), columnStates(), nameStates(), roleStates(), functionStates(),
		writeStates(), versionStates(), attachedStates(), foundStates())
}

type outcome struct {
	ends string
	exit int
}

// TestStates tests each state on real servers and prints the results. The steps of a table differ only between PostgreSQL 17 and 18, so
// the oldest and the newest version are sufficient. The decision to refuse depends on no version, and internal/fixture/zoo tests the
// queries that it needs on all of them, so refused states run on the newest alone, except for the states of roles, whose rights differ between
// versions. REKEY_PG_VERSIONS=all runs each state on all.
func TestStates(t *testing.T) {
	var mu sync.Mutex
	outcomes := map[string]map[int]outcome{}
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for _, s := range states() {
			if c.Major < s.since {
				continue // the state is not possible in this version
			}
			if s.since == 0 && !servertest.IsOldestOrNewest(t, c) {
				continue
			}
			if s.code != "" && s.role == "" && !servertest.IsNewest(t, c) {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				end := s.run(t, c)
				mu.Lock()
				defer mu.Unlock()
				if outcomes[s.name] == nil {
					outcomes[s.name] = map[int]outcome{}
				}
				if _, twice := outcomes[s.name][c.Major]; twice {
					t.Errorf("duplicate state %q", s.name)
				}
				outcomes[s.name][c.Major] = end
			})
		}
	})
	t.Log("\n" + printed(outcomes))
}

// printed returns a line per state, and another one if the versions differ.
func printed(outcomes map[string]map[int]outcome) string {
	var lines strings.Builder
	fmt.Fprintf(&lines, "%-76s %-58s %-4s %s\n", "state", "ends", "exit", "PostgreSQL")
	for _, s := range states() {
		var ends []outcome
		on := map[outcome][]string{}
		for _, major := range []int{13, 14, 15, 16, 17, 18} {
			if end, ok := outcomes[s.name][major]; ok {
				if on[end] == nil {
					ends = append(ends, end)
				}
				on[end] = append(on[end], fmt.Sprint(major))
			}
		}
		for _, end := range ends {
			fmt.Fprintf(&lines, "%-76s %-58s %-4d %s\n", s.name, end.ends, end.exit, strings.Join(on[end], " "))
		}
	}
	return lines.String()
}

func (s state) run(t *testing.T, c *server.Cluster) outcome {
	size := orDefault(s.size, small)
	if s.down && s.first == "" {
		size = migrated
	}
	h := build(t, c, size)
	s.role, s.prefix = orDefault(s.role, owner), orDefault(s.prefix, "public")
	if s.first != "" {
		h.setUp(s.first)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
	}
	h.setUp(s.setup)
	if s.before != nil {
		s.before(h)
	}
	if s.code != "" {
		return s.checkRefused(h)
	}
	if s.down {
		return s.checkDown(h)
	}
	return s.checkUp(h)
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func (s state) options(o *phoenixkit.Options) {
	o.Prefix = s.prefix
	if s.option != nil {
		s.option(o)
	}
}

// checkRefused expects a refusal with exit code 4 that names the problem, and no change, not even schema rekey.
func (s state) checkRefused(h *database) outcome {
	h.t.Helper()
	before := h.fingerprint(s.prefix)
	command := h.up
	if s.down {
		command = h.down
	}
	result, err := command(s.role, s.options)
	if s.kind == nil {
		s.kind = problem.ErrRefused
	}
	if !errors.Is(err, s.kind) {
		h.t.Fatalf("not refused: %v", err)
	}
	if diff := cmp.Diff(before, h.fingerprint(s.prefix)); diff != "" {
		h.t.Errorf("a refused run changed the database (-before +after)\n%s", diff)
	}
	var codes []string
	for _, p := range result.Problems {
		codes = append(codes, p.Code+" "+p.Table)
		if p.Code == s.code && p.Table == s.table && strings.Contains(p.Error()+" "+p.Hint, filled(s.text)) {
			if p.Hint == "" {
				h.t.Error("a refusal without a hint")
			}
			return outcome{strings.TrimSpace(map[bool]string{true: "refused: ", false: "differs: "}[errors.Is(s.kind, problem.ErrRefused)] + p.Code + " " + p.Table + " " + filled(s.text)), result.Exit}
		}
	}
	h.t.Fatalf("refused with %v, want %s %s %s: %v", codes, s.code, s.table, s.text, err)
	return outcome{}
}

// checkUp expects up to succeed and verify to pass, a second up to have nothing to do, and down to restore the schema.
func (s state) checkUp(h *database) outcome {
	h.t.Helper()
	before := h.shape(s.prefix)
	result, err := h.up(s.role, s.options)
	if err != nil {
		h.t.Fatal(err)
	}
	if result.NothingToDo && !s.stays {
		h.t.Error("up found nothing to do")
	}
	if _, err := phoenixkit.Verify(h.t.Context(), h.pool(s.role), phoenixkit.Options{Prefix: s.prefix}); err != nil {
		h.t.Errorf("verify: %v", err)
	}
	if again, err := h.up(s.role, s.options); err != nil || !again.NothingToDo {
		h.t.Errorf("second up: %+v, %v", again, err)
	}
	if s.then != nil {
		s.then(h)
	}
	if s.stays {
		return outcome{"complete", result.Exit}
	}
	s.checkRestored(h, before)
	return outcome{"complete; down restores the schema", result.Exit}
}

func (s state) checkDown(h *database) outcome {
	h.t.Helper()
	result, err := h.down(s.role, s.options)
	if err != nil {
		h.t.Fatal(err)
	}
	if s.then != nil {
		s.then(h)
	}
	return outcome{"down", result.Exit}
}

func (s state) checkRestored(h *database, before []string) {
	h.t.Helper()
	for i := range 2 {
		if result, err := h.down(s.role, s.options); err != nil || result.NothingToDo != (i == 1) {
			h.t.Errorf("down: %+v, %v", result, err)
		}
	}
	if diff := cmp.Diff(before, h.shape(s.prefix)); diff != "" {
		h.t.Errorf("down did not restore the schema (-before +after)\n%s", diff)
	}
}

// fingerprint returns a fingerprint of what a refused run must not change.
func (h *database) fingerprint(prefix string) []string {
	h.t.Helper()
	lines, err := steptest.FullFingerprint(h.t.Context(), h.admin, prefix)
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// shape returns what down restores: everything except the recorded version, which is 39, and the values of an existing
// column.
func (h *database) shape(prefix string) []string {
	h.t.Helper()
	lines, err := steptest.Fingerprint(h.t.Context(), h.admin, prefix, "uuid")
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "comment table ") && strings.Contains(line, "phoenix_kit: ")
	})
}

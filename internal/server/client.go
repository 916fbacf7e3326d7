package server

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Psql returns the path of a psql. It searches REKEY_PG_BIN, PATH and the usual directories of every major version,
// the newest first, since psql works with older servers; the npm packages contain none. It prefers any other to Debian's
// wrapper in Perl, which takes several times as long to start. The error says how to install one.
func Psql() (string, error) {
	f, err := newFinder()
	if err != nil {
		return "", err
	}
	wrapper := ""
	for major := Newest; major >= Oldest; major-- {
		for _, place := range f.candidates(major) {
			path := filepath.Join(place.bin, program("psql"))
			target, err := filepath.EvalSymlinks(path)
			if err != nil {
				continue
			}
			if filepath.Base(target) == "pg_wrapper" {
				wrapper = path
				continue
			}
			if info, err := os.Stat(target); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	if wrapper != "" {
		return wrapper, nil
	}
	remedy := "install PostgreSQL's client: apt-get install postgresql-client, dnf install postgresql, apk add postgresql-client"
	switch runtime.GOOS {
	case "darwin":
		remedy = "brew install libpq, and put its bin directory into PATH or REKEY_PG_BIN"
	case "windows":
		remedy = "install PostgreSQL's command line tools, and put their directory into PATH"
	}
	return "", fmt.Errorf("psql not found: %s", remedy)
}

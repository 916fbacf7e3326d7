package server

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Psql gives the path of a psql. The packages that npm fetches have none, so that it is looked for in
// REKEY_PG_BIN, PATH and the usual places of every major version, the newest first: one works with servers
// of other versions. The error says how to get one.
func Psql() (string, error) {
	f, err := newFinder()
	if err != nil {
		return "", err
	}
	for major := Newest; major >= Oldest; major-- {
		for _, place := range f.candidates(major) {
			path := filepath.Join(place.bin, program("psql"))
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path, nil
			}
		}
	}
	remedy := "install PostgreSQL's client: apt-get install postgresql-client, dnf install postgresql, apk add postgresql-client"
	switch runtime.GOOS {
	case "darwin":
		remedy = "brew install libpq, and put its bin directory into PATH or REKEY_PG_BIN"
	case "windows":
		remedy = "install PostgreSQL's command line tools, and put their directory into PATH"
	}
	return "", fmt.Errorf("there is no psql: %s", remedy)
}

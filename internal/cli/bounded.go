package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFileSize is the size of the largest file that is read: a rekey.yaml, a certificate, a password file.
const maxFileSize = 1 << 20

var (
	errNoFile = errors.New("not a regular file")
	errLarge  = fmt.Errorf("the file has more than %d bytes", maxFileSize)
)

// checkFile checks that a file is regular and not too large, since reading a device or a pipe might never end. The null
// device is accepted as an empty file.
func checkFile(name string) error {
	if name == os.DevNull {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errNoFile
	case info.Size() > maxFileSize:
		return errLarge
	}
	return nil
}

// readBounded reads a regular file of at most maxFileSize bytes.
func readBounded(name string) ([]byte, error) {
	if err := checkFile(name); err != nil {
		return nil, err
	}
	file, err := os.Open(name) //nolint:gosec // the person names the file
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		return nil, errLarge
	}
	return text, err
}

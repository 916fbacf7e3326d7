package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// reportFile is the file of a report.
type reportFile struct {
	flag, path string
	format     report.Format
}

// newReportFile checks that a report can be written to a file later: its name says the format, its directory is writable, and
// it overwrites no other file.
func newReportFile(flag, path string, format report.Format) (*reportFile, error) {
	r := &reportFile{flag, path, format}
	if r.format == "" {
		r.format = report.FormatOf(path)
	}
	if r.format == "" || visible.Secret(path) {
		return nil, message.ReportName(flag, visible.Path(path))
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	file, err := r.create()
	if err != nil {
		return nil, message.ReportNotWritable(flag, visible.Path(path), systemSays(err))
	}
	if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
		return nil, message.ReportNotWritable(flag, visible.Path(path), systemSays(err))
	}
	return r, nil
}

// check returns a problem if the file exists and is not a report. It follows no link, whose target may belong to another user.
func (r *reportFile) check() error {
	found, err := os.Lstat(r.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return message.ReportNotWritable(r.flag, visible.Path(r.path), systemSays(err))
	case !found.Mode().IsRegular():
		return message.ReportExists(r.flag, visible.Path(r.path))
	}
	file, err := os.Open(r.path)
	if err != nil {
		return message.ReportNotWritable(r.flag, visible.Path(r.path), systemSays(err))
	}
	defer file.Close()
	start := make([]byte, report.SignSize)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return message.ReportNotWritable(r.flag, visible.Path(r.path), systemSays(err))
	}
	if !report.IsReport(string(start[:n])) {
		return message.ReportExists(r.flag, visible.Path(r.path))
	}
	return nil
}

// create creates a file next to the report, which only its owner can read.
func (r *reportFile) create() (*os.File, error) {
	return os.CreateTemp(filepath.Dir(r.path), ".rekey-report-*")
}

// write writes the report in one piece: a reader sees the whole report, or what the file was before.
func (r *reportFile) write(d report.Report) *problem.Problem {
	text, err := report.Text(d, r.format)
	if err == nil {
		err = r.check() // it may have been created since
	}
	if err == nil {
		err = r.replace(text)
	}
	if err == nil {
		return nil
	}
	if one, is := errors.AsType[*problem.Problem](err); is {
		return one
	}
	return message.ReportNotWritten(visible.Path(r.path), systemSays(err), err)
}

func (r *reportFile) replace(text string) (err error) {
	file, err := r.create()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), r.path)
}

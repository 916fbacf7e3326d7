package cli

import (
	"os"
	"path/filepath"

	"github.com/rekey-pg/rekey/internal/report"
)

// formatOf returns the function that writes a report in the format that the name of a file says; "" for another name.
func formatOf(path string) string {
	switch ext := filepath.Ext(path); ext {
	case ".html", ".md", ".json":
		return ext
	default:
		return ""
	}
}

// writeReport writes a report to a file that must not exist.
func writeReport(path string, d report.Document) (err error) {
	var text string
	switch formatOf(path) {
	case ".html":
		text, err = report.HTML(d)
	case ".md":
		text = report.Markdown(d)
	default:
		text, err = report.JSON(d)
	}
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(text); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

package report

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is a format of a report.
type Format string

// The formats.
const (
	FormatHTML     Format = "html"
	FormatMarkdown Format = "md"
	FormatJSON     Format = "json"
)

// Formats returns the names of the formats.
func Formats() []string {
	return []string{string(FormatHTML), string(FormatMarkdown), string(FormatJSON)}
}

// FormatOf returns the format that the name of a file says, "" if it says none.
func FormatOf(name string) Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".html", ".htm":
		return FormatHTML
	case ".md", ".markdown":
		return FormatMarkdown
	case ".json":
		return FormatJSON
	default:
		return ""
	}
}

// Report is a [Document] or a [Fleet].
type Report interface{ page() page }

// Text returns the report in a format.
func Text(r Report, format Format) (string, error) {
	switch format {
	case FormatHTML:
		return HTML(r)
	case FormatMarkdown:
		return Markdown(r), nil
	case FormatJSON:
		return JSON(r)
	default:
		return "", fmt.Errorf("report: unknown format %q", string(format))
	}
}

// The signs at the start of a report, by which rekey recognizes its own.
const (
	htmlSign     = `<meta name="generator" content="rekey report">`
	markdownSign = "<!-- rekey report -->\n"
	jsonSign     = `{
  "document": "rekey report",`
)

// SignSize is the number of bytes at the start of a file within which the sign of a report is.
const SignSize = 256

// IsReport reports whether a file that begins like this is a report of rekey, or empty.
func IsReport(start string) bool {
	return start == "" || strings.HasPrefix(start, markdownSign) || strings.HasPrefix(start, jsonSign) ||
		strings.HasPrefix(start, "<!DOCTYPE html>\n") && strings.Contains(start, htmlSign)
}

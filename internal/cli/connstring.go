package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/visible"
)

// isURL reports whether a connection string is a URL.
func isURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// ambiguousURL finds what gives a URL another meaning, usually an unescaped character of the password: the text after
// it would be parsed as the name of a host or a database, and printed.
func ambiguousURL(text string) string {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "it has a control character, or is not valid UTF-8"
	case !isURL(text):
		return ""
	case badEscape(text):
		return "a % does not begin an escape; write %25 for a % in the password"
	case strings.ContainsAny(text, " \\<>\"^`{|}") || strings.ContainsFunc(text, unicode.IsSpace):
		return `it has a character that a URL cannot have; write %20 for a space, %5C for \ , %22 for "`
	case strings.Contains(text, "#"):
		return "it has a # ; write %23 for a # in the password"
	}
	_, rest, _ := strings.Cut(text, "://")
	authority, behind := rest, ""
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority, behind = rest[:end], rest[end:]
	}
	switch {
	case strings.Contains(behind, "@"):
		return "an @ follows the host; write %40 for an @, %2F for a / and %3F for a ? in the user and the password"
	case strings.Count(authority, "@") > 1:
		return "it has more than one @: write %40 for an @ in the user and the password"
	case !hostList.MatchString(authority[strings.LastIndex(authority, "@")+1:]):
		return "the text after the @ is not a host and port; write special characters of the password as %xx"
	}
	return ""
}

// hostList matches a list of hosts with ports: names, IPv4, [IPv6], or escaped socket directories.
var hostList = regexp.MustCompile(`^[\pL\pN._~%,:\[\]-]*$`)

// badEscape reports whether a % is not followed by two hexadecimal digits.
func badEscape(text string) bool {
	return strings.Contains(regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllString(text, ""), "%")
}

// misplacedSecret finds a secret in a name: the driver parsed a part of the string, or of the environment, as the name
// of a host, a user or a database, and these are printed.
func misplacedSecret(config *pgx.ConnConfig) string {
	for _, part := range []struct{ what, value string }{{"host", config.Host}, {"user", config.User}, {"database", config.Database}} {
		if visible.Secret(part.value) {
			return "its " + part.what + " looks like another connection string"
		}
	}
	for _, other := range config.Fallbacks {
		if visible.Secret(other.Host) {
			return "its host looks like another connection string"
		}
	}
	return ""
}

// readFiles returns the settings that name a file which the driver reads, with the environment variable and the default
// file in the home directory.
func readFiles() map[string]struct{ env, home string } {
	return map[string]struct{ env, home string }{
		"passfile":    {"PGPASSFILE", ".pgpass"},
		"servicefile": {"PGSERVICEFILE", ".pg_service.conf"},
		"sslcert":     {"PGSSLCERT", ".postgresql/postgresql.crt"},
		"sslkey":      {"PGSSLKEY", ".postgresql/postgresql.key"},
		"sslrootcert": {"PGSSLROOTCERT", ".postgresql/root.crt"},
	}
}

// endlessFile finds a file that the driver might read for ever: a device, a pipe, a very large file.
func endlessFile(text string) string {
	given := settings(text)
	home, _ := os.UserHomeDir()
	file := func(name string) string {
		known := readFiles()[name]
		for _, value := range []string{given[name], os.Getenv(known.env)} {
			if value != "" {
				return value
			}
		}
		return filepath.Join(home, known.home)
	}
	service := given["service"]
	if service == "" {
		service = os.Getenv("PGSERVICE")
	}
	if service != "" {
		if fault := unreadable("servicefile", file("servicefile")); fault != "" {
			return fault
		}
		for name, value := range section(file("servicefile"), service) {
			if given[name] == "" {
				given[name] = value
			}
		}
	}
	for name := range readFiles() {
		if fault := unreadable(name, file(name)); fault != "" {
			return fault
		}
	}
	return ""
}

func unreadable(setting, name string) string {
	err := checkFile(name)
	switch info, _ := os.Stat(name); {
	case errors.Is(err, errLarge), errors.Is(err, errNoFile) && !info.IsDir():
		return fmt.Sprintf("could not read the file of %s: %s", setting, err)
	}
	return "" // the driver reports a missing file or a directory
}

// settings returns the settings of a connection string, as far as it can be parsed.
func settings(text string) map[string]string {
	found := map[string]string{}
	if isURL(text) {
		if parsed, err := url.Parse(text); err == nil {
			for name, values := range parsed.Query() {
				found[name] = values[len(values)-1]
			}
		}
		return found
	}
	for _, pair := range keyValue.FindAllStringSubmatch(text, -1) {
		value := pair[2]
		if inner, quoted := strings.CutPrefix(value, "'"); quoted {
			value = strings.TrimSuffix(inner, "'")
		}
		found[pair[1]] = regexp.MustCompile(`\\(.)`).ReplaceAllString(value, "$1")
	}
	return found
}

var keyValue = regexp.MustCompile(`(?s)([A-Za-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)`)

// section reads one service of a service file.
func section(name, service string) map[string]string {
	found := map[string]string{}
	text, err := readBounded(name)
	if err != nil {
		return found
	}
	inside := false
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		line := strings.TrimSpace(scanner.Text())
		if strings.HasPrefix(line, "[") {
			inside = strings.Trim(line, "[]") == service
		} else if key, value, ok := strings.Cut(line, "="); ok && inside {
			found[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return found
}

package server

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// defaultsVariable is an environment variable. If it is not empty, jit keeps the server's default: on, in the usual
// packages.
const defaultsVariable = "REKEY_PG_DEFAULTS"

// settings returns the settings of a server. Memory is modest since several servers run at once on a small machine;
// jit is off since it slows the tests' many short queries on the catalogues.
func (o Options) settings(port int, socketDir string) map[string]string {
	all := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": socketDir,
		"shared_buffers":          "64MB",
		"max_connections":         "60",
		"jit":                     "off",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
	}
	if !o.Durable {
		maps.Copy(all, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	if os.Getenv(defaultsVariable) != "" {
		delete(all, "jit")
	}
	maps.Copy(all, o.Settings)
	return all
}

// configuration formats settings as a postgresql.conf.
func configuration(settings map[string]string) (string, error) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := settings[name]
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`).MatchString(name) || strings.ContainsAny(value, "\n\r\x00") {
			return "", fmt.Errorf("setting %q = %q cannot be written into postgresql.conf", name, value)
		}
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value)
		fmt.Fprintf(&text, "%s = '%s'\n", name, quoted)
	}
	return text.String(), nil
}
